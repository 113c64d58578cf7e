//! Overrides: set, removed, replaced, saved.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use vexil::model::DataKind;
use vexil_service::{Layers, Override, OverrideError, Overrides};

use super::Chosen;
use super::error::{ApiError, Body, Empty};
use super::items::ItemPath;
use crate::serve::chain;
use crate::serve::environment::{ChangeError, Environment};
use crate::serve::handler::text;
use crate::serve::overrides_file::{SaveError, yaml};
use crate::serve::server::Server;

#[derive(Deserialize)]
pub(super) struct Format {
    format: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Save {
    #[serde(default)]
    force: bool,
}

pub(super) async fn all(
    Chosen(environment): Chosen,
    Query(Format { format }): Query<Format>,
) -> Result<Response, ApiError> {
    let overrides = environment.layers().overrides().clone();
    if format.as_deref() != Some("yaml") {
        return Ok(Json(overrides).into_response());
    }
    let text = yaml(&overrides).map_err(|error| ApiError::defect(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!(
                "attachment; filename=\"{}-overrides.yaml\"",
                environment.name
            ),
        ),
    ];
    Ok((headers, text).into_response())
}

pub(super) async fn replace(
    State(server): State<Arc<Server>>,
    Chosen(environment): Chosen,
    headers: HeaderMap,
    Body(document): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    let overrides = Overrides::from_json(document)
        .map_err(|error| ApiError::invalid(chain(&error)).pointer(error.pointer))?;
    change(&server, &environment, &headers, |layers| {
        Ok(layers.set_overrides(overrides))
    })
    .await?;
    Ok(Json(json!({"revision": environment.revision()})))
}

pub(super) async fn remove_all(
    State(server): State<Arc<Server>>,
    Chosen(environment): Chosen,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let none = Overrides::default();
    change(&server, &environment, &headers, |layers| {
        Ok(layers.set_overrides(none))
    })
    .await?;
    Ok(Json(json!({"revision": environment.revision()})))
}

pub(super) async fn set_flag(
    state: State<Arc<Server>>,
    chosen: Chosen,
    path: Path<ItemPath>,
    headers: HeaderMap,
    body: Body<Value>,
) -> Result<Json<Value>, ApiError> {
    set(DataKind::Flag, state, chosen, path, headers, body).await
}

pub(super) async fn set_segment(
    state: State<Arc<Server>>,
    chosen: Chosen,
    path: Path<ItemPath>,
    headers: HeaderMap,
    body: Body<Value>,
) -> Result<Json<Value>, ApiError> {
    set(DataKind::Segment, state, chosen, path, headers, body).await
}

pub(super) async fn remove_flag(
    state: State<Arc<Server>>,
    chosen: Chosen,
    path: Path<ItemPath>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    remove(DataKind::Flag, state, chosen, path, headers).await
}

pub(super) async fn remove_segment(
    state: State<Arc<Server>>,
    chosen: Chosen,
    path: Path<ItemPath>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    remove(DataKind::Segment, state, chosen, path, headers).await
}

async fn set(
    kind: DataKind,
    State(server): State<Arc<Server>>,
    Chosen(environment): Chosen,
    Path(ItemPath { key }): Path<ItemPath>,
    headers: HeaderMap,
    Body(form): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    let form = Override::from_json(form)
        .map_err(|error| ApiError::invalid(chain(&error)).pointer(error.pointer))?;
    change(&server, &environment, &headers, |layers| {
        layers.set_override(kind, &key, form)
    })
    .await?;
    let effect = environment.layers().has_effect(kind, &key);
    let snapshot = environment.snapshot();
    Ok(Json(json!({
        "revision": snapshot.revision(),
        "version": snapshot.items.get(kind, &key).map(|item| item.version()),
        "effect": matches!(effect, Some(Ok(true))),
    })))
}

async fn remove(
    kind: DataKind,
    State(server): State<Arc<Server>>,
    Chosen(environment): Chosen,
    Path(ItemPath { key }): Path<ItemPath>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    if environment.layers().overrides().get(kind, &key).is_none() {
        return Err(ApiError::not_found("the item has no override"));
    }
    change(&server, &environment, &headers, |layers| {
        Ok(layers.remove_override(kind, &key))
    })
    .await?;
    Ok(Json(json!({"revision": environment.revision()})))
}

pub(super) async fn save(
    Chosen(environment): Chosen,
    Body(Save { force }): Body<Save>,
) -> Result<Json<Value>, ApiError> {
    save_to_file(&environment, force).await.map(Json)
}

/// Uses the overrides in the file, instead of those that are not saved.
pub(super) async fn reload(
    Chosen(environment): Chosen,
    Body(Empty {}): Body<Empty>,
) -> Result<Json<Value>, ApiError> {
    let reloading = Arc::clone(&environment);
    let reloaded = tokio::task::spawn_blocking(move || reloading.reload_overrides()).await?;
    reloaded.map_err(|message| ApiError::conflict("broken-file", message))?;
    Ok(Json(json!({"revision": environment.revision()})))
}

/// Why overrides are not changed.
enum Refusal {
    /// The page shows an earlier revision than this one.
    Stale(u64),
    Override(OverrideError),
}

/// Changes the overrides, and saves them if the server does so at once.
async fn change<T>(
    server: &Server,
    environment: &Arc<Environment>,
    headers: &HeaderMap,
    change: impl FnOnce(&mut Layers) -> Result<T, OverrideError>,
) -> Result<(), ApiError> {
    let wanted = text(headers, &header::IF_MATCH);
    let changed = environment.change(|layers| {
        let revision = layers.items().revision();
        if wanted.is_some_and(|wanted| wanted != format!("\"revision-{revision}\"")) {
            return Err(Refusal::Stale(revision));
        }
        change(layers).map_err(Refusal::Override)
    });
    changed.map_err(|error| match error {
        ChangeError::Refused(Refusal::Stale(revision)) => ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "changed",
            format!("the flags have changed meanwhile, to revision {revision}"),
        ),
        ChangeError::Refused(Refusal::Override(error)) => refused(&error),
        ChangeError::Unreadable(message) => ApiError::invalid(message),
    })?;
    environment.news.announce(&environment.news.overrides);
    if server.options.autosave {
        save_to_file(environment, false).await?;
    }
    Ok(())
}

fn refused(error: &OverrideError) -> ApiError {
    match error {
        OverrideError::NoItem => ApiError::not_found(&chain(error)),
        OverrideError::NoOffVariation => ApiError::conflict("no-off-variation", chain(error)),
        _ => ApiError::invalid(chain(error)).pointer(error.pointer()),
    }
}

async fn save_to_file(environment: &Arc<Environment>, force: bool) -> Result<Value, ApiError> {
    let environment = Arc::clone(environment);
    let saved = tokio::task::spawn_blocking(move || {
        let Some(file) = environment.overrides_file() else {
            return Err(
                ApiError::conflict("no-file", "the server has no file for overrides")
                    .help("start it with --overrides FILE"),
            );
        };
        let overrides = environment.layers().overrides().clone();
        let bytes = file.save(&overrides, force).map_err(|error| match error {
            SaveError::Changed { difference } => ApiError::conflict(
                "changed-on-disk",
                format!("{} was changed by another program", file.shown),
            )
            .diff(difference),
            SaveError::Io(error) => ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "not-written",
                format!("{} cannot be written: {error}", file.shown),
            ),
        })?;
        environment.news.announce(&environment.news.overrides);
        Ok(json!({"file": file.shown, "bytes": bytes}))
    });
    saved.await?
}
