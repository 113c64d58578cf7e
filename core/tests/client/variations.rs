//! How the variation methods convert a flag's value.

use std::collections::BTreeMap;

use pollster::block_on;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use vexil::client::{FlagValue, StrictInt};
use vexil::eval::TypeMismatch;
use vexil::migration::Stage;
use vexil::{Client, Text, Value};

use crate::support::{self, Fixed, ada, error, serving, with};

/// Whether the value is accepted; if not, the reason must be `WRONG_TYPE`.
#[track_caller]
fn read<T: FlagValue + Clone>(value: &Json, default: T) -> Option<T::Output> {
    let client = support::client_with(&serving(1, value.clone()));
    let detail = client.variation_detail("flag", &ada(), default.clone());
    let awaited = block_on(client.variation_detail_async("flag", &ada(), default));
    assert_eq!(
        (awaited.variation_index, &awaited.reason),
        (detail.variation_index, &detail.reason)
    );
    if detail.is_default_value() {
        assert_eq!(
            serde_json::to_value(&detail.reason).unwrap(),
            error("WRONG_TYPE")
        );
        return None;
    }
    assert_eq!(detail.variation_index, Some(0));
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        json!({"kind": "FALLTHROUGH"})
    );
    Some(detail.value)
}

// EVAL-4.14
#[test]
fn a_typed_method_accepts_values_of_its_type_only() {
    let values = [
        json!(true),
        json!(3),
        json!("text"),
        json!(null),
        json!([true]),
        json!({"a": 1}),
    ];
    for (index, value) in values.iter().enumerate() {
        assert_eq!(
            read(value, false),
            (index == 0).then_some(true),
            "{value} as bool"
        );
        assert_eq!(read(value, 0), (index == 1).then_some(3), "{value} as int");
        assert_eq!(
            read(value, 0.5),
            (index == 1).then_some(3.0),
            "{value} as float"
        );
        assert_eq!(
            read(value, ""),
            (index == 2).then(|| "text".into()),
            "{value} as &str"
        );
        assert_eq!(
            read(value, String::new()),
            (index == 2).then(|| "text".to_owned()),
            "{value} as String"
        );
        assert_eq!(
            read(value, Text::default()),
            (index == 2).then(|| "text".into()),
            "{value} as Text"
        );
        assert_eq!(
            read(value, Value::from(7)),
            Some(value.clone().into()),
            "{value} as Value"
        );
        assert_eq!(
            read(value, json!(7)),
            Some(value.clone()),
            "{value} as JSON"
        );
    }
}

// EVAL-4.14
#[test]
fn a_null_variation_is_a_value_for_json_and_the_wrong_type_for_typed_methods() {
    let client = support::client_with(&serving(1, json!(null)));
    let detail = client.json_variation_detail("flag", &ada(), Value::from(7));
    assert_eq!(
        (detail.value, detail.variation_index),
        (Value::Null, Some(0))
    );
    assert_eq!(client.json_as("flag", &ada(), Some(7)), None);
    let detail = client.variation_detail("flag", &ada(), StrictInt(7));
    assert_eq!((detail.value, detail.variation_index), (7, None));
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("WRONG_TYPE")
    );
}

// EVAL-4.14
#[test]
fn an_integer_is_a_truncated_number_within_the_range_of_exact_integers() {
    const EXACT: i64 = 9_007_199_254_740_991;
    for (value, expected, strict) in [
        (json!(3), Some(3), true),
        (json!(3.0), Some(3), true),
        (json!(2.75), Some(2), false),
        (json!(-2.75), Some(-2), false),
        (json!(0.99), Some(0), false),
        (json!(-0.0), Some(0), true),
        (json!(1e3), Some(1000), true),
        (json!(EXACT), Some(EXACT), true),
        (json!(-EXACT), Some(-EXACT), true),
        (json!(1e300), None, false),
        (json!(-1e300), None, false),
        (json!(u64::MAX), None, false),
    ] {
        let client = support::client_with(&serving(1, value.clone()));
        let detail = client.int_variation_detail("flag", &ada(), 77);
        assert_eq!(detail.value, expected.unwrap_or(77), "{value}");
        assert_eq!(detail.is_default_value(), expected.is_none(), "{value}");
        let detail = client.variation_detail("flag", &ada(), StrictInt(77));
        assert_eq!(
            detail.value,
            expected.filter(|_| strict).unwrap_or(77),
            "{value}, strictly"
        );
        assert_eq!(detail.is_default_value(), !strict, "{value}, strictly");
        assert_eq!(
            block_on(client.variation_async("flag", &ada(), StrictInt(77))),
            detail.value
        );
    }
}

// EVAL-4.14
#[test]
fn a_number_beyond_the_range_of_exact_integers_is_not_an_integer() {
    for value in [
        9_007_199_254_740_992_i64,
        9_007_199_254_740_993,
        -9_007_199_254_740_992,
    ] {
        let client = support::client_with(&serving(1, value));
        assert_eq!(client.int_variation("flag", &ada(), 77), 77, "{value}");
        assert_eq!(
            client.variation("flag", &ada(), StrictInt(77)),
            77,
            "{value}, strictly"
        );
    }
}

// EVAL-4.14
#[test]
fn a_float_is_any_number() {
    for (value, expected) in [
        (json!(-100), -100.0),
        (json!(0.1), 0.1),
        (json!(1e300), 1e300),
    ] {
        assert_eq!(read(&value, 7.0), Some(expected));
    }
}

// EVAL-4.1 (5)
#[test]
fn a_flag_that_is_off_without_an_off_variation_returns_the_default() {
    let client = support::client_with(&with(serving(1, "on"), &json!({"on": false})));
    support::every_method_returns_its_default(&client, "flag", &ada(), &json!({"kind": "OFF"}));
}

// EVAL-4.1 (5)
#[test]
fn a_failed_prerequisite_without_an_off_variation_returns_the_default() {
    let client = support::client_with(&with(
        serving(1, 1),
        &json!({"prerequisites": [{"key": "none", "variation": 0}]}),
    ));
    let reason = json!({"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "none"});
    support::every_method_returns_its_default(&client, "flag", &ada(), &reason);
}

// EVAL-4.14: the type check applies to values of flags, never to the default
#[test]
fn the_default_of_a_call_may_be_null() {
    let client = support::client(&json!({}));
    assert_eq!(
        client.json_variation("no-such-flag", &ada(), Value::Null),
        Value::Null
    );
}

// the stage of a migration
#[test]
fn a_stage_is_parsed_from_its_name_and_any_other_string_is_the_wrong_type() {
    assert_eq!(read(&json!("rampdown"), Stage::Off), Some(Stage::RampDown));
    assert_eq!(read(&json!("half-way"), Stage::Off), None);
    assert_eq!(read(&json!(1), Stage::Off), None);
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Limits {
    rps: u32,
}

const LIMITS: Limits = Limits { rps: 7 };

// variations of any type
#[test]
fn a_variation_deserializes_into_a_custom_type_if_it_fits() {
    for (value, expected) in [
        (json!({"rps": 100, "more": true}), Some(100)),
        (json!({"rps": -1}), None),
        (json!({}), None),
        (json!(null), None),
        (json!("text"), None),
    ] {
        let client = support::client_with(&serving(1, value.clone()));
        let limits = Limits {
            rps: expected.unwrap_or(LIMITS.rps),
        };
        assert_eq!(client.json_as("flag", &ada(), LIMITS), limits, "{value}");
        assert_eq!(
            block_on(client.json_as_async("flag", &ada(), LIMITS)),
            limits,
            "{value}"
        );
        for detail in [
            client.json_as_detail("flag", &ada(), LIMITS),
            block_on(client.json_as_detail_async("flag", &ada(), LIMITS)),
        ] {
            assert_eq!(
                (&detail.value, detail.variation_index),
                (&limits, expected.map(|_| 0)),
                "{value}"
            );
            let reason = if expected.is_some() {
                json!({"kind": "FALLTHROUGH"})
            } else {
                error("WRONG_TYPE")
            };
            assert_eq!(
                serde_json::to_value(&detail.reason).unwrap(),
                reason,
                "{value}"
            );
        }
    }
}

// the synchronous and the async methods return the same
#[test]
fn the_async_methods_return_the_same_as_the_synchronous_ones() {
    let client = support::client(&json!({"flags": {
        "bool": serving(1, true), "number": serving(1, 3), "text": serving(1, "text"), "json": serving(1, json!([1, "a"]))}}));
    let ada = ada();
    assert!(block_on(client.variation_async("bool", &ada, false)));
    assert_eq!(block_on(client.variation_async("number", &ada, 0)), 3);
    assert_eq!(block_on(client.variation_async("number", &ada, 0.0)), 3.0);
    assert_eq!(block_on(client.variation_async("text", &ada, "")), "text");
    let list = Value::from(json!([1, "a"]));
    assert_eq!(
        block_on(client.variation_async("json", &ada, Value::Null)),
        list
    );
    let detail = block_on(client.variation_detail_async("json", &ada, Value::Null));
    assert_eq!(
        detail,
        client.json_variation_detail("json", &ada, Value::Null)
    );
    let detail = block_on(client.variation_detail_async("bool", &ada, false));
    assert_eq!(detail, client.bool_variation_detail("bool", &ada, false));
    assert_eq!(
        client.variation("bool", &ada, false),
        block_on(client.variation_async("bool", &ada, false))
    );
}

fn with_defaults(data: &Json) -> Client {
    let own = [
        ("flag", json!("configured")),
        ("number", json!(1.5)),
        ("limits", json!({"rps": 70})),
    ];
    let builder = Client::builder("sdk-key").data_source(Fixed::new(data));
    builder
        .defaults(own)
        .defaults([("number", 2.5)])
        .start()
        .unwrap()
}

// `defaults(map)`
#[test]
fn a_configured_default_takes_precedence_over_the_callers_default() {
    let off = with(serving(1, "on"), &json!({"on": false}));
    let malformed = json!({"on": true, "version": 1});
    for (flag, reason) in [
        (off, json!({"kind": "OFF"})),
        (malformed, error("MALFORMED_FLAG")),
        (serving(1, 3), error("WRONG_TYPE")),
        (
            json!({"deleted": true, "version": 1}),
            error("FLAG_NOT_FOUND"),
        ),
    ] {
        let client = with_defaults(&json!({"flags": {"flag": flag}}));
        let detail = client.str_variation_detail("flag", &ada(), "own");
        assert_eq!(
            (detail.value.as_str(), detail.variation_index),
            ("configured", None),
            "{reason}"
        );
        assert_eq!(serde_json::to_value(&detail.reason).unwrap(), reason);
        assert_eq!(client.str_variation("flag", &ada(), "own"), "configured");
        assert_eq!(
            block_on(client.variation_async("flag", &ada(), "own")),
            "configured"
        );
    }
}

// `defaults(map)`
#[test]
fn a_flags_value_takes_precedence_over_a_configured_default() {
    let client = with_defaults(&json!({"flags": {"flag": serving(1, "flag's own")}}));
    assert_eq!(client.str_variation("flag", &ada(), "own"), "flag's own");
    assert_eq!(client.str_variation("another", &ada(), "own"), "own");
}

// `defaults(map)`
#[test]
fn a_configured_default_is_returned_by_a_client_without_data() {
    let offline = Client::builder("sdk-key")
        .defaults([("flag", true)])
        .offline(true)
        .start()
        .unwrap();
    assert!(offline.bool_variation("flag", &ada(), false));
    let detail = offline.bool_variation_detail("flag", &ada(), false);
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("CLIENT_NOT_READY")
    );
}

// `defaults(map)`
#[test]
fn a_configured_default_of_the_wrong_type_is_ignored() {
    let client = with_defaults(&json!({}));
    assert!(client.bool_variation("flag", &ada(), true));
    assert_eq!(client.int_variation("flag", &ada(), 7), 7);
    assert_eq!(
        client.float_variation("number", &ada(), 7.0),
        2.5,
        "the last of two defaults wins"
    );
    assert_eq!(client.int_variation("number", &ada(), 7), 2);
    assert_eq!(client.variation("number", &ada(), StrictInt(7)), 7);
    assert_eq!(
        client.json_variation("number", &ada(), Value::Null),
        Value::from(2.5)
    );
}

// `defaults(map)`
#[test]
fn a_configured_default_deserializes_into_a_custom_type() {
    let client = with_defaults(&json!({}));
    assert_eq!(client.json_as("limits", &ada(), LIMITS), Limits { rps: 70 });
    assert_eq!(
        client.json_as("flag", &ada(), LIMITS),
        LIMITS,
        "a default that does not fit is ignored"
    );
    let own: BTreeMap<String, u32> = client.json_as("limits", &ada(), BTreeMap::new());
    assert_eq!(own["rps"], 70);
}

// `defaults(map)`, applied by the typed methods
#[test]
fn a_configured_default_is_used_if_the_flag_does_not_fit_the_custom_type() {
    let client = with_defaults(&json!({"flags": {"limits": serving(1, "text")}}));
    let detail = client.json_as_detail("limits", &ada(), LIMITS);
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("WRONG_TYPE")
    );
    assert_eq!(detail.value, Limits { rps: 70 });
}

#[test]
fn a_type_mismatch_names_the_requested_and_the_actual_type() {
    let found = |value: Json| support::client_with(&serving(1, value));
    let words = |mismatch: Option<&TypeMismatch>| mismatch.map(ToString::to_string);
    for (value, name) in [
        (json!("text"), "a string"),
        (json!(null), "null"),
        (json!([1]), "an array"),
        (json!({"a": 1}), "an object"),
    ] {
        let client = found(value);
        let detail = client.bool_variation_detail("flag", &ada(), true);
        assert_eq!(
            words(detail.type_mismatch()),
            Some(format!("expected a boolean, found {name}"))
        );
        let awaited = block_on(client.variation_detail_async("flag", &ada(), 1.5));
        assert_eq!(
            words(awaited.type_mismatch()),
            Some(format!("expected a number, found {name}"))
        );
        let stage = client.variation_detail("flag", &ada(), Stage::Off);
        assert_eq!(
            words(stage.type_mismatch()),
            Some(format!("expected the stage of a migration, found {name}"))
        );
    }
    let client = found(json!(true));
    let detail = client.str_variation_detail("flag", &ada(), "");
    assert_eq!(
        words(detail.type_mismatch()),
        Some("expected a string, found a boolean".to_owned())
    );
    assert_eq!(
        words(
            client
                .bool_variation_detail("flag", &ada(), false)
                .type_mismatch()
        ),
        None
    );
    assert_eq!(
        words(
            client
                .bool_variation_detail("no-such-flag", &ada(), false)
                .type_mismatch()
        ),
        None
    );
}

#[test]
fn a_type_mismatch_of_a_custom_type_contains_the_deserialization_error() {
    let client = support::client_with(&serving(1, json!({"rps": "many"})));
    let detail = client.json_as_detail("flag", &ada(), LIMITS);
    let mismatch = detail.type_mismatch().unwrap();
    assert!(mismatch.expected.ends_with("::Limits"), "{mismatch}");
    assert!(
        mismatch
            .to_string()
            .ends_with("found an object: invalid type: string \"many\", expected u32"),
        "{mismatch}"
    );

    let client = support::client_with(&serving(1, json!("x".repeat(1 << 20))));
    let detail = block_on(client.json_as_detail_async("flag", &ada(), 1_u8));
    assert!(
        detail.type_mismatch().unwrap().to_string().len() < 1_000,
        "a long value is truncated"
    );
}

#[test]
fn an_integer_that_f64_cannot_represent_is_not_an_integer_for_custom_types() {
    let flags = json!({"flags": {
        "beyond": serving(1, 9_007_199_254_740_993_i64),
        "within": serving(1, 9_007_199_254_740_991_i64),
    }});
    let client = support::client(&flags);
    assert_eq!(client.json_as("beyond", &ada(), 7_u64), 7);
    let detail = client.json_as_detail("beyond", &ada(), 7_i64);
    assert!(detail.type_mismatch().unwrap().to_string().contains("2^53"));
    assert_eq!(
        client.json_as("within", &ada(), 7_u64),
        9_007_199_254_740_991
    );
}
