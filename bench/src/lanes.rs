//! [`compare`]: the times and allocations of a few lanes, in one table.

use std::collections::HashMap;

use crate::allocations::Allocated;
use crate::layout;
use crate::measure::{Lane, Pace, in_turns};
use crate::table::short;

/// The results of lanes, in their order.
pub(crate) struct Compared<const N: usize> {
    /// The median times in nanoseconds.
    pub(crate) medians: [f64; N],
    /// The allocations of a call; NaN if they were not counted.
    pub(crate) allocations: [f64; N],
    pub(crate) table: String,
}

/// Times the lanes in turns. `title` names them in the table.
pub(crate) fn compare<const N: usize>(
    title: &str,
    mut lanes: [Lane; N],
    pace: Pace,
    allocated: &HashMap<String, Allocated>,
) -> Compared<N> {
    let times = in_turns(lanes.each_mut().map(|lane| &mut lane.run), pace.finer());
    let allocations = lanes.each_ref().map(|lane| {
        allocated
            .get(&lane.name)
            .map_or(f64::NAN, |count| count.allocations)
    });
    let medians = times.each_ref().map(|time| time.median);
    let rows: Vec<_> = lanes
        .into_iter()
        .zip(times)
        .zip(allocations)
        .map(|((lane, time), allocations)| [lane.name, time.to_string(), short(allocations)])
        .collect();
    Compared {
        medians,
        allocations,
        table: layout::aligned([title, "ns", "allocations"].map(String::from), &rows),
    }
}
