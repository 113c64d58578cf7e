use serde_json::{Map, Value as Json, json};

use super::*;
use crate::context::{Reference, ReferenceError};
use crate::model::clause::Test;
use crate::model::rollout::{BucketBy, Prefix, Rollout};
use crate::text::Text;
use crate::value::Value;

type Result<T> = std::result::Result<T, ReadError<serde_json::Error>>;

/// Reads an item as an update brings it.
fn item(kind: DataKind, json: &Json) -> Result<Item> {
    Item::from_json(kind, "k", json.to_string().as_bytes())
}

fn flag(json: Json) -> Flag {
    serde_json::from_value(json).unwrap()
}

fn segment(json: Json) -> Segment {
    serde_json::from_value(json).unwrap()
}

fn data(json: &Json) -> Result<DataSet> {
    DataSet::from_json(json.to_string().as_bytes())
}

/// A whole environment of nothing but this item.
fn data_of(kind: DataKind, item: &Json) -> Json {
    json!({section(kind): {"k": item}})
}

fn section(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Flag => "flags",
        DataKind::Segment => "segments",
    }
}

const KINDS: [DataKind; 2] = [DataKind::Flag, DataKind::Segment];

/// What of an item can be seen, for comparisons.
fn shown(kind: DataKind, json: &Json) -> String {
    format!("{:?}", item(kind, json).unwrap())
}

fn rollout(serve: &Serve) -> &Rollout {
    match serve {
        Serve::Rollout(rollout) => rollout,
        other => panic!("{other:?} is no rollout"),
    }
}

/// What a property holds.
#[derive(Clone, Copy)]
enum Type {
    Bool,
    Integer,
    Text,
    Texts,
    Values,
    Object,
    Objects,
}

impl Type {
    fn good(self) -> Json {
        match self {
            Self::Bool => json!(true),
            Self::Integer => json!(1),
            Self::Text => json!("text"),
            Self::Texts => json!(["text", ""]),
            Self::Values => json!([null, true, 1.5, "text", [], {}]),
            Self::Object => json!({}),
            Self::Objects => json!([{}]),
        }
    }

    fn bad(self) -> Vec<Json> {
        let samples = [json!(true), json!(1), json!("1"), json!([]), json!({})];
        let fits = |json: &Json| match self {
            Self::Bool => json.is_boolean(),
            Self::Integer => json.is_number(),
            Self::Text => json.is_string(),
            Self::Object => json.is_object(),
            Self::Texts | Self::Values | Self::Objects => json.is_array(),
        };
        let elements = match self {
            Self::Texts => vec![json!([1]), json!([null]), json!([["text"]])],
            Self::Objects => vec![json!([1]), json!([null]), json!([[]]), json!([{}, "{}"])],
            _ => vec![],
        };
        let bad = samples.into_iter().filter(|json| !fits(json));
        bad.chain(elements).collect()
    }
}

/// Every property of a flag, by its path; `[]` stands for an array with one element.
const FLAG: [(&str, Type); 52] = [
    ("key", Type::Text),
    ("version", Type::Integer),
    ("deleted", Type::Bool),
    ("on", Type::Bool),
    ("variations", Type::Values),
    ("offVariation", Type::Integer),
    ("fallthrough", Type::Object),
    ("fallthrough/variation", Type::Integer),
    ("fallthrough/rollout", Type::Object),
    ("fallthrough/rollout/kind", Type::Text),
    ("fallthrough/rollout/contextKind", Type::Text),
    ("fallthrough/rollout/bucketBy", Type::Text),
    ("fallthrough/rollout/seed", Type::Integer),
    ("fallthrough/rollout/variations", Type::Objects),
    ("fallthrough/rollout/variations/[]/variation", Type::Integer),
    ("fallthrough/rollout/variations/[]/weight", Type::Integer),
    ("fallthrough/rollout/variations/[]/untracked", Type::Bool),
    ("targets", Type::Objects),
    ("targets/[]/variation", Type::Integer),
    ("targets/[]/values", Type::Texts),
    ("targets/[]/contextKind", Type::Text),
    ("contextTargets", Type::Objects),
    ("contextTargets/[]/variation", Type::Integer),
    ("contextTargets/[]/values", Type::Texts),
    ("contextTargets/[]/contextKind", Type::Text),
    ("rules", Type::Objects),
    ("rules/[]/id", Type::Text),
    ("rules/[]/variation", Type::Integer),
    ("rules/[]/rollout", Type::Object),
    ("rules/[]/rollout/variations", Type::Objects),
    ("rules/[]/trackEvents", Type::Bool),
    ("rules/[]/clauses", Type::Objects),
    ("rules/[]/clauses/[]/attribute", Type::Text),
    ("rules/[]/clauses/[]/contextKind", Type::Text),
    ("rules/[]/clauses/[]/op", Type::Text),
    ("rules/[]/clauses/[]/values", Type::Values),
    ("rules/[]/clauses/[]/negate", Type::Bool),
    ("prerequisites", Type::Objects),
    ("prerequisites/[]/key", Type::Text),
    ("prerequisites/[]/variation", Type::Integer),
    ("salt", Type::Text),
    ("clientSideAvailability", Type::Object),
    ("clientSideAvailability/usingMobileKey", Type::Bool),
    ("clientSideAvailability/usingEnvironmentId", Type::Bool),
    ("clientSide", Type::Bool),
    ("trackEvents", Type::Bool),
    ("trackEventsFallthrough", Type::Bool),
    ("debugEventsUntilDate", Type::Integer),
    ("excludeFromSummaries", Type::Bool),
    ("samplingRatio", Type::Integer),
    ("migration", Type::Object),
    ("migration/checkRatio", Type::Integer),
];

/// Every property of a segment that is read.
const SEGMENT: [(&str, Type); 25] = [
    ("key", Type::Text),
    ("version", Type::Integer),
    ("deleted", Type::Bool),
    ("salt", Type::Text),
    ("included", Type::Texts),
    ("excluded", Type::Texts),
    ("includedContexts", Type::Objects),
    ("includedContexts/[]/contextKind", Type::Text),
    ("includedContexts/[]/values", Type::Texts),
    ("excludedContexts", Type::Objects),
    ("excludedContexts/[]/contextKind", Type::Text),
    ("excludedContexts/[]/values", Type::Texts),
    ("rules", Type::Objects),
    ("rules/[]/clauses", Type::Objects),
    ("rules/[]/clauses/[]/attribute", Type::Text),
    ("rules/[]/clauses/[]/contextKind", Type::Text),
    ("rules/[]/clauses/[]/op", Type::Text),
    ("rules/[]/clauses/[]/values", Type::Values),
    ("rules/[]/clauses/[]/negate", Type::Bool),
    ("rules/[]/weight", Type::Integer),
    ("rules/[]/bucketBy", Type::Text),
    ("rules/[]/rolloutContextKind", Type::Text),
    ("unbounded", Type::Bool),
    ("unboundedContextKind", Type::Text),
    ("generation", Type::Integer),
];

fn properties() -> impl Iterator<Item = (DataKind, &'static str, Type)> {
    let flag = FLAG.map(|(path, of_type)| (DataKind::Flag, path, of_type));
    let segment = SEGMENT.map(|(path, of_type)| (DataKind::Segment, path, of_type));
    flag.into_iter().chain(segment)
}

/// An item that has this value at a path.
fn at(path: &str, value: Json) -> Json {
    path.rsplit('/').fold(value, |inner, step| match step {
        "[]" => json!([inner]),
        name => json!({name: inner}),
    })
}

/// The same item without that property, but with all that leads to it.
fn without(path: &str) -> Json {
    match path.rsplit_once('/') {
        Some((parent, _)) => at(parent, json!({})),
        None => json!({}),
    }
}

// Spec 01, sections 2.1 to 2.4
#[test]
fn null_is_the_same_as_a_missing_property_everywhere() {
    for (kind, path, _) in properties() {
        let null = at(path, json!(null));
        let missing = without(path);
        assert_eq!(shown(kind, &null), shown(kind, &missing), "{kind} {path}");
        assert!(data(&data_of(kind, &null)).is_ok(), "{kind} {path}");
    }
}

// Spec 01, sections 2.1 to 2.4
#[test]
fn a_value_of_the_wrong_type_rejects_the_item_and_the_error_names_it() {
    for (kind, path, of_type) in properties() {
        let good = at(path, of_type.good());
        assert!(item(kind, &good).is_ok(), "{kind} {good}");
        for bad in of_type.bad() {
            let bad = at(path, bad);
            let alone = item(kind, &bad).unwrap_err();
            let in_data = data(&data_of(kind, &bad)).unwrap_err();
            for error in [alone, in_data] {
                assert_eq!(error.item, Some((kind, "k".into())), "{kind} {bad}");
                assert_eq!(error.to_string(), format!("{kind} \"k\" cannot be read"));
            }
        }
    }
}

// Spec 01, sections 2.1 and 2.6
#[test]
fn an_item_is_an_object_and_nothing_else() {
    for kind in KINDS {
        for bad in [json!(true), json!(null), json!(1), json!("{}"), json!([]), json!([{}])] {
            for error in [item(kind, &bad).unwrap_err(), data(&data_of(kind, &bad)).unwrap_err()] {
                assert_eq!(error.item, Some((kind, "k".into())), "{kind} {bad}");
            }
            assert!(serde_json::from_value::<Flag>(bad.clone()).is_err());
            assert!(serde_json::from_value::<Segment>(bad).is_err());
        }
    }
}

// Spec 01, section 2.6
#[test]
fn data_that_is_no_object_of_items_is_rejected() {
    for bad in [
        json!(null),
        json!(true),
        json!([]),
        json!([{}, {}]),
        json!({"flags": true, "segments": {}}),
        json!({"flags": [], "segments": {}}),
        json!({"flags": {}, "segments": "{}"}),
        json!({"flags": {}, "segments": []}),
    ] {
        assert_eq!(data(&bad).unwrap_err().item, None, "{bad}");
    }
    for bad in ["", "{", r#"{"flags": {}} {}"#, r#"{"flags": {}},"#, r#"{"flags": {"k": {}}, "segments": {}"#] {
        let error = DataSet::from_json(bad.as_bytes()).unwrap_err();
        assert_eq!(error.item, None, "{bad}");
        assert_eq!(error.to_string(), "flag data cannot be read");
    }
}

// Spec 01, section 2.6
#[test]
fn the_error_names_the_item_where_reading_ended() {
    let flag = |key: &str| Some((DataKind::Flag, Text::from(key)));
    let segment = |key: &str| Some((DataKind::Segment, Text::from(key)));
    for (text, item) in [
        (r#"{"flags": {"a": {}, "b": 1, "c": 1}}"#, flag("b")),
        (r#"{"flags": {"a": {}}, "segments": {"b": {"salt": 1}}}"#, segment("b")),
        (r#"{"flags": {"a": {"version": 1, "key": "ot"#, flag("a")),
        (r#"{"flags": {"a": {}, "b": {"rules": [{"clauses": [1]}]}}}"#, flag("b")),
    ] {
        let error = DataSet::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.item, item, "{text}");
    }
    for bad in [r#"{"version":"no""#, r#"{"version": 1} x"#, "", "{\"\u{0}"] {
        let error = Item::from_json(DataKind::Flag, "k", bad.as_bytes()).unwrap_err();
        assert_eq!(error.item, flag("k"), "{bad}");
    }
}

// Spec 01, section 2.6
#[test]
fn both_sections_are_optional_and_other_ones_are_skipped() {
    for (json, counts) in [
        (json!({}), (0, 0)),
        (json!({"flags": null, "segments": null}), (0, 0)),
        (json!({"flags": {"a": {}, "b": {}}}), (2, 0)),
        (json!({"segments": {"a": {}}}), (0, 1)),
        (json!({"flags": {"a": {}}, "configs": [1], "path": "/", "segments": {"a": {}}}), (1, 1)),
    ] {
        let data = data(&json).unwrap();
        assert_eq!((data.flags.len(), data.segments.len()), counts, "{json}");
    }
}

// Spec 01, section 2.2
#[test]
fn an_empty_flag_has_the_defaults_of_the_protocol() {
    let flag = flag(json!({}));
    assert_eq!((flag.key().as_str(), flag.version()), ("", 0));
    assert!(!flag.is_on());
    assert!(flag.variations().is_empty());
    assert_eq!(flag.off_variation, None);
    assert!(matches!(flag.fallthrough, Serve::Nothing));
    assert_eq!(flag.targets.find(|_| Some("")), None);
    assert_eq!((flag.rules.len(), flag.prerequisites().len()), (0, 0));
    assert!(!flag.track_events());
    assert!(!flag.track_events_fallthrough);
    assert!(!flag.exclude_from_summaries());
    assert_eq!(flag.debug_events_until(), None);
    assert_eq!((flag.sampling_ratio(), flag.check_ratio()), (None, None));
}

// Spec 01, section 2.2
#[test]
fn a_flag_has_what_its_json_says() {
    let flag = flag(json!({"key": "k", "version": 9_007_199_254_740_992_u64, "on": true,
        "variations": [null, {"x": [1]}], "offVariation": 1, "fallthrough": {"variation": 0},
        "targets": [{"variation": 1, "values": ["ada"]}],
        "prerequisites": [{"key": "p", "variation": 2}, {"key": "q"}],
        "trackEvents": true, "trackEventsFallthrough": true, "excludeFromSummaries": true,
        "debugEventsUntilDate": 1_512_543_600_000_u64, "samplingRatio": 10, "migration": {"checkRatio": 5}}));
    assert_eq!((flag.key().as_str(), flag.version()), ("k", 9_007_199_254_740_992));
    assert!(flag.is_on());
    assert_eq!(flag.variations(), [Value::Null, json!({"x": [1]}).into()]);
    assert_eq!(flag.off_variation, Some(1));
    assert!(matches!(flag.fallthrough, Serve::Variation(0)));
    assert_eq!(flag.targets.find(|_| Some("ada")), Some(1));
    let prerequisites = flag.prerequisites.iter();
    let prerequisites: Vec<_> = prerequisites.map(|required| (required.key.as_str(), required.variation)).collect();
    assert_eq!(prerequisites, [("p", 2), ("q", 0)]);
    assert!(flag.prerequisites().eq(["p", "q"]));
    assert!(flag.track_events());
    assert!(flag.track_events_fallthrough);
    assert!(flag.exclude_from_summaries());
    assert_eq!(flag.debug_events_until(), Some(1_512_543_600_000));
    assert_eq!((flag.sampling_ratio(), flag.check_ratio()), (Some(10), Some(5)));
    assert_eq!(flag.with_version(3).version(), 3);
}

// Spec 01, section 2.3
#[test]
fn the_parts_of_a_flag_have_the_defaults_of_the_protocol() {
    let flag = flag(json!({"rules": [{}, {"clauses": [{}]}, {"rollout": {"variations": [{}]}}]}));
    let [empty, with_clause, with_rollout] = &*flag.rules else {
        panic!("three rules were written");
    };
    assert_eq!((empty.id.as_str(), empty.clauses.len()), ("", 0));
    assert!(!empty.track_events);
    assert!(matches!(empty.serve, Serve::Nothing));

    let clause = &with_clause.clauses[0];
    assert_eq!(clause.kind, "user");
    assert_eq!(clause.attribute.error(), Some(ReferenceError::Empty));
    assert!(!clause.negate);
    assert!(matches!(clause.test, Test::Never));

    let rollout = rollout(&with_rollout.serve);
    assert_eq!(rollout.kind, "user");
    assert!(!rollout.experiment);
    assert!(matches!(rollout.by, BucketBy::Key));
    let share = &rollout.weighted[0];
    assert_eq!((share.variation, share.untracked), (0, false));
    assert_eq!(share.end.to_bits(), 0.0_f32.to_bits());
}

// Spec 01, section 2.4
#[test]
fn an_empty_segment_has_the_defaults_of_the_protocol() {
    let empty = segment(json!({}));
    assert_eq!((empty.key().as_str(), empty.version()), ("", 0));
    assert!(!empty.is_big());
    assert!(!empty.included.contain(|_| Some("")));
    assert!(!empty.excluded.contain(|_| Some("")));
    assert!(empty.rules.is_empty());

    let with_rule = segment(json!({"rules": [{}]}));
    assert!(with_rule.rules[0].clauses.is_empty());
    assert!(with_rule.rules[0].rollout.is_none());
}

// Spec 01, section 2.4
#[test]
fn a_segment_has_what_its_json_says() {
    let listed = segment(json!({"key": "s", "version": 3, "included": ["ada"], "excluded": ["bob"],
        "includedContexts": [{"contextKind": "org", "values": ["acme"]}, {"values": ["eve"]}],
        "rules": [{"weight": 50_000, "rolloutContextKind": "org"}]}));
    assert_eq!((listed.key().as_str(), listed.version()), ("s", 3));
    let of_kind = |wanted: &'static str, key: &'static str| move |kind: &str| (kind == wanted).then_some(key);
    for (kind, key, included, excluded) in [
        ("user", "ada", true, false),
        ("user", "eve", true, false),
        ("user", "bob", false, true),
        ("user", "acme", false, false),
        ("org", "acme", true, false),
        ("org", "ada", false, false),
    ] {
        let found = (listed.included.contain(of_kind(kind, key)), listed.excluded.contain(of_kind(kind, key)));
        assert_eq!(found, (included, excluded), "{kind} {key}");
    }
    let rollout = listed.rules[0].rollout.as_ref().unwrap();
    assert_eq!(rollout.kind, "org");
    assert_eq!(rollout.end.to_bits(), 0.5_f32.to_bits());
    assert_eq!(listed.with_version(4).version(), 4);
}

// Spec 01, sections 2.4 and 5
#[test]
fn a_big_segment_knows_its_kind_and_its_reference() {
    for (json, kind, reference) in [
        (json!({"unbounded": true}), "user", None),
        (json!({"unbounded": true, "generation": null}), "user", None),
        (json!({"unbounded": true, "generation": 0}), "user", Some("k.g0")),
        (json!({"unbounded": true, "generation": 2.0}), "user", Some("k.g2")),
        (json!({"unbounded": true, "unboundedContextKind": "org", "generation": 100}), "org", Some("k.g100")),
        (json!({"unbounded": true, "unboundedContextKind": ""}), "user", None),
    ] {
        let data = data(&data_of(DataKind::Segment, &json)).unwrap();
        let segment = data.segments[0].present().unwrap();
        let big = segment.big.as_ref().unwrap();
        assert!(segment.is_big());
        assert_eq!(big.kind, kind, "{json}");
        assert_eq!(big.reference.as_deref(), reference, "{json}");
    }
}

// Spec 01, section 2.1
#[test]
fn integers_may_be_written_with_a_fraction_which_is_cut_off() {
    for (written, read) in [
        ("2", 2),
        ("2.0", 2),
        ("2e0", 2),
        ("2.9", 2),
        ("0.9", 0),
        ("-0.9", 0),
        ("-1", -1),
        ("-1.0", -1),
        ("-1.9", -1),
        ("9007199254740992", 9_007_199_254_740_992),
        ("18446744073709551615", i64::MAX),
        ("1e300", i64::MAX),
        ("-1e300", i64::MIN),
    ] {
        let json = format!(
            r#"{{"offVariation": {written}, "fallthrough": {{"variation": {written}}},
            "samplingRatio": {written}, "prerequisites": [{{"variation": {written}}}]}}"#
        );
        let flag: Flag = serde_json::from_str(&json).unwrap();
        assert_eq!(flag.off_variation, Some(read), "{written}");
        assert_eq!(flag.sampling_ratio(), Some(read), "{written}");
        assert_eq!(flag.prerequisites[0].variation, read, "{written}");
        assert!(matches!(flag.fallthrough, Serve::Variation(index) if index == read), "{written}");
    }
}

// Spec 01, section 2.1
#[test]
fn indexes_and_weights_may_be_negative_and_versions_count_from_zero() {
    let weights = json!([{"variation": -1, "weight": -5}, {"weight": 10}, {"weight": 99_995}]);
    let flag = flag(json!({"version": -3, "rules": [{"rollout": {"variations": weights}}]}));
    assert_eq!(flag.version(), 0);
    let weighted = &rollout(&flag.rules[0].serve).weighted;
    let ends: Vec<_> = weighted.iter().map(|share| share.end * 100_000.0).collect();
    assert_eq!(weighted[0].variation, -1);
    for (end, expected) in ends.into_iter().zip([-5.0, 5.0, 100_000.0_f32]) {
        assert!((end - expected).abs() < 0.01, "{end} and {expected}");
    }
}

// Spec 01, section 2.1; spec 02, section 10, rows 16 and 17
#[test]
fn versions_of_all_forms_of_items_are_read_alike() {
    for impossible in [json!(7.9), json!(9_223_372_036_854_775_808_u64), json!(1e30)] {
        for kind in KINDS {
            assert!(item(kind, &json!({"version": impossible})).is_err(), "{impossible}");
        }
    }
    let largest = 9_223_372_036_854_775_807_u64;
    for (written, read) in [(json!(7), 7), (json!(7.0), 7), (json!(largest), largest), (json!(null), 0)] {
        for deleted in [false, true] {
            for kind in KINDS {
                let json = json!({"version": written, "deleted": deleted});
                let item = item(kind, &json).unwrap();
                assert_eq!((item.kind(), item.version()), (kind, read), "{json}");
                assert_eq!(item.key(), "k");
            }
        }
    }
}

/// The problems of a flag, each as it is shown to people.
fn problems(flag: &Flag) -> Vec<String> {
    flag.problems().iter().map(ToString::to_string).collect()
}

// Spec 01, section 2.1
#[test]
fn what_only_fails_at_evaluation_is_accepted_and_listed_as_a_problem() {
    let clause = |clause: Json| json!({"rules": [{"variation": 0}, {"variation": 0, "clauses": [clause]}]});
    let rollout = |more: Json| {
        let mut rollout = json!({"bucketBy": "//", "contextKind": "user", "variations": [{}]});
        rollout.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"rules": [{"variation": 0}, {"rollout": rollout}]})
    };
    let attribute = |reference: &str, error| Defect::Attribute { reference: reference.into(), error };
    for (json, defects) in [
        (clause(json!({"attribute": "a", "op": "no-such-op"})), vec![Defect::Operator { op: "no-such-op".into() }]),
        (clause(json!({"attribute": "a"})), vec![Defect::Operator { op: "".into() }]),
        (
            clause(json!({"attribute": "a", "op": "matches", "values": ["a+", "***", 3]})),
            vec![Defect::Pattern { pattern: "***".into() }],
        ),
        (
            clause(json!({"attribute": "a", "op": "before", "values": ["2017-12-06", 1]})),
            vec![Defect::Operand { value: "2017-12-06".into() }],
        ),
        (
            clause(json!({"attribute": "a", "op": "semVerEqual", "values": ["2", 3, "v4"]})),
            vec![Defect::Operand { value: 3.into() }, Defect::Operand { value: "v4".into() }],
        ),
        (
            clause(json!({"attribute": "/a//b", "contextKind": "user", "op": "in"})),
            vec![attribute("/a//b", ReferenceError::EmptyComponent)],
        ),
        (
            clause(json!({"attribute": "/a~2", "contextKind": "user", "op": "in"})),
            vec![attribute("/a~2", ReferenceError::Escape)],
        ),
        (clause(json!({"op": "in"})), vec![attribute("", ReferenceError::Empty)]),
        (clause(json!({"attribute": "/a~2", "op": "in"})), vec![]),
        (clause(json!({"attribute": "///", "contextKind": "user", "op": "segmentMatch"})), vec![]),
        (rollout(json!({})), vec![attribute("//", ReferenceError::EmptyComponent)]),
        (rollout(json!({"kind": "experiment"})), vec![]),
        (rollout(json!({"bucketBy": "a", "kind": "no-such-kind"})), vec![]),
        (rollout(json!({"variations": []})), vec![Defect::NoOutcome]),
        (json!({"rules": [{"variation": 0}, {}]}), vec![Defect::NoOutcome]),
        (json!({"rules": [{"variation": 99}]}), vec![]),
    ] {
        let mut json = json;
        json["fallthrough"] = json!({"variation": -1});
        let expected: Vec<_> = defects.into_iter().map(|defect| Problem { rule: Some(1), defect }).collect();
        assert_eq!(flag(json.clone()).problems(), expected, "{json}");
        let item = item(DataKind::Flag, &json).unwrap();
        assert_eq!(item.problems(), expected, "{json}");
    }
}

// Spec 01, section 2.1
#[test]
fn problems_of_the_fallthrough_are_listed_without_a_rule() {
    for (fallthrough, problem) in [
        (json!({}), "fallthrough: neither a variation nor a rollout"),
        (json!({"rollout": {"variations": []}}), "fallthrough: neither a variation nor a rollout"),
        (
            json!({"rollout": {"bucketBy": "/", "contextKind": "user", "variations": [{}]}}),
            "fallthrough: attribute reference \"/\": attribute reference is empty",
        ),
    ] {
        let flag = flag(json!({"fallthrough": fallthrough.clone()}));
        assert_eq!(problems(&flag), [problem], "{fallthrough}");
    }
}

// Spec 01, section 2.1
#[test]
fn problems_of_segments_are_listed_by_rule() {
    let json = json!({"rules": [
        {"clauses": [{"attribute": "a", "op": "in"}]},
        {"clauses": [{"attribute": "a", "op": "later"}]},
        {"weight": 1, "bucketBy": "//", "rolloutContextKind": "user"},
        {"bucketBy": "//", "rolloutContextKind": "user"},
        {"weight": 1, "bucketBy": "//"},
    ]});
    let expected = [
        "rule 1: unknown operator \"later\"",
        "rule 2: attribute reference \"//\": attribute reference has an empty component",
    ];
    let shown = |problems: &[Problem]| -> Vec<_> { problems.iter().map(ToString::to_string).collect() };
    assert_eq!(shown(segment(json.clone()).problems()), expected);
    let item = item(DataKind::Segment, &json).unwrap();
    assert_eq!(shown(item.problems()), expected);
}

// Spec 01, section 2.1
#[test]
fn kinds_inside_flag_data_are_not_checked() {
    let flag = flag(json!({
        "rules": [{"variation": 0, "clauses": [{"contextKind": "multi !", "attribute": "a", "op": "in"}]}],
        "contextTargets": [{"contextKind": "kind", "values": ["k"]}],
        "fallthrough": {"rollout": {"contextKind": "a b", "variations": [{}]}},
    }));
    assert_eq!(flag.rules[0].clauses[0].kind, "multi !");
    assert_eq!(rollout(&flag.fallthrough).kind, "a b");
    let target = flag.targets.find(|kind| (kind == "kind").then_some("k"));
    assert_eq!(target, Some(0));
    assert!(flag.problems().is_empty());
}

/// Members of an object in either order.
fn in_both_orders(one: &str, other: &str) -> [String; 2] {
    [format!("{{{one}, {other}}}"), format!("{{{other}, {one}}}")]
}

fn attribute_of(by: &BucketBy) -> &Reference {
    match by {
        BucketBy::Attribute(reference) => reference,
        BucketBy::Key => panic!("the rollout goes by the key"),
    }
}

// Spec 01, section 2.3
#[test]
fn the_kind_beside_an_attribute_decides_its_syntax_in_any_order_of_members() {
    let name = ["/a/b"].as_slice();
    let path = ["a", "b"].as_slice();
    for (kind, components) in [
        (r#""contextKind": "org""#, path),
        (r#""contextKind": "user""#, path),
        (r#""contextKind": """#, name),
        (r#""contextKind": null"#, name),
        (r#""anotherKind": "org""#, name),
    ] {
        for json in in_both_orders(kind, r#""attribute": "/a/b", "op": "in""#) {
            let json = format!(r#"{{"rules": [{{"clauses": [{json}]}}]}}"#);
            let flag: Flag = serde_json::from_str(&json).unwrap();
            let attribute = &flag.rules[0].clauses[0].attribute;
            assert_eq!(attribute.components(), components, "{json}");
        }
        for json in in_both_orders(kind, r#""bucketBy": "/a/b", "variations": [{}]"#) {
            let json = format!(r#"{{"fallthrough": {{"rollout": {json}}}}}"#);
            let flag: Flag = serde_json::from_str(&json).unwrap();
            let attribute = attribute_of(&rollout(&flag.fallthrough).by);
            assert_eq!(attribute.components(), components, "{json}");
        }
        let kind = kind.replace("contextKind", "rolloutContextKind");
        for json in in_both_orders(&kind, r#""bucketBy": "/a/b", "weight": 1"#) {
            let json = format!(r#"{{"rules": [{json}]}}"#);
            let segment: Segment = serde_json::from_str(&json).unwrap();
            let attribute = attribute_of(&segment.rules[0].rollout.as_ref().unwrap().by);
            assert_eq!(attribute.components(), components, "{json}");
        }
    }
}

// Spec 01, sections 2.3 and 4.11
#[test]
fn an_empty_bucket_by_means_the_key_whatever_the_kind() {
    for rollout_json in [
        json!({"bucketBy": "", "variations": [{}]}),
        json!({"bucketBy": "", "contextKind": "org", "variations": [{}]}),
        json!({"bucketBy": null, "contextKind": "org", "variations": [{}]}),
        json!({"kind": "experiment", "bucketBy": "a", "variations": [{}]}),
    ] {
        let flag = flag(json!({"fallthrough": {"rollout": rollout_json}}));
        let by = &rollout(&flag.fallthrough).by;
        assert!(matches!(by, BucketBy::Key), "{rollout_json}");
    }
}

// Spec 01, section 2.2
#[test]
fn client_side_availability_decides_who_may_see_a_flag_and_without_it_client_side_does() {
    let availability = |json: Json| json!({"clientSideAvailability": json});
    for (json, mobile, browser) in [
        (json!({}), true, false),
        (json!({"clientSide": true}), true, true),
        (json!({"clientSide": false}), true, false),
        (json!({"clientSide": null}), true, false),
        (json!({"clientSide": true, "clientSideAvailability": null}), true, true),
        (json!({"clientSide": true, "clientSideAvailability": {}}), false, false),
        (availability(json!({})), false, false),
        (availability(json!({"usingMobileKey": true})), true, false),
        (availability(json!({"usingEnvironmentId": true})), false, true),
        (availability(json!({"usingMobileKey": null, "usingEnvironmentId": true})), false, true),
    ] {
        let flag = flag(json.clone());
        let seen = (flag.using_mobile_key(), flag.using_environment_id());
        assert_eq!(seen, (mobile, browser), "{json}");
    }
}

// Spec 01, section 2.2
#[test]
fn a_debug_date_of_zero_is_none() {
    for (date, expected) in [
        (json!(0), None),
        (json!(0.0), None),
        (json!(-1), None),
        (json!(null), None),
        (json!(1), Some(1)),
        (json!(1_512_543_600_000.5), Some(1_512_543_600_000)),
    ] {
        let flag = flag(json!({"debugEventsUntilDate": date}));
        assert_eq!(flag.debug_events_until(), expected, "{date}");
    }
}

/// The same JSON with an unknown property in each of its objects.
fn with_unknown_properties(json: Json) -> Json {
    match json {
        Json::Array(elements) => elements.into_iter().map(with_unknown_properties).collect(),
        Json::Object(members) => {
            let members = members.into_iter();
            let mut members: Map<_, _> = members.map(|(name, value)| (name, with_unknown_properties(value))).collect();
            members.insert("fromTheFuture".to_owned(), json!([{"on": 1}, "x", null]));
            members.into()
        }
        other => other,
    }
}

// Spec 01, section 2.1
#[test]
fn unknown_properties_are_ignored_at_every_level() {
    let clauses = json!([{"attribute": "a", "op": "in", "values": ["x"]}]);
    let rollout = json!({"variations": [{"variation": 1, "weight": 1}]});
    let flag = json!({"version": 1, "on": true, "variations": [1, 2], "fallthrough": {"rollout": rollout},
        "targets": [{"values": ["ada"]}], "contextTargets": [{"values": ["ada"]}],
        "rules": [{"id": "r", "clauses": clauses, "rollout": rollout}],
        "prerequisites": [{"key": "p", "variation": 1}], "clientSideAvailability": {"usingMobileKey": true},
        "migration": {"checkRatio": 1}});
    let segment = json!({"version": 1, "included": ["ada"], "includedContexts": [{"values": ["eve"]}],
        "excludedContexts": [{"values": ["bob"]}], "rules": [{"clauses": clauses, "weight": 1}]});
    for (kind, json) in [(DataKind::Flag, flag), (DataKind::Segment, segment)] {
        let more = with_unknown_properties(json.clone());
        assert_eq!(shown(kind, &more), shown(kind, &json));
    }
}

// Spec 01, sections 2.2 and 2.4
#[test]
fn the_key_under_which_an_item_arrives_is_its_key() {
    for kind in KINDS {
        for own in [json!("other"), json!(""), json!(null), json!("$deleted")] {
            for deleted in [false, true] {
                let json = json!({"key": own, "version": 1, "deleted": deleted});
                assert_eq!(item(kind, &json).unwrap().key(), "k", "{json}");
                let data = data(&data_of(kind, &json)).unwrap();
                let keys: Vec<_> = match kind {
                    DataKind::Flag => data.flags.iter().map(Entry::key).collect(),
                    DataKind::Segment => data.segments.iter().map(Entry::key).collect(),
                };
                assert_eq!(keys, ["k"], "{json}");
            }
        }
    }
    assert_eq!(flag(json!({"key": "own"})).key(), "own");
    assert_eq!(segment(json!({"key": "own"})).key(), "own");
}

// Spec 01, sections 2.2 and 4.11
#[test]
fn the_key_under_which_an_item_arrives_is_the_one_that_is_hashed() {
    let rollout_of = json!({"key": "other", "salt": "salt", "fallthrough": {"rollout": {"variations": [{}]}}});
    let data = data(&data_of(DataKind::Flag, &rollout_of)).unwrap();
    let flag = data.flags[0].present().unwrap();
    let bucket = rollout(&flag.fallthrough).prefix.bucket(b"ada");
    let expected = Prefix::of_item("k", "salt").bucket(b"ada");
    assert_eq!(bucket.to_bits(), expected.to_bits());
}

/// All forms of a deleted item of version 7.
fn tombstones() -> [Json; 6] {
    [
        json!({"key": "k", "version": 7, "deleted": true}),
        json!({"version": 7, "deleted": true}),
        json!({"key": "$deleted", "version": 7, "deleted": true}),
        json!({"key": "other", "version": 7.0, "deleted": true, "fromTheFuture": [1]}),
        json!({"version": 7, "deleted": true, "on": true, "variations": [1], "fallthrough": {"variation": 0},
            "included": ["ada"]}),
        json!({"key": null, "version": 7, "deleted": true, "rules": null, "salt": null}),
    ]
}

/// Deleted items of version 7 with properties that a present item could not have.
fn tombstones_with_junk() -> [Json; 3] {
    [
        json!({"version": 7, "deleted": true, "on": "yes", "rules": {}, "salt": 3}),
        json!({"rules": [[1], null, {"clauses": true}], "deleted": true, "version": 7}),
        json!({"key": ["k"], "version": 7, "deleted": true}),
    ]
}

fn is_tombstone(item: &Item) -> bool {
    match item {
        Item::Flag(Entry::Deleted { key, version }) => *key == "k" && *version == 7,
        Item::Segment(Entry::Deleted { key, version }) => *key == "k" && *version == 7,
        _ => false,
    }
}

/// The only item of a data set.
fn only(data: &DataSet) -> Item {
    match (data.flags.as_slice(), data.segments.as_slice()) {
        ([flag], []) => Item::Flag(flag.clone()),
        ([], [segment]) => Item::Segment(segment.clone()),
        _ => panic!("{data:?} has not one item"),
    }
}

// Spec 01, section 2.5
#[test]
fn a_tombstone_keeps_nothing_but_key_and_version() {
    for json in tombstones() {
        for kind in KINDS {
            let alone = item(kind, &json).unwrap();
            let in_data = only(&data(&data_of(kind, &json)).unwrap());
            for item in [alone, in_data] {
                assert!(is_tombstone(&item), "{json}");
                assert_eq!((item.kind(), item.version()), (kind, 7), "{json}");
                assert!(item.problems().is_empty(), "{json}");
            }
        }
    }
    for kind in KINDS {
        assert!(is_tombstone(&Item::deleted(kind, "k", 7)));
    }
}

// Spec 01, section 2.5
#[test]
fn what_a_tombstone_holds_beside_its_version_does_not_matter() {
    for json in tombstones_with_junk() {
        for kind in KINDS {
            assert!(is_tombstone(&item(kind, &json).unwrap()), "{json}");
        }
    }
}

// Spec 01, section 2.5
#[test]
fn what_a_tombstone_in_a_data_set_holds_does_not_matter_either() {
    for json in tombstones_with_junk() {
        for kind in KINDS {
            let data = data(&data_of(kind, &json)).unwrap();
            assert!(is_tombstone(&only(&data)), "{json}");
        }
    }
}

// Spec 01, section 2.5
#[test]
fn only_a_true_deleted_makes_a_tombstone() {
    for kind in KINDS {
        for json in [
            json!({"version": 7}),
            json!({"version": 7, "deleted": false}),
            json!({"version": 7, "deleted": null}),
            json!({"version": 7, "key": "$deleted"}),
        ] {
            assert!(!is_tombstone(&item(kind, &json).unwrap()), "{json}");
        }
        for bad in [
            json!({"version": 7, "deleted": "true"}),
            json!({"version": 7, "deleted": 1}),
            json!({"version": "7", "deleted": true}),
            json!({"version": 7, "deleted": false, "salt": 3}),
        ] {
            assert!(item(kind, &bad).is_err(), "{bad}");
        }
    }
}

// Spec 01, sections 2.6 and 9
#[test]
fn json_of_ten_thousand_levels_is_an_error_and_no_crash() {
    let open = "[".repeat(10_000);
    let arrays = format!("{open}{}", "]".repeat(10_000));
    let objects = format!("{}1{}", r#"{"x":"#.repeat(10_000), "}".repeat(10_000));
    for nested in [&open, &arrays, &objects] {
        for item in [
            format!(r#"{{"variations": [{nested}]}}"#),
            format!(r#"{{"rules": [{{"clauses": [{{"values": [{nested}]}}]}}]}}"#),
            format!(r#"{{"key": {nested}}}"#),
        ] {
            let data = format!(r#"{{"flags": {{"k": {item}}}}}"#);
            for error in [
                Item::from_json(DataKind::Flag, "k", item.as_bytes()).unwrap_err(),
                DataSet::from_json(data.as_bytes()).unwrap_err(),
            ] {
                assert_eq!(error.item, Some((DataKind::Flag, "k".into())));
            }
        }
    }
    for whole in [open, arrays] {
        assert!(DataSet::from_json(whole.as_bytes()).is_err());
        assert!(serde_json::from_str::<Flag>(&whole).is_err());
        assert!(serde_json::from_str::<Segment>(&whole).is_err());
    }
}

// Spec 01, section 2.1
#[test]
fn unknown_properties_are_ignored_however_deep_they_go() {
    let arrays = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let item = format!(r#"{{"version": 2, "fromTheFuture": {arrays}}}"#);
    for kind in KINDS {
        let read = Item::from_json(kind, "k", item.as_bytes()).unwrap();
        assert_eq!(read.version(), 2, "{kind}");
    }
    let data = format!(r#"{{"fromTheFuture": {arrays}, "flags": {{"k": {item}}}}}"#);
    assert_eq!(DataSet::from_json(data.as_bytes()).unwrap().flags.len(), 1);
}

// Spec 01, sections 1.5 and 2.1
#[test]
fn of_a_property_that_is_written_twice_the_last_one_counts() {
    let flag = r#"{"version": 1, "on": true, "version": 2, "on": false, "variations": [{"a": 1, "a": 2}]}"#;
    let segment = r#"{"rules": [{"clauses": [], "weight": 1, "weight": null}]}"#;
    let text = format!(r#"{{"flags": {{"f": {flag}}}, "segments": {{"s": {segment}}}}}"#);
    let data = DataSet::from_json(text.as_bytes()).unwrap();
    let flag = data.flags[0].present().unwrap();
    assert_eq!((flag.version(), flag.is_on()), (2, false));
    assert_eq!(flag.variations(), [json!({"a": 2}).into()]);
    assert!(data.segments[0].present().unwrap().rules[0].rollout.is_none());
}

// Spec 01, section 2.1
#[test]
fn an_item_that_is_written_twice_is_kept_in_the_order_of_the_text() {
    let text = r#"{"flags": {"k": {"version": 5}, "other": {}, "k": {"version": 3}},
        "segments": {"k": {"version": 1}}, "flags": {"k": {"version": 4, "deleted": true}}}"#;
    let data = DataSet::from_json(text.as_bytes()).unwrap();
    let flags: Vec<_> = data.flags.iter().map(|entry| (entry.key().as_str(), entry.version())).collect();
    assert_eq!(flags, [("k", 5), ("other", 0), ("k", 3), ("k", 4)]);
    assert!(data.flags[3].present().is_none());
    assert_eq!(data.segments.len(), 1);
}

// Spec 01, section 4.7
#[test]
fn a_pattern_that_does_not_compile_is_listed_wherever_it_stands() {
    let clause = json!({"attribute": "a", "op": "matches", "values": ["(", "ok"]});
    let rule = json!({"clauses": [clause], "variation": 0});
    let flag = json!({"rules": [rule, rule], "fallthrough": {"variation": 0}});
    let data = data(&json!({"flags": {"a": flag, "b": flag}, "segments": {"s": {"rules": [rule]}}}));
    let data = data.unwrap();
    let defects = |problems: &[Problem]| -> Vec<_> {
        let pattern = Text::from("(");
        problems
            .iter()
            .map(|problem| (problem.rule, problem.defect == Defect::Pattern { pattern: pattern.clone() }))
            .collect()
    };
    for entry in &data.flags {
        assert_eq!(defects(entry.problems()), [(Some(0), true), (Some(1), true)]);
    }
    assert_eq!(defects(data.segments[0].problems()), [(Some(0), true)]);
}

// Spec 01, section 2.3
#[test]
fn flags_and_segments_name_the_segments_that_they_refer_to() {
    let clause = |op: &str, values: Json| json!({"op": op, "values": values});
    let rules = json!([
        {"clauses": [clause("segmentMatch", json!(["a", 3, "b"])), clause("in", json!(["x"]))]},
        {"clauses": [clause("segmentMatch", json!(["a"]))]},
    ]);
    assert!(flag(json!({"rules": rules})).segments().eq(["a", "b", "a"]));
    assert!(segment(json!({"rules": rules})).segments().eq(["a", "b", "a"]));
}
