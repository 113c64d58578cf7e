//! The plain scalars of YAML, as `vexil-file-data` reads them.

use crate::check::tree::Shape;

/// Returns what a scalar without quotes and without a tag is: the core schema of YAML 1.2, with
/// integers of all bases and with underscores between their digits.
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
    integer(text).or_else(|| float(text))
}

/// Reads an integer of 64 bits.
#[expect(clippy::as_conversions, reason = "numbers of flags are floating point")]
fn integer(text: &str) -> Option<f64> {
    let is_negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let bases = [
        ("0x", 16),
        ("0X", 16),
        ("0o", 8),
        ("0O", 8),
        ("0b", 2),
        ("0B", 2),
    ];
    let prefixed = bases
        .into_iter()
        .find_map(|(prefix, radix)| Some((unsigned.strip_prefix(prefix)?, radix)));
    let (digits, radix) = prefixed.unwrap_or((unsigned, 10));
    if radix == 10 && digits.starts_with('0') && digits != "0" {
        return None;
    }
    let is_separated = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
    let magnitude = is_separated
        .then(|| u64::from_str_radix(&digits.replace('_', ""), radix).ok())
        .flatten()?;
    // The parser also accepts a second sign.
    if digits.starts_with('+') || (is_negative && magnitude > i64::MIN.unsigned_abs()) {
        return None;
    }
    let number = magnitude as f64;
    Some(if is_negative { -number } else { number })
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    // Rust also parses words such as `inf`.
    let is_decimal = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    is_decimal.then(|| text.parse().ok()).flatten()
}
