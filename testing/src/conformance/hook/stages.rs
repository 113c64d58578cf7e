//! Clauses on the stages of a hook.

use std::sync::Arc;
use std::time::Duration;

use vexil::migration::Stage;
use vexil::{Client, Context, Value};

use super::HookHarness;
use super::relay::{ABANDONED, EMPTIED, Hooked, NESTED};
use crate::conformance::eventually::eventually;

/// The name identifies the hook in the log.
pub async fn metadata_has_a_name_and_does_not_change(harness: &dyn HookHarness) {
    let hook = harness.hook();
    let metadata = hook.metadata();
    assert!(!metadata.name.is_empty(), "the name is empty");
    assert_eq!(hook.metadata(), metadata, "the metadata of a second call");
    assert_eq!(
        harness.hook().metadata(),
        metadata,
        "the metadata of another hook of the same configuration"
    );
}

/// The methods differ in their name and their default.
pub async fn every_evaluation_method_is_accepted(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    let (client, ada) = (&hooked.client, &hooked.ada);
    client.variation("flag", ada, false);
    client.variation_detail("flag", ada, false);
    client.variation_async("flag", ada, false).await;
    client.variation_detail_async("flag", ada, false).await;
    let _ = client.migration_variation("flag", ada, Stage::Off);
    hooked.has_no_failures();
}

/// Results have any type. Flags may be unknown.
pub async fn every_outcome_is_accepted(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    for key in ["a", "flag", "number", "null", "list", "unknown", ""] {
        hooked.evaluate(key);
        hooked.client.variation(key, &hooked.ada, false);
        hooked.client.variation_detail(key, &hooked.ada, 1.5);
    }
    hooked.has_no_failures();
}

/// The context of a series may be the error of an invalid context.
pub async fn an_invalid_context_is_accepted(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    let invalid = Context::new("");
    assert!(invalid.is_err(), "a context without a key is invalid");
    hooked.client.variation("flag", &invalid, false);
    hooked.client.variation_detail("unknown", &invalid, false);
    hooked.has_no_failures();
}

/// Data and metric are optional.
pub async fn tracked_events_are_accepted(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    let (client, ada) = (&hooked.client, &hooked.ada);
    client.track("event", ada);
    client.track_data("event", ada, "data");
    client.track_metric("event", ada, 1.5, Value::Null);
    client.track("", ada);
    hooked.has_no_failures();
}

/// A stage of another hook may evaluate flags.
pub async fn nested_series_are_accepted(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    hooked.evaluate(NESTED);
    hooked.evaluate("b");
    hooked.has_no_failures();
}

/// Stages run on many threads.
pub async fn concurrent_series_are_accepted(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    for _ in 0..20 {
        hooked.meet();
    }
    hooked.has_no_failures();
}

/// If the future of an evaluation is dropped, the second stage does not run.
pub async fn a_series_without_its_second_stage_affects_no_other(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    for _ in 0..3 {
        hooked.evaluate(ABANDONED);
        hooked.evaluate("a");
    }
    hooked.has_no_failures();
}

/// If the first stage fails, the second one gets no data. It may fail, too.
pub async fn a_series_without_data_does_not_panic(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    hooked.evaluate(EMPTIED);
    hooked.evaluate("a");
    hooked.has_no_panics();
}

/// Closing a client drops its hooks.
pub async fn a_hook_is_dropped_with_its_client(harness: &dyn HookHarness) {
    let hook = harness.hook();
    let handle = Arc::downgrade(&hook);
    let client = Client::builder("sdk-key")
        .data_source(crate::TestData::new().with("a", true))
        .hook(hook)
        .start();
    assert!(client.is_ok(), "the client does not start");
    if let (Ok(client), Ok(ada)) = (client, Context::new("ada")) {
        client.variation("a", &ada, false);
        client.close(Duration::from_secs(10)).await;
    }
    eventually(harness.timeout(), "the hook to be dropped", || {
        handle.strong_count() == 0
    })
    .await;
}
