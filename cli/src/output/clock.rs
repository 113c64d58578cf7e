//! The time, for lines of commands that run for long and for data with dates.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Returns the time as in `2026-11-29T09:14:03.12Z`, to the millisecond.
pub(crate) fn timestamp() -> String {
    let now = OffsetDateTime::from(SystemTime::now());
    let milliseconds = now.nanosecond() / 1_000_000 * 1_000_000;
    let now = now.replace_nanosecond(milliseconds).unwrap_or(now);
    // Fails only for years of more than four digits.
    now.format(&Rfc3339).unwrap_or_default()
}

/// Returns the number of milliseconds since 1970.
pub(crate) fn milliseconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Returns the time of the day, in UTC.
pub(crate) fn time_of_day() -> String {
    timestamp().get(11..19).unwrap_or_default().to_owned()
}
