//! Reads the source again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Chosen;
use super::error::{ApiError, Body};
use crate::serve::contents::{Loaded, SourceState};
use crate::serve::environment::Environment;
use crate::serve::server::{Refresh, Server};
use crate::snapshot::{Snapshot, StoredText};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// Whether the contents are served. If not, only the differences are returned.
    #[serde(default)]
    apply: bool,
}

pub(super) async fn refresh(
    State(server): State<Arc<Server>>,
    Chosen(environment): Chosen,
    Body(Request { apply }): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    let (reply, read) = oneshot::channel();
    let request = Refresh {
        environment: Arc::clone(&environment),
        reply,
    };
    let unavailable =
        || ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "the server ends");
    server
        .refresh
        .send(request)
        .await
        .map_err(|_| unavailable())?;
    let contents = match read.await.map_err(|_| unavailable())? {
        Ok(contents) => contents,
        Err(message) => {
            let state = SourceState::Unreachable {
                message: message.clone(),
            };
            environment.set_source_state(state);
            return Err(ApiError::new(StatusCode::BAD_GATEWAY, "source", message)
                .help("the last contents are still served"));
        }
    };
    if apply {
        let (loaded, _) = Loaded::readable(contents);
        environment
            .load(loaded)
            .map_err(|error| ApiError::invalid(error.to_string()))?;
        environment.set_source_state(SourceState::Valid);
        return Ok(Json(json!({"revision": environment.revision()})));
    }
    let differences = crate::diff::compare(&base(&environment), &contents, &Default::default());
    let text = crate::commands::diff::text("served", &environment.source, &differences);
    Ok(Json(
        json!({"changed": differences.items.len(), "text": text}),
    ))
}

/// Returns the contents that the source had.
fn base(environment: &Environment) -> Snapshot {
    let layers = environment.layers();
    let mut snapshot = Snapshot::default();
    for (kind, key, json) in layers.base_items() {
        // Not the served one, which is higher after a change.
        let item: Value = serde_json::from_str(json).unwrap_or_default();
        let version = item["version"].as_u64().unwrap_or(1);
        let stored = StoredText {
            json: json.to_owned().into(),
            version,
            deleted: false,
        };
        snapshot.of_mut(kind).insert(key.into(), stored);
    }
    snapshot
}
