//! [`Moment`]: a timestamp on two clocks, for the expiry of cached data.
//!
//! The monotonic clock stops while a machine is suspended or a function is frozen; the wall clock
//! continues, but may be set. An entry expires as soon as either clock passes its deadline
//! (STO-F24): expiring too early costs a query, but expiring too late returns wrong data.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::bounds::NEVER;

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

    /// The moment `wait` later, at most [`NEVER`].
    #[must_use]
    pub(crate) fn after(self, wait: Duration) -> Self {
        let wait = wait.min(NEVER);
        Self {
            running: self.running + wait,
            wall: self.wall + wait,
        }
    }

    /// Whether either clock has reached `deadline`.
    pub(crate) fn has_reached(self, deadline: Self) -> bool {
        self.running >= deadline.running || self.wall >= deadline.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(15);

    // STO-F24
    #[test]
    fn an_entry_expires_by_either_clock() {
        let then = Moment::now();
        let deadline = then.after(TTL);
        let later = |running: u64, wall: u64| Moment {
            running: then.running + Duration::from_secs(running),
            wall: then.wall + Duration::from_secs(wall),
        };
        assert!(!later(14, 14).has_reached(deadline));
        assert!(later(15, 14).has_reached(deadline));
        // Suspended for an hour: the monotonic clock stood still.
        assert!(later(1, 3_600).has_reached(deadline));
        // The wall clock was set back.
        let set_back = Moment {
            running: then.running + TTL,
            wall: then.wall - Duration::from_secs(3_600),
        };
        assert!(set_back.has_reached(deadline));
    }

    #[test]
    fn the_longest_duration_does_not_overflow() {
        assert!(!Moment::now().has_reached(Moment::now().after(Duration::MAX)));
    }
}
