//! Benchmarks vexil against the incumbent Rust SDK: one process, one workload, alternating batches.
//!
//! Absolute times mean little on a shared machine, so only the ratio of both sides is reported,
//! measured under the same load. Every measurement is written once, against the trait `sdk::Sdk`,
//! and instantiated for both sides, so that both use the same loop. If a side needs a separate
//! process, processes alternate instead of batches.
//!
//! Times and allocations come from different programs. A counting allocator slows down the side
//! that allocates more, so `vexil-bench` uses the system allocator and gets the counts from two
//! other programs: `vexil-bench-allocs` counts per thread, and `vexil-bench-heap` for the whole
//! process. All must be built:
//!
//! ```text
//! cargo build --release -p vexil-bench && target/release/vexil-bench evaluation
//! ```

mod all_flags;
mod allocations;
mod big_segments;
mod change_sets;
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
mod lanes;
mod latency;
mod layout;
mod machine;
mod many_clients;
mod many_contexts;
mod many_flags;
mod measure;
mod memory;
mod ours;
mod outage;
mod paced;
mod parsing;
mod part;
mod patch_cost;
mod peer;
mod peers;
mod probe;
mod read_through;
mod report;
mod scope;
mod sdk;
mod serve;
mod service;
mod startup;
mod table;
mod tower;
mod typed_flags;
mod under_patches;
mod workload;

use std::error::Error;

pub use crate::allocations::Allocated;
use crate::command::Command;

/// Measures the parts named by the arguments and prints tables.
///
/// # Errors
///
/// Returns an error if the arguments are invalid or the two sides return different results.
pub fn time(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = arguments.collect();
    let uncounted = |call: &mut dyn FnMut()| {
        call();
        Allocated::default()
    };
    let as_child = probe::run(&arguments, &uncounted)
        .or_else(|| part::run(&arguments))
        .or_else(|| serve::run(&arguments))
        .or_else(|| peers::run(&arguments));
    if let Some(result) = as_child {
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

/// Counts the allocations of the parts named by the arguments, in a format that [`time`] reads.
///
/// `count` runs a closure and returns what was allocated during the run. It is a parameter because
/// it requires a counting global allocator.
///
/// # Errors
///
/// Returns an error under the same conditions as [`time`].
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

/// Counts the allocations of the hot paths on their thread, per call and by name.
///
/// `count` is the same as for [`count_allocations`].
///
/// # Errors
///
/// Returns an error if a client cannot be started.
pub fn allocations_of_hot_paths(
    count: impl Fn(&mut dyn FnMut()) -> Allocated,
) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let mut lanes = hot_path::lanes()?;
    lanes.extend(scope::lanes()?);
    lanes.extend(typed_flags::lanes()?);
    lanes.extend(hooks::lanes()?);
    lanes.extend(big_segments::lanes()?);
    let counted = lanes.into_iter().map(|mut lane| {
        let allocated = measure::count(&mut lane, &count);
        (lane.name, allocated.allocations)
    });
    Ok(counted.collect())
}

/// Runs the hot path named by the argument, for a tool that counts instructions; without an
/// argument, lists the paths.
///
/// # Errors
///
/// Returns an error if the path is unknown.
pub fn run_hot_path(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    hot_path::run(arguments)
}

/// Returns the flags and segments of the workload as JSON: `flags` generated ones and the fixed
/// ones.
///
/// # Errors
///
/// Never returns an error: all of the data can be serialized.
pub fn workload(flags: u32) -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8(workload::generate(flags).to_json()?)?)
}

/// Returns the user of the workload, with eight attributes.
///
/// # Errors
///
/// Never returns an error: the context is valid.
pub fn workload_user() -> Result<vexil::Context, Box<dyn Error>> {
    <ours::Ours as sdk::Sdk>::context(&workload::USER)
}

/// Compiles and runs the code of the guide's page on the peer: only this crate depends on both SDKs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/coming-from/rust.md")]
struct ComingFromThePeer;
