//! Measures vexil beside the incumbent Rust SDK: one process, one workload, batches that alternate.
//!
//! Absolute times say little on a machine that others share, so nothing here judges one; what is
//! reported is how the two sides compare when both meet the same minute of the same machine.
//! Everything that is measured is written once, against the trait `sdk::Sdk`, and instantiated
//! for either side, so a side cannot be favoured by a loop of its own. Where a side needs a process
//! to itself, the processes take turns in place of the batches.
//!
//! Times and allocations come from two programs. A counting allocator slows whichever side
//! allocates more, so `vexil-bench` runs on the system's allocator and asks its neighbour
//! `vexil-bench-allocs` for the counts. Both must be built:
//!
//! ```text
//! cargo build --release -p vexil-bench && target/release/vexil-bench m1
//! ```

mod allocations;
mod command;
mod compare;
mod latency;
mod layout;
mod m1;
mod m2;
mod m4;
mod m5;
mod m6;
mod m7;
mod measure;
mod memory;
mod ours;
mod patch_cost;
mod peer;
mod probe;
mod sdk;
mod service;
mod table;
mod workload;

use std::collections::HashMap;
use std::error::Error;

use crate::command::Command;

/// Measures what the arguments name, and prints a table.
///
/// # Errors
///
/// When the arguments are not understood, or the two sides do not give the same answers.
pub fn time(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = arguments.collect();
    if let Some(result) = probe::run(&arguments) {
        return result;
    }
    let command = Command::parse(arguments.into_iter())?;
    let tables = command.tables()?;
    let allocations = if tables.is_empty() { HashMap::new() } else { allocations::from_neighbour(command)? };
    for cases in tables {
        let rows = cases
            .into_iter()
            .map(|mut case| {
                let times = measure::alternate(&mut case, command.pace());
                table::Row::new(&case, times, allocations.get(&case.name).copied())
            })
            .collect::<Vec<_>>();
        print!("{}", table::render(&rows));
    }
    for report in command.reports()? {
        println!("{report}");
    }
    Ok(())
}

/// Counts the allocations of what the arguments name, for [`time`] to read.
///
/// `count` runs a closure and says how often the calling thread allocated meanwhile. It comes from
/// outside since it only works in a program that has a counting allocator.
///
/// # Errors
///
/// As for [`time`].
pub fn count_allocations(
    arguments: impl Iterator<Item = String>,
    count: impl Fn(&mut dyn FnMut()) -> u64,
) -> Result<(), Box<dyn Error>> {
    let command = Command::parse(arguments)?;
    for mut case in command.tables()?.into_iter().flatten() {
        let counted = measure::count(&mut case, &count);
        println!("{}", allocations::to_line(&case.name, counted));
    }
    Ok(())
}
