//! Versions: two of them, in two lines, are compared as the crate `semver` does.

use std::cmp::Ordering;

use semver::Version;

use crate::evaluations::{context_with, flag_with_rules, variation};
use crate::inputs::lines;

pub(super) fn target(input: &[u8]) {
    let Some([a, b]) = lines(input) else { return };
    let expected = version(a)
        .zip(version(b))
        .map(|(a, b)| a.cmp_precedence(&b));
    assert_eq!(compare(a, b), expected, "{a:?} and {b:?}");
    let reversed = expected.map(Ordering::reverse);
    assert_eq!(compare(b, a), reversed, "{b:?} and {a:?}");
}

/// Compares two versions in an evaluation. Returns `None` if one is not a version.
fn compare(a: &str, b: &str) -> Option<Ordering> {
    let operators = ["semVerLessThan", "semVerEqual", "semVerGreaterThan"];
    let flag = flag_with_rules(operators.map(|operator| (operator, b)));
    match variation(&flag, &context_with(a)) {
        Some(0) => Some(Ordering::Less),
        Some(1) => Some(Ordering::Equal),
        Some(2) => Some(Ordering::Greater),
        _ => None,
    }
}

/// Reads a version with the crate `semver`, after adding the missing parts.
fn version(text: &str) -> Option<Version> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let missing = 2_usize.saturating_sub(numbers.matches('.').count());
    Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(missing))).ok()
}
