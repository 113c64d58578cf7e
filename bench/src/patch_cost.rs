//! The cost of a patch for its receiver, with ten thousand flags and without a socket.
//!
//! The peer's store is private; it is reached through the test data source, which exists on both
//! sides and does more than update the store. Our store is also measured alone.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use vexil::store::DataStore as _;

use crate::layout::{self, Spread};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{Data, Patch, USER, patch_of, patches};

/// Measures the given number of rounds, each of which patches every flag once.
pub(crate) fn report(data: &Data, rounds: u32) -> Result<Report, Box<dyn Error>> {
    let json = data.to_json()?;
    let patches = patches(data)?;
    let mut ours = Side::<Ours>::new(&json)?;
    let mut peer = Side::<Peer>::new(&json)?;
    let store = Ours::evaluator(Ours::parse(&json)?)?;
    let mut alone = Vec::new();
    for round in 1..=rounds {
        ours.take_turn(&patches, round)?;
        peer.take_turn(&patches, round)?;
        let flags = read::<Ours>(&patches, round)?.made;
        alone.push(each(flags, |flag| Ok(pollster::block_on(store.upsert(flag))?))?.nanos);
    }

    let ours_after = AfterPatches::measure::<Ours>(data, &json, rounds)?;
    let peer_after = AfterPatches::measure::<Peer>(data, &json, rounds)?;
    let slower = ours_after.times_as_long();
    let [ours_read, peer_read] = [&ours.read, &peer.read].map(|times| Spread::of(times.clone()));

    let headings = ["ns per patch", "ours", "peer", "peer/ours"].map(String::from);
    let rows = [
        row("read the flag", ours.read, Some(peer.read)),
        row(
            "update the test data of a client",
            ours.update,
            Some(peer.update),
        ),
        row("our store alone", alone, None),
        row(
            "the first evaluation after it, with a regex",
            ours_after.first,
            Some(peer_after.first),
        ),
        row(
            "a later evaluation",
            ours_after.later,
            Some(peer_after.later),
        ),
    ];
    Ok(Report {
        text: layout::aligned(headings, &rows),
        findings: vec![
            Finding::new(
                "read a flag: times as fast as the peer",
                peer_read.median / ours_read.median,
                Target::AtLeast(1.5),
            ),
            Finding::new(
                "the first evaluation after a patch, with a regex: times a later one",
                slower,
                Target::AtMost(2.0),
            ),
        ],
    })
}

fn row(name: &str, ours: Vec<f64>, peer: Option<Vec<f64>>) -> [String; 4] {
    let (ours, peer) = (Spread::of(ours), peer.map(Spread::of));
    let ratio = peer.map(|peer| layout::ratio(peer.median, ours.median));
    let peer = peer.map(|peer| peer.to_string());
    let [peer, ratio] = [peer, ratio].map(|cell| cell.unwrap_or(layout::NOTHING.into()));
    [name.into(), ours.to_string(), peer, ratio]
}

/// The client and test data source of a side, with the cost of each round.
struct Side<S: Sdk> {
    source: S::TestData,
    _client: S::Client,
    read: Vec<f64>,
    update: Vec<f64>,
}

impl<S: Sdk> Side<S> {
    fn new(json: &[u8]) -> Result<Self, Box<dyn Error>> {
        let source = S::test_data(S::parse(json)?);
        let client = S::client(&source)?;
        Ok(Self {
            source,
            _client: client,
            read: Vec::new(),
            update: Vec::new(),
        })
    }

    fn take_turn(&mut self, patches: &[Patch], round: u32) -> Result<(), Box<dyn Error>> {
        let Round { made: flags, nanos } = read::<S>(patches, round)?;
        self.read.push(nanos);
        self.update
            .push(each(flags, |flag| S::update(&self.source, flag))?.nanos);
        Ok(())
    }
}

/// The time of evaluations of a flag with a regular expression, one median for each round.
struct AfterPatches {
    first: Vec<f64>,
    later: Vec<f64>,
}

impl AfterPatches {
    const FLAG: &str = "bench-rules";
    const PATCHES: u32 = 200;
    /// Evaluations after a patch, of which the first and the last are timed.
    const EVALUATIONS: u32 = 5;

    fn measure<S: Sdk>(data: &Data, json: &[u8], rounds: u32) -> Result<Self, Box<dyn Error>> {
        let source = S::test_data(S::parse(json)?);
        let client = S::client(&source)?;
        let user = S::context(&USER)?;
        let patch = patch_of(data, Self::FLAG)?;
        let timed = || {
            let start = Instant::now();
            black_box(S::bool_variation(&client, Self::FLAG, &user));
            start.elapsed().as_nanos() as f64
        };
        timed();
        let mut after = Self {
            first: Vec::new(),
            later: Vec::new(),
        };
        for round in 0..rounds {
            let (mut first, mut later) = (Vec::new(), Vec::new());
            for raise in 1..=Self::PATCHES {
                let text = patch.flag(round * Self::PATCHES + raise);
                S::update(&source, S::read_flag(Self::FLAG, &text)?)?;
                first.push(timed());
                for _ in 2..Self::EVALUATIONS {
                    timed();
                }
                later.push(timed());
            }
            after.first.push(Spread::of(first).median);
            after.later.push(Spread::of(later).median);
        }
        Ok(after)
    }

    /// Returns how many times as long the first evaluation takes.
    fn times_as_long(&self) -> f64 {
        Spread::of(self.first.clone()).median / Spread::of(self.later.clone()).median
    }
}

/// The patches of a round.
struct Round<T> {
    made: Vec<T>,
    /// The time per patch.
    nanos: f64,
}

/// Parses the flags with the versions of a round.
fn read<S: Sdk>(patches: &[Patch], round: u32) -> Result<Round<S::Flag>, Box<dyn Error>> {
    let texts = patches
        .iter()
        .map(|patch| (patch.key(), patch.flag(round)))
        .collect();
    each(texts, |(key, text): (&str, String)| {
        S::read_flag(key, &text)
    })
}

fn each<T, R>(
    items: Vec<T>,
    mut call: impl FnMut(T) -> Result<R, Box<dyn Error>>,
) -> Result<Round<R>, Box<dyn Error>> {
    let count = items.len() as f64;
    let mut made = Vec::with_capacity(items.len());
    let start = Instant::now();
    for item in items {
        made.push(call(item)?);
    }
    Ok(Round {
        made,
        nanos: start.elapsed().as_nanos() as f64 / count,
    })
}
