//! Values of contexts on the way in, and values of flags on the way out.

use std::any::Any;

use open_feature::{EvaluationContext, EvaluationContextFieldValue, StructValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use vexil::{Object, Value};

use crate::complaints::{Complaint, Complaints};
use crate::context::TARGETING_KEY;

/// The fields of a context, the targeting key being one of them.
pub(crate) fn fields(context: &EvaluationContext, complaints: &Complaints) -> Object {
    nested_fields(context, complaints, Value::MAX_DEPTH)
}

/// The same with so many levels; what lies deeper is null, as in any [`Value`].
fn nested_fields(context: &EvaluationContext, complaints: &Complaints, levels: usize) -> Object {
    let value =
        |(name, value): (&String, _)| Some((name.clone(), field(name, value, complaints, levels)?));
    let key = context
        .targeting_key
        .iter()
        .map(|key| (TARGETING_KEY.to_owned(), key.into()));
    // The last of two fields of the same name counts.
    context
        .custom_fields
        .iter()
        .filter_map(value)
        .chain(key)
        .collect()
}

/// A field's value; none if it cannot be used.
fn field(
    name: &str,
    value: &EvaluationContextFieldValue,
    complaints: &Complaints,
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
        EvaluationContextFieldValue::Struct(value) => structure(value.as_ref(), complaints, levels),
    };
    if value.is_none() {
        complaints.about(name, Complaint::UnknownType);
    }
    value
}

/// A value of a type that is understood.
fn structure(
    value: &(dyn Any + Send + Sync),
    complaints: &Complaints,
    levels: usize,
) -> Option<Value> {
    let Some(levels) = levels.checked_sub(1) else {
        return Some(Value::Null);
    };
    if let Some(context) = value.downcast_ref::<EvaluationContext>() {
        return Some(Value::Object(nested_fields(context, complaints, levels)));
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

/// A structure of OpenFeature as ours.
pub(crate) fn object(value: &StructValue) -> Value {
    nested_object(value, Value::MAX_DEPTH - 1)
}

/// A structure whose members have so many levels.
fn nested_object(value: &StructValue, levels: usize) -> Value {
    Value::Object(
        value
            .fields
            .iter()
            .map(|(name, value)| (name, json(value, levels)))
            .collect(),
    )
}

/// The value with so many levels; what lies deeper is null.
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

/// What a caller of OpenFeature requests: a value of this type, or `None` as the default that
/// nobody gave.
pub(crate) struct Requested<T>(pub(crate) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Requested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

/// Only ever the default.
impl<T> Serialize for Requested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

/// A number that is an integer and no other: without a fraction, and not so large that floats skip
/// integers.
#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Integer(pub(crate) i64);

const LARGEST: i64 = (1 << 53) - 1;

impl TryFrom<f64> for Integer {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        integer(number).map(Self).ok_or("no integer")
    }
}

fn integer(number: f64) -> Option<i64> {
    Value::from(number)
        .as_i64()
        .filter(|number| (-LARGEST..=LARGEST).contains(number))
}

/// An object that OpenFeature can hold.
#[derive(Debug, Deserialize)]
#[serde(try_from = "serde_json::Map<String, serde_json::Value>")]
pub(crate) struct Structure(pub(crate) StructValue);

impl TryFrom<serde_json::Map<String, serde_json::Value>> for Structure {
    type Error = &'static str;

    fn try_from(members: serde_json::Map<String, serde_json::Value>) -> Result<Self, Self::Error> {
        struct_value(members).map(Self).ok_or("a list with a null")
    }
}

fn struct_value(members: serde_json::Map<String, serde_json::Value>) -> Option<StructValue> {
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    let fields = present
        .map(|(name, value)| Some((name, value_of(value)?)))
        .collect::<Option<_>>()?;
    Some(StructValue { fields })
}

/// A value as OpenFeature has it; none if there is a null in its place.
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
