//! Clauses for data sources that their origin can refuse for good.

use super::DataSourceHarness;
use super::environment::{FLAGS, SEGMENTS, usual};
use super::run::Run;

/// The client then sets the state to `Off`.
pub async fn a_refusal_ends_the_source_with_an_error(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.refuse().await;
    let (_, result) = run.ended().await;
    assert!(result.is_err(), "a refused source has ended without error");
}

/// An application must not wait for a client that will never be ready.
pub async fn a_refusal_at_the_start_ends_the_source_with_an_error(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    harness.refuse().await;
    let (sink, result) = Run::new(harness).await.ended().await;
    assert!(result.is_err(), "a refused source has ended without error");
    assert!(
        !sink.is_initialized(),
        "a refused source has delivered data"
    );
}

/// Evaluations use the last data.
pub async fn a_refusal_keeps_the_data(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let run = Run::new(harness).await;
    run.until_usual(1).await;
    harness.refuse().await;
    let (sink, _) = run.ended().await;
    assert!(
        sink.has(1, &FLAGS, &SEGMENTS),
        "the data after the refusal: {:?} {:?}",
        sink.flags(),
        sink.segments()
    );
}
