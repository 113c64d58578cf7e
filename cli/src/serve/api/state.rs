//! The state of the server and of its environments.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use vexil::model::DataKind;

use crate::serve::environment::Environment;
use crate::serve::overrides_file::FileState;
use crate::serve::server::Server;

pub(super) async fn state(State(server): State<Arc<Server>>) -> Json<Value> {
    let environments: Vec<_> = server
        .environments
        .iter()
        .map(|environment| of(environment, &server))
        .collect();
    Json(json!({
        "schema": "vexil.serve/1",
        "version": env!("CARGO_PKG_VERSION"),
        "address": server.address,
        "environments": environments,
    }))
}

fn of(environment: &Arc<Environment>, server: &Server) -> Value {
    let overrides = environment.layers().overrides().clone();
    let file = environment.overrides_file();
    let file_state = file.map_or(FileState::None, |file| file.state(&overrides));
    environment.check_in_background();
    json!({
        "name": environment.name,
        "source": environment.source,
        "sourceState": environment.source_state(),
        "followed": environment.is_followed(),
        "production": environment.is_production(),
        "revision": environment.revision(),
        "flags": environment.count(DataKind::Flag),
        "segments": environment.count(DataKind::Segment),
        "overrides": overrides.len(),
        "unsaved": file_state == FileState::Unsaved,
        "overridesFile": file.map(|file| &file.shown),
        "overridesState": file_state,
        "streams": environment.sdks.known().list.open_streams(),
        "events": environment.events.received().log.len(),
        "findings": environment.known_findings().all().len(),
        "credentials": server.credentials.shown(&environment.name),
    })
}
