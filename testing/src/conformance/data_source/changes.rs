//! Clauses for data sources that follow the changes of their origin.

use super::DataSourceHarness;
use super::environment::{environment, usual};
use super::run::Run;

/// A change takes effect without a new start.
pub async fn a_changed_flag_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.publish(&usual(2)).await;
    run.until_usual(2).await;
    run.stop().await;
}

/// Items are added while a client runs.
pub async fn an_added_item_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&environment(1, &["a"], &[])).await;
    let run = Run::new(harness).await;
    run.until("the first flag", |sink| sink.has(1, &["a"], &[]))
        .await;
    harness.publish(&environment(2, &["a", "b"], &["s"])).await;
    run.until("the added items", |sink| sink.has(2, &["a", "b"], &["s"]))
        .await;
    run.stop().await;
}

/// Items are deleted while a client runs.
pub async fn a_deletion_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.publish(&environment(2, &["a"], &["t"])).await;
    run.until("the deletions", |sink| sink.has(2, &["a"], &["t"]))
        .await;
    run.stop().await;
}

/// The source continues to follow its origin.
pub async fn every_later_change_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    for state in 2..=6 {
        harness.publish(&usual(state)).await;
        run.until_usual(state).await;
    }
    // Changes in quick succession may be delivered as one.
    for state in 7..=20 {
        harness.publish(&usual(state)).await;
    }
    run.until_usual(20).await;
    run.stop().await;
}

/// Flags never go back.
pub async fn an_older_state_is_never_delivered_after_a_newer_one(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    for state in 2..=12 {
        harness.publish(&usual(state)).await;
        if state % 4 == 0 {
            run.until("the latest state", |sink| {
                sink.seen().history.contains(&state)
            })
            .await;
        }
    }
    run.until_usual(12).await;
    let history = run.seen().history;
    assert!(
        history.is_sorted(),
        "the value of a flag went back: {history:?}"
    );
    run.stop().await;
}

/// Several clients may share an origin.
pub async fn a_change_reaches_every_run(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let source = harness.source().await;
    let runs = [
        Run::of(harness, source.clone()),
        Run::of(harness, source),
        Run::new(harness).await,
    ];
    for run in &runs {
        run.until_usual(1).await;
    }
    harness.publish(&usual(2)).await;
    for run in runs {
        run.until_usual(2).await;
        run.stop().await;
    }
}

/// Clients are closed separately.
pub async fn a_run_continues_after_another_one_was_stopped(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let source = harness.source().await;
    let (first, second) = (Run::of(harness, source.clone()), Run::of(harness, source));
    first.until_usual(1).await;
    second.until_usual(1).await;
    first.stop_and_release().await;
    harness.publish(&usual(2)).await;
    second.until_usual(2).await;
    second.stop().await;
}
