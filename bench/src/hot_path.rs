//! The hot paths, each by itself, for a tool that counts instructions.
//!
//! Instructions are the same on a busy machine as on a quiet one, so they can have a budget. What
//! is counted is what happens within [`measured`], whose name the tool is given: neither the start
//! nor the threads that run beside.

use std::error::Error;

use vexil_testing::FakeService;

use crate::measure::{Batch, batch};
use crate::ours::Ours;
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

/// By name: the flag, and whether its evaluations are reported.
const PATHS: [(&str, &str, bool); 5] = [
    ("fallthrough", "bench-simple", false),
    ("rules", "bench-rules", false),
    ("rollout", "bench-rollout", false),
    ("segment", "bench-segment-incl", false),
    ("fallthrough-with-events", "bench-simple", true),
];

/// So many calls are enough that what happens rarely within them weighs nothing.
const CALLS: u64 = 10_000;

/// Without arguments prints the paths and how many calls are measured; with the name of one of
/// them, runs it.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let Some(name) = arguments.next() else {
        for (name, ..) in PATHS {
            println!("{name} {CALLS}");
        }
        return Ok(());
    };
    let (_, flag, reported) = PATHS
        .into_iter()
        .find(|path| path.0 == name)
        .ok_or("there is no such path")?;
    let json = String::from_utf8(generate(1_000).to_json()?)?;
    let service = FakeService::builder().data(json.as_str()).start()?;
    let client = match reported {
        true => Ours::connect_with_events(&service.url())?,
        false => Ours::client(&Ours::test_data(Ours::parse(json.as_bytes())?))?,
    };
    let user = Ours::context(&USER)?;
    let mut calls = batch(move || Ours::bool_variation(&client, flag, &user));
    // What the first call makes and later ones find: compiled patterns, values of the thread.
    calls(1);
    measured(&mut calls);
    Ok(())
}

/// Not inlined: it is found by its name.
#[inline(never)]
fn measured(calls: &mut Batch) {
    calls(CALLS);
}
