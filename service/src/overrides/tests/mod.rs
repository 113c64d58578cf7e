//! The effect of overrides, by evaluating.

mod read;
mod segment;
mod targets;

use serde_json::{Value, json};
use vexil_eval::model::DataKind;
use vexil_eval::{Context, Evaluation, Outcome, evaluate};

use super::*;
use crate::{Layers, Rules};

fn layers(flags: &Value, segments: &Value) -> Layers {
    let mut layers = Layers::new("p");
    let items = |kind, items: &Value| {
        let items = items.as_object().unwrap().clone();
        let items = items.into_iter();
        items
            .map(|(key, item)| (kind, key, item.to_string().into()))
            .collect::<Vec<_>>()
    };
    let (flags, segments) = (
        items(DataKind::Flag, flags),
        items(DataKind::Segment, segments),
    );
    layers.set_base(flags.into_iter().chain(segments)).unwrap();
    layers
}

fn rules(layers: &Layers) -> Rules {
    let mut rules = Rules::default();
    rules.update(layers.items()).unwrap();
    rules
}

/// Passes the evaluation of a flag.
fn evaluated<T>(
    rules: &Rules,
    key: &str,
    context: &Context,
    read: impl Fn(Evaluation<'_>) -> T,
) -> T {
    let flag = rules.flags().find(|flag| flag.key() == key).unwrap();
    let Outcome::Done(evaluation) = evaluate(flag, context, rules) else {
        unreachable!("all items are known")
    };
    read(evaluation)
}

/// The value of a flag, or null.
fn value(rules: &Rules, key: &str, context: &Context) -> Value {
    evaluated(rules, key, context, |evaluation| {
        let value = evaluation.variation.map(|(_, value)| value);
        serde_json::to_value(value).unwrap()
    })
}

fn user(key: &str) -> Context {
    Context::new(key).unwrap()
}

fn org(key: &str) -> Context {
    Context::with_kind(key, "org").unwrap()
}

fn org_and_user(org: &str, user: &str) -> Context {
    let json = json!({"kind": "multi", "org": {"key": org}, "user": {"key": user}});
    json.to_string().parse().unwrap()
}

fn form(json: Value) -> Override {
    Override::from_json(json).unwrap()
}

#[test]
fn a_value_for_all_is_that_of_every_context() {
    let rule =
        json!({"clauses": [{"attribute": "key", "op": "in", "values": ["bob"]}], "variation": 0});
    let flag = json!({
        "on": false, "variations": ["a", "b", 1.0], "offVariation": 0, "fallthrough": {"variation": 0},
        "prerequisites": [{"key": "none", "variation": 0}], "rules": [rule],
        "targets": [{"variation": 0, "values": ["ada"]}],
        "contextTargets": [{"contextKind": "org", "variation": 0, "values": ["acme"]}],
    });
    for (json, expected, count) in [
        (json!({"variation": 1}), json!("b"), 3),
        (json!({"value": "b"}), json!("b"), 3),
        (json!({"value": 1}), json!(1), 3),
        (json!({"value": {"x": []}}), json!({"x": []}), 4),
        (json!({"value": null}), json!(null), 4),
    ] {
        let mut layers = layers(&json!({"f": flag}), &json!({}));
        layers
            .set_override(DataKind::Flag, "f", form(json))
            .unwrap();
        let rules = rules(&layers);
        for context in [
            user("ada"),
            user("bob"),
            org("acme"),
            org_and_user("acme", "ada"),
        ] {
            assert_eq!(value(&rules, "f", &context), expected);
        }
        assert_eq!(rules.flags().next().unwrap().variations().len(), count);
    }
}

#[test]
fn a_flag_with_a_lone_surrogate_is_overridden_like_any_other() {
    let mut layers = Layers::new("p");
    let flag = r#"{"variations":["\ud800","b"],"targets":[{"variation":0,"values":["\udc00"]}]}"#;
    layers
        .set_base([(DataKind::Flag, "f".to_owned(), flag.into())])
        .unwrap();
    layers
        .set_override(DataKind::Flag, "f", Override::Variation(1))
        .unwrap();
    assert_eq!(value(&rules(&layers), "f", &user("ada")), json!("b"));
}

#[test]
fn a_base_that_cannot_be_read_is_only_replaced() {
    let mut layers = layers(
        &json!({"f": {"targets": [7]}, "gone": {"deleted": true}}),
        &json!({}),
    );
    for json in [
        json!({"on": true}),
        json!({"value": 1}),
        json!({"for": [{"kind": "user", "key": "ada", "value": 1}]}),
    ] {
        let error = layers.set_override(DataKind::Flag, "f", form(json.clone()));
        assert!(matches!(error, Err(OverrideError::Base { .. })), "{json}");
    }
    let item = form(json!({"item": {"on": true}}));
    assert!(layers.set_override(DataKind::Flag, "f", item).unwrap());

    let on = layers.set_override(DataKind::Flag, "gone", Override::On(true));
    assert!(matches!(on, Err(OverrideError::NoItem)));
    let value_of_all = form(json!({"value": 1}));
    layers
        .set_override(DataKind::Flag, "gone", value_of_all)
        .unwrap();
    assert_eq!(value(&rules(&layers), "gone", &user("ada")), json!(1));
}

#[test]
fn a_result_that_cannot_be_read_is_refused() {
    let mut layers = layers(&json!({"f": {}}), &json!({}));
    let deep = (0..110).fold(json!(1), |inner, _| json!([inner]));
    let error = layers.set_override(DataKind::Flag, "f", Override::Value(deep));
    assert!(matches!(error, Err(OverrideError::Result { .. })));
    let error = layers.set_override(
        DataKind::Segment,
        "s",
        form(json!({"item": {"included": [1]}})),
    );
    let source = std::error::Error::source(&error.unwrap_err())
        .unwrap()
        .to_string();
    assert_eq!(source, "segment \"s\" cannot be read");
}
