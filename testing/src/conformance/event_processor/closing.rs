//! Clauses on the end of an event processor.

use std::sync::Arc;

use super::EventProcessorHarness;
use super::pen::Pen;
use crate::conformance::begin::begin_until;
use crate::conformance::eventually::eventually;

/// `close` flushes.
pub async fn close_delivers_everything(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.track("bought", vexil::Value::from("tea"));
    pen.close().await;
    let delivered = pen.delivered();
    assert_eq!(delivered.count("a"), 5, "evaluations after close");
    assert_eq!(delivered.custom.len(), 1, "custom events after close");
}

/// A second call has nothing to do.
pub async fn close_can_be_repeated(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.close().await;
    pen.close().await;
    assert_eq!(pen.delivered().count("a"), 5, "evaluations");
}

/// Clones of a client may be closed at the same time.
pub async fn concurrent_closes_complete(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    tokio::join!(pen.close(), pen.close(), pen.flush(), pen.close());
    assert_eq!(pen.delivered().count("a"), 5, "evaluations");
}

/// A client closes with a timeout.
pub async fn a_dropped_close_can_be_completed_by_another(harness: &dyn EventProcessorHarness) {
    for polls in 1..=5 {
        let pen = Pen::new(harness).await;
        let before = pen.delivered().count("a");
        pen.evaluate("a", 5);
        begin_until(polls, pen.processor().close()).await;
        pen.close().await;
        assert_eq!(
            pen.delivered().count("a") - before,
            5,
            "evaluations after a dropped close"
        );
    }
}

/// Other threads may still evaluate.
pub async fn records_after_close_do_not_panic(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 1);
    pen.close().await;
    pen.evaluate("a", 1);
    pen.evaluate("unknown", 1);
    pen.track("bought", vexil::Value::from("tea"));
    pen.identify();
    pen.has_not_panicked();
}

/// What is recorded after `close` is not delivered.
pub async fn records_after_close_have_no_effect(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.close().await;
    pen.evaluate("a", 7);
    pen.track("bought", vexil::Value::from("tea"));
    pen.processor().flush();
    pen.flush().await;
    pen.close().await;
    let delivered = pen.delivered();
    assert_eq!(
        (delivered.count("a"), delivered.custom.len()),
        (5, 0),
        "evaluations and custom events of a closed processor"
    );
}

/// Other parts of an application may still flush.
pub async fn a_flush_after_close_completes(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.close().await;
    pen.processor().flush();
    pen.flush().await;
    pen.completes("flush_and_confirm", pen.processor().flush_and_confirm())
        .await;
}

/// Evaluations may overlap with `close`. Those before it are counted, and none is counted twice.
pub async fn evaluations_before_a_concurrent_close_are_counted(
    harness: &dyn EventProcessorHarness,
) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 1_000);
    let count = pen
        .evaluate_on_threads(2_000, async |pen: &Pen<'_>| pen.close().await)
        .await;
    pen.close().await;
    let delivered = pen.delivered().count("a");
    assert!(
        (1_000..=1_000 + count).contains(&delivered),
        "{delivered} evaluations are delivered of 1000 before close and {count} beside it"
    );
    pen.has_not_panicked();
}

/// A closed processor has released what could keep it alive.
pub async fn a_closed_processor_is_dropped_with_its_last_handle(
    harness: &dyn EventProcessorHarness,
) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.close().await;
    let processor = pen.into_processor();
    let handle = Arc::downgrade(&processor);
    drop(processor);
    eventually(harness.timeout(), "the processor to be dropped", || {
        handle.strong_count() == 0
    })
    .await;
}
