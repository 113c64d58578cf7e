//! Conversion of OpenFeature's contexts by the rules of the vendor's providers.

use open_feature::{EvaluationContext, EvaluationContextFieldValue, StructValue, Value};
use serde_json::json;
use vexil::{Client, Context, ContextError};
use vexil_openfeature::Provider;

use crate::support::ada;

fn convert(context: &EvaluationContext) -> Result<Context, ContextError> {
    Provider::new(Client::builder("sdk-key").offline(true).start().unwrap()).context(context)
}

/// The context's JSON form.
fn converted(context: &EvaluationContext) -> serde_json::Value {
    serde_json::to_value(convert(context).unwrap()).unwrap()
}

fn structure(value: impl std::any::Any + Send + Sync) -> EvaluationContextFieldValue {
    EvaluationContextFieldValue::new_struct(value)
}

#[test]
fn a_targeting_key_alone_makes_a_user() {
    assert_eq!(converted(&ada()), json!({"kind": "user", "key": "ada"}));
}

#[test]
fn the_field_kind_sets_the_kind() {
    let org = EvaluationContext::default()
        .with_targeting_key("acme")
        .with_custom_field("kind", "org");
    assert_eq!(converted(&org), json!({"kind": "org", "key": "acme"}));
}

#[test]
fn the_targeting_key_takes_precedence_over_the_field_key() {
    let field = EvaluationContext::default().with_custom_field("key", "field");
    assert_eq!(converted(&field), json!({"kind": "user", "key": "field"}));
    assert_eq!(
        converted(&field.with_targeting_key("ada")),
        json!({"kind": "user", "key": "ada"})
    );
}

#[test]
fn built_in_attributes_are_set_and_other_fields_are_custom_attributes() {
    let context = ada()
        .with_custom_field("name", "Ada")
        .with_custom_field("anonymous", true)
        .with_custom_field("email", "ada@example.com")
        .with_custom_field("age", 36)
        .with_custom_field("score", 0.5)
        .with_custom_field("admin", false);
    assert_eq!(
        converted(&context),
        json!({"kind": "user", "key": "ada", "name": "Ada", "anonymous": true,
            "email": "ada@example.com", "age": 36, "score": 0.5, "admin": false})
    );
}

#[test]
fn a_built_in_attribute_of_a_wrong_type_is_ignored() {
    let context = ada()
        .with_custom_field("name", 1)
        .with_custom_field("anonymous", "yes")
        .with_custom_field("_meta", "mine")
        .with_custom_field("kind", true)
        .with_custom_field("privateAttributes", "email")
        .with_custom_field("infinite", f64::INFINITY);
    assert_eq!(converted(&context), json!({"kind": "user", "key": "ada"}));
}

// Vendor: dates are ISO strings
#[test]
fn a_date_is_converted_to_text_that_date_operators_accept() {
    let date = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let context = ada().with_custom_field("since", date);
    assert_eq!(converted(&context)["since"], "2023-11-14T22:13:20Z");
    let no_year = time::Date::MAX
        .midnight()
        .assume_offset(time::UtcOffset::from_hms(23, 59, 59).unwrap());
    assert_eq!(
        converted(&ada().with_custom_field("since", no_year)).get("since"),
        None,
        "RFC 3339 cannot represent this offset"
    );
}

#[test]
fn private_attributes_are_a_list_of_names_or_references() {
    let private =
        |value| converted(&ada().with_custom_field("privateAttributes", value))["_meta"].take();
    let expected = json!({"privateAttributes": ["email", "/address/city"]});
    let names = ["email", "/address/city"];
    assert_eq!(
        private(structure(names.map(str::to_owned).to_vec())),
        expected
    );
    assert_eq!(private(structure(Value::from(names.to_vec()))), expected);
    assert_eq!(private(structure(json!(names))), expected);
    assert_eq!(private(structure(vexil::Value::from(names))), expected);
    assert_eq!(
        private(structure(json!(["email", 7, "/address/city"]))),
        expected,
        "an element that is not a name is ignored"
    );
}

#[test]
fn structures_of_every_supported_type_are_attributes() {
    let expected = json!({"city": "London", "lines": ["a", 1, 0.5, true], "place": {"zip": 7}});
    let list = || Value::Array(vec!["a".into(), 1.into(), 0.5.into(), true.into()]);
    let place = || StructValue::default().with_field("zip", 7);
    let fields = || {
        StructValue::default()
            .with_field("city", "London")
            .with_field("lines", list())
            .with_field("place", place())
    };
    let context = EvaluationContext::default()
        .with_custom_field("city", "London")
        .with_custom_field("lines", structure(list()))
        .with_custom_field("place", structure(place()));
    for (what, value) in [
        ("StructValue", structure(fields())),
        ("Value", structure(Value::Struct(fields()))),
        ("serde_json::Value", structure(expected.clone())),
        (
            "vexil::Value",
            structure(vexil::Value::from(expected.clone())),
        ),
        ("EvaluationContext", structure(context)),
    ] {
        assert_eq!(
            converted(&ada().with_custom_field("address", value))["address"],
            expected,
            "{what}"
        );
    }
    struct Unknown;
    assert_eq!(
        converted(&ada().with_custom_field("address", structure(Unknown))).get("address"),
        None
    );
}

#[test]
fn a_context_of_kind_multi_has_a_structure_for_each_kind() {
    let user = EvaluationContext::default()
        .with_targeting_key("ada")
        .with_custom_field("name", "Ada");
    let org = json!({"key": "acme", "seats": 250, "privateAttributes": ["seats"]});
    let device = StructValue::default()
        .with_field("targetingKey", "d-1")
        .with_field("anonymous", true);
    let context = EvaluationContext::default()
        .with_custom_field("kind", "multi")
        .with_custom_field("user", structure(user))
        .with_custom_field("org", structure(org))
        .with_custom_field("device", structure(device));
    let expected = json!({
        "kind": "multi",
        "user": {"key": "ada", "name": "Ada"},
        "org": {"key": "acme", "seats": 250, "_meta": {"privateAttributes": ["seats"]}},
        "device": {"key": "d-1", "anonymous": true},
    });
    assert_eq!(converted(&context), expected);
    // May come from the global context.
    assert_eq!(
        converted(&context.clone().with_targeting_key("bob")),
        expected
    );
    assert_eq!(
        converted(&context.with_custom_field("plan", "pro")),
        expected,
        "a field that is not a kind is ignored"
    );
}

#[test]
fn one_invalid_kind_makes_the_whole_context_invalid() {
    let context = EvaluationContext::default()
        .with_custom_field("kind", "multi")
        .with_custom_field("user", structure(json!({"key": "ada"})))
        .with_custom_field("org", structure(json!({"seats": 250})));
    assert!(matches!(
        convert(&context),
        Err(ContextError::InvalidMembers { .. })
    ));
    let none = EvaluationContext::default().with_custom_field("kind", "multi");
    assert!(matches!(convert(&none), Err(ContextError::NoKinds)));
    let of_other_type = EvaluationContext::default().with_custom_field("key", 7);
    assert!(matches!(
        convert(&of_other_type),
        Err(ContextError::EmptyKey)
    ));
}
