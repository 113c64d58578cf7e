//! A start with ten thousand flags that are received over the stream, on both sides, and a start of
//! ours with the default data system, whose first data is the answer to a poll.
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
    sources: Sources,
}

/// Where the client gets its flags from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sources {
    /// The stream of the classic protocol.
    Stream,
    /// The default data system: a poll of the second protocol, then its stream.
    DataSystem,
}

impl Sources {
    fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::DataSystem => "data-system",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Stream, Self::DataSystem]
            .into_iter()
            .find(|sources| sources.name() == name)
    }
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
        vec![self.url.clone(), self.sources.name().into()]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [url, sources] => Some(Self {
                url: url.clone(),
                sources: Sources::named(sources)?,
            }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<Started, Box<dyn Error>> {
        let before = Memory::now();
        let start = Instant::now();
        let client = match self.sources {
            Sources::Stream => S::connect(&self.url)?,
            Sources::DataSystem => S::connect_data_system(&self.url)?,
        };
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

/// Measures the given number of processes per alternative.
pub(crate) fn report(data: &Data, processes: usize) -> Result<Report, Box<dyn Error>> {
    let service = Service::start(data)?;
    let start = |sources| Start {
        url: service.url().to_owned(),
        sources,
    };
    let (stream, data_system) = (start(Sources::Stream), start(Sources::DataSystem));
    let (mut ours, mut peer, mut system) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..processes {
        ours.push(probe::ours(&stream)?);
        peer.push(probe::peer(&stream)?);
        system.push(probe::ours(&data_system)?);
    }

    let sides = rows([&ours, &peer]);
    let systems = rows([&ours, &system]);
    let [start, _, added, _, threads] = &sides;
    let [system_start, _, system_added, _, system_threads] = &systems;
    let findings = vec![
        Finding::new(
            "start with 10,000 flags: times as fast as the peer",
            start.ratio(),
            Target::AtLeast(3.0),
        ),
        Finding::new(
            "memory that a start adds: times the peer's",
            1.0 / added.ratio(),
            Target::AtMost(0.33),
        ),
        Finding::new("threads of a client", threads.first(), Target::AtMost(1.0)),
        Finding::new(
            "start with the default data system: times that over the classic stream",
            system_start.ratio(),
            Target::AtMost(1.15),
        ),
        Finding::new(
            "memory that such a start adds: times that over the classic stream",
            system_added.ratio(),
            Target::AtMost(1.1),
        ),
        Finding::new(
            "threads of a client with a data system",
            system_threads.second(),
            Target::AtMost(1.0),
        ),
    ];

    let table = |headings: [&str; 4], rows: [Row; 5]| {
        layout::aligned(headings.map(String::from), &rows.map(Row::cells))
    };
    let mut text = table(
        ["10,000 flags streamed", "ours", "peer", "peer/ours"],
        sides,
    );
    text.push('\n');
    text += &table(
        [
            "10,000 flags, ours",
            "classic stream",
            "default data system",
            "data system/stream",
        ],
        systems,
    );
    text += &format!(
        "{processes} processes of each kind, in turns; default settings, events disabled\n"
    );
    if let Err(reason) = Memory::now() {
        text += &format!("memory and threads are not reported: {reason}\n");
    }
    Ok(Report { text, findings })
}

/// Returns the rows of a table that compares two alternatives.
fn rows(runs: [&[Started]; 2]) -> [Row; 5] {
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
    [
        Row::of("start, ms", runs, |started| Some(started.millis)),
        Row::of("peak memory, MiB", runs, mib(|stages| stages.at_start.peak)),
        Row::of(
            "  above that before the client",
            runs,
            mib(|stages| stages.at_start.peak - stages.before.peak),
        ),
        Row::of(&settled, runs, mib(|stages| stages.settled.resident)),
        Row::of("threads of the client", runs, threads),
    ]
}

/// A number for each alternative, missing if the system does not report it.
struct Row {
    name: String,
    spreads: Option<[Spread; 2]>,
}

impl Row {
    fn of(name: &str, runs: [&[Started]; 2], number: impl Fn(&Started) -> Option<f64>) -> Self {
        let spread = |runs: &[Started]| {
            let numbers = runs.iter().map(&number).collect::<Option<Vec<_>>>();
            numbers.map(Spread::of)
        };
        let [first, second] = runs.map(spread);
        Self {
            name: name.into(),
            spreads: first.zip(second).map(<[Spread; 2]>::from),
        }
    }

    fn first(&self) -> f64 {
        self.spreads.map_or(f64::NAN, |[first, _]| first.median)
    }

    fn second(&self) -> f64 {
        self.spreads.map_or(f64::NAN, |[_, second]| second.median)
    }

    /// Returns the ratio of the second number to the first.
    fn ratio(&self) -> f64 {
        self.second() / self.first()
    }

    fn cells(self) -> [String; 4] {
        let ratio = format!("{:.2}", self.ratio());
        match self.spreads {
            Some([first, second]) => [self.name, first.to_string(), second.to_string(), ratio],
            None => [
                self.name,
                layout::NOTHING.into(),
                layout::NOTHING.into(),
                layout::NOTHING.into(),
            ],
        }
    }
}
