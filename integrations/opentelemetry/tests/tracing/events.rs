//! The event of an evaluation.

use pollster::block_on;
use vexil::{Client, Context, Value};
use vexil_otel::TracingHook;

use crate::support::{Environment, ada, builder, client, event, named, traced, traced_async};

/// The attributes of the event of an evaluation of `key` for Ada, with default settings.
fn of_flag(key: &str) -> Vec<(String, String)> {
    let client = client(TracingHook::new());
    event(&traced(|| client.str_variation(key, &ada(), "")))
        .into_iter()
        .collect()
}

// OTEL 1.2.2.2 to 1.2.2.5, 1.2.2.7; conventions: evaluation event
#[test]
fn an_evaluation_is_an_event_of_the_active_span_without_the_value() {
    let client = client(TracingHook::new());
    let spans = traced(|| assert_eq!(client.str_variation("colour", &ada(), ""), "blue"));
    assert_eq!(spans.len(), 1, "the evaluation has no span: {spans:?}");
    assert_eq!(
        event(&spans),
        named([
            ("feature_flag.key", "colour"),
            ("feature_flag.provider.name", "LaunchDarkly"),
            ("feature_flag.context.id", "ada"),
            ("feature_flag.result.variant", "1"),
            ("feature_flag.result.variationIndex", "1"),
            ("feature_flag.result.reason", "default"),
        ])
    );
}

// OTEL 1.2.2.5: the canonical key
#[test]
fn a_context_of_several_kinds_is_identified_by_its_fully_qualified_key() {
    let client = client(TracingHook::new());
    let both = Context::multi([ada(), Context::with_kind("acme", "org").unwrap()]).unwrap();
    let event = event(&traced(|| client.str_variation("colour", &both, "")));
    assert_eq!(event["feature_flag.context.id"], "org:acme:user:ada");
}

// Conventions: well-known values of feature_flag.result.reason
#[test]
fn every_reason_maps_to_a_value_of_the_conventions() {
    for (key, variant, reason) in [
        ("off", Some("0"), "disabled"),
        ("off-without-variation", None, "disabled"),
        ("colour", Some("1"), "default"),
        ("targeted", Some("0"), "targeting_match"),
        ("ruled", Some("0"), "targeting_match"),
        ("in-experiment", Some("1"), "split"),
        ("dependent", Some("0"), "prerequisite_failed"),
        ("malformed", None, "error"),
        ("no-such-flag", None, "error"),
    ] {
        let event = of_flag(key);
        let get = |name: &str| {
            event
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(get("feature_flag.result.reason"), Some(reason), "{key}");
        assert_eq!(get("feature_flag.result.variant"), variant, "{key}");
        assert_eq!(get("feature_flag.result.variationIndex"), variant, "{key}");
        let in_experiment = (reason == "split").then_some("true");
        assert_eq!(
            get("feature_flag.result.reason.inExperiment"),
            in_experiment,
            "{key}"
        );
        assert_eq!(get("error.type").is_some(), reason == "error", "{key}");
    }
}

// Conventions: well-known values of error.type
#[test]
fn every_error_maps_to_a_value_of_the_conventions() {
    let of = |client: &Client, key, context: Result<Context, _>| {
        let spans = traced(|| client.bool_variation(key, &context, false));
        event(&spans).remove("error.type").unwrap()
    };
    let started = client(TracingHook::new());
    assert_eq!(of(&started, "no-such-flag", Ok(ada())), "flag_not_found");
    assert_eq!(of(&started, "malformed", Ok(ada())), "parse_error");
    assert_eq!(of(&started, "colour", Ok(ada())), "type_mismatch");
    assert_eq!(
        of(&started, "colour", Context::new("")),
        "targeting_key_missing"
    );
    assert_eq!(
        of(&started, "colour", Context::with_kind("ada", "no kind")),
        "invalid_context"
    );
    let offline = Client::builder("sdk-key")
        .offline(true)
        .hook(TracingHook::new())
        .start()
        .unwrap();
    assert_eq!(of(&offline, "colour", Ok(ada())), "provider_not_ready");
}

#[test]
fn an_invalid_context_has_no_identifier() {
    let client = client(TracingHook::new());
    let event = event(&traced(|| {
        client.bool_variation("colour", &Context::new(""), false)
    }));
    assert_eq!(event.get("feature_flag.context.id"), None);
}

// OTEL 1.2.2.6 to 1.2.2.8
#[test]
fn the_value_is_included_as_json_text_if_enabled() {
    let flags = vexil_testing::TestData::new()
        .with("limits", serde_json::json!({"rps": 100}))
        .with("on", true);
    let hook = TracingHook::builder().include_value(true).build();
    let client = builder(hook).data_source(flags).start().unwrap();
    let value = |evaluate: &dyn Fn()| {
        event(&traced(evaluate))
            .remove("feature_flag.result.value")
            .unwrap()
    };
    assert_eq!(
        value(&|| drop(client.json_variation("limits", &ada(), Value::Null))),
        r#"{"rps":100}"#
    );
    assert_eq!(
        value(&|| assert!(client.bool_variation("on", &ada(), false))),
        "true"
    );
    assert_eq!(
        value(&|| drop(client.str_variation("no-such-flag", &ada(), "mine"))),
        r#""mine""#
    );
}

// OTEL 1.2.2.9
#[test]
fn the_configured_environment_takes_precedence_over_the_one_of_the_service() {
    let set = |hook, source| {
        let client = Client::builder("sdk-key")
            .data_source(source)
            .without_events()
            .hook(hook)
            .start()
            .unwrap();
        event(&traced(|| client.str_variation("colour", &ada(), ""))).remove("feature_flag.set.id")
    };
    let named = || TracingHook::builder().environment_id("mine").build();
    assert_eq!(
        set(TracingHook::new(), Environment("theirs")).as_deref(),
        Some("theirs")
    );
    assert_eq!(set(named(), Environment("theirs")).as_deref(), Some("mine"));
    let unnamed = builder(named()).start().unwrap();
    let spans = traced(|| unnamed.str_variation("colour", &ada(), ""));
    assert_eq!(event(&spans)["feature_flag.set.id"], "mine");
    let unnamed = client(TracingHook::new());
    let spans = traced(|| unnamed.str_variation("colour", &ada(), ""));
    assert_eq!(event(&spans).get("feature_flag.set.id"), None);
}

// OTEL 1.2.2.1.1
#[test]
fn without_an_active_recording_span_nothing_happens() {
    let client = client(TracingHook::new());
    assert_eq!(client.str_variation("colour", &ada(), ""), "blue");
    let spans = traced(|| {
        let context = opentelemetry::Context::current();
        opentelemetry::trace::TraceContextExt::span(&context).end();
        assert_eq!(client.str_variation("colour", &ada(), ""), "blue");
    });
    assert_eq!(spans[0].events.len(), 0, "the span had ended");
}

#[test]
fn the_evaluations_of_a_request_are_events_in_order() {
    let client = client(TracingHook::new());
    let spans = traced(|| {
        drop(client.str_variation("colour", &ada(), ""));
        drop(client.str_variation_detail("off", &ada(), ""));
        drop(client.json_as("targeted", &ada(), String::new()));
    });
    let keys: Vec<_> = spans[0]
        .events
        .iter()
        .map(|event| event.attributes[0].value.to_string())
        .collect();
    assert_eq!(keys, ["colour", "off", "targeted"]);
}

#[test]
fn an_async_evaluation_adds_to_the_span_of_its_future() {
    let client = client(TracingHook::new());
    let spans = block_on(traced_async(async {
        assert_eq!(client.variation_async("colour", &ada(), "").await, "blue");
    }));
    assert_eq!(event(&spans)["feature_flag.key"], "colour");
}
