//! Clauses for event processors whose deliveries can fail.

use super::EventProcessorHarness;
use super::pen::Pen;
use crate::conformance::eventually::eventually;

/// Everything is delivered or dropped.
pub async fn a_flush_completes_during_an_outage(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    harness.interrupt();
    pen.evaluate("a", 5);
    pen.flush().await;
    pen.has_not_panicked();
}

/// An application must be able to end (EVT-3.5).
pub async fn close_completes_during_an_outage(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    harness.interrupt();
    pen.evaluate("a", 5);
    pen.close().await;
    pen.has_not_panicked();
}

/// A failed delivery does not end the processor (EVT-3.5).
pub async fn events_after_an_outage_are_delivered(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    harness.interrupt();
    pen.evaluate("a", 5);
    pen.flush().await;
    harness.restore();
    pen.evaluate("b", 7);
    pen.flush().await;
    eventually(harness.timeout(), "a delivery after the outage", || {
        pen.delivered().count("b") == 7
    })
    .await;
    pen.close().await;
    let delivered = pen.delivered().count("a");
    assert!(
        delivered == 0 || delivered == 5,
        "{delivered} of 5 evaluations of a delivery that failed are counted"
    );
}

/// A loss must be visible.
pub async fn a_lost_delivery_is_counted_in_the_statistics(harness: &dyn EventProcessorHarness) {
    let pen = Pen::new(harness).await;
    harness.interrupt();
    pen.evaluate("a", 5);
    pen.close().await;
    let (delivered, stats) = (pen.delivered().count("a"), pen.processor().stats());
    assert!(
        delivered == 5 || stats.dropped_events + stats.dropped_payloads + stats.dropped_counts > 0,
        "{delivered} of 5 evaluations are delivered, and the statistics show no loss: {stats:?}"
    );
}
