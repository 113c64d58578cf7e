//! Spans of evaluations.

use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt};
use pollster::block_on;
use vexil::Context;
use vexil::migration::Stage;
use vexil_otel::TracingHook;

use crate::support::{ada, attributes, client, event, exported, named, traced, traced_async};

fn with_spans() -> TracingHook {
    TracingHook::builder().add_spans(true).build()
}

// OTEL 1.2.3, 1.2.3.3 to 1.2.3.7
#[test]
fn an_evaluation_is_a_child_of_the_active_span_with_the_keys_of_flag_and_context() {
    let client = client(with_spans());
    let spans = traced(|| client.str_variation("colour", &ada(), ""));
    let [evaluation, request] = &spans[..] else {
        panic!("two spans: {spans:?}")
    };
    assert_eq!(evaluation.name, "Client.variation");
    assert_eq!(evaluation.parent_span_id, request.span_context.span_id());
    assert_eq!(evaluation.span_kind, SpanKind::Internal);
    assert_eq!(evaluation.instrumentation_scope.name(), "vexil-otel");
    assert_eq!(
        attributes(&evaluation.attributes),
        named([
            ("feature_flag.key", "colour"),
            ("feature_flag.context.id", "ada")
        ])
    );
}

// OTEL 1.2.3.2
#[test]
fn the_event_goes_to_the_active_span_and_not_to_the_evaluation() {
    let client = client(with_spans());
    let spans = traced(|| client.str_variation("colour", &ada(), ""));
    assert_eq!(spans[0].events.len(), 0);
    assert_eq!(event(&spans)["feature_flag.key"], "colour");
    assert!(spans[0].end_time <= spans[1].events.iter().next().unwrap().timestamp);
}

// OTEL 1.2.3.6
#[test]
fn spans_are_named_after_the_client_method() {
    let client = client(with_spans());
    let spans = traced(|| {
        drop(client.variation("colour", &ada(), "red"));
        drop(client.str_variation_detail("colour", &ada(), "red"));
        drop(client.migration_variation("colour", &ada(), Stage::Off));
    });
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "Client.variation",
            "Client.variation_detail",
            "Client.migration_variation",
            "request"
        ]
    );
}

// OTEL 1.2.3.1
#[test]
fn there_are_no_spans_unless_enabled() {
    let client = client(TracingHook::new());
    assert_eq!(
        traced(|| client.str_variation("colour", &ada(), "")).len(),
        1
    );
}

#[test]
fn without_an_active_span_the_evaluation_is_the_root_of_a_trace() {
    // The first request sets the tracer provider of the process.
    traced(|| {});
    let client = client(with_spans());
    let no_active_span = Context::new("without-an-active-span").unwrap();
    assert!(!opentelemetry::Context::current().has_active_span());
    drop(client.str_variation("colour", &no_active_span, ""));
    let id = |value: &opentelemetry::KeyValue| value.value.as_str() == "without-an-active-span";
    let spans = exported(|span| span.attributes.iter().any(id));
    assert_eq!(
        spans
            .iter()
            .map(|span| span.parent_span_id)
            .collect::<Vec<_>>(),
        [SpanId::INVALID]
    );
}

#[test]
fn an_async_evaluation_has_a_span() {
    let client = client(with_spans());
    let spans = block_on(traced_async(async {
        drop(client.variation_async("colour", &ada(), "").await);
    }));
    assert_eq!(spans[0].name, "Client.variation");
    assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
}

#[test]
fn the_span_of_an_invalid_context_has_only_the_flag() {
    let client = client(with_spans());
    let spans = traced(|| assert!(!client.bool_variation("colour", &Context::new(""), false)));
    assert_eq!(
        attributes(&spans[0].attributes),
        named([("feature_flag.key", "colour")])
    );
}
