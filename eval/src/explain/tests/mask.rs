//! Private attributes are never part of an explanation.

use super::*;
use crate::context::Reference;

fn found(mask: Mask, attribute: &str, context: &Context) -> ClauseStep {
    let clause =
        json!({"contextKind": "user", "attribute": attribute, "op": "in", "values": ["x"]});
    let options = ExplainOptions::default().mask(mask);
    let explanation = Data::clauses(json!([clause])).explain_with("f", context, &options);
    first_clause(&explanation).clone()
}

#[test]
fn masks_hide_values_and_what_is_below_them() {
    let context = user(
        json!({"name": "x", "anonymous": true, "o": {"p": "x", "q": 1}, "a": "x",
        "_meta": {"privateAttributes": ["/o/p", "kind", "key", "/"]}}),
    );
    let plain = |value: Json| FoundValue::Value(value.into());
    let hidden = FoundValue::Private(ValueType::String);
    let and = |references: &[&str]| {
        Mask::PrivateAnd(references.iter().copied().map(Reference::new).collect())
    };
    for (mask, attribute, expected) in [
        (Mask::Nothing, "/o/p", plain(json!("x"))),
        (Mask::Private, "/o/p", hidden.clone()),
        (Mask::Private, "o", plain(json!({"q": 1}))),
        (Mask::Private, "/o/q", plain(json!(1))),
        (Mask::Private, "a", plain(json!("x"))),
        (Mask::Private, "key", plain(json!("ada"))),
        (and(&["a", "/"]), "a", hidden.clone()),
        (and(&["a"]), "/o/p", hidden.clone()),
        (and(&["o"]), "/o/q", FoundValue::Private(ValueType::Number)),
        (and(&["o"]), "o", FoundValue::Private(ValueType::Object)),
        (and(&["name"]), "name", hidden.clone()),
        (and(&["/o/q"]), "o", plain(json!({}))),
        (Mask::AllAttributes, "a", hidden.clone()),
        (Mask::AllAttributes, "name", hidden.clone()),
        (Mask::AllAttributes, "key", plain(json!("ada"))),
        (Mask::AllAttributes, "anonymous", plain(json!(true))),
    ] {
        let step = found(mask.clone(), attribute, &context);
        assert_eq!(step.found, Some(expected.clone()), "{mask:?} {attribute}");
        if matches!(expected, FoundValue::Private(_)) {
            assert_eq!(step.matched_operand, None, "{mask:?} {attribute}");
        }
    }
}

#[test]
fn the_value_that_a_rollout_hashes_is_hidden_too() {
    let rollout = json!({"contextKind": "user", "bucketBy": "/o/p",
        "variations": [{"variation": 0, "weight": 100_000}]});
    let flags = json!({"f": flag(json!({"fallthrough": {"rollout": rollout}}))});
    let context = user(json!({"o": {"p": "secret"}, "_meta": {"privateAttributes": ["o"]}}));
    let explanation = Data::new(flags, json!({})).explain("f", &context);
    let StepKind::Fallthrough {
        serve: Some(Serve::Rollout(step)),
    } = &explanation.steps[1].kind
    else {
        panic!("no rollout: {explanation}");
    };
    assert!(step.hashed);
    assert_eq!(step.found, FoundValue::Private(ValueType::String));
}
