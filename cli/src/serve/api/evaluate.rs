//! Evaluations of the page.

use std::collections::BTreeMap;

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use vexil::explain::{ExplainOptions, Mask};
use vexil::model::Flag;

use super::Chosen;
use super::error::{ApiError, Body};
use super::flags::{Class, read_context};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evaluate {
    context: Value,
    /// Default: all flags.
    flags: Option<Vec<String>>,
    #[serde(default)]
    class: Class,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explain {
    context: Value,
    flag: String,
    /// Whether the steps behind the decision are evaluated too.
    #[serde(default)]
    beyond: bool,
    /// Whether the values of private attributes are hidden.
    #[serde(default)]
    mask: bool,
}

/// Returns the document of `vexil eval --json`.
pub(super) async fn evaluate(
    Chosen(environment): Chosen,
    Body(request): Body<Evaluate>,
) -> Result<Json<Value>, ApiError> {
    let context = read_context(request.context)?;
    let snapshot = environment.snapshot();
    let memberships = environment.memberships(&snapshot, &context).await;
    let mut flags: Vec<&Flag> = Vec::new();
    match &request.flags {
        None => flags.extend(snapshot.rules.flags()),
        Some(keys) => {
            for (index, key) in keys.iter().enumerate() {
                let Some(flag) = snapshot.rules.get(key) else {
                    let message = format!("there is no flag {key:?}");
                    return Err(ApiError::not_found(&message).pointer(format!("/flags/{index}")));
                };
                flags.push(flag);
            }
        }
    }
    flags.retain(|flag| request.class.sees(flag));
    let mut values = BTreeMap::new();
    for flag in flags {
        if let Some(evaluated) = snapshot.evaluate(flag, &context, memberships.as_ref()) {
            let mut value = json!({
                "value": evaluated.value,
                "version": flag.version(),
                "reason": evaluated.reason,
            });
            if let Some(variation) = evaluated.variation {
                value["variation"] = variation.into();
            }
            values.insert(flag.key().to_string(), value);
        }
    }
    Ok(Json(json!({
        "schema": "vexil.eval/1",
        "source": environment.source,
        "context": context,
        "flags": values,
    })))
}

/// Returns what `vexil explain` prints.
pub(super) async fn explain(
    Chosen(environment): Chosen,
    Body(request): Body<Explain>,
) -> Result<Json<Value>, ApiError> {
    let context = read_context(request.context)?;
    let snapshot = environment.snapshot();
    if snapshot.rules.get(&request.flag).is_none() {
        let message = format!("there is no flag {:?}", request.flag);
        return Err(ApiError::not_found(&message).pointer("/flag"));
    }
    let evaluator = snapshot
        .evaluator(
            &environment.source,
            environment.big_segments.get().cloned(),
            &request.flag,
        )
        .map_err(|failure| ApiError::defect(&failure.message))?;
    let mask = match request.mask {
        true => Mask::Private,
        false => Mask::Nothing,
    };
    let options = ExplainOptions::default().mask(mask).beyond(request.beyond);
    let explanation = evaluator
        .explain_async(&request.flag, &context, &options)
        .await;
    Ok(Json(json!({
        "text": explanation.tree().to_string(),
        "explanation": explanation,
    })))
}
