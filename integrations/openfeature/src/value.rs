//! Conversion of context values from OpenFeature, and of flag values to OpenFeature.

use std::any::Any;

use open_feature::{EvaluationContext, EvaluationContextFieldValue, StructValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use vexil::{Object, Value};

use crate::warnings::{Problem, Warnings};

/// The name of the targeting key among the fields of a structure.
pub(crate) const TARGETING_KEY: &str = "targetingKey";

/// The fields of a context, including the targeting key.
pub(crate) fn fields(context: &EvaluationContext, warnings: &Warnings) -> Object {
    nested_fields(context, warnings, Value::MAX_DEPTH)
}

/// Like [`fields`], limited to `levels`. Deeper values are null, as in any [`Value`].
fn nested_fields(context: &EvaluationContext, warnings: &Warnings, levels: usize) -> Object {
    let value =
        |(name, value): (&String, _)| Some((name.clone(), field(name, value, warnings, levels)?));
    let key = context
        .targeting_key
        .iter()
        .map(|key| (TARGETING_KEY.to_owned(), key.into()));
    // Of two fields with the same name the last one wins.
    context
        .custom_fields
        .iter()
        .filter_map(value)
        .chain(key)
        .collect()
}

/// Converts a field's value. Returns `None` if it cannot be used.
fn field(
    name: &str,
    value: &EvaluationContextFieldValue,
    warnings: &Warnings,
    levels: usize,
) -> Option<Value> {
    let value = match value {
        EvaluationContextFieldValue::Bool(value) => Some((*value).into()),
        EvaluationContextFieldValue::Int(value) => Some((*value).into()),
        EvaluationContextFieldValue::Float(value) => vexil::Number::new(*value).map(Value::Number),
        EvaluationContextFieldValue::String(value) => Some(value.into()),
        EvaluationContextFieldValue::DateTime(value) => {
            value.format(&Rfc3339).ok().map(Value::from)
        }
        EvaluationContextFieldValue::Struct(value) => structure(value.as_ref(), warnings, levels),
    };
    if value.is_none() {
        warnings.log_once(name, Problem::UnknownType);
    }
    value
}

/// Converts a value of a supported type. Returns `None` for other types.
fn structure(value: &(dyn Any + Send + Sync), warnings: &Warnings, levels: usize) -> Option<Value> {
    let Some(levels) = levels.checked_sub(1) else {
        return Some(Value::Null);
    };
    if let Some(context) = value.downcast_ref::<EvaluationContext>() {
        return Some(Value::Object(nested_fields(context, warnings, levels)));
    }
    if let Some(value) = value.downcast_ref::<StructValue>() {
        return Some(object(value));
    }
    if let Some(value) = value.downcast_ref::<open_feature::Value>() {
        return Some(json(value, levels + 1));
    }
    if let Some(value) = value.downcast_ref::<serde_json::Value>() {
        return Some(value.clone().into());
    }
    if let Some(value) = value.downcast_ref::<Value>() {
        return Some(value.clone());
    }
    value
        .downcast_ref::<Vec<String>>()
        .map(|texts| texts.iter().collect())
}

/// Converts an OpenFeature structure.
pub(crate) fn object(value: &StructValue) -> Value {
    nested_object(value, Value::MAX_DEPTH - 1)
}

/// Converts a structure whose members have at most `levels`.
fn nested_object(value: &StructValue, levels: usize) -> Value {
    Value::Object(
        value
            .fields
            .iter()
            .map(|(name, value)| (name, json(value, levels)))
            .collect(),
    )
}

/// Converts a value with at most `levels`; deeper values are null.
fn json(value: &open_feature::Value, levels: usize) -> Value {
    match value {
        open_feature::Value::Bool(value) => (*value).into(),
        open_feature::Value::Int(value) => (*value).into(),
        open_feature::Value::Float(value) => (*value).into(),
        open_feature::Value::String(value) => value.into(),
        open_feature::Value::Array(_) | open_feature::Value::Struct(_) if levels == 0 => {
            Value::Null
        }
        open_feature::Value::Array(elements) => elements
            .iter()
            .map(|element| json(element, levels - 1))
            .collect(),
        open_feature::Value::Struct(value) => nested_object(value, levels - 1),
    }
}

/// A value of the requested type, or `None` for the missing default.
pub(crate) struct Requested<T>(pub(crate) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Requested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

/// Only the default is ever serialized, and it is null.
impl<T> Serialize for Requested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

/// An integer: a number without a fraction, within the range in which floats represent every
/// integer.
#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Integer(pub(crate) i64);

const LARGEST: i64 = (1 << 53) - 1;

impl TryFrom<f64> for Integer {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        integer(number).map(Self).ok_or("not an integer")
    }
}

fn integer(number: f64) -> Option<i64> {
    Value::from(number)
        .as_i64()
        .filter(|number| (-LARGEST..=LARGEST).contains(number))
}

/// An object that OpenFeature can represent.
#[derive(Debug, Deserialize)]
#[serde(try_from = "serde_json::Map<String, serde_json::Value>")]
pub(crate) struct Structure(pub(crate) StructValue);

impl TryFrom<serde_json::Map<String, serde_json::Value>> for Structure {
    type Error = &'static str;

    fn try_from(members: serde_json::Map<String, serde_json::Value>) -> Result<Self, Self::Error> {
        struct_value(members)
            .map(Self)
            .ok_or("a list contains null")
    }
}

fn struct_value(members: serde_json::Map<String, serde_json::Value>) -> Option<StructValue> {
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    let fields = present
        .map(|(name, value)| Some((name, value_of(value)?)))
        .collect::<Option<_>>()?;
    Some(StructValue { fields })
}

/// Converts a value to OpenFeature. Returns `None` for null.
fn value_of(value: serde_json::Value) -> Option<open_feature::Value> {
    Some(match value {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(value) => open_feature::Value::Bool(value),
        serde_json::Value::Number(number) => {
            let number = number.as_f64()?;
            integer(number).map_or(open_feature::Value::Float(number), open_feature::Value::Int)
        }
        serde_json::Value::String(value) => open_feature::Value::String(value),
        serde_json::Value::Array(elements) => {
            open_feature::Value::Array(elements.into_iter().map(value_of).collect::<Option<_>>()?)
        }
        serde_json::Value::Object(members) => open_feature::Value::Struct(struct_value(members)?),
    })
}
