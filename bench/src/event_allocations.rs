//! Allocations of an evaluation with events: on its thread, and in the whole process until all
//! events are delivered. Of a flag that is only counted, and of one whose evaluations are all
//! reported in full.
//!
//! The allocations of other calls on their thread are in the tables of `evaluation`, `all_flags`,
//! `parsing` and `contexts`. This part also counts the threads that deliver events, so it uses a
//! separate program, one process per side, and the service in another process. Calls are paced, so
//! that no event is lost.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vexil_testing::FakeService;

use crate::allocations::{self, Allocated, BY_PROCESS, BY_THREAD, Counter};
use crate::effort::Effort;
use crate::layout;
use crate::paced::pace;
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::{Sdk, numbered_user};
use crate::table::short;
use crate::workload::generate;

/// A flag that is counted.
const COUNTED: &str = "bench-simple";
/// A flag with `trackEvents`.
const TRACKED: &str = "flag-00003";
/// Fewer than the events that the buffer holds, which is delivered every five seconds.
const TRACKED_CALLS: u64 = 5_000;
const CONTEXTS: usize = 10;
/// Calls per second.
const RATE: f64 = 10_000.0;

/// A probe that makes paced calls in a counting program.
pub(crate) struct Counting {
    url: String,
    flag: String,
    calls: u64,
    counted_by: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Allocations during the calls.
    calling: Allocated,
    /// Allocations from the last call until all events were delivered.
    closing: Allocated,
}

impl Probe for Counting {
    const NAME: &'static str = "count";
    type Found = Counted;

    fn program(&self) -> Result<PathBuf, Box<dyn Error>> {
        allocations::neighbour(&self.counted_by)
    }

    fn arguments(&self) -> Vec<String> {
        vec![
            self.url.clone(),
            self.flag.clone(),
            self.calls.to_string(),
            self.counted_by.clone(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [url, flag, calls, counted_by] => Some(Self {
                url: url.clone(),
                flag: flag.clone(),
                calls: calls.parse().ok()?,
                counted_by: counted_by.clone(),
            }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, count: Counter<'_>) -> Result<Counted, Box<dyn Error>> {
        let client = S::connect_with_events(&self.url)?;
        let contexts = (0..CONTEXTS)
            .map(numbered_user::<S>)
            .collect::<Result<Vec<_>, _>>()?;
        let mut walk = contexts.iter().cycle();
        let mut call = || {
            if let Some(context) = walk.next() {
                black_box(S::bool_variation(&client, &self.flag, context));
            }
        };
        // The first event of each context introduces it to the service; that is not part of a call.
        (0..CONTEXTS).for_each(|_| call());
        let calling = count(&mut || pace(self.calls, RATE, &mut call));
        let mut client = Some(client);
        let closing = count(&mut || client.take().map_or((), S::close));
        Ok(Counted { calling, closing })
    }
}

/// The allocations of a call on its thread, and in the whole process, as `[ours, peer]`.
struct PerCall {
    on_its_thread: [Allocated; 2],
    in_the_process: [Allocated; 2],
}

fn per_call(json: &str, flag: &str, calls: u64) -> Result<PerCall, Box<dyn Error>> {
    let count = |counted_by: &str| -> Result<[Counted; 2], Box<dyn Error>> {
        let service = FakeService::builder().data(json).start()?;
        let counting = Counting {
            url: service.url(),
            flag: flag.into(),
            calls,
            counted_by: counted_by.into(),
        };
        Ok([probe::ours(&counting)?, probe::peer(&counting)?])
    };
    let calls = calls as f64;
    Ok(PerCall {
        on_its_thread: count(BY_THREAD)?.map(|counted| counted.calling / calls),
        in_the_process: count(BY_PROCESS)?
            .map(|counted| (counted.calling + counted.closing) / calls),
    })
}

pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let calls = effort.choose(2_000, 20_000);
    let json = String::from_utf8(generate(1_000).to_json()?)?;
    let counted = per_call(&json, COUNTED, calls)?;
    let tracked = per_call(&json, TRACKED, calls.min(TRACKED_CALLS))?;
    let rows = [
        row("counted: calling thread", counted.on_its_thread),
        row(
            "counted: whole process, with delivery",
            counted.in_the_process,
        ),
        row("in full: calling thread", tracked.on_its_thread),
        row(
            "in full: whole process, with delivery",
            tracked.in_the_process,
        ),
    ];
    let headings = [
        "per call, with events",
        "ours, allocations",
        "bytes",
        "peer, allocations",
        "bytes",
    ];
    let text = layout::aligned(headings.map(String::from), &rows);
    let text = format!(
        "{text}{calls} calls, {} in full, {RATE} a second, {CONTEXTS} contexts that the service knows\n",
        calls.min(TRACKED_CALLS)
    );
    let finding = |what, [ours, _]: [Allocated; 2], most| {
        Finding::new(what, ours.allocations, Target::AtMost(most))
    };
    Ok(Report {
        text,
        findings: vec![
            finding(
                "with events: allocations of a call, on its thread",
                counted.on_its_thread,
                0.0,
            ),
            finding(
                "an event in full: allocations of a call, until it is delivered",
                tracked.in_the_process,
                3.0,
            ),
        ],
    })
}

fn row(name: &str, [ours, peer]: [Allocated; 2]) -> [String; 5] {
    let cell = |number: f64| match number {
        0.0 => short(number),
        number => format!("{number:.3}"),
    };
    [
        name.into(),
        cell(ours.allocations),
        cell(ours.bytes),
        cell(peer.allocations),
        cell(peer.bytes),
    ]
}
