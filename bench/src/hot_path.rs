//! Runs the hot paths one by one, for a tool that counts instructions and for a test that counts
//! allocations.
//!
//! Instruction counts do not depend on the load of the machine, so they can have a budget. Only
//! instructions within [`measured`], whose name is passed to the tool, are counted, which excludes
//! the start and other threads.

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vexil::config::{EventsConfig, ServiceEndpoints};
use vexil::{Client, Value};
use vexil_testing::FakeService;

use crate::measure::{Batch, Lane, batch};
use crate::ours::Ours;
use crate::sdk::Sdk;
use crate::workload::{self, USER, generate, patch_of};

/// What is done with a flag.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    /// With events, which are delivered.
    Reported,
    ThroughAScope,
    Json,
    /// As a struct.
    Typed,
    /// With an event for each evaluation.
    InFull,
    /// The state of all flags.
    AllFlags,
    /// Read from its JSON, as it arrives in a patch, and dropped.
    Read,
}

/// Name and flag.
const PATHS: [(&str, &str, Way); 9] = [
    ("fallthrough", "bench-simple", Way::Plain),
    ("rules", "bench-rules", Way::Plain),
    ("rollout", "bench-rollout", Way::Plain),
    ("segment", "bench-segment-incl", Way::Plain),
    ("fallthrough-with-events", "bench-simple", Way::Reported),
    ("fallthrough-in-scope", "bench-simple", Way::ThroughAScope),
    ("json", LIMITS, Way::Json),
    ("json-as-struct", LIMITS, Way::Typed),
    ("read-flag", "bench-rules", Way::Read),
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
    let mut calls = Data::generate()?.calls(flag, way)?;
    // Fills caches that later calls reuse: compiled patterns, thread-local values.
    calls(1);
    measured(&mut calls);
    Ok(())
}

/// Returns all paths, and those whose allocations alone are counted.
pub(crate) fn lanes() -> Result<Vec<Lane>, Box<dyn Error>> {
    const MORE: [(&str, &str, Way); 2] = [
        ("event-in-full", "flag-00003", Way::InFull),
        ("all-flags", "", Way::AllFlags),
    ];
    let data = Data::generate()?;
    PATHS
        .into_iter()
        .chain(MORE)
        .map(|(name, flag, way)| Ok(Lane::new(name, data.calls(flag, way)?)))
        .collect()
}

/// The flags that the paths evaluate.
struct Data {
    generated: workload::Data,
    json: String,
    limits: Limits,
}

impl Data {
    fn generate() -> Result<Self, Box<dyn Error>> {
        let generated = generate(1_000);
        Ok(Self {
            json: String::from_utf8(generated.to_json()?)?,
            generated,
            limits: Limits {
                rps: 100,
                burst: 20,
                name: "standard".into(),
                strict: true,
            },
        })
    }

    /// Returns calls that evaluate this flag.
    fn calls(&self, flag: &'static str, way: Way) -> Result<Batch, Box<dyn Error>> {
        let source = || -> Result<_, Box<dyn Error>> {
            let data = Ours::test_data(Ours::parse(self.json.as_bytes())?);
            data.set(LIMITS, serde_json::to_value(&self.limits)?);
            Ok(data)
        };
        let user = Ours::context(&USER)?;
        Ok(match way {
            Way::Plain => {
                let client = Ours::client(&source()?)?;
                batch(move || Ours::bool_variation(&client, flag, &user))
            }
            Way::Reported => {
                let service = FakeService::builder().data(self.json.as_str()).start()?;
                let client = Ours::connect_with_events(&service.url())?;
                batch(move || {
                    // Kept, because events are delivered to it.
                    let _ = &service;
                    Ours::bool_variation(&client, flag, &user)
                })
            }
            Way::InFull => {
                // A delivery would empty the buffer, which would then allocate again.
                let client = Client::builder("sdk-key")
                    .data_source(source()?)
                    .events(EventsConfig::new().flush_interval(Duration::MAX))
                    .service_endpoints(ServiceEndpoints::relay("http://localhost:1"))
                    .start()?;
                batch(move || Ours::bool_variation(&client, flag, &user))
            }
            Way::ThroughAScope => {
                let scope = Ours::client(&source()?)?.scope(&user);
                batch(move || scope.bool_variation(flag, false))
            }
            Way::Json => {
                let client = Ours::client(&source()?)?;
                batch(move || client.json_variation(flag, &user, Value::Null))
            }
            Way::Typed => {
                let client = Ours::client(&source()?)?;
                batch(move || client.json_as(flag, &user, None::<Limits>))
            }
            Way::Read => {
                let text = patch_of(&self.generated, flag)?.flag(1);
                batch(move || Ours::read_flag(flag, &text).is_ok())
            }
            Way::AllFlags => {
                let client = Ours::client(&source()?)?;
                batch(move || Ours::flags_state(&client, &user))
            }
        })
    }
}

/// Not inlined, because the tool finds it by name.
#[inline(never)]
fn measured(calls: &mut Batch) {
    calls(CALLS);
}
