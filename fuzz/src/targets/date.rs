//! Dates: two of them, in two lines, are compared as the crate `time` does.

use std::cmp::Ordering;
use std::sync::LazyLock;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vexil::model::Item;

use crate::evaluations::{context_with, flag_with_rules, variation};
use crate::inputs::lines;

/// Whether the attribute is a date: it is after the first one or before the last one.
static IS_DATE: LazyLock<Item> = LazyLock::new(|| {
    let (first, last) = (
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999-23:59",
    );
    flag_with_rules([("after", first), ("before", last)])
});

pub(super) fn target(input: &[u8]) {
    let Some([a, b]) = lines(input) else { return };
    let expected = date(a).zip(date(b)).map(|(a, b)| a.cmp(&b));
    assert_eq!(compare(a, b), expected, "{a:?} and {b:?}");
    let reversed = expected.map(Ordering::reverse);
    assert_eq!(compare(b, a), reversed, "{b:?} and {a:?}");
}

/// Compares two dates in an evaluation. Returns `None` if one is not a date.
fn compare(a: &str, b: &str) -> Option<Ordering> {
    let is_date = |text| variation(&IS_DATE, &context_with(text)) != Some(2);
    if !is_date(a) || !is_date(b) {
        return None;
    }
    let flag = flag_with_rules([("before", b), ("after", b)]);
    Some(match variation(&flag, &context_with(a)) {
        Some(0) => Ordering::Less,
        Some(1) => Ordering::Greater,
        _ => Ordering::Equal,
    })
}

/// Reads a date with the crate `time`, which accepts leap seconds and any number of digits.
fn date(text: &str) -> Option<i128> {
    let digits = text.split('.').nth(1).unwrap_or_default();
    let digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    let is_leap_second = text.get(17..19) == Some("60");
    let has_separator = text
        .get(10..11)
        .is_some_and(|t| t.eq_ignore_ascii_case("t"));
    if digits > 9 || is_leap_second || !has_separator {
        return None;
    }
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(date.unix_timestamp_nanos())
}
