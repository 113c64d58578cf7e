//! [`Backoff`]: the time limit of a call, and the backoff of its throttled requests.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Upper bound of the first delay; it doubles with each retry.
pub(crate) const INITIAL_DELAY: Duration = Duration::from_millis(50);
/// Maximum of that bound.
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(5);

/// The time limit of a call, and the backoff of its throttled requests. A copy made before the first
/// wait starts with the first delay again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// The whole time limit.
    pub(crate) limit: Duration,
    deadline: Instant,
    max_delay: Duration,
}

impl Backoff {
    /// A deadline of `limit` from now.
    pub(crate) fn of(limit: Duration) -> Self {
        Self {
            limit,
            deadline: Instant::now() + limit,
            max_delay: INITIAL_DELAY,
        }
    }

    /// Waits before the next retry. Returns `false` at once if the deadline would pass. The delay
    /// is random, so that concurrent callers do not retry together.
    pub(crate) async fn wait(&mut self) -> bool {
        let delay = self.max_delay.mul_f64(fastrand::f64());
        if Instant::now() + delay >= self.deadline {
            return false;
        }
        tracing::debug!(store = "DynamoDB", ?delay, "the table throttles; retrying");
        sleep(delay).await;
        self.max_delay = (self.max_delay * 2).min(MAX_DELAY);
        true
    }
}
