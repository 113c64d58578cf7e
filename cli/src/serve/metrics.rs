//! `/healthz` and `/metrics`.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use vexil::model::DataKind;

use super::contents::SourceState;
use super::server::Server;

/// Whether the server can serve flags: it can as soon as it listens.
pub(super) async fn health() -> StatusCode {
    StatusCode::OK
}

/// Returns numbers in the text format of Prometheus.
pub(super) async fn metrics(State(server): State<Arc<Server>>) -> impl IntoResponse {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&super::Environment) -> String| {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "# HELP vexil_serve_{name} {help}\n# TYPE vexil_serve_{name} gauge"
        );
        for environment in &server.environments {
            let label = environment.name.replace('\\', "\\\\").replace('"', "\\\"");
            let value = value(environment);
            let _ = writeln!(
                text,
                "vexil_serve_{name}{{environment=\"{label}\"}} {value}"
            );
        }
    };
    gauge(
        "revision",
        "The number of changes of the served items.",
        &|environment| environment.revision().to_string(),
    );
    gauge("flags", "The number of flags.", &|environment| {
        environment.count(DataKind::Flag).to_string()
    });
    gauge("segments", "The number of segments.", &|environment| {
        environment.count(DataKind::Segment).to_string()
    });
    gauge("overrides", "The number of overrides.", &|environment| {
        environment.layers().overrides().len().to_string()
    });
    gauge(
        "source_valid",
        "Whether the source can be read.",
        &|environment| u8::from(environment.source_state() == SourceState::Valid).to_string(),
    );
    gauge("streams", "The number of open streams.", &|environment| {
        environment.sdks.known().list.open_streams().to_string()
    });
    gauge(
        "events",
        "The number of events that were received.",
        &|environment| environment.events.received().log.last_number().to_string(),
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
