//! Clauses for data sources that deliver change sets.

use super::DataSourceHarness;
use super::environment::{FLAGS, SEGMENTS, environment, usual};
use super::run::Run;

/// An evaluation sees all changes of a payload or none of them.
pub async fn a_change_is_delivered_as_a_whole(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.publish(&usual(2)).await;
    run.until_usual(2).await;
    let seen = run.seen();
    assert!(
        !seen.has_mixed,
        "the sink held flags of two states: {seen:?}"
    );
    run.stop().await;
}

/// The origin is the source of truth: it may restore an older version.
pub async fn a_lower_version_is_delivered(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(5)).await;
    let run = Run::new(harness).await;
    run.until_usual(5).await;
    harness.publish(&usual(2)).await;
    run.until_usual(2).await;
    run.stop().await;
}

/// The same is true for an item that was deleted.
pub async fn a_deleted_item_returns_with_any_version(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(5)).await;
    let run = Run::new(harness).await;
    run.until_usual(5).await;
    harness.publish(&environment(5, &["a"], &["t"])).await;
    run.until("the deletions", |sink| sink.has(5, &["a"], &["t"]))
        .await;
    harness.publish(&usual(2)).await;
    run.until_usual(2).await;
    run.stop().await;
}

/// An environment without items is data too.
pub async fn an_emptied_origin_removes_all_items(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.publish(&environment(2, &[], &[])).await;
    run.until("the removal of all items", |sink| sink.has(2, &[], &[]))
        .await;
    run.stop().await;
}

/// The selector names the state of the data, so it changes with it.
pub async fn every_change_set_has_a_selector(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    let first = run.seen().selector;
    assert!(first.is_some(), "the first data has no selector");
    harness.publish(&usual(2)).await;
    run.until_usual(2).await;
    let second = run.seen().selector;
    assert!(second.is_some(), "a change has no selector");
    assert_ne!(first, second, "the selector after a change");
    run.stop().await;
}

/// The source continues from the [selector](vexil::data_source::DataSink::selector) of its sink.
pub async fn only_differences_are_delivered_after_an_outage(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.interrupt().await;
    run.until("an error of the source", |sink| {
        !sink.seen().errors.is_empty()
    })
    .await;
    harness.publish(&usual(2)).await;
    harness.restore().await;
    run.until_usual(2).await;
    assert_eq!(
        run.seen().sets,
        [FLAGS.len() + SEGMENTS.len()],
        "the numbers of items in all data sets"
    );
    run.stop().await;
}
