//! Clauses for data sources whose data is available when a client starts.

use std::pin::pin;
use std::sync::Arc;

use vexil::data_source::DataSink;

use super::DataSourceHarness;
use super::environment::{FLAGS, SEGMENTS, usual};
use super::recorder::Recorder;
use crate::conformance::begin::poll_once;

/// A client polls its source once before `start` returns, and is then ready.
pub async fn available_data_is_delivered_while_the_client_starts(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let source = harness.source().await;
    let sink = Arc::new(Recorder::new());
    let to: Arc<dyn DataSink> = Arc::clone(&sink) as Arc<dyn DataSink>;
    // Unconstrained, as a client polls it.
    let mut run = pin!(tokio::task::unconstrained(source.run(to)));
    let _ = poll_once(run.as_mut()).await;
    assert!(
        sink.has(1, &FLAGS, &SEGMENTS),
        "the first poll of the source has delivered {:?}",
        sink.seen()
    );
}
