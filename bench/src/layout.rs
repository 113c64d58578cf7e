//! Formats numbers and tables.

use std::fmt;

/// The placeholder for a missing number.
pub(crate) const NOTHING: &str = "-";

/// Formats a table, with columns as wide as needed.
pub(crate) fn aligned<const N: usize>(headings: [String; N], rows: &[[String; N]]) -> String {
    columns(&headings, rows)
}

/// Like [`aligned`], for a number of columns known only at run time. All rows must have as many
/// columns as the headings.
pub(crate) fn columns<R: AsRef<[String]>>(headings: &[String], rows: &[R]) -> String {
    let lines = || std::iter::once(headings).chain(rows.iter().map(AsRef::as_ref));
    let mut widths = vec![0; headings.len()];
    for cells in lines() {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for cells in lines() {
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            text += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

/// The result of a side: the median, and the range that shows how reliable it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    pub(crate) fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |index: usize| numbers.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: at(numbers.len() / 2),
            least: at(0),
            greatest: at(numbers.len().saturating_sub(1)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, least, greatest] = [self.median, self.least, self.greatest].map(grouped);
        write!(f, "{median} ({least}–{greatest})")
    }
}

/// Formats the ratio of a number to `of`, with one decimal.
pub(crate) fn ratio(number: f64, of: f64) -> String {
    format!("{:.1}", number / of)
}

/// Formats a whole number with thousands separators; small numbers keep one decimal.
pub(crate) fn grouped(number: f64) -> String {
    if number.is_nan() || number < 100.0 && number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(grouped(12.34), "12.3");
        assert_eq!(grouped(99.96), "100.0");
        assert_eq!(grouped(999.4), "999");
        assert_eq!(grouped(12_345_678.0), "12,345,678");
    }

    #[test]
    fn a_median_is_not_affected_by_one_slow_turn() {
        let spread = Spread::of(vec![5.0, 900.0, 4.0]);
        assert_eq!(
            spread,
            Spread {
                median: 5.0,
                least: 4.0,
                greatest: 900.0
            }
        );
        assert_eq!(
            Spread::of(vec![1_500.0, 1_400.0, 2_000.0]).to_string(),
            "1,500 (1,400–2,000)"
        );
    }

    #[test]
    fn columns_are_aligned() {
        let text = aligned(
            ["case", "ns"].map(String::from),
            &[["a longer name", "1"], ["b", "–1,500"]].map(|row| row.map(String::from)),
        );
        assert_eq!(
            text,
            "case               ns\na longer name       1\nb              –1,500\n"
        );
    }
}
