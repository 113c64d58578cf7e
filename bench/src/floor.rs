//! The floor: the minimal cost of an evaluation by key, compared with ours.
//!
//! Every evaluation must find the current flags, find the flag among them, and decide what it
//! serves: one load of a snapshot, one hash lookup, one `match`. With events it must also count:
//! one uncontended atomic addition. A rollout must also hash, with SHA-1 as the protocol requires:
//! two blocks for the workload's flag. This module does exactly that and nothing else, with the
//! same crates as ours and the same number of flags.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use sha1::block_api::compress;
use vexil_testing::FakeService;

use crate::layout::{self, Spread};
use crate::measure::{Lane, Pace, batch, in_turns};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

const FLAGS: u32 = 1_000;
const FLAG: &str = "bench-simple";
const ROLLOUT: &str = "bench-rollout";

/// A flag reduced to the value that it serves and a counter.
struct LeastFlag {
    serves: Serves,
    count: AtomicU64,
}

enum Serves {
    Off,
    On(bool),
}

/// Flags that can be replaced while they are read.
#[derive(Clone)]
struct Least(Arc<ArcSwap<HashMap<String, LeastFlag, foldhash::fast::RandomState>>>);

impl Least {
    fn new() -> Self {
        let keys = (0..FLAGS)
            .map(|number| format!("flag-{number:05}"))
            .chain([FLAG.into()]);
        let flag = |key: String| {
            let serves = if key == FLAG {
                Serves::On(true)
            } else {
                Serves::Off
            };
            (
                key,
                LeastFlag {
                    serves,
                    count: AtomicU64::new(0),
                },
            )
        };
        Self(Arc::new(ArcSwap::from_pointee(keys.map(flag).collect())))
    }

    fn evaluate(&self, key: &str) -> bool {
        match self.0.load().get(key).map(|flag| &flag.serves) {
            Some(Serves::On(value)) => *value,
            Some(Serves::Off) | None => false,
        }
    }

    fn evaluate_and_count(&self, key: &str) -> bool {
        let flags = self.0.load();
        let Some(flag) = flags.get(key) else {
            return false;
        };
        // Another thread takes and resets the counts, so they must be atomic to stay exact.
        flag.count.fetch_add(1, Ordering::Relaxed);
        match flag.serves {
            Serves::On(value) => value,
            Serves::Off => false,
        }
    }

    /// The value depends on the hash, and the next hash on this one, so the loop measures latency
    /// rather than throughput.
    fn evaluate_and_hash(&self, key: &str, state: &mut [u32; 5]) -> bool {
        compress(state, black_box(&[[0x61; 64]; 2]));
        self.evaluate(key) && state[0] & 1 == 0
    }
}

pub(crate) fn report(pace: Pace) -> Result<Report, Box<dyn Error>> {
    let json = String::from_utf8(generate(FLAGS).to_json()?)?;
    let service = FakeService::builder().data(json.as_str()).start()?;
    let quiet = Ours::client(&Ours::test_data(Ours::parse(json.as_bytes())?))?;
    let telling = Ours::connect_with_events(&service.url())?;
    let [user, same_user, bucketed_user] = [
        Ours::context(&USER)?,
        Ours::context(&USER)?,
        Ours::context(&USER)?,
    ];
    let (least, counting, hashing) = (Least::new(), Least::new(), Least::new());
    let rolling = quiet.clone();
    let mut state = [1, 2, 3, 4, 5];

    let mut lanes = [
        Lane::new("floor", batch(move || least.evaluate(black_box(FLAG)))),
        Lane::new(
            "ours without events",
            batch(move || Ours::bool_variation(&quiet, FLAG, &user)),
        ),
        Lane::new(
            "floor that counts",
            batch(move || counting.evaluate_and_count(black_box(FLAG))),
        ),
        Lane::new(
            "ours with events",
            batch(move || Ours::bool_variation(&telling, FLAG, &same_user)),
        ),
        Lane::new(
            "floor that hashes",
            batch(move || hashing.evaluate_and_hash(black_box(FLAG), &mut state)),
        ),
        Lane::new(
            "ours, a rollout",
            batch(move || Ours::bool_variation(&rolling, ROLLOUT, &bucketed_user)),
        ),
    ];
    let times = in_turns(lanes.each_mut().map(|lane| &mut lane.run), pace.finer());
    Ok(compare(lanes.map(|lane| lane.name), times))
}

fn compare(names: [String; 6], times: [Spread; 6]) -> Report {
    let [floor, quiet, counting, telling, hashing, rolling] = times;
    let ratios = [
        1.0,
        quiet.median / floor.median,
        1.0,
        telling.median / counting.median,
        1.0,
        rolling.median / hashing.median,
    ];
    let mut rows = Vec::new();
    for ((name, time), ratio) in names.into_iter().zip(times).zip(ratios) {
        rows.push([name, time.to_string(), layout::ratio(ratio, 1.0)]);
    }
    Report {
        text: layout::aligned(
            ["one of 1,009 flags", "ns", "times the floor"].map(String::from),
            &rows,
        ),
        findings: vec![
            Finding::new(
                "without events: times the floor",
                ratios[1],
                Target::AtMost(2.0),
            ),
            Finding::new(
                "with events: times the floor that counts",
                ratios[3],
                Target::AtMost(3.5),
            ),
            Finding::new(
                "a rollout: times the floor that hashes",
                ratios[5],
                Target::AtMost(1.3),
            ),
        ],
    }
}
