//! When to ask again after a failure, and whether at all.
//!
//! Pure: what time it is and which part of a delay is left to chance are arguments. Trouble that
//! passes is retried soon and ever less soon. An answer that time alone does not change, such as a
//! refused key, is retried rarely: keys are rotated and proxies misconfigured for a while, and a
//! client that gave up would stay behind until it is restarted. The rules are those of SRC-2.5 to
//! SRC-2.7 and SRC-3.

use std::time::{Duration, Instant};

use http::StatusCode;

use super::TransportErrorKind;

/// What a data source does about an answer that time alone does not change: a refused key, or an
/// address where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryPolicy {
    /// It goes on asking, after 5 minutes at first and after an hour at most, half of which is left
    /// to chance. A certificate that is not trusted is treated alike. This ends with the first
    /// stream that delivers a whole data set, or with two polls in a row that succeed.
    #[default]
    NeverStop,
    /// It stops for good and its state is [`Off`](crate::status::DataSourceState::Off), as in older
    /// SDKs.
    LegacyStop,
}

/// The kinds of failures, by what can be expected of another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may succeed soon.
    Passing,
    /// The other side is not who it should be.
    Untrusted,
    /// The other side does not want us.
    Refused,
}

impl Failure {
    /// What a status that is not the expected one means.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            400 | 408 | 429 => Self::Passing,
            400..=499 => Self::Refused,
            _ => Self::Passing,
        }
    }

    /// What trouble on the way means.
    pub(crate) fn of_transport(kind: TransportErrorKind) -> Self {
        match kind {
            // A request that cannot be sent today cannot be sent tomorrow, unless the transport is
            // mistaken.
            TransportErrorKind::Certificate | TransportErrorKind::Request => Self::Untrusted,
            _ => Self::Passing,
        }
    }
}

/// How another attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    Soon,
    Rarely,
    Never,
}

impl RetryPolicy {
    fn after(self, failure: Failure) -> Retry {
        match (self, failure) {
            (_, Failure::Passing) | (Self::LegacyStop, Failure::Untrusted) => Retry::Soon,
            (Self::NeverStop, _) => Retry::Rarely,
            (Self::LegacyStop, Failure::Refused) => Retry::Never,
        }
    }
}

/// A source of chance: any time from zero to the one given.
pub(crate) type Jitter = fn(Duration) -> Duration;

/// Evenly distributed chance.
pub(crate) fn jitter(most: Duration) -> Duration {
    Duration::from_nanos(fastrand::u64(
        ..=u64::try_from(most.as_nanos()).unwrap_or(u64::MAX),
    ))
}

/// The delay before the attempt after so many failures in a row: it doubles up to a bound, and
/// chance takes away up to a half.
fn delay(base: Duration, most: Duration, failures: u32, jitter: Jitter) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let delay = base.saturating_mul(1 << doublings).min(most);
    delay.saturating_sub(jitter(delay / 2))
}

const DEFAULT_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
const RARE_DELAY: Duration = Duration::from_secs(300);
const LONGEST_RARE_DELAY: Duration = Duration::from_secs(3600);

/// The shortest first delay of a stream. It doubles sixteen times at most, so a shorter one would
/// never reach a second.
const SHORTEST_DELAY: Duration = Duration::from_millis(1);

/// The shortest first delay that the service may ask for.
const SHORTEST_ADVISED_DELAY: Duration = Duration::from_millis(100);

/// So long must a stream have delivered for the failures before it to be forgotten.
const HEALTHY: Duration = Duration::from_secs(60);

/// The delays between the connections of a stream. They are long after a refusal, until a
/// connection has delivered a whole data set or has been healthy for a minute.
#[derive(Clone, Debug)]
pub(crate) struct StreamBackoff {
    policy: RetryPolicy,
    base: Duration,
    jitter: Jitter,
    /// How many failures there were in a row.
    failures: u32,
    /// Whether attempts are rare.
    rarely: bool,
    /// When the connection delivered its first event.
    delivering_since: Option<Instant>,
    /// Whether the connection delivered a whole data set.
    has_delivered_all: bool,
}

impl StreamBackoff {
    /// `base` is the delay after the first failure; zero stands for one second.
    pub(crate) fn new(policy: RetryPolicy, base: Duration, jitter: Jitter) -> Self {
        let base = if base.is_zero() {
            DEFAULT_DELAY
        } else {
            base.max(SHORTEST_DELAY)
        };
        Self {
            policy,
            base,
            jitter,
            failures: 0,
            rarely: false,
            delivering_since: None,
            has_delivered_all: false,
        }
    }

    /// The service asks for a first delay. One that it has asked for before does not start the
    /// series again: a service sends it on each connection, and connections that end at once must
    /// become rarer.
    pub(crate) fn set_base(&mut self, base: Duration) {
        let base = base.max(SHORTEST_ADVISED_DELAY);
        if base != self.base {
            self.base = base;
            self.failures = 0;
        }
    }

    /// The connection delivered an event.
    pub(crate) fn delivered(&mut self, now: Instant) {
        self.delivering_since.get_or_insert(now);
    }

    /// The connection delivered a whole data set, which was stored.
    pub(crate) fn delivered_all(&mut self) {
        self.has_delivered_all = true;
    }

    /// The connection failed or ended: how long to wait before the next one, unless there is to be
    /// none.
    pub(crate) fn failed(&mut self, failure: Failure, now: Instant) -> Option<Duration> {
        let delivered = self.delivering_since.take();
        let is_healthy =
            delivered.is_some_and(|since| now.saturating_duration_since(since) >= HEALTHY);
        // A service that delivers does not refuse the client any more, even where a proxy ends each
        // stream within a minute.
        let is_accepted = std::mem::take(&mut self.has_delivered_all) && self.rarely;
        if is_healthy || is_accepted {
            self.failures = 0;
            self.rarely = false;
        }
        match self.policy.after(failure) {
            Retry::Never => return None,
            Retry::Rarely if !self.rarely => {
                self.rarely = true;
                self.failures = 1;
            }
            Retry::Rarely | Retry::Soon => self.failures = self.failures.saturating_add(1),
        }
        let (base, most) = match self.rarely {
            true => (self.base.max(RARE_DELAY), LONGEST_RARE_DELAY),
            false => (self.base, LONGEST_DELAY),
        };
        Some(delay(base, most, self.failures, self.jitter))
    }
}

/// The times between polls.
#[derive(Clone, Debug)]
pub(crate) struct PollBackoff {
    policy: RetryPolicy,
    interval: Duration,
    jitter: Jitter,
    /// How many failures and how many successes in a row there were since polls became rare.
    rare: Option<(u32, u32)>,
}

impl PollBackoff {
    pub(crate) fn new(policy: RetryPolicy, interval: Duration, jitter: Jitter) -> Self {
        Self {
            policy,
            interval,
            jitter,
            rare: None,
        }
    }

    /// A poll succeeded: how long after its start the next one begins. Two in a row end a time of
    /// rare polls.
    pub(crate) fn succeeded(&mut self) -> Duration {
        self.rare = match self.rare {
            Some((failures, 0)) => Some((failures, 1)),
            _ => None,
        };
        self.interval
    }

    /// A poll failed: how long after its start the next one begins, unless there is to be none.
    pub(crate) fn failed(&mut self, failure: Failure) -> Option<Duration> {
        let failures = match (self.policy.after(failure), self.rare) {
            (Retry::Never, _) => return None,
            (Retry::Soon, None) => return Some(self.interval),
            (Retry::Rarely, None) => 1,
            (Retry::Soon | Retry::Rarely, Some((failures, _))) => failures.saturating_add(1),
        };
        self.rare = Some((failures, 0));
        let (base, most) = (
            self.interval.max(RARE_DELAY),
            self.interval.max(LONGEST_RARE_DELAY),
        );
        Some(delay(base, most, failures, self.jitter).max(self.interval))
    }
}

#[cfg(test)]
mod tests;
