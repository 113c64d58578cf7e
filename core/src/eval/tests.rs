use std::collections::HashMap;
use std::thread;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{DataSet, Entry, Keyed, Segment};
use crate::text::Text;

/// The data of one moment, as a store would hold it.
#[derive(Default)]
struct Data {
    items: DataSet,
    memberships: HashMap<Text, MembershipAnswer>,
    /// The key of the one item that has to be fetched first.
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
        self.memberships.get(context_key).map_or(Found::Unknown, Found::Present)
    }
}

impl Data {
    fn new(flags: Json, segments: Json) -> Self {
        let json = json!({"flags": flags, "segments": segments}).to_string();
        Self { items: DataSet::from_json(json.as_bytes()).unwrap(), ..Self::default() }
    }

    fn flags(flags: Json) -> Self {
        Self::new(flags, json!({}))
    }

    /// A flag `f` that serves 1 to whom the clause matches, and 0 to others.
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

    fn find<'a, T: Keyed>(&self, entries: &'a [Entry<T>], key: &str) -> Found<&'a T> {
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

    /// `[index, reason]`
    fn detail(&self, key: &str, context: &Context) -> Json {
        let evaluation = self.evaluation(key, context);
        json!([index(evaluation.variation), evaluation.reason()])
    }

    /// `[flag, the flag that depends on it, index, reason]` of each prerequisite that was evaluated.
    fn prerequisites(&self, key: &str, context: &Context) -> Json {
        let evaluation = self.evaluation(key, context);
        let events = evaluation.prerequisites.iter().map(|event| {
            json!([event.flag.key(), event.prerequisite_of, index(event.variation), reason(event.verdict),])
        });
        events.collect()
    }

    /// Whether the rule of flag `f` matches; none if the flag is malformed.
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
    let evaluation = Evaluation { verdict, ..Evaluation::new() };
    evaluation.reason()
}

/// A flag of three variations that is on and falls through to the first; `more` overrides.
fn flag(more: Json) -> Json {
    let base = json!({"on": true, "variations": ["zero", "one", "two"], "offVariation": 2,
        "fallthrough": {"variation": 0}});
    merged(base, more)
}

/// A flag that requires the first variation of others.
fn requiring(keys: &[&str]) -> Json {
    let required: Json = keys.iter().map(|key| json!({"key": key, "variation": 0})).collect();
    flag(json!({"prerequisites": required}))
}

fn merged(mut base: Json, more: Json) -> Json {
    let Json::Object(more) = more else {
        panic!("{more} is no object");
    };
    base.as_object_mut().unwrap().extend(more);
    base
}

/// Whether a clause matches; none if it makes the flag malformed.
fn clause(clause: Json, context: &Context) -> Option<bool> {
    Data::clause(clause, json!({})).matches(context)
}

/// Whether a context is in segment `key`; none if that makes the flag malformed.
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

/// Threads of servers often have far smaller stacks than the main thread.
fn in_a_thread_with_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(test);
    thread.unwrap().join().unwrap();
}

const OPERATORS: [&str; 14] = [
    "in",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "semVerEqual",
    "semVerLessThan",
    "semVerGreaterThan",
];

// Spec 01, section 3.2
#[test]
fn reasons_are_written_without_null_false_or_empty_members() {
    let rule =
        |rule_id: &str, in_experiment| ReasonKind::RuleMatch { rule_index: 0, rule_id: rule_id.into(), in_experiment };
    let failed = ReasonKind::PrerequisiteFailed { prerequisite_key: "p".into() };
    for (kind, json) in [
        (ReasonKind::Off, json!({"kind": "OFF"})),
        (ReasonKind::TargetMatch, json!({"kind": "TARGET_MATCH"})),
        (ReasonKind::Fallthrough { in_experiment: false }, json!({"kind": "FALLTHROUGH"})),
        (ReasonKind::Fallthrough { in_experiment: true }, json!({"kind": "FALLTHROUGH", "inExperiment": true})),
        (rule("", false), json!({"kind": "RULE_MATCH", "ruleIndex": 0})),
        (rule("r", true), json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r", "inExperiment": true})),
        (failed, json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "p"})),
        (ReasonKind::Error(EvalErrorKind::WrongType), json!({"kind": "ERROR", "errorKind": "WRONG_TYPE"})),
    ] {
        let mut reason = Reason::from(kind);
        assert_eq!(serde_json::to_value(&reason).unwrap(), json);

        reason.big_segments_status = Some(BigSegmentsStatus::Stale);
        let with_status = merged(json, json!({"bigSegmentsStatus": "STALE"}));
        assert_eq!(serde_json::to_value(&reason).unwrap(), with_status);
    }
}

// Spec 01, sections 3.2 and 3.3
#[test]
fn error_kinds_and_statuses_are_written_in_the_words_of_the_protocol() {
    for (kind, word) in [
        (EvalErrorKind::ClientNotReady, "CLIENT_NOT_READY"),
        (EvalErrorKind::FlagNotFound, "FLAG_NOT_FOUND"),
        (EvalErrorKind::UserNotSpecified, "USER_NOT_SPECIFIED"),
        (EvalErrorKind::MalformedFlag, "MALFORMED_FLAG"),
        (EvalErrorKind::WrongType, "WRONG_TYPE"),
        (EvalErrorKind::Exception, "EXCEPTION"),
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(word));
    }
    for (status, word) in [
        (BigSegmentsStatus::Healthy, "HEALTHY"),
        (BigSegmentsStatus::Stale, "STALE"),
        (BigSegmentsStatus::StoreError, "STORE_ERROR"),
        (BigSegmentsStatus::NotConfigured, "NOT_CONFIGURED"),
    ] {
        assert_eq!(serde_json::to_value(status).unwrap(), json!(word));
    }
}

// Spec 01, section 4.2
#[test]
fn a_flag_that_is_off_serves_its_off_variation_and_looks_at_nothing_else() {
    let busy = json!({"on": false, "prerequisites": [{"key": "missing"}],
        "targets": [{"variation": 1, "values": ["ada"]}], "rules": [{"variation": 1}]});
    for (off_variation, expected) in
        [(json!(1), off(1)), (json!(null), off(None)), (json!(3), malformed()), (json!(-1), malformed())]
    {
        let f = merged(flag(busy.clone()), json!({"offVariation": off_variation.clone()}));
        let data = Data::flags(json!({"f": f}));
        assert_eq!(data.detail("f", &user("ada")), expected, "{off_variation}");
        assert_eq!(data.prerequisites("f", &user("ada")), json!([]));
    }
}

// Spec 01, section 4.2
#[test]
fn an_outcome_is_its_variation_else_its_rollout_else_malformed() {
    let rollout = |index: i64| json!({"variations": [{"variation": index, "weight": 100_000}]});
    for (outcome, index) in [
        (json!({"variation": 2}), Some(2)),
        (json!({"variation": 2.0}), Some(2)),
        (json!({"variation": 1, "rollout": rollout(2)}), Some(1)),
        (json!({"variation": null, "rollout": rollout(2)}), Some(2)),
        (json!({"variation": 3}), None),
        (json!({"variation": -1}), None),
        (json!({"variation": 3, "rollout": rollout(2)}), None),
        (json!({"rollout": rollout(3)}), None),
        (json!({"rollout": rollout(-1)}), None),
        (json!({"rollout": {"variations": []}}), None),
        (json!({"rollout": {}}), None),
        (json!({"rollout": null}), None),
        (json!({}), None),
    ] {
        let by_rule = json!({"rules": [outcome.clone()]});
        let data = Data::flags(json!({
            "by-fallthrough": flag(json!({"fallthrough": outcome.clone()})),
            "by-rule": flag(by_rule),
        }));
        let expected = |reason: Json| index.map_or_else(malformed, |index| json!([index, reason]));
        assert_eq!(data.detail("by-fallthrough", &user("ada")), expected(json!({"kind": "FALLTHROUGH"})), "{outcome}");
        assert_eq!(
            data.detail("by-rule", &user("ada")),
            expected(json!({"kind": "RULE_MATCH", "ruleIndex": 0})),
            "{outcome}"
        );
    }
}

// Spec 01, sections 3.1 and 4.2
#[test]
fn the_value_is_the_variation_itself_even_if_that_is_null() {
    let variations = json!([null, {"x": [1]}, false]);
    let data = Data::flags(json!({
        "null": flag(json!({"variations": variations.clone()})),
        "object": flag(json!({"variations": variations, "fallthrough": {"variation": 1}})),
    }));
    let ada = user("ada");
    assert_eq!(data.evaluation("null", &ada).variation, Some((0, &Value::Null)));
    assert_eq!(data.evaluation("object", &ada).variation, Some((1, &json!({"x": [1]}).into())));
}

// Spec 01, section 4.2
#[test]
fn targets_come_before_rules_and_the_first_matching_rule_wins() {
    let data = Data::flags(json!({"f": flag(json!({
        "targets": [{"variation": 2, "values": ["targeted"]}],
        "rules": [
            {"id": "never", "clauses": [{"attribute": "key", "op": "in", "values": []}], "variation": 0},
            {"id": "keyed", "clauses": [{"attribute": "key", "op": "in", "values": ["ada"]}], "variation": 1},
            {"variation": 0},
        ],
    }))}));
    for (key, expected) in [
        ("targeted", target_match(2)),
        ("ada", json!([1, {"kind": "RULE_MATCH", "ruleIndex": 1, "ruleId": "keyed"}])),
        ("bob", json!([0, {"kind": "RULE_MATCH", "ruleIndex": 2}])),
    ] {
        assert_eq!(data.detail("f", &user(key)), expected, "{key}");
    }
}

/// Rules that end in a fatal error for everybody, and the segments that they need.
fn fatal_rules() -> [(Json, Json); 4] {
    let circle = json!({"s": {"rules": [rule_of(segment_match(&["s"]))]}});
    let broken = json!({"s": {"rules": [{"weight": 1, "bucketBy": "//", "rolloutContextKind": "user"}]}});
    [
        (rule_of(json!({"op": "in"})), json!({})),
        (rule_of(json!({"op": "in", "attribute": "/a//b", "contextKind": "user"})), json!({})),
        (rule_of(segment_match(&["s"])), circle),
        (rule_of(segment_match(&["s"])), broken),
    ]
}

/// What makes a flag malformed and nothing else.
fn local_errors() -> [Json; 6] {
    let bad_attribute = json!({"contextKind": "user", "bucketBy": "//", "variations": [{"weight": 100_000}]});
    [
        json!({"fallthrough": {"variation": 3}}),
        json!({"fallthrough": {}}),
        json!({"fallthrough": {"rollout": {"variations": []}}}),
        json!({"fallthrough": {"rollout": bad_attribute}}),
        json!({"targets": [{"variation": -1, "values": ["ada"]}]}),
        json!({"rules": [{"variation": 3}]}),
    ]
}

// Spec 01, section 4.3
#[test]
fn both_grades_of_errors_make_the_flag_itself_malformed() {
    for (rule, segments) in fatal_rules() {
        let f = flag(json!({"rules": [rule.clone(), {"variation": 1}]}));
        let data = Data::new(json!({"f": f}), segments);
        assert_eq!(data.detail("f", &user("ada")), malformed(), "{rule}");
    }
    for error in local_errors() {
        let data = Data::flags(json!({"f": flag(error.clone())}));
        assert_eq!(data.detail("f", &user("ada")), malformed(), "{error}");
    }
}

// Spec 01, section 4.3
#[test]
fn a_fatal_error_in_a_prerequisite_is_fatal_for_the_flag_and_leaves_no_trace_of_the_path() {
    for (rule, segments) in fatal_rules() {
        let flags = json!({
            "f": requiring(&["sound", "middle"]),
            "sound": flag(json!({})),
            "middle": requiring(&["broken"]),
            "broken": flag(json!({"rules": [rule.clone()]})),
        });
        let data = Data::new(flags, segments);
        let ada = user("ada");
        assert_eq!(data.detail("f", &ada), malformed(), "{rule}");
        let before = json!([["sound", "f", 0, {"kind": "FALLTHROUGH"}]]);
        assert_eq!(data.prerequisites("f", &ada), before, "{rule}");
    }
}

// Spec 01, sections 4.3 and 4.4
#[test]
fn a_local_error_in_a_prerequisite_fails_it_and_is_recorded() {
    let error = json!({"kind": "ERROR", "errorKind": "MALFORMED_FLAG"});
    for broken in local_errors() {
        let data = Data::flags(json!({"f": requiring(&["p"]), "p": flag(broken.clone())}));
        let ada = user("ada");
        assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "p"), "{broken}");
        let events = json!([["p", "f", null, error.clone()]]);
        assert_eq!(data.prerequisites("f", &ada), events, "{broken}");
    }
}

// Spec 01, section 4.4
#[test]
fn prerequisites_fail_unless_they_are_there_on_and_of_the_required_variation() {
    for (p, expected, events) in [
        (flag(json!({})), fallthrough(0), json!([["p", "f", 0, {"kind": "FALLTHROUGH"}]])),
        (
            flag(json!({"fallthrough": {"variation": 1}})),
            prerequisite_failed(2, "p"),
            json!([["p", "f", 1, {"kind": "FALLTHROUGH"}]]),
        ),
        (
            flag(json!({"on": false, "offVariation": 0})),
            prerequisite_failed(2, "p"),
            json!([["p", "f", 0, {"kind": "OFF"}]]),
        ),
        (
            flag(json!({"on": false, "offVariation": null})),
            prerequisite_failed(2, "p"),
            json!([["p", "f", null, {"kind": "OFF"}]]),
        ),
        (json!({"deleted": true, "version": 2}), prerequisite_failed(2, "p"), json!([])),
    ] {
        let data = Data::flags(json!({"f": requiring(&["p"]), "p": p.clone()}));
        let ada = user("ada");
        assert_eq!(data.detail("f", &ada), expected, "{p}");
        assert_eq!(data.prerequisites("f", &ada), events, "{p}");
    }
}

// Spec 01, section 4.4
#[test]
fn a_missing_prerequisite_fails_without_being_recorded() {
    let data = Data::flags(json!({"f": requiring(&["missing"])}));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "missing"));
    assert_eq!(data.prerequisites("f", &ada), json!([]));
}

// Spec 01, sections 4.2 and 4.4
#[test]
fn a_failed_prerequisite_gives_the_off_result() {
    for (off_variation, expected) in [
        (json!(1), prerequisite_failed(1, "missing")),
        (json!(null), prerequisite_failed(None, "missing")),
        (json!(3), malformed()),
    ] {
        let f = merged(requiring(&["missing"]), json!({"offVariation": off_variation}));
        let data = Data::flags(json!({"f": f}));
        assert_eq!(data.detail("f", &user("ada")), expected);
    }
}

// Spec 01, section 4.4
#[test]
fn prerequisites_behind_a_failed_one_are_not_evaluated() {
    let data = Data::flags(json!({
        "f": requiring(&["passes", "fails", "unseen"]),
        "passes": flag(json!({})),
        "fails": flag(json!({"fallthrough": {"variation": 1}})),
        "unseen": flag(json!({})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "fails"));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([["passes", "f", 0, {"kind": "FALLTHROUGH"}], ["fails", "f", 1, {"kind": "FALLTHROUGH"}]])
    );
}

// Spec 01, section 4.4
#[test]
fn a_nested_failure_names_the_direct_prerequisite_and_is_recorded_deepest_first() {
    let data = Data::flags(json!({
        "f": requiring(&["middle"]),
        "middle": requiring(&["deep"]),
        "deep": flag(json!({"on": false})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "middle"));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([
            ["deep", "middle", 2, {"kind": "OFF"}],
            ["middle", "f", 2, {"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "deep"}],
        ])
    );
}

// Spec 01, section 4.4
#[test]
fn the_same_flag_may_be_a_prerequisite_in_two_branches() {
    let data = Data::flags(json!({
        "f": requiring(&["shared", "other"]),
        "other": requiring(&["shared"]),
        "shared": flag(json!({})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), fallthrough(0));
    assert_eq!(
        data.prerequisites("f", &ada),
        json!([
            ["shared", "f", 0, {"kind": "FALLTHROUGH"}],
            ["shared", "other", 0, {"kind": "FALLTHROUGH"}],
            ["other", "f", 0, {"kind": "FALLTHROUGH"}],
        ])
    );
}

// Spec 01, section 4.4
#[test]
fn a_flag_that_failed_in_one_branch_is_no_circle_in_the_next() {
    let data = Data::flags(json!({
        "f": requiring(&["one", "two"]),
        "one": merged(requiring(&["off"]), json!({"offVariation": 0})),
        "two": requiring(&["one"]),
        "off": flag(json!({"on": false})),
    }));
    let ada = user("ada");
    assert_eq!(
        data.detail("f", &ada),
        json!([0, {"kind": "FALLTHROUGH"}]),
        "a failed prerequisite that is on still meets the requirement by its variation"
    );
    assert_eq!(data.prerequisites("f", &ada).as_array().map(Vec::len), Some(5));
}

// Spec 01, section 4.4
#[test]
fn circles_of_prerequisites_are_malformed_wherever_they_close() {
    for flags in [
        json!({"f": requiring(&["f"])}),
        json!({"f": requiring(&["a"]), "a": requiring(&["f"])}),
        json!({"f": requiring(&["a"]), "a": requiring(&["b"]), "b": requiring(&["a"])}),
        json!({"f": requiring(&["a"]), "a": requiring(&["b"]), "b": requiring(&["f"])}),
    ] {
        let data = Data::flags(flags.clone());
        assert_eq!(data.detail("f", &user("ada")), malformed(), "{flags}");
        assert_eq!(data.prerequisites("f", &user("ada")), json!([]), "{flags}");
    }
}

// Spec 01, section 4.4
#[test]
fn a_flag_that_is_off_breaks_a_circle() {
    let data = Data::flags(json!({
        "f": requiring(&["a"]),
        "a": merged(requiring(&["f"]), json!({"on": false})),
    }));
    let ada = user("ada");
    assert_eq!(data.detail("f", &ada), prerequisite_failed(2, "a"));
    assert_eq!(data.prerequisites("f", &ada), json!([["a", "f", 2, {"kind": "OFF"}]]));
}

/// Flags `f0`, `f1` and so on, each of which requires the next; the last one is `last`.
fn prerequisite_chain(length: usize, last: Json) -> Json {
    let mut flags: serde_json::Map<_, _> =
        (1..length).map(|n| (format!("f{}", n - 1), requiring(&[&format!("f{n}")]))).collect();
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

// Spec 01, sections 4.4 and 9
#[test]
fn a_hundred_prerequisites_may_follow_one_another_and_no_more() {
    for (length, expected) in [(101, fallthrough(0)), (102, malformed()), (10_000, malformed())] {
        let data = Data::flags(prerequisite_chain(length, flag(json!({}))));
        assert_eq!(data.detail("f0", &user("ada")), expected, "{length} flags");
    }
}

// Spec 01, sections 4.10 and 9
#[test]
fn segments_may_be_nested_a_hundred_deep_and_no_deeper() {
    for (length, expected) in [(100, Some(true)), (101, None), (10_000, None)] {
        let found = in_segment("s0", segment_chain(length), &user("ada"));
        assert_eq!(found, expected, "{length} segments");
    }
}

// Spec 01, section 9
#[test]
fn the_deepest_data_that_is_allowed_fits_into_a_small_stack() {
    in_a_thread_with_a_small_stack(|| {
        let last = flag(json!({"rules": [{"clauses": [segment_match(&["s0"])], "variation": 0}]}));
        let data = Data::new(prerequisite_chain(101, last), segment_chain(100));
        let ada = user("ada");
        assert_eq!(data.detail("f0", &ada), fallthrough(0));
        let evaluation = data.evaluation("f0", &ada);
        let reasons: Vec<_> = evaluation.prerequisites.iter().map(|event| reason(event.verdict).to_string()).collect();
        assert_eq!(reasons.len(), 100);
        assert_eq!(reasons[0], "matched rule 0");
    });
}

// Spec 01, section 9
#[test]
fn data_that_goes_too_deep_is_malformed_even_in_a_small_stack() {
    in_a_thread_with_a_small_stack(|| {
        let ada = user("ada");
        let flags = Data::flags(prerequisite_chain(10_000, flag(json!({}))));
        assert_eq!(flags.detail("f0", &ada), malformed());
        assert_eq!(in_segment("s0", segment_chain(10_000), &ada), None);
    });
}

// Spec 01, section 4.5
#[test]
fn without_context_targets_the_older_lists_are_scanned_in_order() {
    let data = Data::flags(json!({"f": flag(json!({"targets": [
        {"variation": 1, "values": ["ada", "both"]},
        {"variation": 2, "values": ["bob", "both"]},
        {"variation": 1, "values": ["second-list"]},
        {"contextKind": "org", "variation": 2, "values": ["acme"]},
        {"values": ["default-variation"]},
    ]}))}));
    for (context, expected) in [
        (user("ada"), target_match(1)),
        (user("bob"), target_match(2)),
        (user("both"), target_match(1)),
        (user("second-list"), target_match(1)),
        (user("default-variation"), target_match(0)),
        (user("acme"), fallthrough(0)),
        (user("ADA"), fallthrough(0)),
        (Context::with_kind("acme", "org").unwrap(), target_match(2)),
        (Context::with_kind("ada", "org").unwrap(), fallthrough(0)),
        (org_and_user("acme", "ada"), target_match(1)),
        (org_and_user("acme", "eve"), target_match(2)),
    ] {
        let key = context.fully_qualified_key().to_owned();
        assert_eq!(data.detail("f", &context), expected, "{key}");
    }
}

// Spec 01, section 4.5
#[test]
fn the_order_of_context_targets_decides_between_kinds() {
    let org = json!({"contextKind": "org", "variation": 1, "values": ["acme"]});
    let placeholder = json!({"contextKind": "user", "variation": 2});
    let targets = json!([{"variation": 2, "values": ["ada"]}]);
    for (lists, index) in [(json!([org.clone(), placeholder.clone()]), 1), (json!([placeholder, org]), 2)] {
        let f = flag(json!({"targets": targets.clone(), "contextTargets": lists.clone()}));
        let data = Data::flags(json!({"f": f}));
        let both = org_and_user("acme", "ada");
        assert_eq!(data.detail("f", &both), target_match(index), "{lists}");
    }
}

// Spec 01, section 4.5
#[test]
fn an_empty_entry_of_kind_user_stands_for_the_first_older_list_of_its_variation() {
    let data = Data::flags(json!({"f": flag(json!({
        "targets": [
            {"variation": 1, "values": ["ada"]},
            {"variation": 1, "values": ["second-list"]},
            {"variation": 2, "contextKind": "org", "values": ["acme"]},
            {"variation": 0, "values": ["not-referred-to"]},
        ],
        "contextTargets": [
            {"variation": 1},
            {"contextKind": "user", "variation": 2, "values": []},
            {"contextKind": "user", "variation": 7, "values": []},
            {"contextKind": "user", "variation": 1, "values": ["own"]},
            {"contextKind": "org", "variation": 0, "values": []},
        ],
    }))}));
    for (context, expected) in [
        (user("ada"), target_match(1)),
        (user("own"), target_match(1)),
        (user("second-list"), fallthrough(0)),
        (user("not-referred-to"), fallthrough(0)),
        (user("acme"), fallthrough(0)),
        (Context::with_kind("acme", "org").unwrap(), target_match(2)),
        (Context::with_kind("ada", "org").unwrap(), fallthrough(0)),
    ] {
        let key = context.fully_qualified_key().to_owned();
        assert_eq!(data.detail("f", &context), expected, "{key}");
    }
}

// Spec 01, section 4.5
#[test]
fn an_entry_of_kind_user_with_keys_of_its_own_refers_to_no_older_list() {
    let data = Data::flags(json!({"f": flag(json!({
        "targets": [{"variation": 1, "values": ["older"]}],
        "contextTargets": [{"contextKind": "user", "variation": 1, "values": ["own"]}],
    }))}));
    assert_eq!(data.detail("f", &user("own")), target_match(1));
    assert_eq!(data.detail("f", &user("older")), fallthrough(0));
}

// Spec 01, section 4.5
#[test]
fn an_impossible_target_variation_matters_only_to_those_it_targets() {
    let data = Data::flags(json!({"f": flag(json!({"targets": [{"variation": 3, "values": ["ada"]}]}))}));
    assert_eq!(data.detail("f", &user("ada")), malformed());
    assert_eq!(data.detail("f", &user("bob")), fallthrough(0));
}

// Spec 01, section 4.5
#[test]
fn long_target_lists_work_like_short_ones() {
    let keys = |from: usize| (from..from + 1_000).map(|n| format!("key-{n}"));
    let data = Data::flags(json!({"f": flag(json!({"targets": [
        {"variation": 1, "values": keys(0).collect::<Vec<_>>()},
        {"variation": 2, "values": keys(500).collect::<Vec<_>>()},
    ]}))}));
    for (key, expected) in [
        ("key-0", target_match(1)),
        ("key-999", target_match(1)),
        ("key-1000", target_match(2)),
        ("key-1499", target_match(2)),
        ("key-1500", fallthrough(0)),
    ] {
        assert_eq!(data.detail("f", &user(key)), expected, "{key}");
    }
}

// Spec 01, section 4.6
#[test]
fn a_rule_matches_if_all_of_its_clauses_do() {
    let yes = json!({"attribute": "key", "op": "in", "values": ["ada"]});
    let no = json!({"attribute": "key", "op": "in", "values": ["bob"]});
    let bad = json!({"op": "in", "values": ["ada"]});
    for (clauses, expected) in [
        (json!([]), Some(true)),
        (json!([yes]), Some(true)),
        (json!([yes, yes]), Some(true)),
        (json!([yes, no]), Some(false)),
        (json!([no, yes]), Some(false)),
        (json!([yes, bad]), None),
        (json!([bad, no]), None),
        (json!([no, bad]), Some(false)),
    ] {
        let rules = json!([{"clauses": clauses.clone(), "variation": 1}]);
        let data = Data::flags(json!({"f": flag(json!({"rules": rules}))}));
        assert_eq!(data.matches(&user("ada")), expected, "{clauses}");
    }
}

// Spec 01, sections 4.6 and 7.3
#[test]
fn a_clause_without_a_valid_attribute_is_malformed_whatever_else_it_says() {
    let mut bad = vec![
        json!({}),
        json!({"attribute": null}),
        json!({"attribute": ""}),
        json!({"contextKind": "user"}),
        json!({"contextKind": "user", "attribute": ""}),
        json!({"contextKind": "org", "attribute": "/"}),
    ];
    bad.extend(
        ["/", "//", "/o//p", "/o/", "/a~b", "/a~", "/a~2", "/o/p~"]
            .map(|text| json!({"contextKind": "user", "attribute": text})),
    );
    for bad in bad {
        for more in [
            json!({"op": "in", "values": ["x"]}),
            json!({"op": "in", "values": ["x"], "negate": true}),
            json!({"op": "no-such-op"}),
            json!({}),
        ] {
            let written = merged(bad.clone(), more);
            assert_eq!(clause(written.clone(), &user("ada")), None, "{written}");
        }
    }
}

// Spec 01, sections 2.3, 4.6 and 7.3
#[test]
fn an_attribute_is_a_plain_name_unless_a_kind_stands_beside_it() {
    let ada = context(json!({"kind": "user", "key": "k", "/o/p": "plain", "o": {"p": "nested"},
        "l": ["z"], "s": "str", "/": "slash"}));
    for (kind, attribute, value) in [
        (json!(null), "/o/p", "plain"),
        (json!(""), "/o/p", "plain"),
        (json!("user"), "/o/p", "nested"),
        (json!("user"), "/~1o~1p", "plain"),
        (json!(null), "/", "slash"),
        (json!("user"), "/key", "k"),
        (json!("user"), "key", "k"),
        (json!(null), "key", "k"),
    ] {
        let written = json!({"contextKind": kind, "attribute": attribute, "op": "in", "values": [value]});
        assert_eq!(clause(written.clone(), &ada), Some(true), "{written}");
    }
    for (kind, attribute) in [
        (json!("user"), "/l/0"),
        (json!("user"), "/s/len"),
        (json!("user"), "/o/none"),
        (json!("user"), "/~01"),
        (json!(null), "/key"),
        (json!(null), "//"),
    ] {
        for negate in [false, true] {
            let written = json!({"contextKind": kind, "attribute": attribute, "op": "in",
                "values": ["x"], "negate": negate});
            assert_eq!(clause(written.clone(), &ada), Some(false), "{written}");
        }
    }
}

// Spec 01, section 4.6
#[test]
fn built_in_attributes_can_be_tested_like_any_other() {
    let ada = context(json!({"kind": "user", "key": "k", "name": "N", "anonymous": true}));
    for (attribute, value, context, expected) in [
        ("key", json!("k"), &ada, true),
        ("name", json!("N"), &ada, true),
        ("anonymous", json!(true), &ada, true),
        ("anonymous", json!(false), &ada, false),
        ("anonymous", json!(false), &user("k"), true),
        ("name", json!("N"), &user("k"), false),
    ] {
        let written = json!({"attribute": attribute, "op": "in", "values": [value]});
        assert_eq!(clause(written.clone(), context), Some(expected), "{written}");
    }
    let nameless = json!({"attribute": "name", "op": "in", "values": ["N"], "negate": true});
    assert_eq!(clause(nameless, &user("k")), Some(false));
}

// Spec 01, section 4.6
#[test]
fn a_clause_looks_at_the_member_of_its_kind_and_without_one_never_matches() {
    let both = org_and_user("o", "u");
    for (kind, value, negate, expected) in [
        (json!(null), "u", false, true),
        (json!(null), "o", false, false),
        (json!("user"), "u", false, true),
        (json!("org"), "o", false, true),
        (json!("org"), "u", false, false),
        (json!("org"), "u", true, true),
        (json!("device"), "o", false, false),
        (json!("device"), "o", true, false),
        (json!("multi"), "o", true, false),
        (json!("!"), "o", true, false),
        (json!("Org"), "o", true, false),
    ] {
        let written = json!({"contextKind": kind, "attribute": "key", "op": "in", "values": [value],
            "negate": negate});
        assert_eq!(clause(written.clone(), &both), Some(expected), "{written}");
    }
}

// Spec 01, section 4.6
#[test]
fn the_attribute_kind_means_all_kinds_of_the_context() {
    let both = context(json!({"kind": "multi", "dog": {"key": "d"}, "user": {"key": "u"}}));
    let cat = Context::with_kind("c", "cat").unwrap();
    for (context, op, value, matches) in [
        (&both, "in", "dog", true),
        (&both, "in", "user", true),
        (&both, "in", "multi", false),
        (&both, "in", "cat", false),
        (&both, "startsWith", "do", true),
        (&cat, "in", "cat", true),
        (&cat, "in", "user", false),
        (&cat, "matches", "^c.t$", true),
        (&cat, "lessThan", "dog", false),
    ] {
        for (kind, attribute) in
            [(json!(null), "kind"), (json!("user"), "kind"), (json!("user"), "/kind"), (json!("other"), "kind")]
        {
            let written = json!({"contextKind": kind, "attribute": attribute, "op": op, "values": [value]});
            let negated = merged(written.clone(), json!({"negate": true}));
            assert_eq!(clause(written.clone(), context), Some(matches), "{written}");
            assert_eq!(clause(negated.clone(), context), Some(!matches), "{negated}");
        }
    }
}

// Spec 01, sections 4.6 and 4.9
#[test]
fn a_kind_that_reads_as_a_version_is_compared_as_one() {
    let versioned = Context::with_kind("k", "2.1").unwrap();
    for (op, value) in [("semVerEqual", "2.1.0"), ("semVerLessThan", "2.2"), ("semVerGreaterThan", "2.0")] {
        let written = json!({"attribute": "kind", "op": op, "values": [value]});
        assert_eq!(clause(written.clone(), &versioned), Some(true), "{written}");
    }
}

// Spec 01, section 4.6
#[test]
fn segment_clauses_ignore_attribute_and_kind_and_skip_what_names_no_segment() {
    let segments = json!({
        "has": {"included": ["ada"]},
        "has-not": {"included": ["bob"]},
        "deleted": {"deleted": true, "version": 1, "included": ["ada"]},
    });
    for (values, matches) in [
        (json!(["has"]), true),
        (json!(["has-not"]), false),
        (json!(["has-not", "has"]), true),
        (json!(["missing"]), false),
        (json!(["missing", 3, null, ["has"], "has"]), true),
        (json!([3, null, ["has"], {"key": "has"}]), false),
        (json!(["deleted"]), false),
        (json!([]), false),
    ] {
        for more in [json!({}), json!({"attribute": "///", "contextKind": "device"})] {
            for negate in [false, true] {
                let base = json!({"op": "segmentMatch", "values": values, "negate": negate});
                let written = merged(base, more.clone());
                let data = Data::clause(written.clone(), segments.clone());
                assert_eq!(data.matches(&user("ada")), Some(matches != negate), "{written}");
            }
        }
    }
}

/// Checks an operator against an attribute's value, plain and negated.
fn check(op: &str, attribute: Json, values: Json, matches: bool) {
    let context = with_attribute(attribute.clone());
    for negate in [false, true] {
        let written = json!({"attribute": "a", "op": op, "values": values, "negate": negate});
        assert_eq!(clause(written.clone(), &context), Some(matches != negate), "{attribute} against {written}");
    }
}

// Spec 01, sections 0.1 and 4.7
#[test]
fn in_compares_within_types_and_never_between_them() {
    for (attribute, values, matches) in [
        (json!("a"), json!(["b", "a"]), true),
        (json!("a"), json!(["A"]), false),
        (json!("a"), json!([]), false),
        (json!(""), json!([""]), true),
        (json!("é"), json!(["e\u{301}"]), false),
        (json!(3), json!([1, 3.0]), true),
        (json!(3.0), json!([3]), true),
        (json!(-0.0), json!([0]), true),
        (json!(3.5), json!([3]), false),
        (json!(9), json!([9, 100, -1, 0.5]), true),
        (json!(-1), json!([9, 100, -1, 0.5]), true),
        (json!(3), json!(["3"]), false),
        (json!("3"), json!([3]), false),
        (json!(true), json!([true]), true),
        (json!(true), json!([false, 1, "true"]), false),
        (json!(false), json!([false]), true),
        (json!(false), json!([true, 0, "", null, "false"]), false),
        (json!({"x": 1}), json!([{"x": 1}]), false),
        (json!([["x"]]), json!([["x"], "x"]), false),
        (json!([null]), json!([null]), false),
        (json!(["y", 3, true]), json!(["x", 3]), true),
    ] {
        check("in", attribute, values, matches);
    }
    let many: Json = (0..1_000).flat_map(|n| [json!(n), json!(format!("s{n}"))]).collect();
    for (attribute, matches) in
        [(json!(0), true), (json!(999), true), (json!(1_000), false), (json!("s999"), true), (json!("s1000"), false)]
    {
        check("in", attribute, many.clone(), matches);
    }
}

// Spec 01, section 4.7
#[test]
fn text_operators_take_strings_as_they_are() {
    for (op, attribute, values, matches) in [
        ("startsWith", json!("abc"), json!(["x", "ab"]), true),
        ("startsWith", json!("abc"), json!(["Ab", "bc"]), false),
        ("startsWith", json!("abc"), json!([""]), true),
        ("endsWith", json!("abc"), json!(["x", "bc"]), true),
        ("endsWith", json!("abc"), json!(["Bc", "ab"]), false),
        ("endsWith", json!("abc"), json!([""]), true),
        ("contains", json!("abc"), json!(["x", "b"]), true),
        ("contains", json!("abc"), json!(["B", "ac"]), false),
        ("contains", json!("abc"), json!([""]), true),
        ("contains", json!(["x", "abc"]), json!(["b"]), true),
        ("matches", json!("hello world"), json!(["wor"]), true),
        ("matches", json!("hello world"), json!(["^wor"]), false),
        ("matches", json!("hello world"), json!(["***", "o w"]), true),
        ("matches", json!("hello world"), json!(["(?=hello)"]), false),
        ("matches", json!("hello world"), json!(["WORLD", "(?i)WORLD"]), true),
        ("matches", json!("hello world"), json!([""]), true),
    ] {
        check(op, attribute, values, matches);
    }
}

// Spec 01, section 4.7
#[test]
fn number_operators_match_if_they_do_for_any_value() {
    for (attribute, values, less, less_or_equal, greater, greater_or_equal) in [
        (json!(1), json!([2]), true, true, false, false),
        (json!(2), json!([2.0]), false, true, false, true),
        (json!(3), json!([2]), false, false, true, true),
        (json!(2), json!([1, 3, 1]), true, true, true, true),
        (json!(-1.5), json!([-1.25]), true, true, false, false),
        (json!(2), json!(["9", null, 1]), false, false, true, true),
    ] {
        for (op, matches) in [
            ("lessThan", less),
            ("lessThanOrEqual", less_or_equal),
            ("greaterThan", greater),
            ("greaterThanOrEqual", greater_or_equal),
        ] {
            check(op, attribute.clone(), values.clone(), matches);
        }
    }
}

// Spec 01, sections 4.7 and 4.8
#[test]
fn dates_are_compared_as_instants_and_equal_ones_match_neither_way() {
    let noon = "2020-01-01T12:00:00Z";
    let noon_millis = 1_577_880_000_000_i64;
    for (attribute, values, before, after) in [
        (json!(noon), json!(["2020-01-01T12:00:01Z"]), true, false),
        (json!(noon), json!(["2020-01-01T11:59:59Z"]), false, true),
        (json!(noon), json!([noon]), false, false),
        (json!(noon), json!(["2020-01-01T13:00:00+01:00"]), false, false),
        (json!(noon), json!([noon_millis]), false, false),
        (json!(noon_millis), json!([noon_millis + 1]), true, false),
        (json!(noon_millis), json!([noon]), false, false),
        // Numbers lose their fraction, texts do not.
        (json!(1.9), json!([1]), false, false),
        (json!("1970-01-01T00:00:00.0015Z"), json!([1]), false, true),
        (json!(1e300), json!([1e299]), false, true),
        // Any value will do.
        (json!(5), json!([1, 9, 5]), true, true),
        (json!(5), json!(["no date", 9, true]), true, false),
        (json!([9, 5]), json!([6]), true, true),
    ] {
        check("before", attribute.clone(), values.clone(), before);
        check("after", attribute, values, after);
    }
}

// Spec 01, section 4.8
#[test]
fn every_year_of_four_digits_is_a_date() {
    check("before", json!(0), json!(["9999-12-31T23:59:59Z"]), true);
    check("before", json!(0), json!(["9999-12-31T23:59:59-23:59"]), true);
    check("after", json!(0), json!(["0000-01-01T00:00:00Z"]), true);
    check("after", json!(0), json!(["0000-01-01T00:00:00+23:59"]), true);
}

// Spec 01, sections 4.7 and 4.9
#[test]
fn versions_are_compared_by_precedence() {
    for (attribute, values, equal, less, greater) in [
        (json!("2.0.0"), json!(["2"]), true, false, false),
        (json!("2"), json!(["2.0.0+build"]), true, false, false),
        (json!("2.0.0-rc"), json!(["2"]), false, true, false),
        (json!("10.0.1"), json!(["2.0"]), false, false, true),
        (json!("2.0.0-rc.2"), json!(["2.0.0-rc.10"]), false, true, false),
        // Any value will do.
        (json!("2"), json!(["1", "3", "2"]), true, true, true),
        (json!("2"), json!(["v1", "bad", "3"]), false, true, false),
        (json!(["1", "3"]), json!(["2"]), false, true, true),
    ] {
        check("semVerEqual", attribute.clone(), values.clone(), equal);
        check("semVerLessThan", attribute.clone(), values.clone(), less);
        check("semVerGreaterThan", attribute, values, greater);
    }
}

// Spec 01, sections 4.6 and 4.7
#[test]
fn wrong_types_on_either_side_are_no_match_and_so_match_when_negated() {
    let texts: &[(Json, Json)] = &[
        (json!(1), json!(["1"])),
        (json!("1"), json!([1, true, null, ["1"], {}])),
        (json!(true), json!(["true"])),
        (json!({"a": 1}), json!(["a"])),
        (json!([[""]]), json!([""])),
    ];
    let numbers: &[(Json, Json)] = &[
        (json!("5"), json!([1, 5, 9])),
        (json!(5), json!(["1", "5", "9", true, null, [1], {}])),
        (json!(true), json!([0, 1, 2])),
        (json!({}), json!([0])),
        (json!([[5]]), json!([1, 5, 9])),
    ];
    let dates: &[(Json, Json)] = &[
        (json!("5"), json!([1, 9])),
        (json!(5), json!(["1", "9", "2017-12-06", true, null, {}])),
        (json!(true), json!([0, 2])),
        (json!("2017-12-06"), json!([0, 1e15])),
    ];
    let versions: &[(Json, Json)] = &[
        (json!(2), json!(["1", "2", "3"])),
        (json!("2"), json!([1, 2, 3, true, null, {}])),
        (json!("v2"), json!(["1", "2", "3"])),
        (json!("2"), json!(["v1", "02", "3."])),
        (json!(true), json!(["1"])),
    ];
    for op in OPERATORS {
        let cases = match op {
            "in" => continue,
            "startsWith" | "endsWith" | "contains" | "matches" => texts,
            "before" | "after" => dates,
            op if op.starts_with("semVer") => versions,
            _ => numbers,
        };
        for (attribute, values) in cases {
            check(op, attribute.clone(), values.clone(), false);
        }
    }
}

// Spec 01, section 7.7
#[test]
fn without_the_attribute_no_operator_matches_negated_or_not() {
    for context in [user("ada"), with_attribute(json!(null))] {
        for op in OPERATORS.into_iter().chain(["no-such-op", ""]) {
            for values in [json!([]), json!([1]), json!(["x"]), json!([null])] {
                for negate in [false, true] {
                    let written = json!({"attribute": "a", "op": op, "values": values, "negate": negate});
                    assert_eq!(clause(written.clone(), &context), Some(false), "{written}");
                }
            }
        }
    }
}

// Spec 01, section 7.7
#[test]
fn without_values_no_operator_matches_and_every_negated_one_does() {
    for op in OPERATORS.into_iter().chain(["no-such-op", ""]) {
        for attribute in [json!("x"), json!(1), json!(true), json!([1]), json!({})] {
            check(op, attribute, json!([]), false);
        }
    }
}

// Spec 01, section 7.7
#[test]
fn clauses_follow_the_table_of_vectors() {
    for (attribute, op, values, matches) in [
        (json!([]), "in", json!([1]), false),
        (json!([1, 2]), "in", json!([2, 9]), true),
        (json!(true), "in", json!([1]), false),
        (json!(true), "in", json!([1.0]), false),
        (json!(1), "in", json!([1.0]), true),
        (json!(1), "in", json!(["1"]), false),
        (json!(1), "in", json!([true]), false),
        (json!("99"), "lessThan", json!([100]), false),
        (json!("x"), "no-such-op", json!(["x"]), false),
        (json!("hello world"), "matches", json!(["l+"]), true),
        (json!("hello world"), "matches", json!(["***bad"]), false),
        (json!("Prefixabc"), "startsWith", json!(["prefix"]), false),
    ] {
        check(op, attribute, values, matches);
    }
    let both = context(json!({"kind": "multi", "dog": {"key": "d"}, "user": {"key": "u"}}));
    let negated = json!({"attribute": "kind", "op": "in", "values": ["dog"], "negate": true});
    assert_eq!(clause(negated, &both), Some(false));
    let pattern = json!({"attribute": "kind", "op": "matches", "values": ["^[uo]"]});
    assert_eq!(clause(pattern, &both), Some(true));
    let other_kind = json!({"contextKind": "org", "attribute": "key", "op": "in", "values": ["x"],
        "negate": true});
    assert_eq!(clause(other_kind, &user("ada")), Some(false));
}

// Spec 01, section 4.10
#[test]
fn includes_beat_excludes_and_excludes_beat_rules() {
    let segment = json!({
        "included": ["in", "both"],
        "excluded": ["out", "both"],
        "includedContexts": [
            {"contextKind": "org", "values": ["in", "both"]},
            {"values": ["in-by-default-kind"]},
            {"contextKind": "org", "values": ["in-second-list"]},
        ],
        "excludedContexts": [
            {"contextKind": "org", "values": ["out", "both"]},
            {"contextKind": "user", "values": ["in", "out-by-kind"]},
        ],
        "rules": [
            {"clauses": [{"attribute": "key", "op": "in", "values": ["out", "out-by-kind", "by-rule"]}]},
            {"clauses": [{"contextKind": "org", "attribute": "key", "op": "in", "values": ["out"]}]},
        ],
    });
    let org = |key| Context::with_kind(key, "org").unwrap();
    for (context, expected) in [
        (user("in"), true),
        (user("both"), true),
        (user("out"), false),
        (user("in-by-default-kind"), true),
        (user("out-by-kind"), false),
        (user("by-rule"), true),
        (user("nobody"), false),
        (user("in-second-list"), false),
        (org("in"), true),
        (org("both"), true),
        (org("in-second-list"), true),
        (org("out"), false),
        (org("by-rule"), false),
        (org("in-by-default-kind"), false),
        (Context::with_kind("in", "device").unwrap(), false),
        (org_and_user("in", "out"), true),
        (org_and_user("out", "in"), true),
        (org_and_user("out", "by-rule"), false),
    ] {
        let key = context.fully_qualified_key().to_owned();
        let found = in_segment("s", json!({"s": segment}), &context);
        assert_eq!(found, Some(expected), "{key}");
    }
}

// Spec 01, section 4.10
#[test]
fn segment_rules_match_by_all_clauses_and_the_first_match_counts() {
    let yes = json!({"attribute": "key", "op": "in", "values": ["ada"]});
    let no = json!({"attribute": "key", "op": "in", "values": ["bob"]});
    for (rules, expected) in [
        (json!([]), false),
        (json!([{}]), true),
        (json!([{"clauses": [yes]}]), true),
        (json!([{"clauses": [yes, no]}]), false),
        (json!([{"clauses": [no]}, {"clauses": [yes]}]), true),
        (json!([{"clauses": [yes], "weight": 0}, {"clauses": [yes]}]), true),
        (json!([{"clauses": [yes], "weight": 0}]), false),
        (json!([{"clauses": [no], "weight": 100_000}]), false),
        (json!([{"clauses": [yes], "weight": null}]), true),
    ] {
        let segments = json!({"s": {"rules": rules}});
        assert_eq!(in_segment("s", segments, &user("ada")), Some(expected), "{rules}");
    }
}

// Spec 01, sections 4.10 and 7.1
#[test]
fn segment_weights_compare_strictly_with_the_bucket_of_segment_key_and_salt() {
    // The bucket of user key and salt is 0.145747 for userKeyA, and 0 for what cannot be hashed.
    let keyed = user("userKeyA");
    let attribute = |value: Json| {
        let builder = Context::builder("other").set("a", value);
        builder.build().unwrap()
    };
    let both = org_and_user("userKeyA", "userKeyZ");
    let none = json!({});
    let by = json!({"bucketBy": "a"});
    let nested = json!({"bucketBy": "/o/p", "rolloutContextKind": "user"});
    let plain = json!({"bucketBy": "/o/p"});
    let of_org = json!({"rolloutContextKind": "org"});
    for (context, more, weight, expected) in [
        (&keyed, &none, 14_575, true),
        (&keyed, &none, 14_574, false),
        (&keyed, &json!({"bucketBy": ""}), 14_575, true),
        (&keyed, &json!({"seed": 61}), 9_802, false),
        (&keyed, &by, 1, true),
        (&keyed, &by, 0, false),
        (&keyed, &by, -1, false),
        (&attribute(json!("userKeyA")), &by, 14_575, true),
        (&attribute(json!("userKeyA")), &by, 14_574, false),
        (&attribute(json!(true)), &by, 1, true),
        (&attribute(json!(1.5)), &by, 1, true),
        (&attribute(json!(["userKeyA"])), &by, 1, true),
        (&attribute(json!({})), &by, 0, false),
        (&with_nested("userKeyA"), &nested, 14_574, false),
        (&with_nested("userKeyA"), &plain, 1, true),
        (&both, &none, 45_680, true),
        (&both, &none, 45_679, false),
        (&both, &of_org, 14_575, true),
        (&both, &of_org, 14_574, false),
    ] {
        let rule = merged(json!({"weight": weight}), more.clone());
        let segments = json!({"segkey": {"salt": "salty", "rules": [rule.clone()]}});
        assert_eq!(
            in_segment("segkey", segments, context),
            Some(expected),
            "{} in {rule}",
            context.fully_qualified_key()
        );
    }
}

fn with_nested(value: &str) -> Context {
    let builder = Context::builder("other").set("o", json!({"p": value}));
    builder.build().unwrap()
}

// Spec 01, section 4.10
#[test]
fn a_context_without_the_kind_of_a_segment_rollout_is_in_no_share() {
    for rule in [
        json!({"weight": 100_000, "rolloutContextKind": "org"}),
        json!({"weight": 100_000, "rolloutContextKind": "org", "bucketBy": "a"}),
    ] {
        let segments = json!({"s": {"rules": [rule.clone()]}});
        assert_eq!(in_segment("s", segments, &user("ada")), Some(false), "{rule}");
    }
}

// Spec 01, section 4.10
#[test]
fn a_broken_share_of_a_segment_is_malformed_for_everybody_who_reaches_it() {
    let broken = json!({"weight": 100_000, "bucketBy": "///", "rolloutContextKind": "org"});
    let unweighted = json!({"bucketBy": "///", "rolloutContextKind": "org"});
    let never = merged(broken.clone(), rule_of(json!({"attribute": "key", "op": "in", "values": []})));
    for (rule, expected) in [(broken, None), (unweighted, Some(true)), (never, Some(false))] {
        let segments = json!({"s": {"rules": [rule.clone()]}});
        for context in [user("ada"), Context::with_kind("acme", "org").unwrap()] {
            let found = in_segment("s", segments.clone(), &context);
            assert_eq!(found, expected, "{rule}");
        }
    }
}

// Spec 01, section 4.10
#[test]
fn segments_refer_to_segments_and_the_same_one_may_stand_side_by_side() {
    let refer = |keys: &[&str]| json!({"rules": [rule_of(segment_match(keys))]});
    let twice = json!({"rules": [{"clauses": [segment_match(&["leaf"]), segment_match(&["leaf"])]}]});
    let branches = refer(&["other", "left", "right"]);
    let negated = json!({"op": "segmentMatch", "values": ["leaf"], "negate": true});
    let segments = json!({
        "leaf": {"included": ["ada"]},
        "other": {"included": ["bob"]},
        "left": {"rules": [rule_of(segment_match(&["other"]))]},
        "right": refer(&["left", "leaf"]),
        "twice": twice,
        "branches": branches,
        "not-leaf": {"rules": [rule_of(negated)]},
    });
    for (key, expected) in [("right", true), ("twice", true), ("branches", true), ("left", false), ("not-leaf", false)]
    {
        let found = in_segment(key, segments.clone(), &user("ada"));
        assert_eq!(found, Some(expected), "{key}");
    }
    let data = Data::clause(segment_match(&["left", "right", "left"]), segments);
    assert_eq!(data.matches(&user("ada")), Some(true));
    assert_eq!(data.matches(&user("eve")), Some(false));
}

// Spec 01, section 4.10
#[test]
fn circles_of_segments_are_malformed_for_those_who_walk_them() {
    let refer = |key: &str| json!({"included": ["listed"], "rules": [rule_of(segment_match(&[key]))]});
    for segments in [
        json!({"s": refer("s")}),
        json!({"s": refer("t"), "t": {"rules": [rule_of(segment_match(&["s"]))]}}),
        json!({"s": refer("t"), "t": refer("u"), "u": refer("t")}),
    ] {
        let walked = in_segment("s", segments.clone(), &user("ada"));
        assert_eq!(walked, None, "{segments}");
        let listed = in_segment("s", segments.clone(), &user("listed"));
        assert_eq!(listed, Some(true), "{segments}");
    }
}

// Spec 01, sections 4.6 and 4.10
#[test]
fn a_malformed_clause_inside_a_segment_makes_the_flag_malformed() {
    let bad = json!({"op": "in", "values": ["x"]});
    let never = json!({"attribute": "key", "op": "in", "values": []});
    let nested = json!({"rules": [rule_of(segment_match(&["bad"]))]});
    let segments = json!({
        "bad": {"included": ["listed"], "rules": [rule_of(bad.clone())]},
        "behind": {"rules": [{"clauses": [never, bad]}]},
        "nested": nested,
    });
    for (key, context, expected) in [
        ("bad", user("ada"), None),
        ("bad", user("listed"), Some(true)),
        ("nested", user("ada"), None),
        ("behind", user("ada"), Some(false)),
    ] {
        assert_eq!(in_segment(key, segments.clone(), &context), expected, "{key}");
    }
}

/// What a rollout gives: the index and whether the context is in an experiment. Rules and the fallthrough agree.
fn rolled(rollout: &Json, context: &Context) -> Option<(usize, bool)> {
    let outcome = json!({"rollout": rollout});
    let [by_fallthrough, by_rule] = [
        flag(json!({"salt": "saltyA", "fallthrough": outcome.clone()})),
        flag(json!({"salt": "saltyA", "rules": [outcome]})),
    ]
    .map(|flag| {
        let data = Data::flags(json!({"hashKey": flag}));
        let evaluation = data.evaluation("hashKey", context);
        let in_experiment = evaluation.reason().is_in_experiment();
        index(evaluation.variation).map(|index| (index, in_experiment))
    });
    assert_eq!(by_fallthrough, by_rule, "{rollout}");
    by_rule
}

/// Shares of a rollout, each of a variation and a weight.
fn shares(shares: &[(usize, i64)]) -> Json {
    let shares = shares.iter();
    shares.map(|(variation, weight)| json!({"variation": variation, "weight": weight})).collect()
}

// Spec 01, section 7.2, rows 1 to 4, 7 and 8
#[test]
fn rollouts_by_key_follow_the_table_of_vectors() {
    let plain = |weights: &[(usize, i64)]| json!({"variations": shares(weights)});
    let mut experiment = json!({"kind": "experiment", "seed": 61,
        "variations": shares(&[(0, 10_000), (1, 20_000), (0, 70_000)])});
    experiment["variations"][2]["untracked"] = json!(true);
    let short = json!({"kind": "experiment", "seed": 42, "variations": shares(&[(0, 5_000), (1, 5_000)])});
    for (rollout, key, index, in_experiment) in [
        (plain(&[(0, 60_000), (1, 40_000)]), "userKeyA", 0, false),
        (plain(&[(0, 60_000), (1, 40_000)]), "userKeyB", 1, false),
        (plain(&[(0, 60_000), (1, 40_000)]), "userKeyC", 0, false),
        (experiment.clone(), "userKeyA", 0, true),
        (experiment.clone(), "userKeyB", 1, true),
        (experiment, "userKeyC", 0, false),
        (plain(&[(0, 5_000), (1, 5_000)]), "userKeyD", 1, false),
        (short, "userKeyD", 1, true),
        (plain(&[(0, 42_157), (1, 1), (2, 57_842)]), "userKeyA", 1, false),
        (plain(&[(0, 42_158), (1, 57_842)]), "userKeyA", 0, false),
    ] {
        let found = rolled(&rollout, &user(key));
        assert_eq!(found, Some((index, in_experiment)), "{key} in {rollout}");
    }
}

// Spec 01, section 7.2, rows 5, 6, 9 and 10
#[test]
fn rollouts_by_attribute_and_kind_follow_the_table_of_vectors() {
    let of_org = json!({"kind": "experiment", "contextKind": "org",
        "variations": shares(&[(0, 1), (1, 99_999)])});
    assert_eq!(rolled(&of_org, &user("userKeyA")), Some((0, false)));

    let by_attribute = json!({"contextKind": "user", "bucketBy": "attr1",
        "variations": shares(&[(0, -5), (1, 10), (0, 99_995)])});
    for value in [json!(true), json!(1.5), json!(["x"]), json!({}), json!(null)] {
        let builder = Context::builder("userKeyA").set("attr1", value.clone());
        let context = builder.build().unwrap();
        assert_eq!(rolled(&by_attribute, &context), Some((1, false)), "{value}");
    }

    let experiment = json!({"kind": "experiment", "bucketBy": "attr1",
        "variations": shares(&[(0, 60_000), (1, 40_000)])});
    let zzz = Context::builder("userKeyA").set("attr1", "zzz");
    assert_eq!(rolled(&experiment, &zzz.build().unwrap()), Some((0, true)));

    let broken = json!({"contextKind": "user", "bucketBy": "///", "variations": shares(&[(0, 100_000)])});
    for context in [user("userKeyA"), Context::with_kind("userKeyA", "org").unwrap()] {
        assert_eq!(rolled(&broken, &context), None);
    }
}

// Spec 01, section 7.2, rows 11 to 13
#[test]
fn segment_rollouts_follow_the_table_of_vectors() {
    let org = Context::with_kind("userkey", "org").unwrap();
    for (key, salt, weight, context, expected) in [
        ("test", "salt", 12_552, user("userkey"), true),
        ("test", "salt", 12_551, user("userkey"), false),
        ("segment3", "salty", 14_955, user("user-key"), true),
        ("segment3", "salty", 14_955, user("unmatching-key"), false),
        ("test", "salt", 100_000, org, false),
    ] {
        let segments = json!({key: {"salt": salt, "rules": [{"weight": weight}]}});
        let found = in_segment(key, segments, &context);
        assert_eq!(found, Some(expected), "{key} with weight {weight}");
    }
}

/// In which of 100,000 equal parts a rollout puts a context, found with ever narrower shares.
fn part(rollout: &Json, context: &Context) -> i64 {
    let (mut low, mut high) = (0, 100_000);
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        let variations = shares(&[(0, middle), (1, 100_000 - middle)]);
        let rollout = merged(rollout.clone(), json!({"variations": variations}));
        match rolled(&rollout, context) {
            Some((0, _)) => high = middle,
            _ => low = middle,
        }
    }
    low
}

// Spec 01, sections 4.11 and 7.1
#[test]
fn the_bucket_depends_on_seed_attribute_and_kind_as_the_table_of_buckets_says() {
    let attribute = |value: Json| with_attribute(value);
    for (rollout, context, expected) in [
        (json!({}), user("userKeyA"), 42_157),
        (json!({}), user("userKeyB"), 67_084),
        (json!({"seed": null}), user("userKeyC"), 10_343),
        (json!({}), user("userKeyD"), 78_162),
        (json!({"seed": 61}), user("userKeyA"), 9_801),
        (json!({"seed": 61.0}), user("userKeyB"), 14_483),
        (json!({"seed": 42}), user("userKeyD"), 88_848),
        (json!({"seed": 0}), user("a.b.c"), 58_369),
        (json!({"bucketBy": "a"}), attribute(json!(33_333)), 54_771),
        (json!({"bucketBy": "a"}), attribute(json!(33_333.0)), 54_771),
        (json!({"bucketBy": "a"}), attribute(json!("33333")), 54_771),
        (json!({"bucketBy": "a"}), attribute(json!(99_999)), 73_096),
        (json!({"bucketBy": "a", "seed": -3}), attribute(json!(-7)), 6_775),
        (json!({"bucketBy": "a"}), attribute(json!(1e19)), 0),
        (json!({"bucketBy": "a"}), attribute(json!(-1e19)), 0),
        (json!({"bucketBy": "/o/p"}), with_nested("userKeyA"), 0),
        (json!({"bucketBy": "/o/p", "contextKind": "user"}), with_nested("userKeyA"), 42_157),
        (json!({"bucketBy": "//"}), user("userKeyA"), 0),
        (json!({"bucketBy": ""}), user("userKeyA"), 42_157),
        (json!({"bucketBy": "", "contextKind": "user"}), user("userKeyA"), 42_157),
        (json!({"bucketBy": null}), user("userKeyA"), 42_157),
        (json!({"kind": "from the future", "bucketBy": "a"}), attribute(json!("userKeyA")), 42_157),
        (json!({"kind": "experiment", "bucketBy": "//", "contextKind": "user"}), user("userKeyA"), 42_157),
        (json!({"contextKind": "org"}), org_and_user("userKeyA", "userKeyB"), 42_157),
        (json!({"contextKind": "user"}), org_and_user("userKeyA", "userKeyB"), 67_084),
        (json!({"contextKind": "org"}), user("userKeyA"), 0),
    ] {
        assert_eq!(part(&rollout, &context), expected, "{rollout}");
    }
}

// Spec 01, sections 4.11 and 7.1
#[test]
fn the_hash_takes_flag_key_and_salt_as_they_are() {
    for (key, salt, user_key, boundary) in [
        ("flag-with-fallthrough-rollout", json!(null), "user-key", 72_240),
        ("flag-with-rule-rollout", json!(""), "user-key", 67_345),
        ("flagé", json!("salt"), "ключ", 7_964),
    ] {
        for (weight, index) in [(boundary, 1), (boundary + 1, 0)] {
            let variations = shares(&[(0, weight), (1, 100_000 - weight)]);
            let rollout = json!({"rollout": {"variations": variations}});
            let f = flag(json!({"salt": salt, "fallthrough": rollout}));
            let data = Data::flags(json!({key: f}));
            let detail = data.detail(key, &user(user_key));
            assert_eq!(detail, fallthrough(index), "{key} with weight {weight}");
        }
    }
}

// Spec 01, section 4.11
#[test]
fn a_rollout_that_misses_the_kind_is_no_experiment_even_past_the_end() {
    for (weights, index) in
        [(shares(&[(2, 0), (1, 1), (0, 9)]), 1), (shares(&[(0, 0), (2, 0)]), 2), (shares(&[(0, -1), (1, -1)]), 1)]
    {
        let rollout = json!({"kind": "experiment", "contextKind": "org", "variations": weights});
        let found = rolled(&rollout, &user("userKeyA"));
        assert_eq!(found, Some((index, false)), "{rollout}");
    }
}

// Spec 01, section 4.11
#[test]
fn only_a_tracked_share_of_an_experiment_counts_as_one() {
    for (kind, untracked, expected) in [
        ("experiment", json!(false), true),
        ("experiment", json!(null), true),
        ("experiment", json!(true), false),
        ("rollout", json!(false), false),
        ("Experiment", json!(false), false),
        ("", json!(false), false),
    ] {
        let share = json!({"variation": 1, "weight": 1, "untracked": untracked});
        let rollout = json!({"kind": kind, "variations": [share]});
        let found = rolled(&rollout, &user("userKeyA"));
        assert_eq!(found, Some((1, expected)), "{rollout}");
    }
}

// Spec 01, section 4.12
#[test]
fn experiments_and_tracked_outcomes_are_reported_in_full() {
    let share = json!([{"weight": 100_000}]);
    let experiment = json!({"rollout": {"kind": "experiment", "variations": share}});
    let tracked = json!({"variation": 0, "trackEvents": true});
    let targets = json!([{"values": ["ada"]}]);
    for (more, expected) in [
        (json!({}), false),
        (json!({"trackEvents": true}), false),
        (json!({"trackEventsFallthrough": true}), true),
        (json!({"trackEventsFallthrough": true, "on": false}), false),
        (json!({"trackEventsFallthrough": true, "targets": targets}), false),
        (json!({"trackEventsFallthrough": true, "rules": [{"variation": 0}]}), false),
        (json!({"rules": [tracked.clone()]}), true),
        (json!({"rules": [{"variation": 0}, tracked]}), false),
        (json!({"fallthrough": experiment.clone()}), true),
        (json!({"rules": [experiment]}), true),
    ] {
        let data = Data::flags(json!({"f": flag(more.clone())}));
        let Found::Present(f) = data.flag("f") else { unreachable!() };
        let ada = user("ada");
        let verdict = data.evaluation("f", &ada).verdict;
        assert_eq!(verdict.is_experiment(f), expected, "{more}");
    }
}

fn big(more: Json) -> Json {
    merged(json!({"unbounded": true, "generation": 100}), more)
}

fn answer(included: &[&str], excluded: &[&str], status: BigSegmentsStatus) -> MembershipAnswer {
    let membership = Membership::new(included.to_vec(), excluded.to_vec());
    MembershipAnswer::new(Some(membership), status)
}

fn no_answer(status: BigSegmentsStatus) -> MembershipAnswer {
    MembershipAnswer::new(None, status)
}

fn membership_of(key: &str) -> Need {
    Need::Membership(key.into())
}

fn status(data: &Data, context: &Context) -> Option<BigSegmentsStatus> {
    data.evaluation("f", context).big_segments_status
}

// Spec 01, section 5
#[test]
fn a_big_segment_needs_the_membership_of_the_key_of_its_kind() {
    for (segment, context, need) in [
        (big(json!({})), user("ada"), Some(membership_of("ada"))),
        (big(json!({"unboundedContextKind": "org"})), org_and_user("acme", "ada"), Some(membership_of("acme"))),
        (big(json!({"unboundedContextKind": ""})), org_and_user("acme", "ada"), Some(membership_of("ada"))),
        (big(json!({"generation": 0})), user("ada"), Some(membership_of("ada"))),
        (big(json!({"included": ["ada"], "excluded": ["ada"]})), user("ada"), Some(membership_of("ada"))),
        (big(json!({"unboundedContextKind": "org"})), user("ada"), None),
        (big(json!({"generation": null})), user("ada"), None),
        (json!({"generation": 100}), user("ada"), None),
    ] {
        let data = Data::clause(segment_match(&["s"]), json!({"s": segment.clone()}));
        assert_eq!(data.need("f", &context), need, "{segment}");
    }
}

// Spec 01, section 5
#[test]
fn data_that_knows_nothing_of_big_segments_leaves_the_question_open() {
    struct Plain(Data);

    impl Lookup for Plain {
        fn flag(&self, key: &str) -> Found<&Flag> {
            self.0.flag(key)
        }

        fn segment(&self, key: &str) -> Found<&Segment> {
            self.0.segment(key)
        }
    }

    let data = Plain(Data::clause(segment_match(&["s"]), json!({"s": big(json!({}))})));
    let Found::Present(f) = data.flag("f") else { unreachable!() };
    let ada = user("ada");
    let outcome = evaluate(f, &ada, &data);
    assert!(
        matches!(outcome, Outcome::Needs(need) if need == membership_of("ada")),
        "the default of the trait is not to know"
    );
}

// Spec 01, section 5
#[test]
fn a_membership_decides_and_where_it_does_not_the_rules_do() {
    use BigSegmentsStatus::{Healthy, NotConfigured, Stale, StoreError};
    let included = |status| answer(&["s.g100"], &[], status);
    let excluded = |status| answer(&[], &["s.g100"], status);
    let unknown = |status| answer(&["s.g99", "t.g100", "s"], &[], status);
    for (given, with_rule, without_rule) in [
        (included(Healthy), true, true),
        (included(Stale), true, true),
        (included(StoreError), true, true),
        (excluded(Healthy), false, false),
        (excluded(Stale), false, false),
        (unknown(Healthy), true, false),
        (unknown(Stale), true, false),
        (answer(&[], &[], Healthy), true, false),
        (answer(&["s.g100"], &["s.g100"], Healthy), true, true),
        (no_answer(Healthy), true, false),
        (no_answer(StoreError), true, false),
        (no_answer(NotConfigured), true, false),
    ] {
        let key_rule = rule_of(json!({"attribute": "key", "op": "in", "values": ["ada"]}));
        let regular = json!({"included": ["ada"], "excluded": ["ada"]});
        for (rules, expected) in [(json!([key_rule]), with_rule), (json!([]), without_rule)] {
            let segment = merged(big(json!({"rules": rules})), regular.clone());
            let data = Data::clause(segment_match(&["s"]), json!({"s": segment})).answering("ada", given.clone());
            assert_eq!(data.matches(&user("ada")), Some(expected), "{given:?}, rules {rules}");
            assert_eq!(status(&data, &user("ada")), Some(given.status));
        }
    }
}

// Spec 01, section 5
#[test]
fn memberships_name_segments_by_key_and_generation() {
    for (generation, reference) in [(json!(0), "s.g0"), (json!(7.0), "s.g7")] {
        let segment = big(json!({"generation": generation}));
        let data = Data::clause(segment_match(&["s"]), json!({"s": segment}))
            .answering("ada", answer(&[reference], &[], BigSegmentsStatus::Healthy));
        assert_eq!(data.matches(&user("ada")), Some(true), "{reference}");
    }
}

// Spec 01, section 5
#[test]
fn a_segment_without_a_generation_is_not_configured_and_its_rules_are_not_asked() {
    for kind in ["user", "org"] {
        let segment = json!({"unbounded": true, "unboundedContextKind": kind, "included": ["ada"], "rules": [{}]});
        let data = Data::clause(segment_match(&["s"]), json!({"s": segment}))
            .answering("ada", answer(&["s.g0", "s"], &[], BigSegmentsStatus::Healthy));
        assert_eq!(data.matches(&user("ada")), Some(false));
        let expected = Some(BigSegmentsStatus::NotConfigured);
        assert_eq!(status(&data, &user("ada")), expected, "{kind}");
    }
}

// Spec 01, section 5
#[test]
fn a_context_without_the_kind_is_not_in_the_segment_and_sets_no_status() {
    let segment = big(json!({"unboundedContextKind": "org", "included": ["ada"], "rules": [{}]}));
    let data = Data::clause(segment_match(&["s"]), json!({"s": segment}));
    assert_eq!(data.matches(&user("ada")), Some(false));
    assert_eq!(status(&data, &user("ada")), None);
}

/// Evaluates flag `f` as a client does, fetching what is needed; returns that, in order.
fn fetch(data: &mut Data, context: &Context) -> Vec<Need> {
    let mut needs = Vec::new();
    while let Some(need) = data.need("f", context) {
        let Need::Membership(key) = &need else {
            panic!("{need:?} was not expected");
        };
        let given = answer(&[], &[], BigSegmentsStatus::Healthy);
        assert!(data.memberships.insert(key.clone(), given).is_none(), "{key} was needed twice");
        needs.push(need);
    }
    needs
}

// Spec 01, section 5
#[test]
fn there_is_one_need_for_each_context_key_in_the_order_of_use() {
    let segments = json!({
        "users": big(json!({})),
        "more-users": big(json!({"generation": 2})),
        "orgs": big(json!({"unboundedContextKind": "org"})),
    });
    let all = segment_match(&["users", "more-users", "orgs"]);
    for (context, needs) in [
        (user("ada"), vec![membership_of("ada")]),
        (org_and_user("same", "same"), vec![membership_of("same")]),
        (org_and_user("acme", "ada"), vec![membership_of("ada"), membership_of("acme")]),
    ] {
        let mut data = Data::clause(all.clone(), segments.clone());
        assert_eq!(fetch(&mut data, &context), needs);
    }
}

// Spec 01, section 5
#[test]
fn of_several_answers_the_worst_status_is_reported() {
    use BigSegmentsStatus::{Healthy, NotConfigured, Stale, StoreError};
    let segments = json!({"users": big(json!({})), "orgs": big(json!({"unboundedContextKind": "org"}))});
    let from_best_to_worst = [Healthy, Stale, StoreError, NotConfigured];
    for (rank, user_status) in from_best_to_worst.into_iter().enumerate() {
        for (other_rank, org_status) in from_best_to_worst.into_iter().enumerate() {
            let both = segment_match(&["users", "orgs"]);
            let data = Data::clause(both, segments.clone())
                .answering("ada", no_answer(user_status))
                .answering("acme", no_answer(org_status));
            let worst = from_best_to_worst[rank.max(other_rank)];
            let context = org_and_user("acme", "ada");
            assert_eq!(status(&data, &context), Some(worst), "{user_status:?} and {org_status:?}");
        }
    }
}

// Spec 01, section 5
#[test]
fn a_missing_generation_outweighs_an_answer_and_an_unused_segment_counts_nothing() {
    let segments = json!({"big": big(json!({})), "unsynchronised": {"unbounded": true}});
    let stale = answer(&["big.g100"], &[], BigSegmentsStatus::Stale);
    for (keys, expected) in [
        (["unsynchronised", "big"], BigSegmentsStatus::NotConfigured),
        (["big", "unsynchronised"], BigSegmentsStatus::Stale),
    ] {
        let data = Data::clause(segment_match(&keys), segments.clone()).answering("ada", stale.clone());
        assert_eq!(data.matches(&user("ada")), Some(true));
        assert_eq!(status(&data, &user("ada")), Some(expected), "{keys:?}");
    }
}

// Spec 01, section 5
#[test]
fn the_status_is_part_of_whatever_reason_results() {
    let in_big = |outcome: Json| merged(json!({"clauses": [segment_match(&["s"])]}), outcome);
    let circle = rule_of(segment_match(&["circle"]));
    let failed = json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "p"});
    let error = json!({"kind": "ERROR", "errorKind": "MALFORMED_FLAG"});
    let rule_match = json!({"kind": "RULE_MATCH", "ruleIndex": 0});
    for (more, index, reason) in [
        (json!({"rules": [in_big(json!({"variation": 1}))]}), json!(1), rule_match),
        (json!({"rules": [in_big(json!({"variation": 9}))]}), json!(null), error.clone()),
        (json!({"rules": [in_big(json!({})), circle.clone()]}), json!(null), error.clone()),
        (json!({"rules": [circle]}), json!(null), error),
        (json!({"prerequisites": [{"key": "p", "variation": 0}]}), json!(2), failed),
        (json!({"prerequisites": [{"key": "p", "variation": 1}]}), json!(0), json!({"kind": "FALLTHROUGH"})),
        (
            json!({"prerequisites": [{"key": "p", "variation": 1}], "targets": [{"values": ["ada"]}]}),
            json!(0),
            json!({"kind": "TARGET_MATCH"}),
        ),
    ] {
        let p = flag(json!({"rules": [in_big(json!({"variation": 1}))]}));
        let circle = json!({"rules": [{"clauses": [segment_match(&["not-s", "circle"])]}]});
        let not_s = big(json!({"generation": 1}));
        let segments = json!({"s": big(json!({})), "not-s": not_s, "circle": circle});
        let data = Data::new(json!({"f": flag(more.clone()), "p": p}), segments)
            .answering("ada", answer(&["s.g100"], &[], BigSegmentsStatus::Stale));
        let reason = merged(reason, json!({"bigSegmentsStatus": "STALE"}));
        assert_eq!(data.detail("f", &user("ada")), json!([index, reason]), "{more}");
    }
}

// Spec 01, section 5
#[test]
fn prerequisites_share_memberships_and_only_the_outer_reason_shows_the_status() {
    let p = flag(json!({"rules": [{"clauses": [segment_match(&["s"])], "variation": 0}]}));
    let f = merged(requiring(&["p"]), json!({"rules": [{"clauses": [segment_match(&["s"])], "variation": 1}]}));
    let segments = json!({"s": big(json!({}))});
    let mut data = Data::new(json!({"f": f, "p": p}), segments);
    let ada = user("ada");
    assert_eq!(fetch(&mut data, &ada), [membership_of("ada")]);

    let data = data.answering("ada", answer(&["s.g100"], &[], BigSegmentsStatus::Healthy));
    assert_eq!(
        data.detail("f", &ada),
        json!([1, {"kind": "RULE_MATCH", "ruleIndex": 0, "bigSegmentsStatus": "HEALTHY"}])
    );
    assert_eq!(data.prerequisites("f", &ada), json!([["p", "f", 0, {"kind": "RULE_MATCH", "ruleIndex": 0}]]));
}

// Spec 01, section 5
#[test]
fn without_big_segments_the_reason_has_no_status() {
    let data = Data::clause(segment_match(&["s"]), json!({"s": {"included": ["ada"], "generation": 1}}));
    assert_eq!(data.detail("f", &user("ada")), json!([1, {"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r"}]));
}

// Spec 01, section 4.4
#[test]
fn a_flag_that_is_not_known_yet_is_needed_when_it_is_reached() {
    let flags = json!({
        "f": requiring(&["first", "p"]),
        "first": flag(json!({})),
        "outer": requiring(&["f"]),
        "off": merged(requiring(&["p"]), json!({"on": false})),
        "early": requiring(&["missing", "p"]),
        "p": flag(json!({})),
    });
    let data = Data::flags(flags).without("p");
    let need = Some(Need::Flag("p".into()));
    for (key, need) in [("f", need.clone()), ("outer", need), ("off", None), ("early", None)] {
        assert_eq!(data.need(key, &user("ada")), need, "{key}");
    }
}

// Spec 01, section 4.10
#[test]
fn a_segment_that_is_not_known_yet_is_needed_when_it_is_reached() {
    let segments = json!({
        "has": {"included": ["ada"]},
        "nested": {"rules": [rule_of(segment_match(&["s"]))]},
        "s": {},
    });
    let need = Some(Need::Segment("s".into()));
    for (keys, need) in [
        (vec!["s"], need.clone()),
        (vec!["missing", "s"], need.clone()),
        (vec!["nested"], need),
        (vec!["has", "s"], None),
    ] {
        let data = Data::clause(segment_match(&keys), segments.clone()).without("s");
        assert_eq!(data.need("f", &user("ada")), need, "{keys:?}");
    }
}

/// The two flags of the example, both on.
fn example() -> (Json, Json) {
    let checkout = json!({"key": "checkout-v2", "version": 7, "on": true, "salt": "c0ffee",
    "variations": ["old", "new", "beta"], "offVariation": 0,
    "prerequisites": [{"key": "payments-live", "variation": 1}],
    "targets": [{"variation": 2, "values": ["ada"]}],
    "contextTargets": [
        {"contextKind": "org", "variation": 1, "values": ["acme"]},
        {"contextKind": "user", "variation": 2, "values": []},
    ],
    "rules": [{"id": "r-emea", "trackEvents": false,
        "clauses": [{"contextKind": "org", "attribute": "/hq/region", "op": "in", "values": ["emea"]}],
        "rollout": {"kind": "experiment", "contextKind": "user", "seed": 61, "bucketBy": "ignored",
            "variations": [
                {"variation": 0, "weight": 10_000},
                {"variation": 1, "weight": 20_000},
                {"variation": 0, "weight": 70_000, "untracked": true},
            ]}}],
    "fallthrough": {"rollout": {"contextKind": "user", "bucketBy": "/plan/id", "variations": [
        {"variation": 0, "weight": 50_000},
        {"variation": 1, "weight": 50_000},
    ]}}});
    let payments = json!({"key": "payments-live", "version": 3, "on": true, "variations": [false, true],
        "fallthrough": {"variation": 1}, "offVariation": 0, "salt": "p"});
    (checkout, payments)
}

// Spec 01, section 7.6, rows 1 to 10
#[test]
fn whole_evaluations_follow_the_table_of_vectors() {
    let (checkout, payments) = example();
    let data = Data::flags(json!({"checkout-v2": checkout, "payments-live": payments}));
    let emea = json!({"key": "x", "hq": {"region": "emea"}});
    let in_emea = |user: &str| json!({"kind": "multi", "org": emea, "user": {"key": user}});
    let org_alone = merged(emea.clone(), json!({"kind": "org"}));
    let bob = |plan: Json| json!({"kind": "user", "key": "bob", "plan": plan});
    let target = json!({"kind": "TARGET_MATCH"});
    let rule = json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r-emea"});
    let experiment = merged(rule.clone(), json!({"inExperiment": true}));
    let rest = json!({"kind": "FALLTHROUGH"});
    let ada = json!({"kind": "user", "key": "ada"});
    let acme = json!({"kind": "org", "key": "acme"});
    let both = json!({"kind": "multi", "org": {"key": "acme"}, "user": {"key": "ada"}});
    for (who, value, index, reason) in [
        (ada, "beta", 2, &target),
        (both, "new", 1, &target),
        (acme, "new", 1, &target),
        (in_emea("userKeyA"), "old", 0, &experiment),
        (in_emea("userKeyB"), "new", 1, &experiment),
        (in_emea("userKeyC"), "old", 0, &rule),
        (org_alone, "old", 0, &rule),
        (bob(json!({"id": 33_333})), "old", 0, &rest),
        (bob(json!({"id": "33333"})), "old", 0, &rest),
        (bob(json!({"id": 99_999})), "new", 1, &rest),
        (bob(json!(null)), "old", 0, &rest),
        (bob(json!({"id": 1.5})), "old", 0, &rest),
        (bob(json!({"id": ["a"]})), "old", 0, &rest),
    ] {
        let context = context(who.clone());
        let evaluation = data.evaluation("checkout-v2", &context);
        assert_eq!(evaluation.variation, Some((index, &value.into())), "{who}");
        let written = serde_json::to_value(evaluation.reason()).unwrap();
        assert_eq!(&written, reason, "{who}");
        assert_eq!(
            data.prerequisites("checkout-v2", &context),
            json!([["payments-live", "checkout-v2", 1, {"kind": "FALLTHROUGH"}]])
        );
    }
}

// Spec 01, section 7.6, rows 11 and 12
#[test]
fn whole_evaluations_with_failed_prerequisites_follow_the_table_of_vectors() {
    let (checkout, payments) = example();
    let ada = user("ada");
    let failed = prerequisite_failed(0, "payments-live");

    let off = merged(payments, json!({"on": false}));
    let data = Data::flags(json!({"checkout-v2": checkout.clone(), "payments-live": off}));
    assert_eq!(data.detail("checkout-v2", &ada), failed);
    let evaluation = data.evaluation("checkout-v2", &ada);
    assert_eq!(evaluation.variation, Some((0, &"old".into())));
    let [event] = evaluation.prerequisites.as_slice() else {
        panic!("one prerequisite was evaluated");
    };
    assert_eq!(event.flag.key(), "payments-live");
    assert_eq!(event.prerequisite_of, "checkout-v2");
    assert_eq!(event.variation, Some((0, &false.into())));
    assert_eq!(reason(event.verdict), ReasonKind::Off.into());

    let data = Data::flags(json!({"checkout-v2": checkout}));
    assert_eq!(data.detail("checkout-v2", &ada), failed);
    assert_eq!(data.prerequisites("checkout-v2", &ada), json!([]));
}

#[test]
fn flags_that_multiply_end_as_malformed_and_not_in_an_endless_evaluation() {
    let flags: serde_json::Map<_, _> = (0..40)
        .map(|n| {
            let below = format!("flag-{}", n + 1);
            let prerequisites = json!([{"key": below, "variation": 0}, {"key": below, "variation": 0}]);
            let prerequisites = if n < 39 { prerequisites } else { json!([]) };
            let flag = json!({"on": true, "variations": [true], "fallthrough": {"variation": 0},
                "prerequisites": prerequisites});
            (format!("flag-{n}"), flag)
        })
        .collect();
    let data = Data::flags(flags.into());
    let context = Context::new("ada").unwrap();
    assert_eq!(data.detail("flag-0", &context), json!([null, {"kind": "ERROR", "errorKind": "MALFORMED_FLAG"}]));
    assert_eq!(data.detail("flag-30", &context), json!([0, {"kind": "FALLTHROUGH"}]));
}
