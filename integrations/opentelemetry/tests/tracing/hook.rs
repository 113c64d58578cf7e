//! The hook's settings and metadata.

use std::io::{Read, pipe};
use std::sync::Arc;

use vexil::Client;
use vexil::hooks::{Hook, HookMetadata};
use vexil_otel::TracingHook;

use crate::support::{ada, builder, event, flags, traced};

// OTEL 1.2.4.1, 1.2.4.2
#[test]
fn an_empty_environment_is_ignored_and_logged() {
    let (mut log_reader, log_writer) = pipe().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Arc::new(log_writer))
        .finish();
    let make = || TracingHook::builder().environment_id("").build();
    let hook = tracing::subscriber::with_default(subscriber, make);
    let mut log = String::new();
    log_reader.read_to_string(&mut log).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        log.contains("WARN vexil_otel::hook: the environment id for traces is empty"),
        "{log}"
    );
    let client = builder(hook).start().unwrap();
    let event = event(&traced(|| client.str_variation("colour", &ada(), "")));
    assert_eq!(event.get("feature_flag.set.id"), None);
}

#[test]
fn the_hook_has_a_name_for_the_log() {
    assert_eq!(
        TracingHook::new().metadata().name.as_str(),
        "OpenTelemetry tracing"
    );
}

#[test]
fn without_an_active_span_the_hook_allocates_nothing() {
    #[derive(Debug)]
    struct Nothing;
    impl Hook for Nothing {
        fn metadata(&self) -> HookMetadata {
            HookMetadata::new("nothing")
        }
    }
    let allocations = |hook: Arc<dyn Hook>| {
        let client = Client::builder("sdk-key")
            .data_source(flags())
            .without_events()
            .hook(hook)
            .start()
            .unwrap();
        let context = ada();
        let evaluate = || client.str_variation("colour", &context, "");
        evaluate();
        allocation_counter::measure(|| (0..10).for_each(|_| drop(evaluate()))).count_total
    };
    assert_eq!(
        allocations(Arc::new(TracingHook::new())),
        allocations(Arc::new(Nothing))
    );
}
