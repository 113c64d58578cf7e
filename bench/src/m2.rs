//! M2: evaluations with events, and whether the service hears of each of them.
//!
//! Threads evaluate one flag in a closed loop, walking through the contexts, each from its own place; then the client is
//! closed, and the counts of all summaries that arrived are added up. What is missing was evaluated and never reported.

use std::error::Error;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use vexil_testing::FakeService;

use crate::layout::{self, Spread};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::sdk::Sdk;
use crate::workload::{ContextData, Data, USER};

const FLAG: &str = "bench-simple";
const THREADS: [usize; 2] = [1, 2];
const CONTEXTS: [usize; 2] = [10, 100_000];

/// What one run came to.
struct Run {
    /// Calls a second, by all threads.
    rate: f64,
    /// The share of the calls that the service heard of.
    delivered: f64,
}

/// The table of all combinations, each run `rounds` times for `seconds`, the sides in turns.
pub(crate) fn table(data: &Data, rounds: usize, seconds: f64) -> Result<String, Box<dyn Error>> {
    let json = String::from_utf8(data.to_json()?)?;
    let mut rows = Vec::new();
    for contexts in CONTEXTS {
        for threads in THREADS {
            let (mut ours, mut peer) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                ours.push(run::<Ours>(&json, threads, contexts, seconds)?);
                peer.push(run::<Peer>(&json, threads, contexts, seconds)?);
            }
            let rates = |runs: &[Run]| Spread::of(runs.iter().map(|run| run.rate).collect());
            let delivered = |runs: &[Run]| {
                let least = runs.iter().map(|run| run.delivered).fold(f64::INFINITY, f64::min);
                format!("{:.4} %", 100.0 * least)
            };
            rows.push([
                format!("{threads} thread(s), {contexts} contexts"),
                rates(&ours).to_string(),
                rates(&peer).to_string(),
                layout::ratio(rates(&ours).median, rates(&peer).median),
                delivered(&ours),
                delivered(&peer),
            ]);
        }
    }
    let headings =
        ["M2", "ours, calls/s", "peer, calls/s", "ours/peer", "ours delivered, least", "peer delivered, least"];
    Ok(layout::aligned(headings.map(String::from), &rows))
}

fn run<S: Sdk>(json: &str, threads: usize, contexts: usize, seconds: f64) -> Result<Run, Box<dyn Error>>
where
    S::Client: Sync,
    S::Context: Sync,
{
    let service = FakeService::builder().data(json).start()?;
    let client = S::connect_with_events(&service.url())?;
    let contexts = (0..contexts).map(context::<S>).collect::<Result<Vec<_>, _>>()?;
    let limit = Duration::from_secs_f64(seconds);
    let start = Instant::now();
    let calls: u64 = thread::scope(|scope| {
        let loops: Vec<_> = (0..threads)
            .map(|thread| {
                let (client, contexts) = (&client, &contexts);
                let offset = thread * contexts.len() / threads;
                scope.spawn(move || evaluate_until::<S>(client, contexts, offset, start + limit))
            })
            .collect();
        // A loop that panicked has made no calls that count.
        loops.into_iter().map(|calls| calls.join().unwrap_or(0)).sum()
    });
    let elapsed = start.elapsed().as_secs_f64();
    S::close(client);
    let counted = service.summary_counts().total();
    Ok(Run { rate: calls as f64 / elapsed, delivered: counted as f64 / calls as f64 })
}

/// Looks at the clock once in a thousand calls.
fn evaluate_until<S: Sdk>(client: &S::Client, contexts: &[S::Context], offset: usize, end: Instant) -> u64 {
    let mut walk = contexts.iter().cycle().skip(offset);
    let mut calls = 0;
    while Instant::now() < end {
        for context in walk.by_ref().take(1_000) {
            black_box(S::bool_variation(client, FLAG, context));
        }
        calls += 1_000;
    }
    calls
}

/// The bench's user under another key, which lives as long as the program.
fn context<S: Sdk>(number: usize) -> Result<S::Context, Box<dyn Error>> {
    S::context(&ContextData { key: Box::leak(format!("user-{number:06}").into_boxed_str()), ..USER })
}
