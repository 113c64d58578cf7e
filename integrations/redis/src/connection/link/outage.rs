//! [`Outage`]: for how long there has been no connection, and what is said about it.

use std::time::Duration;

use tokio::time::Instant;

use super::SHORTEST_PAUSE;
use crate::error::Fault;

/// The longest time between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The time until another attempt where the server refuses us: credentials may be changed in place.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// The time without a connection that is worth a warning, and between two warnings.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Outage {
    failures: u32,
    since: Option<Instant>,
    warned: Option<Instant>,
}

impl Outage {
    /// The time until the next attempt: it doubles up to a bound, and chance takes away up to a half.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        let chance = pause.as_micros().try_into().map_or(0, |most: u64| fastrand::u64(..=most / 2));
        pause.saturating_sub(Duration::from_micros(chance))
    }

    /// A failure that may pass is worth a warning after a minute; a refusal at once. Both again each minute.
    pub(super) fn report(&mut self, fault: &Fault, url: &str) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let due = match self.warned {
            Some(warned) => now - warned >= WARN_EVERY,
            None => fault.is_refusal() || now - since >= WARN_EVERY,
        };
        let error = fault as &dyn std::error::Error;
        if due {
            self.warned = Some(now);
            tracing::warn!(url, error, "no connection to Redis");
        } else {
            tracing::debug!(url, error, "no connection to Redis");
        }
    }
}
