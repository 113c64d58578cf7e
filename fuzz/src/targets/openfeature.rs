//! Contexts of OpenFeature, built from the members of a JSON object.

use std::sync::LazyLock;

use open_feature::{EvaluationContext, EvaluationContextFieldValue, StructValue};
use serde_json::{Map, Value};
use vexil::{Client, Context};
use vexil_openfeature::Provider;

use crate::evaluations;

static PROVIDER: LazyLock<Provider> = LazyLock::new(|| {
    let client = Client::builder("sdk-key").offline(true).start();
    Provider::new(client.expect("an offline client starts"))
});

pub(super) fn target(json: &[u8]) {
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(json) else {
        return;
    };
    let converted = PROVIDER.context(&fields(&members));
    if let Ok(context) = &converted {
        evaluations::evaluates(context);
        assert!(
            context
                .individual_contexts()
                .all(|context| !context.key().is_empty())
        );
    }
    // Without the members that only one of the formats has, the JSON means the same context.
    let is_plain = members.get("kind").is_some_and(|kind| kind != "multi")
        && ["", "_meta", "privateAttributes", "targetingKey"]
            .iter()
            .all(|name| !members.contains_key(*name));
    if is_plain && let Ok(context) = serde_json::from_value::<Context>(Value::Object(members)) {
        assert_eq!(converted.ok(), Some(context), "as JSON");
    }
}

/// The members as fields of all types that the crate `open-feature` has.
fn fields(members: &Map<String, Value>) -> EvaluationContext {
    let mut context = EvaluationContext::default();
    for (name, value) in members {
        match value {
            Value::String(key) if name == "targetingKey" => {
                context = context.with_targeting_key(key.clone());
            }
            value => context = context.with_custom_field(name.clone(), field(value)),
        }
    }
    context
}

fn field(value: &Value) -> EvaluationContextFieldValue {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => match (value.as_i64(), value.as_f64()) {
            (Some(value), _) => EvaluationContextFieldValue::Int(value),
            (None, value) => EvaluationContextFieldValue::Float(value.unwrap_or_default()),
        },
        Value::String(value) => value.as_str().into(),
        Value::Object(members) if members.len() % 2 == 0 => {
            EvaluationContextFieldValue::new_struct(fields(members))
        }
        other => match typed(other) {
            Some(open_feature::Value::Struct(value)) => {
                EvaluationContextFieldValue::new_struct(value)
            }
            Some(value) => EvaluationContextFieldValue::new_struct(value),
            None => EvaluationContextFieldValue::new_struct(other.clone()),
        },
    }
}

/// A value of the type of the crate `open-feature`, which has no null.
fn typed(value: &Value) -> Option<open_feature::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => open_feature::Value::Bool(*value),
        Value::Number(value) => open_feature::Value::Float(value.as_f64()?),
        Value::String(value) => open_feature::Value::String(value.clone()),
        Value::Array(elements) => {
            open_feature::Value::Array(elements.iter().map(typed).collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, _)| Some((name.clone(), typed(value)?));
            let fields = members.iter().map(member).collect::<Option<_>>()?;
            open_feature::Value::Struct(StructValue { fields })
        }
    })
}
