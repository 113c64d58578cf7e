//! The JSON forms.

use std::error::Error;

use proptest::prelude::*;
use vexil_eval::model::DataKind::{Flag, Segment};

use super::*;

/// The message with its sources.
fn message(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[test]
fn errors_name_the_place_and_the_member() {
    for (json, expected) in [
        (json!(7), "the override must be an object"),
        (json!({"flag": {}}), "`/flag` is unknown"),
        (json!({"flags": []}), "`/flags` must be an object"),
        (
            json!({"flags": {"f": true}}),
            "`/flags/f` must be an object",
        ),
        (
            json!({"flags": {"f": {}}}),
            "`/flags/f` lacks `on`, `variation`, `value`, `for`, `include`, `exclude`, `item` or `missing`",
        ),
        (
            json!({"flags": {"a/b~": {"off": true}}}),
            "`/flags/a~1b~0/off` is unknown",
        ),
        (
            json!({"flags": {"f": {"on": "yes"}}}),
            "`/flags/f/on` must be true or false",
        ),
        (
            json!({"flags": {"f": {"on": true, "variation": 0}}}),
            "`/flags/f/variation` cannot stand beside `on`",
        ),
        (
            json!({"flags": {"f": {"variation": -1}}}),
            "`/flags/f/variation` must be the index of a variation",
        ),
        (
            json!({"flags": {"f": {"missing": false}}}),
            "`/flags/f/missing` must be true",
        ),
        (
            json!({"flags": {"f": {"item": []}}}),
            "`/flags/f/item` must be an object",
        ),
        (
            json!({"flags": {"f": {"item": {"on": 1}}}}),
            "`/flags/f/item` is not a valid override: the item cannot be read: \
             flag \"f\" cannot be read: invalid type: integer, expected a boolean at line 1 column 7",
        ),
        (
            json!({"flags": {"f": {"for": {}}}}),
            "`/flags/f/for` must be a list",
        ),
        (
            json!({"flags": {"f": {"for": [{"kind": "user", "value": 1}]}}}),
            "`/flags/f/for/0` lacks key",
        ),
        (
            json!({"flags": {"f": {"for": [{"kind": 1, "key": "a", "value": 1}]}}}),
            "`/flags/f/for/0/kind` must be a string",
        ),
        (
            json!({"flags": {"f": {"for": [{"kind": "user", "key": "a"}]}}}),
            "`/flags/f/for/0` lacks `variation` or `value`",
        ),
        (
            json!({"flags": {"f": {"for": [{"kind": "user", "key": "a", "value": 1, "variation": 1}]}}}),
            "`/flags/f/for/0/value` cannot stand beside `variation`",
        ),
        (
            json!({"flags": {"f": {"for": [{"kind": "user", "key": "a", "valu": 1}]}}}),
            "`/flags/f/for/0/valu` is unknown",
        ),
        (
            json!({"flags": {"f": {"for": [
                {"kind": "user", "key": "a", "value": 1}, {"kind": "user", "key": "a", "value": 1},
            ]}}}),
            "`/flags/f/for/1` is not a valid override: the context is in the list twice",
        ),
        (
            json!({"flags": {"f": {"include": []}}}),
            "`/flags/f` is not a valid override: an override of this form is for a segment",
        ),
        (
            json!({"segments": {"s": {"value": 1}}}),
            "`/segments/s` is not a valid override: an override of this form is for a flag",
        ),
        (
            json!({"segments": {"s": {"include": "ada"}}}),
            "`/segments/s/include` must be a list",
        ),
        (
            json!({"segments": {"s": {"exclude": ["ada", 7]}}}),
            "`/segments/s/exclude/1` must be a string",
        ),
        (
            json!({"segments": {"s": {"include": ["ada"], "exclude": ["ada"]}}}),
            "`/segments/s/exclude/0` is not a valid override: the user is both included and excluded",
        ),
        (
            json!({"segments": {"s": {"include": ["ada"], "exclude": [], "missing": true}}}),
            "`/segments/s/missing` cannot stand beside `include`",
        ),
    ] {
        let error = Overrides::from_json(json.clone()).unwrap_err();
        assert_eq!(message(&error), expected, "{json}");
        let read = serde_json::from_value::<Overrides>(json).unwrap_err();
        assert_eq!(read.to_string(), error.to_string());
    }
    for kind in ["kind", "multi", "ö"] {
        let json = json!({"flags": {"f": {"for": [{"kind": kind, "key": "a", "value": 1}]}}});
        let error = Overrides::from_json(json).unwrap_err();
        assert_eq!(error.pointer, "/flags/f/for/0", "{kind}");
    }
}

#[test]
fn members_may_be_absent_and_kinds_empty() {
    let read = form(json!({"for": [{"kind": "", "key": "ada", "value": 1}]}));
    let ada = ContextOverride::new("user", "ada", OverrideResult::Value(json!(1)));
    assert_eq!(read, Override::For(vec![ada]));
    assert!(Overrides::from_json(json!({})).unwrap().is_empty());
    let read = form(json!({"exclude": ["ada"]}));
    let exclude = vec!["ada".to_owned()];
    let expected = Override::Segment {
        include: Vec::new(),
        exclude,
    };
    assert_eq!(read, expected);
    let overrides = Overrides::default();
    assert_eq!(
        serde_json::to_value(&overrides).unwrap(),
        json!({"flags": {}, "segments": {}})
    );
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,3}".prop_map(Value::from),
        Just(json!({"a": [1, {}]})),
    ]
}

fn of_flags() -> impl Strategy<Value = Override> {
    let result = prop_oneof![
        (0..9_usize).prop_map(OverrideResult::Variation),
        value().prop_map(OverrideResult::Value),
    ];
    let context = ("user|org", "[a-c]{1,9}", result)
        .prop_map(|(kind, key, result)| ContextOverride::new(kind, key, result));
    let contexts = proptest::collection::vec(context, 0..4).prop_filter("repeated", |contexts| {
        let form = Override::For(contexts.clone());
        form.check(Flag, "f").is_ok()
    });
    prop_oneof![
        any::<bool>().prop_map(Override::On),
        any::<u32>().prop_map(|index| Override::Variation(usize::try_from(index).unwrap())),
        value().prop_map(Override::Value),
        contexts.prop_map(Override::For),
        value().prop_map(|value| Override::Item(json!({"variations": [value]}))),
        Just(Override::Missing),
    ]
}

fn of_segments() -> impl Strategy<Value = Override> {
    let list = |keys: &'static str| proptest::collection::vec(keys, 0..3);
    prop_oneof![
        (list("[a-c]"), list("[d-f]"))
            .prop_map(|(include, exclude)| Override::Segment { include, exclude }),
        list(".").prop_map(|included| Override::Item(json!({"included": included}))),
        Just(Override::Missing),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        flags in proptest::collection::btree_map(".{0,3}", of_flags(), 0..4),
        segments in proptest::collection::btree_map(".{0,3}", of_segments(), 0..4),
    ) {
        let mut overrides = Overrides::default();
        for (key, form) in flags {
            overrides.insert(Flag, key, form).unwrap();
        }
        for (key, form) in segments {
            overrides.insert(Segment, key, form).unwrap();
        }
        let text = serde_json::to_string(&overrides).unwrap();
        prop_assert_eq!(serde_json::from_str::<Overrides>(&text).unwrap(), overrides);
    }
}
