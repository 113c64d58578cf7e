//! Converts OpenFeature's evaluation context by the rules of the vendor's OpenFeature providers.

use open_feature::EvaluationContext;
use vexil::{Context, ContextError, MultiContextBuilder, Object, Text, Value};

use crate::complaints::{Complaint, Complaints};
use crate::value;

/// The name of the targeting key among the fields of a structure.
pub(crate) const TARGETING_KEY: &str = "targetingKey";

/// Converts `given`.
pub(crate) fn convert(
    given: &EvaluationContext,
    complaints: &Complaints,
) -> Result<Context, ContextError> {
    let fields = value::fields(given, complaints);
    match fields.get("kind") {
        Some(Value::String(kind)) if kind.as_str() == "multi" => multi(&fields, complaints),
        Some(Value::String(kind)) if kind.is_empty() => Err(ContextError::EmptyKind),
        Some(Value::String(kind)) => single(kind.clone(), &fields, complaints),
        other => {
            if other.is_some() {
                complaints.about("kind", Complaint::NotThisType);
            }
            single(Text::from_static("user"), &fields, complaints)
        }
    }
}

fn multi(fields: &Object, complaints: &Complaints) -> Result<Context, ContextError> {
    let add = |builder: MultiContextBuilder, (name, value): (&str, &Value)| match (name, value) {
        // A targeting key may come from the global evaluation context and names no kind.
        ("kind" | TARGETING_KEY, _) => builder,
        (kind, Value::Object(fields)) => builder.add(single(kind.into(), fields, complaints)),
        (name, _) => {
            complaints.about(name, Complaint::NoStructure);
            builder
        }
    };
    fields.iter().fold(Context::multi_builder(), add).build()
}

fn single(kind: Text, fields: &Object, complaints: &Complaints) -> Result<Context, ContextError> {
    let key = match (fields.get(TARGETING_KEY), fields.get("key")) {
        (Some(Value::String(key)), None) | (None, Some(Value::String(key))) => key.clone(),
        (Some(Value::String(key)), Some(_)) => {
            complaints.about("key", Complaint::TwoKeys);
            key.clone()
        }
        _ => return Err(ContextError::EmptyKey),
    };
    let mut builder = Context::builder(key).kind(kind);
    for (name, value) in fields.iter() {
        match (name, value) {
            ("kind" | "key" | TARGETING_KEY, _) => {}
            ("privateAttributes", Value::Array(names)) => {
                if names.iter().any(|name| name.as_str().is_none()) {
                    complaints.about(name, Complaint::NotThisType);
                }
                builder = builder.private(names.iter().filter_map(Value::as_str));
            }
            ("privateAttributes", _) => complaints.about(name, Complaint::NotThisType),
            _ => {
                if !builder.try_set(name, value.clone()) {
                    complaints.about(name, Complaint::NotThisType);
                }
            }
        }
    }
    builder.build()
}
