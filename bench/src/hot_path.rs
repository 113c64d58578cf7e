//! Runs the hot paths one by one, for a tool that counts instructions.
//!
//! Instruction counts do not depend on the load of the machine, so they can have a budget. Only
//! instructions within [`measured`], whose name is passed to the tool, are counted, which excludes
//! the start and other threads.

use std::error::Error;

use serde::{Deserialize, Serialize};
use vexil::Value;
use vexil_testing::FakeService;

use crate::measure::{Batch, batch};
use crate::ours::Ours;
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

/// How a flag is evaluated.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    /// With events, which are delivered.
    Reported,
    ThroughAScope,
    Json,
    /// As a struct.
    Typed,
}

/// Name and flag.
const PATHS: [(&str, &str, Way); 8] = [
    ("fallthrough", "bench-simple", Way::Plain),
    ("rules", "bench-rules", Way::Plain),
    ("rollout", "bench-rollout", Way::Plain),
    ("segment", "bench-segment-incl", Way::Plain),
    ("fallthrough-with-events", "bench-simple", Way::Reported),
    ("fallthrough-in-scope", "bench-simple", Way::ThroughAScope),
    ("json", LIMITS, Way::Json),
    ("json-as-struct", LIMITS, Way::Typed),
];

/// A flag whose value is an object of four members.
const LIMITS: &str = "bench-limits";

#[derive(Clone, Serialize, Deserialize)]
struct Limits {
    rps: u32,
    burst: u32,
    name: String,
    strict: bool,
}

/// Enough calls to make rare work within them negligible.
const CALLS: u64 = 10_000;

/// Runs the hot path of the given name. Without arguments prints all names and the number of
/// measured calls.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let Some(name) = arguments.next() else {
        for (name, ..) in PATHS {
            println!("{name} {CALLS}");
        }
        return Ok(());
    };
    let (_, flag, way) = PATHS
        .into_iter()
        .find(|path| path.0 == name)
        .ok_or("unknown path")?;
    let json = String::from_utf8(generate(1_000).to_json()?)?;
    let limits = Limits {
        rps: 100,
        burst: 20,
        name: "standard".into(),
        strict: true,
    };
    let service = FakeService::builder().data(json.as_str()).start()?;
    let client = match way {
        Way::Reported => Ours::connect_with_events(&service.url())?,
        Way::Plain | Way::ThroughAScope | Way::Json | Way::Typed => {
            let data = Ours::test_data(Ours::parse(json.as_bytes())?);
            data.set(LIMITS, serde_json::to_value(&limits)?);
            Ours::client(&data)?
        }
    };
    let user = Ours::context(&USER)?;
    let scope = client.scope(&user);
    let mut calls = match way {
        Way::Plain | Way::Reported => batch(move || Ours::bool_variation(&client, flag, &user)),
        Way::ThroughAScope => batch(move || scope.bool_variation(flag, false)),
        Way::Json => batch(move || client.json_variation(flag, &user, Value::Null)),
        Way::Typed => batch(move || client.json_as(flag, &user, None::<Limits>)),
    };
    // Fills caches that later calls reuse: compiled patterns, thread-local values.
    calls(1);
    measured(&mut calls);
    Ok(())
}

/// Not inlined, because the tool finds it by name.
#[inline(never)]
fn measured(calls: &mut Batch) {
    calls(CALLS);
}
