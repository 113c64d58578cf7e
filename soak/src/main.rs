//! Soak test: clients in every mode, under load and random faults, for as long as one likes.
//!
//! ```text
//! scripts/soak [MINUTES]
//! ```
//!
//! A relay changes flags and segments and publishes them to a service, to Redis, to DynamoDB and to
//! a file. One client for each mode of the SDK uses them through proxies that break connections,
//! while the service fails and the databases lose data. Threads evaluate the flags and check every
//! value. At the end the faults stop, and the program checks that
//!
//! - no evaluation returned a wrong value (`checker`);
//! - every mode becomes current again within a bounded time, and so does every database that a
//!   client writes;
//! - each evaluation is in a payload of events, and each payload was delivered or is reported as
//!   dropped (`accounting`);
//! - hooks ran once for each evaluation, and listeners were notified of the last values;
//! - memory, threads and file descriptors do not grow (`resources`).
//!
//! It prints one table and exits with status 1 if a promise is broken. `VEXIL_SOAK_SEED` repeats
//! the random choices of a run, though not their interleaving.

mod accounting;
mod checker;
mod counters;
mod environment;
mod evaluators;
mod faults;
mod losses;
mod modes;
mod relay;
mod report;
mod resources;
mod soak;
mod stop;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use crate::relay::Failure;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all promises were kept.
fn run() -> Result<bool, Failure> {
    let minutes: f64 = match std::env::args().nth(1) {
        Some(minutes) => minutes.parse()?,
        None => 1.0,
    };
    let seed = match std::env::var("VEXIL_SOAK_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => fastrand::u64(..),
    };
    let time = Duration::try_from_secs_f64(minutes * 60.0)?;
    println!("soak: {minutes} minutes, VEXIL_SOAK_SEED={seed}");
    let report = soak::run(time, seed)?;
    println!("{}", report.text);
    for broken in &report.broken {
        println!("broken: {broken}");
    }
    Ok(report.broken.is_empty())
}
