use proptest::prelude::*;
use serde_json::{Value, json};
use vexil_eval::model::DataKind::{Flag, Segment};

use super::*;
use crate::{ContextOverride, OverrideResult};

const FLAG: &str = r#"{"version":7,"on":false,"variations":["a","b"],"offVariation":0,"rules":[{"variation":0}],"salt":"s"}"#;

fn layers() -> Layers {
    let mut layers = Layers::new("p");
    let segment = r#"{"included":["ada"]}"#;
    let base = [
        (Flag, "f".to_owned(), FLAG.into()),
        (Segment, "s".to_owned(), segment.into()),
    ];
    layers.set_base(base).unwrap();
    layers
}

fn served(layers: &Layers, kind: DataKind, key: &str) -> Option<Value> {
    let item = layers.items().get(kind, key)?;
    Some(serde_json::from_str(item.json()?).unwrap())
}

#[test]
fn a_value_that_is_a_variation_is_served_by_its_index() {
    let mut layers = layers();
    assert!(
        layers
            .set_override(Flag, "f", Override::Value("b".into()))
            .unwrap()
    );
    let flag = served(&layers, Flag, "f").unwrap();
    assert_eq!(flag["variations"], json!(["a", "b"]));
    assert_eq!(flag["fallthrough"], json!({"variation": 1}));
    assert_eq!(
        (&flag["on"], &flag["rules"], &flag["salt"]),
        (&json!(true), &json!([]), &json!("s"))
    );
}

#[test]
fn another_value_becomes_a_variation() {
    let mut layers = layers();
    layers
        .set_override(Flag, "f", Override::Value(json!({"x": 1})))
        .unwrap();
    let flag = served(&layers, Flag, "f").unwrap();
    assert_eq!(flag["variations"], json!(["a", "b", {"x": 1}]));
    assert_eq!(flag["fallthrough"], json!({"variation": 2}));

    layers
        .set_override(Flag, "new", Override::Value(5.into()))
        .unwrap();
    let flag = served(&layers, Flag, "new").unwrap();
    assert_eq!(
        (&flag["variations"], &flag["version"]),
        (&json!([5]), &json!(1))
    );
    assert_eq!(flag["clientSideAvailability"]["usingEnvironmentId"], true);
}

#[test]
fn items_are_switched_replaced_and_deleted() {
    let mut layers = layers();
    layers.set_override(Flag, "f", Override::On(true)).unwrap();
    let flag = served(&layers, Flag, "f").unwrap();
    assert_eq!(
        (&flag["on"], &flag["rules"][0]["variation"]),
        (&json!(true), &json!(0))
    );

    let item = json!({"key": "other", "version": 3, "on": true});
    layers
        .set_override(Flag, "f", Override::Item(item))
        .unwrap();
    let flag = served(&layers, Flag, "f").unwrap();
    assert_eq!((&flag["key"], &flag["version"]), (&json!("f"), &json!(9)));

    assert!(
        layers
            .set_override(Segment, "s", Override::Missing)
            .unwrap()
    );
    assert_eq!(served(&layers, Segment, "s"), None);
    assert!(layers.remove_override(Segment, "s"));
    assert_eq!(served(&layers, Segment, "s").unwrap()["version"], 3);
}

#[test]
fn overrides_that_cannot_be_applied_are_refused() {
    let mut layers = layers();
    let revision = layers.items().revision();
    for (kind, key, layer, error) in [
        (Flag, "x", Override::On(true), "there is no such item"),
        (Flag, "x", Override::Variation(0), "there is no such item"),
        (Flag, "f", Override::Variation(2), "only 2 variations"),
        (
            Flag,
            "f",
            Override::Item(json!({"on": 1})),
            "the item cannot be read",
        ),
        (Segment, "s", Override::Value(json!(1)), "for a flag"),
    ] {
        let refused = layers.set_override(kind, key, layer).unwrap_err();
        assert!(refused.to_string().contains(error), "{refused}");
    }
    assert_eq!(
        (layers.items().revision(), layers.overrides().len()),
        (revision, 0)
    );
}

#[test]
fn an_override_follows_its_base() {
    let mut layers = layers();
    layers
        .set_override(Flag, "f", Override::Variation(1))
        .unwrap();
    // The base no longer has the variation, then has it again.
    let short = r#"{"variations":["a"]}"#;
    assert!(
        layers
            .set_base([(Flag, "f".to_owned(), short.into())])
            .unwrap()
    );
    assert_eq!(
        served(&layers, Flag, "f").unwrap()["variations"],
        json!(["a"])
    );
    assert_eq!(served(&layers, Segment, "s"), None);
    layers.set_base([]).unwrap();
    assert_eq!(served(&layers, Flag, "f"), None);
    let long = r#"{"variations":["a","c"]}"#;
    layers
        .set_base([(Flag, "f".to_owned(), long.into())])
        .unwrap();
    assert_eq!(
        served(&layers, Flag, "f").unwrap()["fallthrough"],
        json!({"variation": 1})
    );
    assert_eq!(layers.overrides().len(), 1);
    // Nothing changes with the same base.
    assert!(
        !layers
            .set_base([(Flag, "f".to_owned(), long.into())])
            .unwrap()
    );
}

#[test]
fn a_document_of_overrides_is_one_change() {
    let mut layers = layers();
    layers.set_override(Flag, "f", Override::On(true)).unwrap();
    layers
        .set_override(Segment, "s", Override::Missing)
        .unwrap();
    let revision = layers.items().revision();
    let document = |flags: Value| Overrides::from_json(json!({"flags": flags})).unwrap();
    let next = document(json!({"f": {"variation": 1}, "g": {"value": 1}, "x": {"on": true}}));
    assert!(layers.set_overrides(next.clone()));
    assert_eq!(layers.items().revision(), revision + 1);
    assert_eq!(
        served(&layers, Flag, "f").unwrap()["fallthrough"]["variation"],
        1
    );
    assert_eq!(
        served(&layers, Flag, "g").unwrap()["variations"],
        json!([1])
    );
    assert!(
        served(&layers, Segment, "s").is_some(),
        "its override is gone"
    );
    // Kept until the base has the flag.
    assert_eq!(layers.overrides().len(), 3);
    assert!(!layers.set_overrides(next));
    layers
        .set_base([(Flag, "x".to_owned(), "{}".into())])
        .unwrap();
    assert_eq!(served(&layers, Flag, "x").unwrap()["on"], true);

    let revision = layers.items().revision();
    assert!(layers.remove_overrides());
    assert_eq!(layers.items().revision(), revision + 1);
    assert!(layers.overrides().is_empty());
    assert_eq!(served(&layers, Flag, "x").unwrap()["on"], false);
    assert_eq!(served(&layers, Flag, "g"), None);
}

#[test]
fn an_override_that_changes_nothing_has_no_effect() {
    let mut layers = layers();
    for (kind, form, effect) in [
        (Flag, json!({"on": false}), "Some(Ok(false))"),
        (Flag, json!({"on": true}), "Some(Ok(true))"),
        // Members that mean the same when they are absent.
        (
            Flag,
            json!({"item": serde_json::from_str::<Value>(FLAG).unwrap()}),
            "Some(Ok(false))",
        ),
        (Flag, json!({"for": []}), "Some(Ok(false))"),
        (Flag, json!({"missing": true}), "Some(Ok(true))"),
        (
            Flag,
            json!({"variation": 2}),
            "Some(Err(NoVariation { count: 2, context: None }))",
        ),
        (Segment, json!({"include": ["ada"]}), "Some(Ok(false))"),
        (Segment, json!({"exclude": ["ada"]}), "Some(Ok(true))"),
    ] {
        let key = if kind == Flag { "f" } else { "s" };
        let mut overrides = Overrides::default();
        let form = Override::from_json(form).unwrap();
        overrides.insert(kind, key, form.clone()).unwrap();
        layers.set_overrides(overrides);
        assert_eq!(
            format!("{:?}", layers.has_effect(kind, key)),
            effect,
            "{form:?}"
        );
    }
    assert!(layers.has_effect(Flag, "f").is_none());
    let gone = Override::Missing;
    layers.set_override(Flag, "never", gone).unwrap();
    assert!(matches!(layers.has_effect(Flag, "never"), Some(Ok(false))));
}

#[test]
fn a_text_under_an_override_must_be_an_object_too() {
    let mut layers = layers();
    layers.set_override(Flag, "f", Override::Missing).unwrap();
    let revision = layers.items().revision();
    let base = [(Flag, "f".to_owned(), "[]".into())];
    assert!(layers.set_base(base).is_err());
    assert_eq!(layers.items().revision(), revision);
    assert_eq!(layers.base(Flag, "f"), Some(FLAG));
}

#[derive(Clone, Debug)]
enum Step {
    Base(Vec<(u8, u8, u64)>),
    Set(u8, Override),
    Remove(u8),
    SetAll(Vec<(u8, Override)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let layer = prop_oneof![
        any::<bool>().prop_map(Override::On),
        (0..3_usize).prop_map(Override::Variation),
        (0..3_u8).prop_map(|value| Override::Value(value.into())),
        Just(Override::Missing),
        Just(Override::For(vec![ContextOverride::new(
            "user",
            "ada",
            OverrideResult::Variation(1)
        )])),
        (0..2_u8).prop_map(|salt| Override::Item(json!({"salt": salt.to_string()}))),
    ];
    let step = prop_oneof![
        proptest::collection::vec((0..3_u8, 0..3_u8, 0..9_u64), 0..4).prop_map(Step::Base),
        (0..4_u8, layer.clone()).prop_map(|(key, layer)| Step::Set(key, layer)),
        proptest::collection::vec((0..4_u8, layer), 0..4).prop_map(Step::SetAll),
        (0..4_u8).prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 1..30)
}

proptest! {
    #[test]
    fn every_change_of_a_layer_raises_the_versions_of_what_changes(steps in steps()) {
        let mut layers = Layers::new("p");
        for step in steps {
            let before = layers.items().clone();
            let is_changed = match step {
                Step::Base(base) => {
                    let base = base.into_iter().map(|(key, salt, version)| {
                        let text = json!({"version": version, "salt": salt.to_string(), "variations": [0, 1]});
                        (Flag, key.to_string(), text.to_string().into())
                    });
                    layers.set_base(base).unwrap()
                }
                Step::Set(key, layer) => {
                    layers.set_override(Flag, &key.to_string(), layer).unwrap_or(false)
                }
                Step::SetAll(layers_of_keys) => {
                    let mut overrides = Overrides::default();
                    for (key, layer) in layers_of_keys {
                        overrides.insert(Flag, key.to_string(), layer).unwrap();
                    }
                    layers.set_overrides(overrides)
                }
                Step::Remove(key) => layers.remove_override(Flag, &key.to_string()),
            };
            prop_assert_eq!(layers.items().revision() - before.revision(), u64::from(is_changed));
            for (kind, key, item) in layers.items().iter() {
                match before.get(kind, key) {
                    Some(earlier) if item.json() == earlier.json() => prop_assert_eq!(item, earlier),
                    Some(earlier) => prop_assert!(item.version() > earlier.version()),
                    None => prop_assert!(is_changed),
                }
            }
        }
        // Without overrides, the base is served.
        let keys: Vec<_> = layers.overrides().iter().map(|(_, key, _)| key.to_owned()).collect();
        for key in keys {
            layers.remove_override(Flag, &key);
        }
        for (kind, key, item) in layers.items().iter() {
            prop_assert_eq!(item.json().is_some(), layers.base(kind, key).is_some());
        }
    }
}
