//! A client with up to a million flags: its start, its memory, and the cost of a patch.
//!
//! Only ours. There is no socket: a data source has all flags as text, and passes patches to the sink
//! of the client, so a patch takes the way of one that was received. The text is read from a file, so
//! that a process holds nothing else.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use std::{fmt, fs};

use serde::{Deserialize, Serialize};
use vexil::Client;
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::model::{DataSet, Item, Upserted};

use crate::allocations::Counter;
use crate::effort::Effort;
use crate::layout::{self, Spread, grouped};
use crate::memory::Memory;
use crate::ours::Ours;
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::{START_LIMIT, Sdk};
use crate::workload::{plain_flags, plain_patches};

/// The patches of a round, each of another flag, if there are that many.
const PATCHES: u32 = 2_000;

/// A probe that starts a client with the flags of a file and patches some of them.
pub(crate) struct ManyFlags {
    file: PathBuf,
    flags: u32,
    rounds: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The time from the text until the client is ready.
    pub(crate) start_millis: f64,
    /// Resident memory that the client adds, in bytes for each flag; `None` if the system does not
    /// report it.
    bytes: Option<f64>,
    /// Nanoseconds for each patch, by round.
    patch: Vec<f64>,
}

impl Probe for ManyFlags {
    const NAME: &'static str = "many-flags";
    type Found = Measured;

    fn arguments(&self) -> Vec<String> {
        vec![
            self.file.display().to_string(),
            self.flags.to_string(),
            self.rounds.to_string(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [file, flags, rounds] => Some(Self {
                file: file.into(),
                flags: flags.parse().ok()?,
                rounds: rounds.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<Measured, Box<dyn Error>> {
        let json = fs::read(&self.file)?;
        let before = Memory::now();
        let start = Instant::now();
        let source = Arc::new(Given::new(Ours::parse(&json)?));
        let client = Client::builder("sdk-key")
            .data_source(Arc::clone(&source))
            .without_events()
            .start()?;
        client.blocking_wait_until_ready(START_LIMIT)?;
        let start_millis = start.elapsed().as_secs_f64() * 1_000.0;
        let bytes = before.ok().zip(Memory::now().ok()).map(|(before, after)| {
            let added = after.resident.saturating_sub(before.resident);
            1_024.0 * added as f64 / f64::from(self.flags)
        });
        let sink = source.sink.get().ok_or("the data source was not run")?;
        let patches = PATCHES.min(self.flags);
        let patch = (0..self.rounds)
            .map(|round| apply(&**sink, &plain_patches(self.flags, round, patches)?))
            .collect::<Result<_, _>>()?;
        Ok(Measured {
            start_millis,
            bytes,
            patch,
        })
    }
}

/// Applies one patch after another. Returns the nanoseconds for each.
fn apply(sink: &dyn DataSink, patches: &[(String, String)]) -> Result<f64, Box<dyn Error>> {
    let items: Vec<Item> = patches
        .iter()
        .map(|(key, flag)| Ours::read_flag(key, flag))
        .collect::<Result<_, _>>()?;
    let count = items.len() as f64;
    let start = Instant::now();
    for item in items {
        let upserted = pollster::block_on(sink.upsert(item))?;
        if upserted != Upserted::Written {
            return Err("a patch was not newer".into());
        }
    }
    Ok(start.elapsed().as_nanos() as f64 / count)
}

/// A data source that delivers data once, and keeps the sink for patches.
struct Given {
    data: Mutex<Option<DataSet>>,
    sink: OnceLock<Arc<dyn DataSink>>,
}

impl Given {
    fn new(data: DataSet) -> Self {
        Self {
            data: Mutex::new(Some(data)),
            sink: OnceLock::new(),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

#[vexil::async_trait]
impl DataSource for Given {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let data = self
            .data
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let delivered = sink.init(data.unwrap_or_default()).await;
        delivered.map_err(DataSourceError::store)?;
        self.sink.get_or_init(|| sink);
        Ok(())
    }
}

impl Measured {
    /// The nanoseconds of a patch.
    pub(crate) fn patch(&self) -> Spread {
        Spread::of(self.patch.clone())
    }
}

/// Starts a client with this number of flags in a new process, and patches some of them in rounds.
pub(crate) fn run(flags: u32, rounds: u32) -> Result<Measured, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("flags.json");
    fs::write(&file, plain_flags(flags).to_json()?)?;
    probe::ours(&ManyFlags {
        file,
        flags,
        rounds,
    })
}

pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let sizes = effort.choose([1_000, 2_000, 20_000], [10_000, 100_000, 1_000_000]);
    let (processes, rounds) = effort.choose((1, 2), (3, 5));
    let mut runs = sizes.map(|_| Vec::new());
    for _ in 0..processes {
        for (runs, flags) in runs.iter_mut().zip(sizes) {
            runs.push(run(flags, rounds)?);
        }
    }
    let patch =
        |runs: &[Measured]| Spread::of(runs.iter().flat_map(|run| run.patch.clone()).collect());
    let [least, .., most] = runs.each_ref().map(|runs| patch(runs).median);
    let rows: Vec<_> = runs
        .iter()
        .zip(sizes)
        .map(|(runs, flags)| {
            let spread = |of: fn(&Measured) -> f64| Spread::of(runs.iter().map(of).collect());
            [
                grouped(f64::from(flags)),
                spread(|run| run.start_millis).to_string(),
                spread(|run| run.bytes.unwrap_or(f64::NAN)).to_string(),
                patch(runs).to_string(),
                format!("{:.2}", patch(runs).median / least),
            ]
        })
        .collect();
    let headings = [
        "flags",
        "start, ms",
        "memory, bytes a flag",
        "patch, ns",
        "times that with the fewest",
    ];
    let [few, _, many] = sizes.map(|flags| grouped(f64::from(flags)));
    Ok(Report {
        text: layout::aligned(headings.map(String::from), &rows),
        findings: vec![Finding::new(
            format!("a patch among {many} flags: times one among {few}"),
            most / least,
            Target::AtMost(2.0),
        )],
    })
}
