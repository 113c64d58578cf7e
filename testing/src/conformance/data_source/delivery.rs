//! Clauses for every data source.

use super::DataSourceHarness;
use super::environment::{FLAGS, SEGMENTS, environment, usual};
use super::recorder::Recorder;
use super::run::Run;

/// Flags and segments are delivered.
pub async fn all_data_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    run.stop().await;
}

/// A client is ready after the first set, so it must be complete.
pub async fn data_is_delivered_as_one_set(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    assert_eq!(
        run.seen().sets.first(),
        Some(&(FLAGS.len() + SEGMENTS.len())),
        "the number of items in the first set"
    );
    run.stop().await;
}

/// An environment without items is data too: the client must become ready.
pub async fn an_origin_without_items_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&environment(1, &[], &[])).await;
    let run = Run::new(harness).await;
    run.until("a data set", |sink| sink.is_initialized()).await;
    assert!(run.sink().has(1, &[], &[]), "the data set has items");
    run.stop().await;
}

/// A store may write the JSON of items elsewhere.
pub async fn items_carry_their_json_if_the_sink_keeps_it(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::on(harness, harness.source().await, Recorder::that_keeps_json());
    run.until_usual(1).await;
    let seen = run.seen();
    assert!(
        seen.without_json.is_empty(),
        "items without JSON: {:?}",
        seen.without_json
    );
    run.stop().await;
}

/// If the sink returns an error, the source delivers again, or ends with an error.
pub async fn data_that_was_not_stored_is_not_lost(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::on(
        harness,
        harness.source().await,
        Recorder::that_rejects_once(),
    );
    run.until("the first write", |sink| sink.seen().calls > 0)
        .await;
    run.until("another write, or the end of the source", |sink| {
        sink.has(1, &FLAGS, &SEGMENTS) || run.has_ended()
    })
    .await;
    if !run.sink().has(1, &FLAGS, &SEGMENTS) {
        let (_, result) = run.ended().await;
        assert!(
            result.is_err(),
            "the source ended without an error although its data was not stored"
        );
    }
}

/// An error ends the source for good, so that flags never change again. A source may end without an
/// error if there is nothing more to deliver.
pub async fn a_running_source_does_not_end_with_an_error(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let source = harness.source().await;
    let run = Run::of(harness, source);
    run.until_usual(1).await;
    // A second run takes at least as long as the first one needs to end.
    let other = Run::new(harness).await;
    other.until_usual(1).await;
    other.stop().await;
    // Fails if there is an error.
    run.stop().await;
}

/// A source is stopped by being dropped.
pub async fn a_stopped_run_delivers_nothing_more(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    let sink = run.stop().await;
    let calls = sink.seen().calls;
    harness.publish(&usual(2)).await;
    // The change is delivered to another run, so the stopped one has had the time to deliver it.
    let other = Run::new(harness).await;
    other.until_usual(2).await;
    other.stop_and_release().await;
    let seen = sink.seen();
    assert_eq!(
        seen.calls, calls,
        "the calls of the sink, after the source was stopped: {seen:?}"
    );
}

/// What still holds the sink, such as a thread, would keep the client's data in memory.
pub async fn a_stopped_run_releases_its_sink(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    // Also before the first delivery.
    let source = harness.source().await;
    Run::of(harness, source).stop_and_release().await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    run.stop_and_release().await;
}

/// A builder can be cloned and started more than once.
pub async fn a_source_can_run_again(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let source = harness.source().await;
    for _ in 0..3 {
        let run = Run::of(harness, source.clone());
        run.until_usual(1).await;
        run.stop().await;
    }
}

/// Each run delivers to its own sink.
pub async fn concurrent_runs_are_independent(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let source = harness.source().await;
    let first = Run::of(harness, source.clone());
    let second = Run::of(harness, source.clone());
    first.until_usual(1).await;
    second.until_usual(1).await;
    first.stop_and_release().await;
    let third = Run::of(harness, source);
    third.until_usual(1).await;
    assert_eq!(second.seen().errors.len(), 0, "errors of another run");
    second.stop().await;
    third.stop().await;
}
