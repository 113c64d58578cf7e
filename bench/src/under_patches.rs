//! Evaluation latency while flags change: a thousand patches per second, with ten thousand flags.
//!
//! One thread evaluates in a tight loop, and every call is timed with one clock reading, which is
//! included. The same loop without patches shows how much the machine alone affects the slowest
//! calls. A run is valid only if all patches have arrived, which the sum of all versions shows.

use std::error::Error;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::allocations::Counter;
use crate::latency::Latencies;
use crate::layout::{self, Spread};
use crate::measure::Sides;
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::service::{Service, order_patches};
use crate::workload::{Data, USER};

/// Patches per second.
const RATE: u32 = 1_000;
const FLAG: &str = "bench-simple";
const QUANTILES: [(&str, f64); 4] = [
    ("p50", 0.5),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
];
/// The maximum delay of the last patches.
const ARRIVAL: Duration = Duration::from_secs(30);

/// A probe that makes calls in a loop.
pub(crate) struct Calls {
    pub(crate) url: String,
    /// Concurrent patches per second.
    pub(crate) rate: u32,
    pub(crate) seconds: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Called {
    /// The quantiles and the maximum, in nanoseconds.
    pub(crate) nanos: [u64; 5],
    calls: u64,
    patches: u64,
}

impl Probe for Calls {
    const NAME: &'static str = "calls";
    type Found = Called;

    fn arguments(&self) -> Vec<String> {
        vec![
            self.url.clone(),
            self.rate.to_string(),
            self.seconds.to_string(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [url, rate, seconds] => Some(Self {
                url: url.clone(),
                rate: rate.parse().ok()?,
                seconds: seconds.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<Called, Box<dyn Error>> {
        let client = S::connect(&self.url)?;
        let user = S::context(&USER)?;
        let before = versions::<S>(&client, &user)?;
        if self.rate > 0 {
            order_patches(&self.url, self.rate, self.seconds)?;
        }

        let mut latencies = Latencies::new();
        let mut wrong = 0_u64;
        let start = Instant::now();
        let end = start + Duration::from_secs_f64(self.seconds);
        let mut last = start;
        while last < end {
            wrong += u64::from(!black_box(S::bool_variation(&client, FLAG, &user)));
            let now = Instant::now();
            latencies.record((now - last).as_nanos() as u64);
            last = now;
        }
        if wrong > 0 {
            return Err(format!("{wrong} calls returned the default").into());
        }

        let ordered = (f64::from(self.rate) * self.seconds).round() as u64;
        let patches = arrived::<S>(&client, &user, before, ordered)?;
        let [a, b, c, d] = QUANTILES.map(|(_, share)| latencies.quantile(share));
        Ok(Called {
            nanos: [a, b, c, d, latencies.most()],
            calls: latencies.calls(),
            patches,
        })
    }
}

/// Returns the sum of the versions of all flags.
fn versions<S: Sdk>(client: &S::Client, user: &S::Context) -> Result<u64, Box<dyn Error>> {
    let state = serde_json::to_value(S::flags_state(client, user))?;
    let flags = state
        .get("$flagsState")
        .and_then(|flags| flags.as_object())
        .ok_or("the flags state is missing")?;
    Ok(flags
        .values()
        .filter_map(|flag| flag.get("version")?.as_u64())
        .sum())
}

/// Waits for all ordered patches. Each increments one version.
fn arrived<S: Sdk>(
    client: &S::Client,
    user: &S::Context,
    before: u64,
    ordered: u64,
) -> Result<u64, Box<dyn Error>> {
    let start = Instant::now();
    loop {
        let patches = versions::<S>(client, user)? - before;
        if patches == ordered {
            return Ok(patches);
        }
        if start.elapsed() > ARRIVAL || patches > ordered {
            return Err(format!("only {patches} of {ordered} patches were applied").into());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Measures the given number of rounds of loops that last `seconds` each.
pub(crate) fn report(data: &Data, rounds: usize, seconds: f64) -> Result<Report, Box<dyn Error>> {
    let service = Service::start(data)?;
    let calls = |rate| Calls {
        url: service.url().to_owned(),
        rate,
        seconds,
    };
    let (mut quiet, mut patched) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        quiet.push(probe::both(&calls(0))?);
        patched.push(probe::both(&calls(RATE))?);
    }

    let title = format!("ns, {RATE} patches/s");
    let headings = [
        &title,
        "ours, quiet",
        "patched",
        "p/q",
        "peer, quiet",
        "patched",
        "p/q",
        "peer/ours, patched",
    ];
    let names = QUANTILES.iter().map(|(name, _)| *name).chain(["max"]);
    let rows: Vec<_> = names
        .enumerate()
        .map(|(index, name)| row(name, index, &quiet, &patched))
        .collect();
    let mut text = layout::aligned(headings.map(String::from), &rows);

    let per_second = |runs: &[Sides<Called>], of: fn(&Sides<Called>) -> &Called| {
        layout::grouped((median(runs, |run| of(run).calls) / seconds).round())
    };
    let [ours, peer]: [fn(&Sides<Called>) -> &Called; 2] = [|run| &run.ours, |run| &run.peer];
    text += &format!(
        "calls a second: ours {} quiet, {} patched; peer {} quiet, {} patched\n",
        per_second(&quiet, ours),
        per_second(&patched, ours),
        per_second(&quiet, peer),
        per_second(&patched, peer),
    );
    let patches: u64 = patched.iter().map(|run| run.ours.patches).sum();
    text += &format!(
        "{rounds} rounds of {seconds} s, each in a separate process; all {} patches were applied, by both sides\n",
        layout::grouped(patches as f64),
    );
    let slow = QUANTILES
        .iter()
        .position(|(name, _)| *name == "p99.9")
        .unwrap_or_default();
    let [slow_quiet, slow_patched] = [&quiet, &patched].map(|runs| {
        median(runs, |run| {
            run.ours.nanos.get(slow).copied().unwrap_or_default()
        })
    });
    let findings = vec![Finding::new(
        format!("p99.9 under {RATE} patches a second: times the quiet one"),
        slow_patched / slow_quiet,
        Target::AtMost(2.0),
    )];
    Ok(Report { text, findings })
}

fn row(
    name: &str,
    index: usize,
    quiet: &[Sides<Called>],
    patched: &[Sides<Called>],
) -> [String; 8] {
    let nanos = |runs, of: fn(&Sides<Called>) -> &Called| {
        median(runs, |run| {
            of(run).nanos.get(index).copied().unwrap_or_default()
        })
    };
    let [ours, ours_patched] = [quiet, patched].map(|runs| nanos(runs, |run| &run.ours));
    let [peer, peer_patched] = [quiet, patched].map(|runs| nanos(runs, |run| &run.peer));
    [
        name.into(),
        layout::grouped(ours),
        layout::grouped(ours_patched),
        layout::ratio(ours_patched, ours),
        layout::grouped(peer),
        layout::grouped(peer_patched),
        layout::ratio(peer_patched, peer),
        layout::ratio(peer_patched, ours_patched),
    ]
}

fn median(runs: &[Sides<Called>], number: impl Fn(&Sides<Called>) -> u64) -> f64 {
    Spread::of(runs.iter().map(|run| number(run) as f64).collect()).median
}
