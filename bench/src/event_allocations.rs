//! Allocations of an evaluation with events: on its thread, and in the whole process until all
//! events are delivered.
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

const FLAG: &str = "bench-simple";
const CONTEXTS: usize = 10;
/// Calls per second.
const RATE: f64 = 10_000.0;

/// A probe that makes paced calls in a counting program.
pub(crate) struct Counting {
    url: String,
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
            self.calls.to_string(),
            self.counted_by.clone(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [url, calls, counted_by] => Some(Self {
                url: url.clone(),
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
                black_box(S::bool_variation(&client, FLAG, context));
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

pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let calls = effort.choose(2_000, 20_000);
    let json = String::from_utf8(generate(1_000).to_json()?)?;
    let mut rows = Vec::new();
    let mut of_ours = f64::NAN;
    for (name, counted_by) in [
        ("calling thread", BY_THREAD),
        ("whole process, delivery included", BY_PROCESS),
    ] {
        let service = FakeService::builder().data(json.as_str()).start()?;
        let counting = Counting {
            url: service.url(),
            calls,
            counted_by: counted_by.into(),
        };
        let whole = counted_by == BY_PROCESS;
        let per_call = |counted: Counted| {
            let closing = if whole {
                counted.closing
            } else {
                Allocated::default()
            };
            (counted.calling + closing) / calls as f64
        };
        let [ours, peer] = [probe::ours(&counting)?, probe::peer(&counting)?].map(per_call);
        if !whole {
            of_ours = ours.allocations;
        }
        let cell = |number: f64| {
            if number == 0.0 {
                short(number)
            } else {
                format!("{number:.3}")
            }
        };
        rows.push([
            name.into(),
            cell(ours.allocations),
            cell(ours.bytes),
            cell(peer.allocations),
            cell(peer.bytes),
        ]);
    }
    let headings = [
        "per call, with events",
        "ours, allocations",
        "bytes",
        "peer, allocations",
        "bytes",
    ];
    let text = layout::aligned(headings.map(String::from), &rows);
    let text = format!(
        "{text}{calls} calls, {RATE} a second, {CONTEXTS} contexts that the service knows\n"
    );
    Ok(Report {
        text,
        findings: vec![Finding::new(
            "with events: allocations of a call, on its thread",
            of_ours,
            Target::AtMost(0.0),
        )],
    })
}
