//! Tests of [`Value`]: numbers, depth, conversions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::*;

fn value(json: serde_json::Value) -> Value {
    json.into()
}

#[test]
fn numbers_are_equal_however_they_were_written() {
    let parsed: Vec<Value> = serde_json::from_str("[1, 1.0, 1e0]").unwrap();
    assert!(parsed.iter().all(|number| *number == Value::from(1)));
    assert_eq!(serde_json::to_string(&parsed).unwrap(), "[1,1,1]");
    assert_ne!(Value::from(1), Value::from(true));
    assert_eq!(Value::from(-0.0), Value::from(0));
}

#[test]
fn only_whole_numbers_count_as_integers() {
    assert_eq!(Value::from(33_333.0).as_i64(), Some(33_333));
    assert_eq!(Value::from(1.5).as_i64(), None);
    assert_eq!(Value::from(9.3e18).as_i64(), None);
    assert_eq!(Value::from(f64::NAN), Value::Null);
}

/// Wraps a one in `count` levels of arrays or objects.
fn levels(count: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..count).fold(Value::from(1), |inner, _| wrap(inner))
}

/// Returns the number of levels around the innermost value, and that value.
fn measured(value: &Value) -> (usize, &Value) {
    let (mut depth, mut value) = (0, value);
    loop {
        value = match value {
            Value::Array(elements) => &elements[0],
            Value::Object(object) => object.get("a").unwrap(),
            innermost => return (depth, innermost),
        };
        depth += 1;
    }
}

#[test]
fn a_built_value_has_null_below_the_maximum_depth() {
    let array: fn(Value) -> Value = |inner| Value::from([inner]);
    let object: fn(Value) -> Value = |inner| Value::Object([("a", inner)].into_iter().collect());
    let map: fn(Value) -> Value = |inner| Value::from(BTreeMap::from([("a", inner)]));
    for wrap in [array, object, map] {
        assert_eq!(
            measured(&levels(Value::MAX_DEPTH, wrap)),
            (Value::MAX_DEPTH, &Value::from(1))
        );
        for count in [Value::MAX_DEPTH + 1, 50_000] {
            let deep = levels(count, wrap);
            assert_eq!(measured(&deep), (Value::MAX_DEPTH, &Value::Null));
            // These must not overflow the stack.
            assert_eq!(deep, deep.clone());
            assert!(format!("{deep:?}{deep}").contains("null"));
        }
    }
    let mixed = Value::from([levels(Value::MAX_DEPTH, array), 7.into()]);
    assert_eq!(
        mixed.as_array().unwrap()[1],
        Value::from(7),
        "a value within the limit must not change"
    );
}

#[test]
fn deep_serde_json_values_are_cut_and_dropped_without_recursion() {
    // The macro `json!` would copy the inner value recursively.
    let wrap = |inner: serde_json::Value, n| match n % 2 {
        0 => vec![inner].into(),
        _ => serde_json::Map::from_iter([("a".to_owned(), inner)]).into(),
    };
    let deep = (0..50_000).fold(json!(1), wrap);
    assert_eq!(
        measured(&Value::from(deep)),
        (Value::MAX_DEPTH, &Value::Null)
    );
}

#[test]
fn too_deep_input_is_rejected_in_a_format_without_its_own_limit() {
    let nested = |count| (0..count).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(
        measured(&Value::deserialize(nested(Value::MAX_DEPTH)).unwrap()).0,
        Value::MAX_DEPTH
    );
    let error = Value::deserialize(nested(Value::MAX_DEPTH + 1)).unwrap_err();
    assert!(error.to_string().contains("100 levels"), "{error}");
    let text = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(serde_json::from_str::<Value>(&text(Value::MAX_DEPTH)).is_ok());
    assert!(serde_json::from_str::<Value>(&text(Value::MAX_DEPTH + 1)).is_err());
}

#[test]
fn objects_ignore_order_and_the_last_of_duplicate_members_wins() {
    let one: Value = serde_json::from_str(r#"{"b":1,"a":2,"b":3}"#).unwrap();
    assert_eq!(one, value(json!({"a": 2, "b": 3})));
    assert_eq!(one.to_string(), r#"{"a":2,"b":3}"#);
}

#[test]
fn values_survive_conversion_to_serde_json_and_back() {
    let json = json!({"n": null, "t": true, "i": -7, "f": 1.25, "s": "ключ", "a": [1, [2]], "o": {"x": {}}});
    assert_eq!(serde_json::Value::from(value(json.clone())), json);
    assert_eq!(serde_json::to_value(value(json.clone())).unwrap(), json);
}

#[test]
fn a_value_is_three_words_large() {
    assert_eq!(size_of::<Value>(), 24);
}
