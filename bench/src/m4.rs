//! M4: a start with ten thousand flags that come over the stream.
//!
//! Each start is that of a new process, and counts from before the client is made until it has its
//! flags. Settings are those of each side's default, TLS included although the service is reached
//! without it; only events are disabled, on both.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::layout::{self, Spread};
use crate::measure::Sides;
use crate::memory::Memory;
use crate::probe::{self, Probe};
use crate::sdk::Sdk;
use crate::service::Service;
use crate::workload::Data;

/// How long after the start the memory is looked at again.
const SETTLED: Duration = Duration::from_secs(1);

/// A start, of a client of the service at this URL.
pub(crate) struct Start {
    url: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    millis: f64,
    memory: Option<Stages>,
}

/// The memory of a process: before the client is made, when it has its flags, and some time after.
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

    fn run<S: Sdk>(&self) -> Result<Started, Box<dyn Error>> {
        let before = Memory::now();
        let start = Instant::now();
        let client = S::connect(&self.url)?;
        let elapsed = start.elapsed();
        let at_start = Memory::now();
        thread::sleep(SETTLED);
        let settled = Memory::now();
        let memory = match (before, at_start, settled) {
            (Ok(before), Ok(at_start), Ok(settled)) => Some(Stages { before, at_start, settled }),
            // The process that prints the table asks again, for the reason.
            _ => None,
        };
        drop(client);
        Ok(Started { millis: elapsed.as_secs_f64() * 1_000.0, memory })
    }
}

/// The results of so many processes of each side, as a table.
pub(crate) fn table(data: &Data, processes: usize) -> Result<String, Box<dyn Error>> {
    let service = Service::start(data)?;
    let start = Start { url: service.url().to_owned() };
    let runs = (0..processes).map(|_| probe::both(&start)).collect::<Result<Vec<_>, _>>()?;

    let headings = ["10,000 flags streamed", "ours", "peer", "peer/ours"].map(String::from);
    let mut rows = vec![row("start, ms", &runs, |started| Some(started.millis))];
    let mib = |memory: fn(&Stages) -> u64| {
        move |started: &Started| started.memory.as_ref().map(|stages| memory(stages) as f64 / 1024.0)
    };
    let settled = format!("resident {} s later, MiB", SETTLED.as_secs());
    rows.push(row("peak memory, MiB", &runs, mib(|stages| stages.at_start.peak)));
    rows.push(row("  above that before the client", &runs, mib(|stages| stages.at_start.peak - stages.before.peak)));
    rows.push(row(&settled, &runs, mib(|stages| stages.settled.resident)));
    let mut text = layout::aligned(headings, &rows);
    text += &format!("{processes} processes a side, in turns; default settings, events disabled\n");
    if let Err(reason) = Memory::now() {
        text += &format!("memory is not reported: {reason}\n");
    }
    Ok(text)
}

fn row(name: &str, runs: &[Sides<Started>], number: impl Fn(&Started) -> Option<f64>) -> [String; 4] {
    let side = |of: fn(&Sides<Started>) -> &Started| runs.iter().map(|run| number(of(run))).collect::<Option<Vec<_>>>();
    let (Some(ours), Some(peer)) = (side(|run| &run.ours), side(|run| &run.peer)) else {
        return [name, layout::NOTHING, layout::NOTHING, layout::NOTHING].map(String::from);
    };
    let (ours, peer) = (Spread::of(ours), Spread::of(peer));
    [name.into(), ours.to_string(), peer.to_string(), layout::ratio(peer.median, ours.median)]
}
