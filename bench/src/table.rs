//! Formats the results as a table.

use std::collections::HashMap;

use crate::allocations::Allocated;
use crate::compare::Case;
use crate::layout::{self, Spread, grouped};
use crate::measure::{Pace, Sides, alternate};
use crate::report::{Finding, Report, Target};

const HEADINGS: [&str; 6] = [
    "case",
    "ours, ns",
    "peer, ns",
    "peer/ours",
    "allocations, ours/peer",
    "bytes, ours/peer",
];

/// Times the cases.
pub(crate) fn report(
    cases: Vec<Case>,
    pace: Pace,
    allocated: &HashMap<String, Allocated>,
) -> Report {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for mut case in cases {
        let times = alternate(&mut case, pace);
        let [ours, peer] = case.names().map(|name| allocated.get(&name).copied());
        if let Some(times_faster) = case.target {
            let what = format!("{}: times as fast as the peer", case.name);
            findings.push(Finding::new(
                what,
                times.peer.median / times.ours.median,
                Target::AtLeast(times_faster),
            ));
        }
        let allocated = ours.zip(peer).map(|(ours, peer)| Sides { ours, peer });
        rows.push(Row::new(&case, times, allocated));
    }
    Report {
        text: render(&rows),
        findings,
    }
}

#[derive(Debug)]
struct Row {
    cells: [String; 6],
    /// Printed below the table.
    note: Option<String>,
}

impl Row {
    fn new(case: &Case, times: Sides<Spread>, allocated: Option<Sides<Allocated>>) -> Self {
        let cell = |of: fn(Allocated) -> f64| {
            allocated.map_or_else(
                || layout::NOTHING.into(),
                |both| counts(of(both.ours), of(both.peer)),
            )
        };
        Self {
            cells: [
                case.name.clone(),
                times.ours.to_string(),
                times.peer.to_string(),
                layout::ratio(times.peer.median, times.ours.median),
                cell(|of| of.allocations),
                cell(|of| of.bytes),
            ],
            note: case.bytes.map(|bytes| throughput(&case.name, bytes, times)),
        }
    }
}

fn render(rows: &[Row]) -> String {
    let cells: Vec<_> = rows.iter().map(|row| row.cells.clone()).collect();
    let mut text = layout::aligned(HEADINGS.map(String::from), &cells);
    for note in rows.iter().filter_map(|row| row.note.as_deref()) {
        text += note;
        text.push('\n');
    }
    text.push('\n');
    text
}

fn counts(ours: f64, peer: f64) -> String {
    format!("{}/{}", short(ours), short(peer))
}

/// Formats a count: without decimals if it is whole, otherwise with one.
pub(crate) fn short(count: f64) -> String {
    match count.fract() == 0.0 {
        true => grouped(count),
        false => format!("{count:.1}"),
    }
}

/// Formats the throughput in megabytes (10^6 bytes) per second; 1 byte/ns is 1,000 MB/s.
fn throughput(name: &str, bytes: usize, times: Sides<Spread>) -> String {
    let speed = |times: Spread| format!("{:.1} MB/s", 1_000.0 * bytes as f64 / times.median);
    format!(
        "{name}: ours {}, peer {}",
        speed(times.ours),
        speed(times.peer)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_missing_counts_show() {
        let times = Spread {
            median: 1_500.0,
            least: 1_400.0,
            greatest: 2_000.0,
        };
        let row = |name: &str, ours: Spread, counts| {
            let idle = || Box::new(|_| ());
            let case = Case {
                name: name.into(),
                ours: idle(),
                peer: idle(),
                bytes: None,
                target: None,
            };
            Row::new(&case, Sides { ours, peer: times }, counts)
        };
        let faster = Spread {
            median: 100.0,
            ..times
        };
        let allocated = |allocations, bytes| Allocated { allocations, bytes };
        let counts = Some(Sides {
            ours: allocated(0.0, 0.0),
            peer: allocated(7.0, 512.5),
        });
        let text = render(&[row("a", times, None), row("a longer name", faster, counts)]);

        let lines: Vec<_> = text.trim_end().lines().collect();
        assert_eq!(lines.len(), 3);
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(lines[1].contains("1,500 (1,400–2,000)"));
        assert!(lines[1].ends_with('-'));
        assert!(
            lines[2].contains("15.0") && lines[2].contains("0/7") && lines[2].ends_with("0/512.5")
        );
    }
}
