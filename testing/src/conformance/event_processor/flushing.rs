//! Clauses on flushes.

use super::EventProcessorHarness;
use super::pen::Pen;
use crate::conformance::begin::begin_until;
use crate::conformance::eventually::eventually;

/// `flush_and_wait` completes when everything recorded before is delivered.
pub async fn a_flush_that_was_awaited_has_delivered(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    for count in 1..=10 {
        pen.evaluate("a", 1);
        pen.flush().await;
        assert_eq!(
            pen.delivered().count("a"),
            count,
            "evaluations after flush {count}"
        );
    }
    pen.close().await;
}

/// `flush` returns at once. The delivery needs no further call.
pub async fn a_requested_flush_delivers_in_the_background(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.processor().flush();
    eventually(harness.timeout(), "a delivery in the background", || {
        pen.delivered().count("a") == 5
    })
    .await;
    pen.close().await;
}

/// There may be nothing to deliver.
pub async fn a_flush_without_events_completes(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.flush().await;
    pen.flush().await;
    pen.close().await;
}

/// A processor that works can still deliver.
pub async fn a_flush_is_confirmed(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    let confirmed = pen
        .completes("flush_and_confirm", pen.processor().flush_and_confirm())
        .await;
    assert!(confirmed, "a flush of a working processor is not confirmed");
    assert_eq!(pen.delivered().count("a"), 5, "evaluations after the flush");
    pen.close().await;
}

/// Each event is delivered once, however often it is requested.
pub async fn nothing_is_delivered_twice(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.track("bought", vexil::Value::from("tea"));
    for _ in 0..3 {
        pen.processor().flush();
        pen.flush().await;
    }
    pen.close().await;
    let delivered = pen.delivered();
    assert_eq!(delivered.count("a"), 5, "evaluations after several flushes");
    assert_eq!(delivered.custom.len(), 1, "custom events");
}

/// A caller may stop waiting.
pub async fn a_dropped_flush_loses_and_repeats_nothing(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    for polls in 1..=10 {
        pen.evaluate("a", 1);
        begin_until(polls, pen.processor().flush_and_wait()).await;
    }
    pen.flush().await;
    pen.close().await;
    assert_eq!(
        pen.delivered().count("a"),
        10,
        "evaluations after dropped flushes"
    );
}

/// Evaluations continue while events are delivered.
pub async fn evaluations_during_a_flush_are_counted(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    let mut count = 0;
    // Between the steps of a flush.
    for steps in 1..=10 {
        pen.evaluate("a", 1);
        let processor = pen.processor();
        tokio::join!(
            pen.completes("flush_and_wait", processor.flush_and_wait()),
            async {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                pen.evaluate("a", 1);
            }
        );
        count += 2;
    }
    // On other threads.
    count += pen
        .evaluate_on_threads(2_000, async |pen: &Pen<'_>| {
            for _ in 0..10 {
                pen.flush().await;
            }
        })
        .await;
    pen.close().await;
    assert_eq!(
        pen.delivered().count("a"),
        count,
        "evaluations, some of them during a flush"
    );
    pen.has_not_panicked();
}

/// Several parts of an application may flush.
pub async fn concurrent_flushes_complete(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    tokio::join!(pen.flush(), pen.flush(), pen.flush());
    assert_eq!(pen.delivered().count("a"), 5, "evaluations");
    pen.close().await;
}

/// The number of pending events is logged as lost when a client is dropped.
pub async fn nothing_is_pending_after_a_flush(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    pen.evaluate("a", 5);
    pen.flush().await;
    assert_eq!(pen.processor().pending(), 0, "pending events after a flush");
    pen.evaluate("a", 5);
    pen.close().await;
    assert_eq!(pen.processor().pending(), 0, "pending events after close");
}
