//! [`until`]: waits for a condition, with a timeout.

use std::thread;
use std::time::{Duration, Instant};

use super::ServerError;

/// The timeout of server operations. Reached only by tests that fail. A sentinel that finds its
/// machine overloaded does nothing for 30 s.
pub(super) const TIMEOUT: Duration = Duration::from_secs(180);

/// The polling interval.
const INTERVAL: Duration = Duration::from_millis(10);

/// The result of evaluating a condition.
pub(super) enum Seen<T> {
    /// The condition holds.
    Yes(T),
    /// The condition does not hold yet; the text describes the current state.
    NotYet(String),
}

/// Polls until the condition holds, an error occurs, or the timeout passes.
pub(super) fn until<T>(
    what: impl Into<String>,
    mut look: impl FnMut() -> Result<Seen<T>, ServerError>,
) -> Result<T, ServerError> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match look()? {
            Seen::Yes(found) => return Ok(found),
            Seen::NotYet(seen) if Instant::now() >= deadline => {
                return Err(ServerError::TimedOut {
                    what: what.into(),
                    timeout: TIMEOUT,
                    seen,
                });
            }
            Seen::NotYet(_) => thread::sleep(INTERVAL),
        }
    }
}
