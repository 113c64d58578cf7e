//! Clauses for data sources with connections.

use super::DataSourceHarness;
use super::environment::usual;
use super::run::Run;
use crate::conformance::eventually::eventually;

/// A closed client leaves no connection behind.
pub async fn a_stopped_run_closes_its_connections(harness: &dyn DataSourceHarness) {
    harness.publish(&usual(1)).await;
    let (first, second) = (Run::new(harness).await, Run::new(harness).await);
    first.until_usual(1).await;
    second.until_usual(1).await;
    assert!(
        harness.open_connections() >= 2,
        "the harness counts fewer connections than sources"
    );
    first.stop().await;
    second.stop().await;
    eventually(harness.timeout(), "the end of all connections", || {
        harness.open_connections() == 0
    })
    .await;
}
