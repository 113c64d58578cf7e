//! [`eventually`]: waits for a condition.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The default timeout of a condition. Reached only by components that violate it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

/// Waits until a condition holds; panics if it does not. `what` completes the sentence "waited for".
pub(super) async fn eventually(timeout: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < timeout,
            "waited {timeout:?} in vain for {what}"
        );
        sleep(Duration::from_millis(1)).await;
    }
}
