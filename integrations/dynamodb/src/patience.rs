//! [`Patience`]: how long, and at which delays, a request is repeated that the table throttles.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The delays begin below this one, and double.
pub(crate) const FIRST_DELAY: Duration = Duration::from_millis(50);
/// Up to this one.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// How long, and at which delays, a request is repeated that the table throttles. A copy begins
/// with the first delay again if it is made before the first wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    deadline: Instant,
    longest: Duration,
}

impl Patience {
    /// For so long from now.
    pub(crate) fn of(limit: Duration) -> Self {
        Self {
            deadline: Instant::now() + limit,
            longest: FIRST_DELAY,
        }
    }

    /// Waits before the next repetition; at once `false` if there is no time left for it. Where
    /// many wait for the same table, chance spreads them.
    pub(crate) async fn wait(&mut self) -> bool {
        let delay = self.longest.mul_f64(fastrand::f64());
        if Instant::now() + delay >= self.deadline {
            return false;
        }
        tracing::debug!(store = "DynamoDB", ?delay, "the table throttles");
        sleep(delay).await;
        self.longest = (self.longest * 2).min(LONGEST_DELAY);
        true
    }
}
