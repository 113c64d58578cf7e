//! Tests of the evaluator against the rules of the protocol, one topic per file.

mod big_segments;
mod clauses;
mod detail;
mod flag;
mod prerequisites;
mod rollouts;
mod segments;
mod targets;

use std::collections::HashMap;
use std::thread;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{DataSet, Entry, ItemData, Segment};
use crate::text::Text;

/// A snapshot of flag data.
#[derive(Default)]
struct Data {
    items: DataSet,
    memberships: HashMap<Text, MembershipAnswer>,
    /// The key of the one item that must be fetched first.
    unknown: Option<&'static str>,
}

impl Lookup for Data {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.find(&self.items.flags, key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.find(&self.items.segments, key)
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        self.memberships
            .get(context_key)
            .map_or(Found::Unknown, Found::Present)
    }
}

impl Data {
    fn new(flags: Json, segments: Json) -> Self {
        let json = json!({"flags": flags, "segments": segments}).to_string();
        Self {
            items: DataSet::from_json(json.as_bytes()).unwrap(),
            ..Self::default()
        }
    }

    fn flags(flags: Json) -> Self {
        Self::new(flags, json!({}))
    }

    /// A flag `f` that serves 1 if the clause matches, and 0 otherwise.
    fn clause(clause: Json, segments: Json) -> Self {
        let rule = json!({"id": "r", "clauses": [clause], "variation": 1});
        Self::new(json!({"f": flag(json!({"rules": [rule]}))}), segments)
    }

    fn without(mut self, unknown: &'static str) -> Self {
        self.unknown = Some(unknown);
        self
    }

    fn answering(mut self, context_key: &str, answer: MembershipAnswer) -> Self {
        self.memberships.insert(context_key.into(), answer);
        self
    }

    fn find<'a, T: ItemData>(&self, entries: &'a [Entry<T>], key: &str) -> Found<&'a T> {
        if self.unknown == Some(key) {
            return Found::Unknown;
        }
        let entry = entries.iter().rfind(|entry| *entry.key() == *key);
        entry.and_then(Entry::present).map(AsRef::as_ref).into()
    }

    fn outcome<'a>(&'a self, key: &str, context: &'a Context) -> Outcome<'a> {
        let present = self.find(&self.items.flags, key);
        let Found::Present(flag) = present else {
            panic!("the data has no flag {key}");
        };
        evaluate(flag, context, self)
    }

    fn evaluation<'a>(&'a self, key: &str, context: &'a Context) -> Evaluation<'a> {
        match self.outcome(key, context) {
            Outcome::Done(evaluation) => evaluation,
            Outcome::Needs(need) => panic!("{need:?} was not expected"),
        }
    }

    fn need(&self, key: &str, context: &Context) -> Option<Need> {
        match self.outcome(key, context) {
            Outcome::Done(_) => None,
            Outcome::Needs(need) => Some(need),
        }
    }

    /// Returns `[index, reason]`.
    fn detail(&self, key: &str, context: &Context) -> Json {
        let evaluation = self.evaluation(key, context);
        json!([index(evaluation.variation), evaluation.reason()])
    }

    /// Returns `[flag, dependent flag, index, reason]` for each evaluated prerequisite.
    fn prerequisites(&self, key: &str, context: &Context) -> Json {
        let evaluation = self.evaluation(key, context);
        let events = evaluation.prerequisites().iter().map(|event| {
            json!([
                event.flag.key(),
                event.prerequisite_of,
                index(event.variation),
                reason(event.verdict),
            ])
        });
        events.collect()
    }

    /// Whether the rule of flag `f` matches; `None` if the flag is malformed.
    fn matches(&self, context: &Context) -> Option<bool> {
        match self.evaluation("f", context).verdict {
            Verdict::RuleMatch { .. } => Some(true),
            Verdict::Fallthrough { .. } => Some(false),
            Verdict::Error(EvalErrorKind::MalformedFlag) => None,
            other => panic!("{other:?} was not expected"),
        }
    }
}

fn index(variation: Option<(usize, &Value)>) -> Option<usize> {
    variation.map(|(index, _)| index)
}

fn reason(verdict: Verdict<'_>) -> Reason {
    let evaluation = Evaluation {
        verdict,
        ..Evaluation::new()
    };
    evaluation.reason()
}

/// A flag with three variations that is on and falls through to the first; `more` overrides.
fn flag(more: Json) -> Json {
    let base = json!({"on": true, "variations": ["zero", "one", "two"], "offVariation": 2,
        "fallthrough": {"variation": 0}});
    merged(base, more)
}

/// A flag that requires the first variation of other flags.
fn requiring(keys: &[&str]) -> Json {
    let required: Json = keys
        .iter()
        .map(|key| json!({"key": key, "variation": 0}))
        .collect();
    flag(json!({"prerequisites": required}))
}

fn merged(mut base: Json, more: Json) -> Json {
    let Json::Object(more) = more else {
        panic!("{more} is no object");
    };
    base.as_object_mut().unwrap().extend(more);
    base
}

/// Whether a clause matches; `None` if it makes the flag malformed.
fn clause(clause: Json, context: &Context) -> Option<bool> {
    Data::clause(clause, json!({})).matches(context)
}

/// Whether a context is in segment `key`; `None` if that makes the flag malformed.
fn in_segment(key: &str, segments: Json, context: &Context) -> Option<bool> {
    Data::clause(segment_match(&[key]), segments).matches(context)
}

fn segment_match(keys: &[&str]) -> Json {
    json!({"op": "segmentMatch", "values": keys})
}

fn rule_of(clause: Json) -> Json {
    json!({"clauses": [clause]})
}

fn context(json: Json) -> Context {
    Context::try_from(json).unwrap()
}

fn user(key: &str) -> Context {
    Context::new(key).unwrap()
}

fn with_attribute(value: Json) -> Context {
    Context::builder("ada").set("a", value).build().unwrap()
}

fn org_and_user(org: &str, user: &str) -> Context {
    context(json!({"kind": "multi", "org": {"key": org}, "user": {"key": user}}))
}

fn off(index: impl Into<Option<usize>>) -> Json {
    json!([index.into(), {"kind": "OFF"}])
}

fn fallthrough(index: usize) -> Json {
    json!([index, {"kind": "FALLTHROUGH"}])
}

fn target_match(index: usize) -> Json {
    json!([index, {"kind": "TARGET_MATCH"}])
}

fn prerequisite_failed(index: impl Into<Option<usize>>, key: &str) -> Json {
    json!([index.into(), {"kind": "PREREQUISITE_FAILED", "prerequisiteKey": key}])
}

fn malformed() -> Json {
    json!([null, {"kind": "ERROR", "errorKind": "MALFORMED_FLAG"}])
}

/// Flags `f0`, `f1` and so on, each of which requires the next; the last one is `last`.
fn prerequisite_chain(length: usize, last: Json) -> Json {
    let mut flags: serde_json::Map<_, _> = (1..length)
        .map(|n| (format!("f{}", n - 1), requiring(&[&format!("f{n}")])))
        .collect();
    flags.insert(format!("f{}", length - 1), last);
    flags.into()
}

/// Segments `s0`, `s1` and so on, each of which refers to the next; the last one includes `ada`.
fn segment_chain(length: usize) -> Json {
    let mut segments: serde_json::Map<_, _> = (1..length)
        .map(|n| {
            let rule = rule_of(segment_match(&[&format!("s{n}")]));
            (format!("s{}", n - 1), json!({"rules": [rule]}))
        })
        .collect();
    segments.insert(format!("s{}", length - 1), json!({"included": ["ada"]}));
    segments.into()
}

fn with_nested(value: &str) -> Context {
    let builder = Context::builder("other").set("o", json!({"p": value}));
    builder.build().unwrap()
}

fn answer(included: &[&str], excluded: &[&str], status: BigSegmentsStatus) -> MembershipAnswer {
    let membership = Membership::new(included.to_vec(), excluded.to_vec());
    MembershipAnswer::new(Some(membership), status)
}

fn status(data: &Data, context: &Context) -> Option<BigSegmentsStatus> {
    data.evaluation("f", context).big_segments_status
}
