//! The plain scalars of YAML, as `vexil-file-data` reads them.

use super::Shape;

/// Returns what a scalar without quotes and without a tag is: the core schema of YAML 1.2, with
/// integers of all bases.
pub(super) fn plain(text: &str) -> Shape {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Shape::Null,
        "true" | "True" | "TRUE" => Shape::Bool(true),
        "false" | "False" | "FALSE" => Shape::Bool(false),
        _ => match number(text) {
            Some(number) => Shape::Number(number),
            None => Shape::String(text.to_owned()),
        },
    }
}

/// Returns the number that a plain scalar is.
pub(super) fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    for (prefix, radix) in [
        ("0x", 16),
        ("0X", 16),
        ("0o", 8),
        ("0O", 8),
        ("0b", 2),
        ("0B", 2),
    ] {
        if let Some(digits) = unsigned.strip_prefix(prefix) {
            return magnitude(digits, radix).map(|number| sign * number);
        }
    }
    if unsigned.contains('_') {
        return underscored(unsigned).map(|number| sign * number);
    }
    // Rust also parses words such as `inf`.
    let is_decimal = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit());
    is_decimal.then(|| text.parse().ok()).flatten()
}

/// Integers may have an underscore between two digits.
fn underscored(digits: &str) -> Option<f64> {
    let is_separated =
        !digits.starts_with(['_', '0']) && !digits.ends_with('_') && !digits.contains("__");
    is_separated
        .then(|| magnitude(&digits.replace('_', ""), 10))
        .flatten()
}

fn magnitude(digits: &str, radix: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0.0, |sum, digit| {
        Some(sum * f64::from(radix) + f64::from(digit.to_digit(radix)?))
    })
}
