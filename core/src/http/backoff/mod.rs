//! Backoff: whether and when to retry after a failure.
//!
//! The functions are pure: the current time and the source of jitter are arguments. A temporary
//! failure is retried with exponential backoff. A response that time alone does not change, such as
//! a refused key, is retried rarely: keys are rotated and proxies misconfigured for a while, and a
//! client that stopped would stay out of date until it is restarted. The rules are those of SRC-2.5
//! to SRC-2.7 and SRC-3.

use std::time::{Duration, Instant};

use http::StatusCode;

use crate::http::transport::TransportErrorKind;

/// How a data source handles a response that time alone does not change, such as a refused key or
/// an unknown URL.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::{ServiceEndpoints, StreamingConfig};
/// use vexil::data_source::DataSourceState;
/// use vexil::transport::RetryPolicy;
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::{Answer, Endpoint};
///
/// let service = FakeService::start()?;
/// service.always(Endpoint::Stream, Answer::status(403));
/// let start = |policy| {
///     Client::builder("sdk-key")
///         .service_endpoints(ServiceEndpoints::relay(service.url()))
///         .data_source(StreamingConfig::new().retry_policy(policy))
///         .start()
/// };
/// // Both clients know at once that the service refuses them; only one of them tries again.
/// for (policy, state) in [
///     (RetryPolicy::NeverStop, DataSourceState::Initializing),
///     (RetryPolicy::LegacyStop, DataSourceState::Off),
/// ] {
///     let client = start(policy)?;
///     assert!(client.blocking_wait_until_ready(Duration::from_secs(30)).is_err());
///     assert_eq!(client.data_source_status().status().state, state);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryPolicy {
    /// Keeps retrying, after 5 minutes at first and after at most an hour. Jitter takes away up to
    /// half of each delay. An untrusted certificate is handled alike. Normal retries resume after
    /// the first stream that delivers a complete data set, or after two successful polls in a row.
    #[default]
    NeverStop,
    /// Stops for good with the state [`Off`](crate::status::DataSourceState::Off), like older SDKs.
    LegacyStop,
}

/// The kinds of failures, by the prospects of a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Temporary: a retry may succeed soon.
    Transient,
    /// The server's identity could not be verified.
    Certificate,
    /// The service refused the request, or it cannot be sent.
    Permanent,
}

impl Failure {
    /// Classifies an unexpected status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            400 | 408 | 429 => Self::Transient,
            400..=499 => Self::Permanent,
            _ => Self::Transient,
        }
    }

    /// Classifies a transport error.
    pub(crate) fn of_transport(kind: TransportErrorKind) -> Self {
        match kind {
            TransportErrorKind::Certificate => Self::Certificate,
            // A request that cannot be sent now will hardly be sendable later.
            TransportErrorKind::Request => Self::Permanent,
            _ => Self::Transient,
        }
    }
}

/// When the next attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    Soon,
    Rarely,
    Never,
}

impl RetryPolicy {
    fn after(self, failure: Failure) -> Retry {
        match (self, failure) {
            (_, Failure::Transient) | (Self::LegacyStop, Failure::Certificate) => Retry::Soon,
            (Self::NeverStop, _) => Retry::Rarely,
            (Self::LegacyStop, Failure::Permanent) => Retry::Never,
        }
    }
}

/// A source of jitter: returns a duration from zero to its argument.
pub(crate) type Jitter = fn(Duration) -> Duration;

/// Uniformly distributed jitter.
pub(crate) fn jitter(most: Duration) -> Duration {
    Duration::from_nanos(fastrand::u64(
        ..=u64::try_from(most.as_nanos()).unwrap_or(u64::MAX),
    ))
}

/// The delay after `failures` failures in a row. It doubles with each failure up to `most`; jitter
/// then takes away up to half.
fn delay(base: Duration, most: Duration, failures: u32, jitter: Jitter) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let delay = base.saturating_mul(1 << doublings).min(most);
    delay.saturating_sub(jitter(delay / 2))
}

const DEFAULT_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
const RARE_DELAY: Duration = Duration::from_secs(300);
const LONGEST_RARE_DELAY: Duration = Duration::from_secs(3600);

/// The shortest initial delay of a stream. It doubles at most sixteen times, so a shorter one would
/// never reach a second.
const SHORTEST_DELAY: Duration = Duration::from_millis(1);

/// The shortest initial delay that the service can set.
const SHORTEST_ADVISED_DELAY: Duration = Duration::from_millis(100);

/// How long a stream must have delivered events before earlier failures no longer count.
const HEALTHY: Duration = Duration::from_secs(60);

/// The delays between the connections of a stream. After a refusal they are long, until a
/// connection has delivered a complete data set or has been healthy for a minute.
#[derive(Clone, Debug)]
pub(crate) struct StreamBackoff {
    policy: RetryPolicy,
    base: Duration,
    jitter: Jitter,
    /// The number of failures in a row.
    failures: u32,
    /// Whether the long delays apply.
    rarely: bool,
    /// When the connection delivered its first event.
    delivering_since: Option<Instant>,
    /// Whether the connection delivered a complete data set.
    has_delivered_all: bool,
}

impl StreamBackoff {
    /// `base` is the delay after the first failure. Zero means one second.
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

    /// Sets the initial delay that the service sent. An unchanged value does not restart the
    /// backoff: a service sends it on each connection, and connections that end at once must become
    /// rarer.
    pub(crate) fn set_base(&mut self, base: Duration) {
        let base = base.max(SHORTEST_ADVISED_DELAY);
        if base != self.base {
            self.base = base;
            self.failures = 0;
        }
    }

    /// Records that the connection delivered an event.
    pub(crate) fn delivered(&mut self, now: Instant) {
        self.delivering_since.get_or_insert(now);
    }

    /// Records that the connection delivered a complete data set, which was stored.
    pub(crate) fn delivered_all(&mut self) {
        self.has_delivered_all = true;
    }

    /// Records that the service announced the end of the connection. Returns the delay before the
    /// next one, which does not grow (FDV2-6.4).
    pub(crate) fn pause(&mut self) -> Duration {
        self.delivering_since = None;
        self.has_delivered_all = false;
        delay(self.base, LONGEST_DELAY, 1, self.jitter)
    }

    /// Records that the connection failed or ended. Returns the delay before the next one, or
    /// `None` if there must be none.
    pub(crate) fn failed(&mut self, failure: Failure, now: Instant) -> Option<Duration> {
        let delivered = self.delivering_since.take();
        let is_healthy =
            delivered.is_some_and(|since| now.saturating_duration_since(since) >= HEALTHY);
        // A service that delivers no longer refuses the client, even if a proxy ends each stream
        // within a minute.
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

/// The intervals between polls.
#[derive(Clone, Debug)]
pub(crate) struct PollBackoff {
    policy: RetryPolicy,
    interval: Duration,
    jitter: Jitter,
    /// While polls are rare: the number of failures, and of successes in a row.
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

    /// Records a successful poll. Returns the time from its start to that of the next one. After
    /// two successes in a row, polls are no longer rare.
    pub(crate) fn succeeded(&mut self) -> Duration {
        self.rare = match self.rare {
            Some((failures, 0)) => Some((failures, 1)),
            _ => None,
        };
        self.interval
    }

    /// The delay before a poll that is not to wait for the interval. Its jitter spreads the polls of
    /// clients that share a database.
    pub(crate) fn out_of_turn(&self) -> Duration {
        delay(DEFAULT_DELAY, LONGEST_DELAY, 1, self.jitter)
    }

    /// Records a failed poll. Returns the time from its start to that of the next one, or `None` if
    /// there must be none.
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
