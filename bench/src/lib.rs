//! Measures vexil beside the incumbent Rust SDK: one process, one workload, batches that alternate.
//!
//! Absolute times say little on a machine that others share, so nothing here judges one; what is
//! reported is how the two sides compare when both meet the same minute of the same machine.
//! Everything that is measured is written once, against the trait `sdk::Sdk`, and instantiated
//! for either side, so a side cannot be favoured by a loop of its own. Where a side needs a process
//! to itself, the processes take turns in place of the batches.
//!
//! Times and allocations come from different programs. A counting allocator slows whichever side
//! allocates more, so `vexil-bench` runs on the system's allocator and asks its neighbours for the
//! counts: `vexil-bench-allocs` counts by thread, `vexil-bench-heap` for the whole process. All
//! must be built:
//!
//! ```text
//! cargo build --release -p vexil-bench && target/release/vexil-bench evaluation
//! ```

mod all_flags;
mod allocations;
mod command;
mod compare;
mod contexts;
mod daemon;
mod effort;
mod evaluation;
mod event_allocations;
mod events;
mod floor;
mod growth;
mod hooks;
mod hot_path;
mod latency;
mod layout;
mod machine;
mod measure;
mod memory;
mod ours;
mod outage;
mod paced;
mod parsing;
mod part;
mod patch_cost;
mod peer;
mod probe;
mod report;
mod sdk;
mod service;
mod startup;
mod table;
mod under_patches;
mod workload;

use std::error::Error;

pub use crate::allocations::Allocated;
use crate::command::Command;

/// Measures what the arguments name, and prints tables.
///
/// # Errors
///
/// When the arguments are not understood, or the two sides do not give the same answers.
pub fn time(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = arguments.collect();
    let uncounted = |call: &mut dyn FnMut()| {
        call();
        Allocated::default()
    };
    if let Some(result) = probe::run(&arguments, &uncounted).or_else(|| part::run(&arguments)) {
        return result;
    }
    let command = Command::parse(arguments.into_iter())?;
    println!("{}", machine::state());
    let mut findings = Vec::new();
    for part in command.one_by_one() {
        part::start(&part, |report| {
            println!("{}", report.text);
            findings.extend(report.findings);
        })?;
    }
    print!("{}", report::targets(&findings));
    Ok(())
}

/// Counts the allocations of what the arguments name, for [`time`] to read.
///
/// `count` runs a closure and says what was allocated meanwhile. It comes from outside since it
/// only works in a program that has a counting allocator.
///
/// # Errors
///
/// As for [`time`].
pub fn count_allocations(
    arguments: impl Iterator<Item = String>,
    count: impl Fn(&mut dyn FnMut()) -> Allocated,
) -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = arguments.collect();
    if let Some(result) = probe::run(&arguments, &count) {
        return result;
    }
    for mut lane in Command::parse(arguments.into_iter())?.lanes()? {
        let per_call = measure::count(&mut lane, &count);
        println!("{}", allocations::to_line(&lane.name, per_call));
    }
    Ok(())
}

/// Runs the hot path that the argument names, for a tool that counts instructions; without one,
/// lists the paths.
///
/// # Errors
///
/// When there is no such path.
pub fn run_hot_path(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    hot_path::run(arguments)
}

/// The workload's flags and segments as JSON: so many of the mixture, and the fixed ones.
///
/// # Errors
///
/// Never: all of it can be written as JSON.
pub fn workload(flags: u32) -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8(workload::generate(flags).to_json()?)?)
}

/// The workload's user, of eight attributes.
///
/// # Errors
///
/// Never: it is a valid context.
pub fn workload_user() -> Result<vexil::Context, Box<dyn Error>> {
    <ours::Ours as sdk::Sdk>::context(&workload::USER)
}
