//! Evaluations with events, and whether all events are delivered.
//!
//! Threads evaluate one flag in a closed loop, each iterating over the contexts from its own
//! starting point. Then the client is closed, and the counts of all received summaries are added
//! up. The difference is the number of evaluations that were never reported.

use std::error::Error;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vexil_testing::FakeService;

use crate::allocations::Counter;
use crate::layout::{self, Spread};
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::{Sdk, numbered_user};
use crate::workload::Data;

/// The flag of most measurements with events and with threads.
pub(crate) const FLAG: &str = "bench-simple";
const THREADS: [usize; 2] = [1, 2];
const CONTEXTS: [usize; 2] = [10, 100_000];

/// The parameters of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) threads: usize,
    pub(crate) contexts: usize,
    pub(crate) seconds: f64,
}

/// The result of a run.
pub(crate) struct Run {
    /// Calls per second of all threads.
    pub(crate) rate: f64,
    /// The share of the calls that the service received.
    delivered: f64,
}

/// Measures all combinations, each `rounds` times for `seconds`, with alternating sides.
pub(crate) fn report(data: &Data, rounds: usize, seconds: f64) -> Result<Report, Box<dyn Error>> {
    let json = String::from_utf8(data.to_json()?)?;
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for contexts in CONTEXTS {
        let mut by_threads = Vec::new();
        for threads in THREADS {
            let shape = Shape {
                threads,
                contexts,
                seconds,
            };
            let (mut ours, mut peer) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                ours.push(run(probe::ours, &json, shape)?);
                peer.push(run(probe::peer, &json, shape)?);
            }
            let rates = |runs: &[Run]| Spread::of(runs.iter().map(|run| run.rate).collect());
            let delivered = |runs: &[Run]| {
                100.0
                    * runs
                        .iter()
                        .map(|run| run.delivered)
                        .fold(f64::INFINITY, f64::min)
            };
            let case = format!("{threads} thread(s), {contexts} contexts");
            findings.push(Finding::new(
                format!("with events, {case}: times as many calls"),
                rates(&ours).median / rates(&peer).median,
                Target::AtLeast(15.0),
            ));
            findings.push(Finding::new(
                format!("with events, {case}: delivered, %"),
                delivered(&ours),
                Target::AtLeast(100.0),
            ));
            by_threads.push(rates(&ours).median);
            rows.push([
                case,
                rates(&ours).to_string(),
                rates(&peer).to_string(),
                layout::ratio(rates(&ours).median, rates(&peer).median),
                format!("{:.4} %", delivered(&ours)),
                format!("{:.4} %", delivered(&peer)),
            ]);
        }
        if let [one, two] = by_threads[..] {
            let name =
                format!("with events, {contexts} contexts: two threads, times the calls of one");
            findings.push(Finding::new(name, two / one, Target::AtLeast(1.8)));
        }
    }
    let headings = [
        "events",
        "ours, calls/s",
        "peer, calls/s",
        "ours/peer",
        "ours delivered, least",
        "peer delivered, least",
    ];
    Ok(Report {
        text: layout::aligned(headings.map(String::from), &rows),
        findings,
    })
}

/// Starts a process that evaluates with events for a fixed time, then counts the received events.
pub(crate) fn run(side: Side, json: &str, shape: Shape) -> Result<Run, Box<dyn Error>> {
    let service = FakeService::builder().data(json).start()?;
    let Calls { calls, rate } = side(&Loop {
        url: service.url(),
        shape,
    })?;
    Ok(Run {
        rate,
        delivered: service.summary_counts().total() as f64 / calls as f64,
    })
}

/// Runs a loop in a process of one side.
pub(crate) type Side = fn(&Loop) -> Result<Calls, Box<dyn Error>>;

/// Evaluations in a closed loop. Runs in a separate process, because contexts allocated in memory
/// that was freed earlier are scattered over the heap, and fetching them takes as long as
/// evaluating.
#[derive(Debug)]
pub(crate) struct Loop {
    url: String,
    shape: Shape,
}

/// The number of evaluations, and their rate per second.
#[derive(Serialize, Deserialize)]
pub(crate) struct Calls {
    calls: u64,
    rate: f64,
}

impl Probe for Loop {
    const NAME: &'static str = "loop";
    type Found = Calls;

    fn arguments(&self) -> Vec<String> {
        let Shape {
            threads,
            contexts,
            seconds,
        } = self.shape;
        vec![
            self.url.clone(),
            threads.to_string(),
            contexts.to_string(),
            seconds.to_string(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        let [url, threads, contexts, seconds] = arguments else {
            return None;
        };
        let shape = Shape {
            threads: threads.parse().ok()?,
            contexts: contexts.parse().ok()?,
            seconds: seconds.parse().ok()?,
        };
        Some(Self {
            url: url.clone(),
            shape,
        })
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<Calls, Box<dyn Error>> {
        let client = S::connect_with_events(&self.url)?;
        let contexts = (0..self.shape.contexts)
            .map(numbered_user::<S>)
            .collect::<Result<Vec<_>, _>>()?;
        let (calls, rate) = evaluate::<S>(&client, FLAG, &contexts, self.shape);
        S::close(client);
        Ok(Calls { calls, rate })
    }
}

/// Evaluates a flag on several threads for a fixed time. Returns the number and rate of the calls.
pub(crate) fn evaluate<S: Sdk>(
    client: &S::Client,
    flag: &str,
    contexts: &[S::Context],
    shape: Shape,
) -> (u64, f64) {
    let limit = Duration::from_secs_f64(shape.seconds);
    let start = Instant::now();
    let calls: u64 = thread::scope(|scope| {
        let loops: Vec<_> = (0..shape.threads)
            .map(|thread| {
                let offset = thread * contexts.len() / shape.threads;
                scope.spawn(move || {
                    evaluate_until::<S>(client, flag, contexts, offset, start + limit)
                })
            })
            .collect();
        // The calls of a thread that panicked are not counted.
        loops
            .into_iter()
            .map(|calls| calls.join().unwrap_or(0))
            .sum()
    });
    (calls, calls as f64 / start.elapsed().as_secs_f64())
}

/// Evaluates until the deadline, reading the clock once per thousand calls.
fn evaluate_until<S: Sdk>(
    client: &S::Client,
    flag: &str,
    contexts: &[S::Context],
    offset: usize,
    end: Instant,
) -> u64 {
    let mut walk = contexts.iter().cycle().skip(offset);
    let mut calls = 0;
    while Instant::now() < end {
        for context in walk.by_ref().take(1_000) {
            black_box(S::bool_variation(client, flag, context));
        }
        calls += 1_000;
    }
    calls
}
