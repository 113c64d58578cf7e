//! [`until`]: waiting for a condition, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use super::ServerError;

/// How long a server may take for what it is asked. Only a test that fails gets to know it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How often the condition is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// What a look at a condition shows.
pub(super) enum Seen<T> {
    /// It holds.
    Yes(T),
    /// It does not hold yet; this is there instead.
    NotYet(String),
}

/// Looks until the condition holds, an error ends it, or time is up.
pub(super) fn until<T>(
    what: impl Into<String>,
    mut look: impl FnMut() -> Result<Seen<T>, ServerError>,
) -> Result<T, ServerError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look()? {
            Seen::Yes(found) => return Ok(found),
            Seen::NotYet(seen) if Instant::now() >= deadline => {
                return Err(ServerError::TimedOut {
                    what: what.into(),
                    patience: PATIENCE,
                    seen,
                });
            }
            Seen::NotYet(_) => thread::sleep(INTERVAL),
        }
    }
}
