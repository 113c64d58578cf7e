//! Single items: their layers, their uses, their findings.

use axum::Json;
use axum::extract::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use vexil::Text;
use vexil::model::DataKind;

use super::Chosen;
use super::error::ApiError;
use crate::serve::chain;

/// The parameters of the path.
#[derive(Deserialize)]
pub(super) struct ItemPath {
    pub(super) key: String,
}

pub(super) async fn flag(chosen: Chosen, path: Path<ItemPath>) -> Result<Json<Value>, ApiError> {
    item(DataKind::Flag, chosen, path).await
}

pub(super) async fn segment(chosen: Chosen, path: Path<ItemPath>) -> Result<Json<Value>, ApiError> {
    item(DataKind::Segment, chosen, path).await
}

async fn item(
    kind: DataKind,
    Chosen(environment): Chosen,
    Path(ItemPath { key }): Path<ItemPath>,
) -> Result<Json<Value>, ApiError> {
    let findings = environment.findings().await?;
    let snapshot = environment.snapshot();
    let layers = environment.layers();
    let base = layers.base(kind, &key);
    let form = layers.overrides().get(kind, &key);
    let item = snapshot.items.get(kind, &key);
    if base.is_none() && form.is_none() && item.is_none_or(|item| item.is_deleted()) {
        return Err(ApiError::not_found("there is no such item"));
    }
    let effect = layers.has_effect(kind, &key);
    let problem = effect.as_ref().and_then(|effect| effect.as_ref().err());
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let of_item: Vec<_> = findings
        .of(kind, &key)
        .map(|finding| json!(finding))
        .collect();
    let mut document = json!({
        "kind": kind.to_string(),
        "key": key,
        "version": item.map(|item| item.version()),
        "base": base.map(parsed),
        "served": item.and_then(|item| item.json()).map(parsed),
        "override": form,
        "effect": matches!(effect, Some(Ok(true))),
        "usedBy": named(&snapshot.used_by(kind, &key)),
        "uses": named(&snapshot.rules.uses(kind, &key)),
        "findings": of_item,
    });
    if let Some(problem) = problem {
        document["problem"] = chain(problem).into();
    }
    Ok(Json(document))
}

pub(super) async fn segments(Chosen(environment): Chosen) -> Json<Value> {
    let snapshot = environment.snapshot();
    let overrides = environment.layers().overrides().clone();
    let present = snapshot
        .items
        .of_kind(DataKind::Segment)
        .filter(|(_, item)| !item.is_deleted());
    let users = snapshot.segment_users();
    let segments: Vec<_> = present
        .map(|(key, item)| {
            json!({
                "key": key,
                "version": item.version(),
                "override": overrides.get(DataKind::Segment, key),
                "usedBy": users.get(key).copied().unwrap_or_default(),
            })
        })
        .collect();
    Json(json!({"segments": segments}))
}

pub(super) async fn findings(Chosen(environment): Chosen) -> Result<Json<Value>, ApiError> {
    let findings = environment.findings().await?;
    Ok(Json(json!({"findings": findings.all()})))
}

fn named(items: &[(DataKind, Text)]) -> Vec<Value> {
    let named = items
        .iter()
        .map(|(kind, key)| json!({"kind": kind.to_string(), "key": key}));
    named.collect()
}
