//! The results, as a table for people.

use crate::compare::Case;
use crate::layout::{self, Spread, grouped};
use crate::measure::Sides;

const HEADINGS: [&str; 5] = ["case", "ours, ns", "peer, ns", "peer/ours", "allocations, ours/peer"];

#[derive(Debug)]
pub(crate) struct Row {
    cells: [String; 5],
    /// Printed below the table.
    note: Option<String>,
}

impl Row {
    pub(crate) fn new(case: &Case, times: Sides<Spread>, allocations: Option<Sides<f64>>) -> Self {
        Self {
            cells: [
                case.name.clone(),
                times.ours.to_string(),
                times.peer.to_string(),
                layout::ratio(times.peer.median, times.ours.median),
                allocations.map_or_else(|| layout::NOTHING.into(), counts),
            ],
            note: case.bytes.map(|bytes| throughput(&case.name, bytes, times)),
        }
    }
}

pub(crate) fn render(rows: &[Row]) -> String {
    let cells: Vec<_> = rows.iter().map(|row| row.cells.clone()).collect();
    let mut text = layout::aligned(HEADINGS.map(String::from), &cells);
    for note in rows.iter().filter_map(|row| row.note.as_deref()) {
        text += note;
        text.push('\n');
    }
    text.push('\n');
    text
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
fn throughput(name: &str, bytes: usize, times: Sides<Spread>) -> String {
    let speed = |times: Spread| format!("{:.1} MB/s", 1_000.0 * bytes as f64 / times.median);
    format!("{name}: ours {}, peer {}", speed(times.ours), speed(times.peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_missing_counts_show() {
        let times = Spread { median: 1_500.0, least: 1_400.0, greatest: 2_000.0 };
        let row = |name: &str, ours: Spread, counts| {
            let case = Case { name: name.into(), ours: Box::new(|_| ()), peer: Box::new(|_| ()), bytes: None };
            Row::new(&case, Sides { ours, peer: times }, counts)
        };
        let faster = Spread { median: 100.0, ..times };
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
