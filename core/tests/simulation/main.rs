//! Simulation: clients against a service that fails in every way, on paused time.
//!
//! Each seed selects a configuration of the client, a history of the environment, and what the
//! service does at each request: which payloads it sends, where it cuts them, what it sends that is
//! malformed, when it refuses, redirects to the classic protocol or is silent. The client is
//! compared with a plain model: evaluations see exactly the last data that was committed, and once
//! the service is healthy again, the client catches up.
//!
//! `VEXIL_SIMULATION_SEEDS` is the number of seeds, `VEXIL_SIMULATION_SEED` replays a single one and
//! prints what happened.

#![cfg(test)]
#![cfg(feature = "http")]

mod client;
mod poll;
mod service;
mod stream;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// The number of seeds of a run, unless the environment says otherwise.
const SEEDS: u64 = 10_000;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
    )
}

#[test]
fn clients_see_what_was_committed_and_catch_up() {
    if let Some(seed) = setting("VEXIL_SIMULATION_SEED") {
        println!("{}", client::simulate(seed));
        return;
    }
    let seeds = setting("VEXIL_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let summary = thread::scope(|scope| {
        let part = |first: u64| {
            let of_one = move |seed| {
                catch_unwind(AssertUnwindSafe(|| client::simulate(seed))).unwrap_or_else(|_| {
                    panic!("replay with VEXIL_SIMULATION_SEED={seed} and --nocapture")
                })
            };
            scope.spawn(move || (first..seeds).step_by(threads as usize).map(of_one).sum())
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        let parts = parts.into_iter().map(|part| part.join().unwrap());
        parts.sum::<client::Summary>()
    });
    println!("{seeds} seeds: {summary}");
    // A simulation in which nothing happens would prove nothing.
    assert!(summary.commits > seeds && summary.faults > seeds && summary.checks > seeds);
}
