//! Evaluations with events at a fixed rate and in bursts, and whether all events are delivered.
//!
//! Either one thread makes calls paced by a spin loop, or an idle client receives all calls at
//! once. Then the client is closed, and the received counts are added up. Every run is a separate
//! process, and all rates are measured in each round, because the performance of the delivering
//! thread drifts over time on a virtual machine.
//! on a virtual machine.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use vexil_testing::FakeService;

use crate::allocations::Counter;
use crate::effort::Effort;
use crate::layout::{self, Spread, grouped};
use crate::measure::Sides;
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::{Sdk, numbered_user};
use crate::workload::generate;

const FLAG: &str = "bench-simple";
const CONTEXTS: usize = 10;

/// Calls per second.
const RATES: [u64; 4] = [100_000, 250_000, 500_000, 1_000_000];
/// Calls at once, with one context.
const BURSTS: [u64; 3] = [1_000, 10_000, 100_000];
/// More calls per second than any side can make.
const AT_ONCE: f64 = 1e12;

/// A probe that makes calls at a fixed rate.
#[derive(Debug)]
pub(crate) struct Paced {
    url: String,
    calls: u64,
    rate: f64,
    contexts: usize,
}

impl Probe for Paced {
    const NAME: &'static str = "paced";
    type Found = ();

    fn arguments(&self) -> Vec<String> {
        vec![
            self.url.clone(),
            self.calls.to_string(),
            self.rate.to_string(),
            self.contexts.to_string(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [url, calls, rate, contexts] => Some(Self {
                url: url.clone(),
                calls: calls.parse().ok()?,
                rate: rate.parse().ok()?,
                contexts: contexts.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<(), Box<dyn Error>> {
        let client = S::connect_with_events(&self.url)?;
        let contexts = (0..self.contexts)
            .map(numbered_user::<S>)
            .collect::<Result<Vec<_>, _>>()?;
        let mut walk = contexts.iter().cycle();
        pace(self.calls, self.rate, || {
            if let Some(context) = walk.next() {
                black_box(S::bool_variation(&client, FLAG, context));
            }
        });
        S::close(client);
        Ok(())
    }
}

/// Makes `calls` calls at `rate` per second; a late call is made immediately.
pub(crate) fn pace(calls: u64, rate: f64, mut call: impl FnMut()) {
    let start = Instant::now();
    for number in 0..calls {
        let due = Duration::from_secs_f64(number as f64 / rate);
        while start.elapsed() < due {
            std::hint::spin_loop();
        }
        call();
    }
}

pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let (rounds, seconds) = effort.choose((1, 0.1), (3, 2.0));
    let json = String::from_utf8(generate(1_000).to_json()?)?;
    let rates = RATES.map(|rate| {
        let calls = (rate as f64 * seconds) as u64;
        (
            format!("{} calls/s for {seconds} s", grouped(rate as f64)),
            calls,
            rate as f64,
            CONTEXTS,
        )
    });
    let bursts = BURSTS.map(|calls| {
        (
            format!("{} calls at once", grouped(calls as f64)),
            calls,
            AT_ONCE,
            1,
        )
    });
    let plans: Vec<_> = rates.into_iter().chain(bursts).collect();

    let mut delivered: Vec<Vec<Sides<f64>>> = plans.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((_, calls, rate, contexts), shares) in plans.iter().zip(&mut delivered) {
            let share =
                |run: fn(&Paced) -> Result<(), Box<dyn Error>>| -> Result<f64, Box<dyn Error>> {
                    let service = FakeService::builder().data(json.as_str()).start()?;
                    run(&Paced {
                        url: service.url(),
                        calls: *calls,
                        rate: *rate,
                        contexts: *contexts,
                    })?;
                    Ok(100.0 * service.summary_counts().total() as f64 / *calls as f64)
                };
            shares.push(Sides {
                ours: share(probe::ours)?,
                peer: share(probe::peer)?,
            });
        }
    }

    let (mut rows, mut least) = (Vec::new(), f64::INFINITY);
    for ((name, ..), shares) in plans.into_iter().zip(delivered) {
        let [ours, peer] = [
            |share: &Sides<f64>| share.ours,
            |share: &Sides<f64>| share.peer,
        ]
        .map(|side| Spread::of(shares.iter().map(side).collect()));
        least = least.min(ours.least);
        rows.push([name, range(ours), range(peer)]);
    }
    Ok(Report {
        text: layout::aligned(["delivered, %", "ours", "peer"].map(String::from), &rows),
        findings: vec![Finding::new(
            "at a rate and in bursts: delivered at least, %",
            least,
            Target::AtLeast(100.0),
        )],
    })
}

fn range(share: Spread) -> String {
    format!(
        "{:.2} ({:.2}–{:.2})",
        share.median, share.least, share.greatest
    )
}
