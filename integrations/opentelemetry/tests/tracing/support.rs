//! Traced requests, and flags to evaluate in them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use opentelemetry::global;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde_json::json;
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::{Client, ClientBuilder, Context};
use vexil_otel::TracingHook;
use vexil_testing::{FlagBuilder, TestData};

/// The global tracer provider and the spans it has exported, shared by all tests.
fn tracing() -> &'static (SdkTracerProvider, InMemorySpanExporter) {
    static TRACING: OnceLock<(SdkTracerProvider, InMemorySpanExporter)> = OnceLock::new();
    TRACING.get_or_init(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        global::set_tracer_provider(provider.clone());
        (provider, exporter)
    })
}

pub(crate) fn provider() -> &'static SdkTracerProvider {
    &tracing().0
}

/// All exported spans that `is_it` accepts, in the order in which they ended.
pub(crate) fn exported(is_it: impl Fn(&SpanData) -> bool) -> Vec<SpanData> {
    tracing()
        .1
        .get_finished_spans()
        .unwrap()
        .into_iter()
        .filter(is_it)
        .collect()
}

/// Runs `work` in a new request, and returns all spans of that request. The last one is the
/// request's.
pub(crate) fn traced<T>(work: impl FnOnce() -> T) -> Vec<SpanData> {
    let context =
        opentelemetry::Context::new().with_span(provider().tracer("test").start("request"));
    {
        let _active = context.clone().attach();
        work();
    }
    finished(&context)
}

/// Like [`traced`], for async work.
pub(crate) async fn traced_async<T>(work: impl Future<Output = T>) -> Vec<SpanData> {
    let context =
        opentelemetry::Context::new().with_span(provider().tracer("test").start("request"));
    work.with_context(context.clone()).await;
    finished(&context)
}

fn finished(context: &opentelemetry::Context) -> Vec<SpanData> {
    context.span().end();
    let trace = context.span().span_context().trace_id();
    exported(|span| span.span_context.trace_id() == trace)
}

/// The attributes of the only event of the last span, which must be a `feature_flag` event.
pub(crate) fn event(spans: &[SpanData]) -> BTreeMap<String, String> {
    let events = &spans.last().unwrap().events;
    let [event] = &events[..] else {
        panic!("one event: {events:?}")
    };
    assert_eq!(event.name, "feature_flag");
    attributes(&event.attributes)
}

pub(crate) fn attributes(attributes: &[opentelemetry::KeyValue]) -> BTreeMap<String, String> {
    let named: BTreeMap<_, _> = attributes
        .iter()
        .map(|one| (one.key.to_string(), one.value.to_string()))
        .collect();
    assert_eq!(
        named.len(),
        attributes.len(),
        "each name occurs once: {attributes:?}"
    );
    named
}

/// Attributes as returned by [`attributes`].
pub(crate) fn named<const N: usize>(attributes: [(&str, &str); N]) -> BTreeMap<String, String> {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn ada() -> Context {
    Context::new("ada").unwrap()
}

/// One flag for each reason.
pub(crate) fn flags() -> TestData {
    let flags = TestData::new();
    let colours = |key: &str| {
        FlagBuilder::new(key)
            .variations(["red", "blue"])
            .off_variation(0)
            .fallthrough_variation(1)
    };
    flags.update(colours("colour"));
    flags.update(colours("off").on(false));
    flags.update(colours("targeted").variation_for_user("ada", 0));
    flags.update(colours("ruled").if_match("key", ["ada"]).then_return(0));
    let flag = |key: &str, more: serde_json::Value| {
        let mut flag = json!({"key": key, "on": true, "salt": "s", "variations": ["red", "blue"], "offVariation": 0});
        flag.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        flags.use_preconfigured_flag(flag).unwrap();
    };
    let experiment = json!({"rollout": {"kind": "experiment", "seed": 1, "variations": [{"variation": 1, "weight": 100_000}]}});
    flag("in-experiment", json!({"fallthrough": experiment}));
    flag(
        "dependent",
        json!({"prerequisites": [{"key": "off", "variation": 1}], "fallthrough": {"variation": 1}}),
    );
    flag(
        "off-without-variation",
        json!({"on": false, "offVariation": null, "fallthrough": {"variation": 1}}),
    );
    flag("malformed", json!({"fallthrough": {"variation": 7}}));
    flags
}

pub(crate) fn builder(hook: TracingHook) -> ClientBuilder {
    Client::builder("sdk-key")
        .data_source(flags())
        .without_events()
        .hook(hook)
}

pub(crate) fn client(hook: TracingHook) -> Client {
    builder(hook).start().unwrap()
}

/// A data source whose environment has a name.
#[derive(Clone, Debug)]
pub(crate) struct Environment(pub(crate) &'static str);

#[vexil::async_trait]
impl DataSource for Environment {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        sink.set_environment_id(self.0.into());
        flags().run(sink).await
    }
}
