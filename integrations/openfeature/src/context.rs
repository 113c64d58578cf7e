//! Converts OpenFeature's evaluation context by the rules of the vendor's OpenFeature providers.

use open_feature::EvaluationContext;
use vexil::{Context, ContextError, MultiContextBuilder, Object, Text, Value};

use crate::value::{self, TARGETING_KEY};
use crate::warnings::{Problem, Warnings};

/// Converts an evaluation context.
pub(crate) fn convert(
    context: &EvaluationContext,
    warnings: &Warnings,
) -> Result<Context, ContextError> {
    let fields = value::fields(context, warnings);
    match fields.get("kind") {
        Some(Value::String(kind)) if kind.as_str() == "multi" => multi(&fields, warnings),
        Some(Value::String(kind)) if kind.is_empty() => Err(ContextError::EmptyKind),
        Some(Value::String(kind)) => single(kind.clone(), &fields, warnings),
        other => {
            if other.is_some() {
                warnings.log_once("kind", Problem::NotThisType);
            }
            single(Text::from_static("user"), &fields, warnings)
        }
    }
}

fn multi(fields: &Object, warnings: &Warnings) -> Result<Context, ContextError> {
    let add = |builder: MultiContextBuilder, (name, value): (&str, &Value)| match (name, value) {
        // A targeting key may come from the global evaluation context and names no kind.
        ("kind" | TARGETING_KEY, _) => builder,
        (kind, Value::Object(fields)) => builder.add(single(kind.into(), fields, warnings)),
        (name, _) => {
            warnings.log_once(name, Problem::NoStructure);
            builder
        }
    };
    fields.iter().fold(Context::multi_builder(), add).build()
}

fn single(kind: Text, fields: &Object, warnings: &Warnings) -> Result<Context, ContextError> {
    let key = match (fields.get(TARGETING_KEY), fields.get("key")) {
        (Some(Value::String(key)), None) | (None, Some(Value::String(key))) => key.clone(),
        (Some(Value::String(key)), Some(_)) => {
            warnings.log_once("key", Problem::TwoKeys);
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
                    warnings.log_once(name, Problem::NotThisType);
                }
                builder = builder.private(names.iter().filter_map(Value::as_str));
            }
            ("privateAttributes", _) => warnings.log_once(name, Problem::NotThisType),
            _ => {
                if !builder.try_set(name, value.clone()) {
                    warnings.log_once(name, Problem::NotThisType);
                }
            }
        }
    }
    builder.build()
}
