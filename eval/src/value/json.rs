//! Conversions from and to `serde_json::Value`.

use super::{Array, Object, Value, sorted_members};
use crate::text::Text;

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        converted(value, Self::MAX_DEPTH)
    }
}

impl Value {
    /// Converts the JSON of a context from a `serde_json` value.
    pub(crate) fn from_context(json: serde_json::Value) -> Self {
        converted(json, Self::CONTEXT_DEPTH)
    }
}

/// Converts a value with at most `levels` levels of arrays and objects; deeper ones become null.
fn converted(value: serde_json::Value, levels: usize) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(value) => value.as_f64().map_or(Value::Null, Value::from),
        serde_json::Value::String(value) => Value::from(value),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) if levels == 0 => {
            take_apart(value);
            Value::Null
        }
        serde_json::Value::Array(elements) => {
            let elements = elements
                .into_iter()
                .map(|element| converted(element, levels - 1));
            Value::Array(Array(elements.collect()))
        }
        serde_json::Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (Text::from(name), converted(value, levels - 1)));
            Value::Object(Object(sorted_members(members.collect()).into()))
        }
    }
}

/// Drops a value iteratively: the recursive drop of `serde_json` overflows the stack if the value
/// is deep enough.
fn take_apart(value: serde_json::Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            serde_json::Value::Array(elements) => rest.extend(elements),
            serde_json::Value::Object(members) => {
                rest.extend(members.into_iter().map(|(_, value)| value))
            }
            _ => {}
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => whole.into(),
                None => number.as_f64().into(),
            },
            Value::String(text) => Self::String(text.as_str().to_owned()),
            Value::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect(),
            ),
        }
    }
}
