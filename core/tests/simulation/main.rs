//! Simulation: clients on paused time, against a service, a database and an endpoint of events that
//! fail in every way.
//!
//! Each seed selects a configuration of the client, a history of the environment, and what goes
//! wrong: which payloads the service sends, where it cuts them, what is malformed, when it refuses,
//! redirects to the classic protocol or is silent; when the database is away, slow, read-only,
//! emptied or older than it was; which events are refused, or accepted without an answer. The client
//! is compared with a plain model ([`model`]): what evaluations may see, which statuses and changes
//! are announced, and what becomes of the events. Once everything is healthy again, the client
//! catches up.
//!
//! `VEXIL_SIMULATION_SEEDS` is the number of seeds and `VEXIL_SIMULATION_FIRST_SEED` the first one.
//! `VEXIL_SIMULATION_SEED` replays a single one and prints what happened.

#![cfg(test)]
#![cfg(feature = "http")]

mod big_segments;
mod client;
mod database_faults;
mod events;
mod model;
mod poll;
mod service;
mod store;
mod stream;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Instant;

use client::Summary;
use world::Defect;

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

/// Runs the simulation of a seed.
fn simulate(seed: u64, defect: Option<Defect>, is_logged: bool) -> Summary {
    match seed % 16 {
        15 => big_segments::simulate(seed, is_logged),
        _ => client::simulate(seed, defect, is_logged),
    }
}

/// Runs the simulation of a seed. If it fails, runs it again with a log.
fn check(seed: u64) -> Summary {
    let of_one = |is_logged| catch_unwind(AssertUnwindSafe(|| simulate(seed, None, is_logged)));
    of_one(false).unwrap_or_else(|_| {
        let _ = of_one(true);
        panic!("seed {seed} fails; replay it with scripts/simulate 1 {seed}")
    })
}

#[test]
fn clients_keep_every_promise_and_catch_up() {
    if let Some(seed) = setting("VEXIL_SIMULATION_SEED") {
        print!("{}", simulate(seed, None, true));
        return;
    }
    let seeds = setting("VEXIL_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let first = setting("VEXIL_SIMULATION_FIRST_SEED").unwrap_or(0);
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let began = Instant::now();
    let summary = thread::scope(|scope| {
        let part = |nth: u64| {
            let seeds = (first + nth..first + seeds).step_by(threads as usize);
            scope.spawn(move || seeds.map(check).sum())
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        let parts = parts.into_iter().map(|part| part.join().unwrap());
        parts.sum::<Summary>()
    });
    println!("{:<28}{seeds:>14}", "seeds");
    print!("{summary}");
    println!("{:<28}{:>14.1?}", "time", began.elapsed());
    // A simulation in which nothing happens would prove nothing.
    if seeds >= 1_000 {
        let Summary {
            commits,
            faults,
            checks,
            outages,
            announced,
            made,
            delivered,
            dropped,
            ..
        } = summary;
        for number in [
            commits, faults, checks, outages, announced, made, delivered, dropped,
        ] {
            assert!(number > seeds / 4, "{summary:?}");
        }
    }
}

#[test]
fn the_model_finds_a_defect_of_each_part() {
    for defect in [
        Defect::AlteredPayload,
        Defect::LostWrite,
        Defect::LostEvents,
        Defect::LostAnnouncement,
    ] {
        let fails = |seed| catch_unwind(|| simulate(seed, Some(defect), false)).is_err();
        assert!((0..500).any(fails), "{defect:?} was not found");
    }
}
