//! A thousand clients in one process: their threads, and the memory of each beside that of its data.
//!
//! Only ours. The data is small, so that the memory of the client itself is visible. Each client has a
//! store of its own, also if several have the same SDK key.

use std::error::Error;

use serde::{Deserialize, Serialize};
use vexil::Client;
use vexil_testing::FakeService;

use crate::allocations::Counter;
use crate::effort::Effort;
use crate::layout::{self, Spread, grouped};
use crate::memory::Memory;
use crate::ours::Ours;
use crate::probe::{self, Probe};
use crate::report::{Finding, Report, Target};
use crate::sdk::{START_LIMIT, Sdk};
use crate::workload::{USER, plain_flags};

const FLAGS: u32 = 10;
const FLAG: &str = "flag-0000000";
/// The clients of one service: it accepts a thousand connections, and each client has two.
const PER_SERVICE: u32 = 400;

/// What there are many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Stores without a client, which hold the same data as the clients.
    Stores,
    /// Clients that were given their data and send no events.
    Handed,
    /// Clients with default settings: they stream their data and send events.
    Streaming,
}

const KINDS: [Kind; 3] = [Kind::Stores, Kind::Handed, Kind::Streaming];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Stores => "the data alone",
            Self::Handed => "data from the application, no events",
            Self::Streaming => "default settings: a stream, and events",
        }
    }
}

/// A probe that starts clients in one process.
pub(crate) struct ManyClients {
    /// The services, separated by spaces. The clients are spread over them.
    urls: String,
    kind: Kind,
    clients: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Added {
    /// Resident memory, in KiB for each client.
    pub(crate) kib: f64,
    threads: u64,
}

impl Probe for ManyClients {
    const NAME: &'static str = "many-clients";
    type Found = Added;

    fn arguments(&self) -> Vec<String> {
        vec![
            self.urls.clone(),
            self.kind.name().into(),
            self.clients.to_string(),
        ]
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [urls, kind, clients] => Some(Self {
                urls: urls.clone(),
                kind: KINDS.into_iter().find(|known| known.name() == kind)?,
                clients: clients.parse().ok()?,
            }),
            _ => None,
        }
    }

    fn run<S: Sdk>(&self, _: Counter<'_>) -> Result<Added, Box<dyn Error>> {
        let json = plain_flags(FLAGS).to_json()?;
        // What a process needs only once is not counted.
        let mut urls = self.urls.split(' ').cycle();
        let mut start = || self.start(urls.next().unwrap_or_default(), &json);
        let first = start()?;
        let before = Memory::now()?;
        let clients = (0..self.clients)
            .map(|_| start())
            .collect::<Result<Vec<_>, _>>()?;
        let after = Memory::now()?;
        drop((first, clients));
        Ok(Added {
            kib: after.resident.saturating_sub(before.resident) as f64 / f64::from(self.clients),
            threads: after.threads - 1,
        })
    }
}

/// What is kept alive until it was measured.
#[expect(dead_code, reason = "kept, but not read")]
enum Kept {
    Store(<Ours as Sdk>::Evaluator),
    Client(Client),
}

impl ManyClients {
    /// Starts a client that has its data and has evaluated a flag.
    fn start(&self, url: &str, json: &[u8]) -> Result<Kept, Box<dyn Error>> {
        let client = match self.kind {
            Kind::Stores => return Ok(Kept::Store(Ours::evaluator(Ours::parse(json)?)?)),
            Kind::Handed => Ours::client(&Ours::test_data(Ours::parse(json)?))?,
            Kind::Streaming => Ours::connect_with_events(url)?,
        };
        client.blocking_wait_until_ready(START_LIMIT)?;
        if !Ours::bool_variation(&client, FLAG, &Ours::context(&USER)?) {
            return Err(format!("`{FLAG}` is not true").into());
        }
        Ok(Kept::Client(client))
    }
}

/// Starts clients in a new process.
pub(crate) fn run(kind: Kind, clients: u32) -> Result<Added, Box<dyn Error>> {
    let json = String::from_utf8(plain_flags(FLAGS).to_json()?)?;
    let services = (0..=clients / PER_SERVICE)
        .map(|_| FakeService::builder().data(json.as_str()).start())
        .collect::<Result<Vec<_>, _>>()?;
    let urls: Vec<_> = services.iter().map(FakeService::url).collect();
    probe::ours(&ManyClients {
        urls: urls.join(" "),
        kind,
        clients,
    })
}

pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let (clients, processes) = effort.choose((50, 1), (1_000, 3));
    let mut runs = KINDS.map(|_| Vec::new());
    for _ in 0..processes {
        for (runs, kind) in runs.iter_mut().zip(KINDS) {
            runs.push(run(kind, clients)?);
        }
    }
    let kib = |runs: &[Added]| Spread::of(runs.iter().map(|run| run.kib).collect());
    let threads = |runs: &[Added]| runs.iter().map(|run| run.threads).max().unwrap_or(0) as f64;
    let [data, ..] = runs.each_ref().map(|runs| kib(runs).median);
    let rows: Vec<_> = runs
        .iter()
        .zip(KINDS)
        .map(|(runs, kind)| {
            [
                kind.name().into(),
                kib(runs).to_string(),
                format!("{:.1}", kib(runs).median - data),
                grouped(threads(runs)),
            ]
        })
        .collect();
    let title = format!(
        "{} clients, {FLAGS} flags each",
        grouped(f64::from(clients))
    );
    let headings = [&title, "KiB each", "KiB beside its data", "threads of all"];
    let [_, _, streaming] = &runs;
    Ok(Report {
        text: layout::aligned(headings.map(String::from), &rows),
        findings: vec![
            Finding::new(
                format!("threads of {} clients", grouped(f64::from(clients))),
                threads(streaming),
                Target::AtMost(1.0),
            ),
            Finding::new(
                "memory of each client beside its data, kB",
                1.024 * (kib(streaming).median - data),
                Target::AtMost(100.0),
            ),
        ],
    })
}
