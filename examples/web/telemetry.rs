//! Traces, logs and metrics.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::field::Empty;
use tracing::{Instrument as _, info_span};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// Installs the recorder of the SDK's metrics, and the subscriber of the SDK's logs and the
    /// requests' spans. A service would use an exporter that sends spans to a collector.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let metrics = PrometheusBuilder::new().install_recorder()?;
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(Lines)
            .build();
        let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer("shop"));
        let logs = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal());
        tracing_subscriber::registry()
            .with(spans.with_filter(LevelFilter::INFO))
            .with(logs.with_filter(LevelFilter::WARN))
            .init();
        Ok(Self { traces, metrics })
    }

    pub(crate) fn routes(&self) -> Router {
        let metrics = self.metrics.clone();
        Router::new().route("/metrics", get(async move || metrics.render()))
    }

    /// Exports the last spans.
    pub(crate) fn shut_down(&self) -> OTelSdkResult {
        self.traces.shutdown()
    }
}

/// Handles a request in a span. The SDK's hook adds an event to it for each evaluation.
pub(crate) async fn in_span(request: Request, next: Next) -> Response {
    let name = format!("{} {}", request.method(), request.uri().path());
    let span = info_span!(
        "request",
        otel.name = name,
        http.response.status_code = Empty
    );
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

/// Prints a line for each span, with the flags that were evaluated in it.
#[derive(Debug)]
struct Lines;

impl SpanExporter for Lines {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let lines: String = spans.iter().map(line).collect();
        let written = io::stdout().write_all(lines.as_bytes());
        written.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }
}

fn line(span: &SpanData) -> String {
    let time = span.end_time.duration_since(span.start_time);
    let status = find(&span.attributes, "http.response.status_code");
    let mut line = format!("{} {status} {:?}", span.name, time.unwrap_or_default());
    for event in span
        .events
        .iter()
        .filter(|event| event.name == "feature_flag")
    {
        let flag = find(&event.attributes, "feature_flag.key");
        let value = find(&event.attributes, "feature_flag.result.value");
        // Writing to a string does not fail.
        let _ = write!(line, ", {flag} = {value}");
    }
    line + "\n"
}

fn find(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == name);
    found
        .map(|attribute| attribute.value.to_string())
        .unwrap_or_default()
}
