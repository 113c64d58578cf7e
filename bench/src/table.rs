//! The results, as a table for people.

use crate::compare::Case;
use crate::measure::{Sides, Times};

const HEADINGS: [&str; 5] = ["case", "ours, ns", "peer, ns", "peer/ours", "allocations, ours/peer"];
const NOTHING: &str = "-";

#[derive(Debug)]
pub(crate) struct Row {
    cells: [String; 5],
    /// Printed below the table.
    note: Option<String>,
}

impl Row {
    pub(crate) fn new(case: &Case, times: Sides<Times>, allocations: Option<Sides<f64>>) -> Self {
        let ratio = times.peer.median / times.ours.median;
        Self {
            cells: [
                case.name.clone(),
                spread(times.ours),
                spread(times.peer),
                format!("{ratio:.1}"),
                allocations.map_or_else(|| NOTHING.into(), counts),
            ],
            note: case.bytes.map(|bytes| throughput(&case.name, bytes, times)),
        }
    }
}

pub(crate) fn render(rows: &[Row]) -> String {
    let headings = HEADINGS.map(String::from);
    let lines = || std::iter::once(&headings).chain(rows.iter().map(|row| &row.cells));
    let mut widths = [0; 5];
    for cells in lines() {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for cells in lines() {
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            text += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    for note in rows.iter().filter_map(|row| row.note.as_deref()) {
        text += note;
        text.push('\n');
    }
    text.push('\n');
    text
}

fn spread(times: Times) -> String {
    let [median, least, greatest] = [times.median, times.least, times.greatest].map(grouped);
    format!("{median} ({least}–{greatest})")
}

fn counts(counts: Sides<f64>) -> String {
    format!("{}/{}", short(counts.ours), short(counts.peer))
}

/// A count: whole if it is, else an average with one digit.
fn short(count: f64) -> String {
    match count.fract() == 0.0 {
        true => grouped(count),
        false => format!("{count:.1}"),
    }
}

/// Megabytes (10^6) a second. A byte a nanosecond is a thousand of them.
fn throughput(name: &str, bytes: usize, times: Sides<Times>) -> String {
    let speed = |times: Times| format!("{:.1} MB/s", 1_000.0 * bytes as f64 / times.median);
    format!("{name}: ours {}, peer {}", speed(times.ours), speed(times.peer))
}

/// A whole number with its thousands set apart; small ones keep a digit after the point.
fn grouped(number: f64) -> String {
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
    fn thousands_are_set_apart() {
        assert_eq!(grouped(12.34), "12.3");
        assert_eq!(grouped(99.96), "100.0");
        assert_eq!(grouped(999.4), "999");
        assert_eq!(grouped(12_345_678.0), "12,345,678");
    }

    #[test]
    fn columns_are_aligned_and_missing_counts_show() {
        let times = Times { median: 1_500.0, least: 1_400.0, greatest: 2_000.0 };
        let row = |name: &str, ours: Times, counts| {
            let case = Case { name: name.into(), ours: Box::new(|_| ()), peer: Box::new(|_| ()), bytes: None };
            Row::new(&case, Sides { ours, peer: times }, counts)
        };
        let faster = Times { median: 100.0, ..times };
        let counts = Some(Sides { ours: 0.0, peer: 7.0 });
        let text = render(&[row("a", times, None), row("a longer name", faster, counts)]);

        let lines: Vec<_> = text.trim_end().lines().collect();
        assert_eq!(lines.len(), 3);
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(lines[1].contains("1,500 (1,400–2,000)"));
        assert!(lines[1].ends_with('-'));
        assert!(lines[2].contains("15.0") && lines[2].ends_with("0/7"));
    }
}
