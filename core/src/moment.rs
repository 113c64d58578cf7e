//! [`Moment`]: a timestamp on two clocks, for the expiry of cached data. [`Clock`]: the same clocks,
//! read cheaply.
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

/// Reads the clocks for evaluations that use cached data, which would otherwise spend more time on it
/// than on anything else.
///
/// Linux keeps the times of its last timer interrupt, which take a quarter of the time to read. They
/// are late by the time between two interrupts, at most 4 ms on most systems, and more where the
/// interrupts themselves are late, as on an overloaded virtual machine. A [`recent`](Self::recent)
/// moment is later than they say by twice that time, so an entry rather expires a few milliseconds
/// early than late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Option<coarse::Origin>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(coarse::Origin::now())
    }

    /// [`Moment::now`], or a few milliseconds later.
    pub(crate) fn recent(self) -> Moment {
        let recent = self.0.and_then(coarse::Origin::recent);
        recent.unwrap_or_else(Moment::now)
    }
}

/// Miri cannot run the system calls.
#[cfg(all(target_os = "linux", not(miri)))]
mod coarse {
    use std::time::{Duration, UNIX_EPOCH};

    use rustix::time::{ClockId, clock_getres, clock_gettime};
    use tokio::time::Instant;

    use super::Moment;

    /// With a timer that is slower than this, the exact clocks are read.
    const COARSEST: Duration = Duration::from_millis(20);

    /// The same time on both monotonic clocks.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Origin {
        exact: Instant,
        coarse: Duration,
        /// How much is added to the coarse times.
        margin: Duration,
    }

    impl Origin {
        /// Returns `None` if only the exact clocks can be used, as in a test that has paused tokio's
        /// clock.
        pub(super) fn now() -> Option<Self> {
            let before = std::time::Instant::now();
            let exact = Instant::now();
            let is_running = (before..=std::time::Instant::now()).contains(&exact.into_std());
            let tick = Duration::try_from(clock_getres(ClockId::MonotonicCoarse)).ok()?;
            (is_running && tick <= COARSEST).then_some(Self {
                exact,
                coarse: read(ClockId::MonotonicCoarse)?,
                margin: 2 * tick,
            })
        }

        pub(super) fn recent(self) -> Option<Moment> {
            let passed = read(ClockId::MonotonicCoarse)?.saturating_sub(self.coarse);
            Some(Moment {
                running: self.exact + passed + self.margin,
                wall: UNIX_EPOCH + read(ClockId::RealtimeCoarse)? + self.margin,
            })
        }
    }

    /// Returns `None` for a time before 1970.
    fn read(clock: ClockId) -> Option<Duration> {
        Duration::try_from(clock_gettime(clock)).ok()
    }
}

/// Other systems have only the exact clocks.
#[cfg(not(all(target_os = "linux", not(miri))))]
mod coarse {
    use super::Moment;

    #[derive(Clone, Copy, Debug)]
    pub(super) enum Origin {}

    impl Origin {
        pub(super) fn now() -> Option<Self> {
            None
        }

        pub(super) fn recent(self) -> Option<Moment> {
            match self {}
        }
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
    fn a_recent_moment_is_close_to_the_exact_one() {
        const CLOSE: Duration = Duration::from_secs(1);
        let clock = Clock::new();
        for _ in 0..10_000 {
            let (now, recent) = (Moment::now(), clock.recent());
            let later = Moment::now();
            assert!(now.running <= recent.running + CLOSE && now.wall <= recent.wall + CLOSE);
            assert!(recent.running <= later.running + CLOSE && recent.wall <= later.wall + CLOSE);
        }
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[tokio::test]
    async fn a_paused_clock_of_a_test_is_read_exactly() {
        assert!(Clock::new().0.is_some());
        tokio::time::pause();
        let clock = Clock::new();
        tokio::time::advance(TTL).await;
        assert_eq!(clock.recent().running, Instant::now());
    }

    #[test]
    fn the_longest_duration_does_not_overflow() {
        assert!(!Moment::now().has_reached(Moment::now().after(Duration::MAX)));
    }
}
