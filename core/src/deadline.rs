//! Bounds for the times that an application sets.
//!
//! A setting takes any [`Duration`]. `Instant::now() + Duration::MAX` panics, and a loop that
//! pauses for one nanosecond occupies a core. Each setting passes through one of these functions
//! where the component is built, so that the rules are the same everywhere: zero means the default,
//! a time below a floor is raised to it, and a time above [`NEVER`] is lowered to it.
//!
//! Public for the crates of this workspace only.

use std::time::Duration;

/// Thirty years: no process runs that long, and the clocks and timers of every platform can
/// represent it.
pub const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The shortest pause between two rounds of work that is repeated.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// The shortest limit of a request. A shorter one would fail every request.
pub const SHORTEST_LIMIT: Duration = Duration::from_millis(10);

/// The pause between two rounds of work that is repeated.
#[must_use]
pub fn interval(asked: Duration, default: Duration) -> Duration {
    unless_zero(asked, default).clamp(SHORTEST_INTERVAL, NEVER)
}

/// The limit of a request.
#[must_use]
pub fn limit(asked: Duration, default: Duration) -> Duration {
    unless_zero(asked, default).clamp(SHORTEST_LIMIT, NEVER)
}

/// The largest input that is accepted, in bytes. Zero means the default.
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
    fn a_time_is_the_default_a_floor_itself_or_never() {
        for (of, floor) in [
            (interval as fn(_, _) -> _, SHORTEST_INTERVAL),
            (limit, SHORTEST_LIMIT),
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
            // A default may come from the application too.
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
    fn the_clocks_can_represent_never() {
        assert!(std::time::Instant::now().checked_add(NEVER).is_some());
        assert!(std::time::SystemTime::now().checked_add(NEVER).is_some());
    }
}
