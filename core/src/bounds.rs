//! Bounds for durations and sizes that an application sets.
//!
//! A setting accepts any [`Duration`], but `Instant::now() + Duration::MAX` panics, and a loop that
//! sleeps for one nanosecond keeps a core busy. Each setting therefore passes through one of these
//! functions when its component is built, so that the rules are the same everywhere: zero means the
//! default, a duration below the minimum is raised to it, and a duration above [`NEVER`] is lowered
//! to it.
//!
//! Public only for the crates of this workspace.

use std::time::Duration;

/// Thirty years: longer than any process runs, and representable by the clocks and timers of every
/// platform.
pub const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Minimum interval of repeated work.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Minimum timeout of a request. A shorter one would fail every request.
pub const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);

/// The interval of repeated work.
#[must_use]
pub fn interval(asked: Duration, default: Duration) -> Duration {
    unless_zero(asked, default).clamp(SHORTEST_INTERVAL, NEVER)
}

/// The timeout of a request.
#[must_use]
pub fn timeout(asked: Duration, default: Duration) -> Duration {
    unless_zero(asked, default).clamp(SHORTEST_TIMEOUT, NEVER)
}

/// Shortens a period by 3 % to 15 %, so that processes and items that started together do not act
/// together. It is never longer, because it bounds the age of data.
pub(crate) fn spread(period: Duration) -> Duration {
    period.min(NEVER).mul_f64(0.85 + fastrand::f64() * 0.12)
}

/// Maximum size of an input, in bytes. Zero means the default.
#[must_use]
pub fn size(asked: usize, default: usize) -> usize {
    if asked == 0 { default } else { asked }
}

fn unless_zero(asked: Duration, default: Duration) -> Duration {
    if asked.is_zero() { default } else { asked }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Duration = Duration::from_secs(5);
    const NANOSECOND: Duration = Duration::from_nanos(1);

    #[test]
    fn a_duration_is_the_default_or_clamped_to_its_bounds() {
        for (of, floor) in [
            (interval as fn(_, _) -> _, SHORTEST_INTERVAL),
            (timeout, SHORTEST_TIMEOUT),
        ] {
            let bounded = [
                Duration::ZERO,
                NANOSECOND,
                floor,
                DEFAULT * 2,
                NEVER,
                Duration::MAX,
            ];
            assert_eq!(
                bounded.map(|asked| of(asked, DEFAULT)),
                [DEFAULT, floor, floor, DEFAULT * 2, NEVER, NEVER]
            );
            // A default set by the application is clamped as well.
            assert_eq!(
                [Duration::ZERO, Duration::MAX].map(|default| of(Duration::ZERO, default)),
                [floor, NEVER]
            );
        }
        assert_eq!(
            [0, 1, usize::MAX].map(|asked| size(asked, 7)),
            [7, 1, usize::MAX]
        );
    }

    #[test]
    fn a_period_is_only_shortened_and_never_by_more_than_15_percent() {
        let minute = Duration::from_secs(60);
        for _ in 0..1_000 {
            let spread = spread(minute);
            assert!(
                (minute.mul_f64(0.85)..minute).contains(&spread),
                "{spread:?}"
            );
        }
        assert!(spread(Duration::MAX) < NEVER);
    }

    #[test]
    fn the_clocks_can_represent_never() {
        assert!(std::time::Instant::now().checked_add(NEVER).is_some());
        assert!(std::time::SystemTime::now().checked_add(NEVER).is_some());
    }
}
