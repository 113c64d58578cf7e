//! The hook as an object.

use std::io::{Read, pipe};
use std::sync::Arc;

use vexil::hooks::Hook;
use vexil_otel::TracingHook;

use crate::support::{ada, builder, event, traced};

// OTEL 1.2.4.1, 1.2.4.2
#[test]
fn an_empty_environment_counts_as_none_and_is_logged() {
    let (mut log_reader, log_writer) = pipe().unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(log_writer)).finish();
    let make = || TracingHook::builder().environment_id("").build();
    let hook = tracing::subscriber::with_default(subscriber, make);
    let mut log = String::new();
    log_reader.read_to_string(&mut log).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("WARN vexil_otel::hook: the environment id for traces is empty"), "{log}");
    let client = builder(hook).start().unwrap();
    let event = event(&traced(|| client.string_variation("colour", &ada(), "")));
    assert_eq!(event.get("feature_flag.set.id"), None);
}

#[test]
fn the_log_knows_the_hook_by_its_name() {
    assert_eq!(TracingHook::new().metadata().name.as_str(), "OpenTelemetry tracing");
}
