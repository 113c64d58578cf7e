//! Clauses for data sources whose origin can be unavailable.

use vexil::data_source::DataSourceState;

use super::DataSourceHarness;
use super::environment::{FLAGS, SEGMENTS, usual};
use super::recorder::Recorder;
use super::run::Run;

/// The application is notified of an outage and its cause.
pub async fn an_outage_is_reported_with_an_error(harness: &dyn DataSourceHarness) {
    let run = interrupted(harness).await;
    run.until("an error of the source", |sink| {
        !sink.seen().errors.is_empty()
    })
    .await;
    run.stop().await;
}

/// Evaluations use the last data.
pub async fn an_outage_keeps_the_data(harness: &dyn DataSourceHarness) {
    let run = interrupted(harness).await;
    has_kept_the_data(run.sink());
    let sink = run.stop().await;
    has_kept_the_data(&sink);
}

/// A temporary error is no reason to end.
pub async fn an_outage_does_not_end_the_source(harness: &dyn DataSourceHarness) {
    let run = interrupted(harness).await;
    // The end may come after the report. Recovery shows that there is none.
    harness.restore().await;
    run.until("the recovery", |sink| {
        run.has_ended() || sink.seen().state == Some(DataSourceState::Valid)
    })
    .await;
    assert!(!run.has_ended(), "an outage has ended the source");
    run.stop().await;
}

/// The source recovers by itself.
pub async fn changes_during_an_outage_are_delivered_after_it(harness: &dyn DataSourceHarness) {
    let run = interrupted(harness).await;
    harness.publish(&usual(2)).await;
    harness.restore().await;
    run.until_usual(2).await;
    run.until("the state Valid", |sink| {
        sink.seen().state == Some(DataSourceState::Valid)
    })
    .await;
    run.stop().await;
}

/// The end of an outage is reported even if nothing has changed.
pub async fn the_source_is_valid_after_an_outage_without_changes(harness: &dyn DataSourceHarness) {
    let run = interrupted(harness).await;
    harness.restore().await;
    run.until("the state Valid", |sink| {
        sink.seen().state == Some(DataSourceState::Valid)
    })
    .await;
    has_kept_the_data(run.sink());
    run.stop().await;
}

/// A client may start during an outage.
pub async fn an_outage_at_the_start_is_reported_and_ends(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    harness.interrupt().await;
    let run = Run::new(harness).await;
    run.until("an error of the source", |sink| {
        !sink.seen().errors.is_empty()
    })
    .await;
    assert!(
        !run.sink().is_initialized(),
        "the source has delivered data during the outage"
    );
    harness.restore().await;
    run.until_usual(1).await;
    run.stop().await;
}

/// A source can be stopped while it waits for the end of an outage.
pub async fn a_run_stopped_during_an_outage_releases_its_sink(harness: &dyn DataSourceHarness) {
    let run = interrupted(harness).await;
    let sink = run.stop_and_release().await;
    let calls = sink.seen().calls;
    harness.restore().await;
    let other = Run::new(harness).await;
    other.until_usual(1).await;
    other.stop().await;
    assert_eq!(
        sink.seen().calls,
        calls,
        "the calls of the sink, after the source was stopped"
    );
}

/// Runs a source that has delivered its data and has then reported an outage.
async fn interrupted(harness: &dyn DataSourceHarness) -> Run<'_> {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.interrupt().await;
    run.until("the state Interrupted", |sink| {
        sink.seen().state == Some(DataSourceState::Interrupted)
    })
    .await;
    run
}

#[track_caller]
fn has_kept_the_data(sink: &Recorder) {
    assert!(
        sink.has(1, &FLAGS, &SEGMENTS),
        "the data after the outage began: {:?} {:?}",
        sink.flags(),
        sink.segments()
    );
}
