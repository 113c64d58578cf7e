//! Evaluations with events in a closed loop, by number of contexts and of threads.

use std::error::Error;

use super::{Curve, curve};
use crate::effort::Effort;
use crate::events::{self, Shape};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::probe;
use crate::sdk::{Sdk, numbered_user};
use crate::workload::generate;

/// Varies the number of distinct contexts of one thread.
pub(super) fn contexts(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let json = json()?;
    let about = (
        "contexts",
        "An evaluation with events, by distinct contexts",
        ["contexts", "ns per evaluation"],
    );
    let sizes: &[u32] = effort.choose(&[10, 1_000], &[1, 10, 100, 1_000, 10_000, 100_000]);
    curve(about, ["ours", "peer"], sizes, |contexts| {
        let shape = Shape {
            threads: 1,
            contexts: contexts as usize,
            seconds: seconds(effort),
        };
        let nanos = |run: events::Run| 1e9 / run.rate;
        Ok([
            nanos(events::run(probe::ours, &json, shape)?),
            nanos(events::run(probe::peer, &json, shape)?),
        ])
    })
}

/// Varies the number of threads that evaluate concurrently.
pub(super) fn threads(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let json = json()?;
    let about = (
        "threads",
        "Evaluations by all threads, by their number",
        ["threads", "thousand evaluations a second"],
    );
    let series = [
        "ours, no events",
        "peer, no events",
        "ours, events",
        "peer, events",
    ];
    curve(
        about,
        series,
        effort.choose(&[1, 2], &[1, 2, 4, 8]),
        |threads| {
            let shape = Shape {
                threads: threads as usize,
                contexts: 10,
                seconds: seconds(effort),
            };
            let rates = [
                quiet::<Ours>(&json, shape)?,
                quiet::<Peer>(&json, shape)?,
                events::run(probe::ours, &json, shape)?.rate,
                events::run(probe::peer, &json, shape)?.rate,
            ];
            Ok(rates.map(|rate| rate / 1e3))
        },
    )
}

/// Returns the calls per second without events.
fn quiet<S: Sdk>(json: &str, shape: Shape) -> Result<f64, Box<dyn Error>> {
    let client = S::client(&S::test_data(S::parse(json.as_bytes())?))?;
    let contexts = (0..shape.contexts)
        .map(numbered_user::<S>)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(events::evaluate::<S>(&client, events::FLAG, &contexts, shape).1)
}

fn json() -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8(generate(1_000).to_json()?)?)
}

fn seconds(effort: Effort) -> f64 {
    effort.choose(0.1, 0.7)
}
