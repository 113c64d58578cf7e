//! Dates: two of them, in two lines, are compared as the crate `time` does.

use std::cmp::Ordering;
use std::sync::LazyLock;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vexil::model::Item;

use crate::evaluations::{context_with, flag_with_rules, variation};
use crate::inputs::lines;

/// Whether `a` is a date: it is earlier than the end of time.
static IS_DATE: LazyLock<Item> = LazyLock::new(|| {
    flag_with_rules(&[json!([{"attribute": "a", "op": "before", "values": [1e300]}])])
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
    let is_date = |text| variation(&IS_DATE, &context_with(&[("a", text)])) == Some(0);
    if !is_date(a) || !is_date(b) {
        return None;
    }
    let flag = flag_with_rules(&[
        json!([{"attribute": "a", "op": "before", "values": [b]}]),
        json!([{"attribute": "a", "op": "after", "values": [b]}]),
    ]);
    Some(match variation(&flag, &context_with(&[("a", a)])) {
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
