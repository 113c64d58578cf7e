//! A start with ten thousand flags that are received over the stream.
//!
//! Each start happens in a new process and is timed from before the client is created until it has
//! its flags. Both sides use their default settings including TLS, although the connection to the
//! service is plain; only events are disabled on both.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::allocations::Counter;
use crate::layout::{self, Spread};
use crate::measure::Sides;
use crate::memory::Memory;
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::service::Service;
use crate::workload::Data;

/// The delay after the start before memory is measured again.
const SETTLED: Duration = Duration::from_secs(1);

/// A probe that starts a client of the service at this URL.
pub(crate) struct Start {
    url: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    millis: f64,
    memory: Option<Stages>,
}

/// The memory of a process: before the client is created, when it has its flags, and after a delay.
#[derive(Debug, Serialize, Deserialize)]
struct Stages {
    before: Memory,
    at_start: Memory,
    settled: Memory,
}

impl Probe for Start {
    const NAME: &'static str = "start";
    type Found = Started;

    fn arguments(&self) -> Vec<String> {
        vec![self.url.clone()]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [url] => Some(Self { url: url.clone() }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<Started, Box<dyn Error>> {
        let before = Memory::now();
        let start = Instant::now();
        let client = S::connect(&self.url)?;
        let elapsed = start.elapsed();
        let at_start = Memory::now();
        thread::sleep(SETTLED);
        let settled = Memory::now();
        let memory = match (before, at_start, settled) {
            (Ok(before), Ok(at_start), Ok(settled)) => Some(Stages {
                before,
                at_start,
                settled,
            }),
            // The parent process determines the reason itself.
            _ => None,
        };
        drop(client);
        Ok(Started {
            millis: elapsed.as_secs_f64() * 1_000.0,
            memory,
        })
    }
}

/// Measures the given number of processes per side.
pub(crate) fn report(data: &Data, processes: usize) -> Result<Report, Box<dyn Error>> {
    let service = Service::start(data)?;
    let start = Start {
        url: service.url().to_owned(),
    };
    let runs = (0..processes)
        .map(|_| probe::both(&start))
        .collect::<Result<Vec<_>, _>>()?;

    let mib = |memory: fn(&Stages) -> u64| {
        move |started: &Started| {
            started
                .memory
                .as_ref()
                .map(|stages| memory(stages) as f64 / 1024.0)
        }
    };
    let threads = |started: &Started| {
        started
            .memory
            .as_ref()
            .map(|stages| stages.settled.threads.saturating_sub(stages.before.threads) as f64)
    };
    let settled = format!("resident {} s later, MiB", SETTLED.as_secs());
    let rows = [
        Row::of("start, ms", &runs, |started| Some(started.millis)),
        Row::of(
            "peak memory, MiB",
            &runs,
            mib(|stages| stages.at_start.peak),
        ),
        Row::of(
            "  above that before the client",
            &runs,
            mib(|stages| stages.at_start.peak - stages.before.peak),
        ),
        Row::of(&settled, &runs, mib(|stages| stages.settled.resident)),
        Row::of("threads of the client", &runs, threads),
    ];
    let [start, _, added, _, threads] = &rows;
    let findings = vec![
        Finding::new(
            "start with 10,000 flags: times as fast as the peer",
            start.ratio(),
            Target::AtLeast(2.0),
        ),
        Finding::new(
            "memory that a start adds: times the peer's",
            1.0 / added.ratio(),
            Target::AtMost(0.5),
        ),
        Finding::new("threads of a client", threads.ours(), Target::AtMost(1.0)),
    ];

    let headings = ["10,000 flags streamed", "ours", "peer", "peer/ours"].map(String::from);
    let mut text = layout::aligned(headings, &rows.map(|row| row.cells()));
    text += &format!("{processes} processes a side, in turns; default settings, events disabled\n");
    if let Err(reason) = Memory::now() {
        text += &format!("memory and threads are not reported: {reason}\n");
    }
    Ok(Report { text, findings })
}

/// A number for each side, missing if the system does not report it.
struct Row {
    name: String,
    sides: Option<Sides<Spread>>,
}

impl Row {
    fn of(name: &str, runs: &[Sides<Started>], number: impl Fn(&Started) -> Option<f64>) -> Self {
        let side = |of: fn(&Sides<Started>) -> &Started| {
            runs.iter()
                .map(|run| number(of(run)))
                .collect::<Option<Vec<_>>>()
                .map(Spread::of)
        };
        let sides = side(|run| &run.ours)
            .zip(side(|run| &run.peer))
            .map(|(ours, peer)| Sides { ours, peer });
        Self {
            name: name.into(),
            sides,
        }
    }

    fn ours(&self) -> f64 {
        self.sides.map_or(f64::NAN, |sides| sides.ours.median)
    }

    /// Returns the ratio of the peer's number to ours.
    fn ratio(&self) -> f64 {
        self.sides
            .map_or(f64::NAN, |sides| sides.peer.median / sides.ours.median)
    }

    fn cells(self) -> [String; 4] {
        let ratio = format!("{:.1}", self.ratio());
        match self.sides {
            Some(Sides { ours, peer }) => [self.name, ours.to_string(), peer.to_string(), ratio],
            None => [
                self.name,
                layout::NOTHING.into(),
                layout::NOTHING.into(),
                layout::NOTHING.into(),
            ],
        }
    }
}
