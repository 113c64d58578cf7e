//! [`Moment`]: a time by two clocks, for what is remembered for a while.
//!
//! The clock that only runs forward stands still while a machine is suspended or a function is
//! frozen; the clock on the wall goes on, but may be set. What is remembered stops to count by
//! whichever says so first (STO-F24): read once too often, it costs a query, and read too late, it
//! is wrong.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::deadline::NEVER;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    running: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            running: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// The moment that is `wait` later, [`NEVER`] at most.
    #[must_use]
    pub(crate) fn after(self, wait: Duration) -> Self {
        let wait = wait.min(NEVER);
        Self {
            running: self.running + wait,
            wall: self.wall + wait,
        }
    }

    /// Whether it is not earlier than `deadline`, by any of the clocks.
    pub(crate) fn has_reached(self, deadline: Self) -> bool {
        self.running >= deadline.running || self.wall >= deadline.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(15);

    #[test]
    fn either_clock_ends_what_was_remembered() {
        let then = Moment::now();
        let deadline = then.after(TTL);
        let later = |running: u64, wall: u64| Moment {
            running: then.running + Duration::from_secs(running),
            wall: then.wall + Duration::from_secs(wall),
        };
        assert!(!later(14, 14).has_reached(deadline));
        assert!(later(15, 14).has_reached(deadline));
        // Suspended for an hour: one of the clocks did not notice.
        assert!(later(1, 3_600).has_reached(deadline));
        // The other one was set back.
        let set_back = Moment {
            running: then.running + TTL,
            wall: then.wall - Duration::from_secs(3_600),
        };
        assert!(set_back.has_reached(deadline));
    }

    #[test]
    fn no_time_is_too_long() {
        assert!(!Moment::now().has_reached(Moment::now().after(Duration::MAX)));
    }
}
