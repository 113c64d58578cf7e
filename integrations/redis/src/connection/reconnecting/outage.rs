//! [`Outage`]: backoff and logging while there is no connection.

use std::time::Duration;

use tokio::time::Instant;

use super::MIN_BACKOFF;
use crate::error::CommandError;

/// Maximum backoff.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Delay before the next attempt if the server refuses access: its credentials may be changed in
/// place.
pub(super) const REFUSED_BACKOFF: Duration = Duration::from_secs(5);

/// Minimum outage before the first warning, and the interval between warnings.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Consecutive failures.
#[derive(Debug, Default)]
pub(super) struct Outage {
    failures: u32,
    since: Option<Instant>,
    warned: Option<Instant>,
}

impl Outage {
    /// The delay before the next attempt: it doubles up to a maximum, minus up to half of it as
    /// jitter.
    pub(super) fn next_delay(&mut self) -> Duration {
        let delay = MIN_BACKOFF
            .saturating_mul(1 << self.failures.min(16))
            .min(MAX_BACKOFF);
        self.failures = self.failures.saturating_add(1);
        let jitter = delay
            .as_micros()
            .try_into()
            .map_or(0, |most: u64| fastrand::u64(..=most / 2));
        delay.saturating_sub(Duration::from_micros(jitter))
    }

    /// Logs the failure.
    pub(super) fn report(&mut self, error: &CommandError, url: &str) {
        let is_refusal = error.is_refusal();
        let error = error as &dyn std::error::Error;
        if self.is_worth_a_warning(is_refusal) {
            tracing::warn!(url, error, "no connection to Redis");
        } else {
            tracing::debug!(url, error, "no connection to Redis");
        }
    }

    /// A temporary failure is logged as a warning after a minute, a refusal at once; both again
    /// every minute.
    fn is_worth_a_warning(&mut self, is_refusal: bool) -> bool {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let due = match self.warned {
            Some(warned) => now - warned >= WARN_INTERVAL,
            None => is_refusal || now - since >= WARN_INTERVAL,
        };
        if due {
            self.warned = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // STO-9.5, lazy start: backoff 100 ms → 5 s, with jitter
    #[test]
    fn backoff_doubles_from_100_ms_to_5_s_with_jitter_of_up_to_half() {
        for _ in 0..100 {
            let mut outage = Outage::default();
            for most in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map(Duration::from_millis)
            {
                let delay = outage.next_delay();
                assert!(delay >= most / 2 && delay <= most, "{delay:?} of {most:?}");
            }
        }
        let mut outage = Outage {
            failures: u32::MAX,
            ..Outage::default()
        };
        assert!(outage.next_delay() <= MAX_BACKOFF);
    }

    // A retried error is logged at DEBUG, an outage as one WARN a minute; STO-F13
    #[tokio::test(start_paused = true)]
    async fn outages_warn_every_minute_and_refusals_also_at_once() {
        for (is_refusal, warned_at) in [(false, [60, 120]), (true, [0, 60])] {
            let mut outage = Outage::default();
            let mut warned = Vec::new();
            for second in 0..=120 {
                if outage.is_worth_a_warning(is_refusal) {
                    warned.push(second);
                }
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            assert_eq!(warned[..2], warned_at);
            assert_eq!(warned.len(), 2 + usize::from(is_refusal));
        }
    }
}
