//! Tests of explanations, one topic per file.

mod bounds;
mod clauses;
mod examples;
mod flags;
mod mask;

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::eval::{Found, MembershipAnswer, Outcome, evaluate};
use crate::model::{DataSet, Entry, ItemData, Segment};
use crate::text::Text;

/// A snapshot of flag data.
struct Data {
    items: DataSet,
    memberships: HashMap<Text, MembershipAnswer>,
}

impl Lookup for Data {
    fn flag(&self, key: &str) -> Found<&Flag> {
        find(&self.items.flags, key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        find(&self.items.segments, key)
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        self.memberships
            .get(context_key)
            .map_or(Found::Unknown, Found::Present)
    }
}

fn find<'a, T: ItemData>(entries: &'a [Entry<T>], key: &str) -> Found<&'a T> {
    let entry = entries.iter().find(|entry| *entry.key() == *key);
    entry.and_then(Entry::present).map(AsRef::as_ref).into()
}

impl Data {
    fn new(flags: Json, segments: Json) -> Self {
        let json = json!({"flags": flags, "segments": segments}).to_string();
        Self {
            items: DataSet::from_json(json.as_bytes()).unwrap(),
            memberships: HashMap::new(),
        }
    }

    /// A flag `f` with a rule of these clauses.
    fn clauses(clauses: Json) -> Self {
        let rule = json!({"clauses": clauses, "variation": 1});
        Self::new(json!({"f": flag(json!({"rules": [rule]}))}), json!({}))
    }

    fn answering(mut self, context_key: &str, answer: MembershipAnswer) -> Self {
        self.memberships.insert(context_key.into(), answer);
        self
    }

    /// The same data as a store in memory holds it.
    fn without_texts(mut self) -> Self {
        let flags = self.items.flags.into_iter().map(Entry::without_json);
        self.items.flags = flags.collect();
        let segments = self.items.segments.into_iter().map(Entry::without_json);
        self.items.segments = segments.collect();
        self
    }

    fn explain(&self, key: &str, context: &Context) -> Explanation {
        self.explain_with(key, context, &ExplainOptions::default())
    }

    /// Checks that the result is that of an evaluation.
    fn explain_with(&self, key: &str, context: &Context, options: &ExplainOptions) -> Explanation {
        let Found::Present(flag) = self.flag(key) else {
            panic!("the data has no flag {key}");
        };
        let explanation = explain(flag, context, self, options).unwrap();
        let Outcome::Done(evaluation) = evaluate(flag, context, self) else {
            panic!("the data is incomplete");
        };
        let (index, value) = evaluation.variation.unzip();
        assert_eq!(explanation.variation, index);
        assert_eq!(explanation.value.as_ref(), value);
        assert_eq!(explanation.reason, evaluation.reason());
        explanation
    }
}

/// A flag that is on and serves variation 0 of two, with more properties.
fn flag(more: Json) -> Json {
    let mut flag = json!({"on": true, "version": 3, "variations": ["a", "b"], "offVariation": 0,
        "fallthrough": {"variation": 0}, "salt": "s"});
    let members = flag.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    flag
}

fn context(json: Json) -> Context {
    Context::try_from(json).unwrap()
}

fn user(more: Json) -> Context {
    let mut user = json!({"kind": "user", "key": "ada"});
    let members = user.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    context(user)
}

/// The first clause of the first rule.
fn first_clause(explanation: &Explanation) -> &ClauseStep {
    let rule = explanation.steps.iter().find_map(|step| match &step.kind {
        StepKind::Rule(rule) => Some(rule),
        _ => None,
    });
    &rule.unwrap().clauses[0]
}
