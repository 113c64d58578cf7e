//! An evaluation that depends on a big segment, with a cached membership, beside one of a segment
//! whose keys are in memory, and the evaluations of two threads beside those of one.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use vexil::Client;
use vexil::config::BigSegmentsConfig;
use vexil_testing::MemoryBigSegmentStore;

use crate::allocations::Allocated;
use crate::effort::Effort;
use crate::events::{self, Shape};
use crate::lanes::compare;
use crate::layout::{self, Spread};
use crate::measure::{Lane, batch};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::{START_LIMIT, Sdk, numbered_key, numbered_user};
use crate::workload::{USER, generate};

/// Served `true` to the members of a segment in memory.
const PLAIN: &str = "bench-segment-incl";
/// The same with a big segment.
const BIG: &str = "bench-big-segment";
/// The number of contexts of the threads: one that all of them evaluate, and as many as the cache
/// holds by default.
const CONTEXTS: [usize; 2] = [1, 1_000];

/// Returns an evaluation of each flag.
pub(crate) fn lanes() -> Result<[Lane; 2], Box<dyn Error>> {
    let client = client()?;
    let user = Ours::context(&USER)?;
    for flag in [PLAIN, BIG] {
        if !Ours::bool_variation(&client, flag, &user) {
            return Err(format!("`{flag}` is not true").into());
        }
    }
    Ok(
        [("a plain segment", PLAIN), ("a big segment, cached", BIG)].map(|(name, flag)| {
            let (client, user) = (client.clone(), user.clone());
            Lane::new(
                name,
                batch(move || Ours::bool_variation(&client, flag, &user)),
            )
        }),
    )
}

/// Returns a client whose store has the user and all numbered users in the big segment. Memberships
/// are cached for longer than a measurement takes.
fn client() -> Result<Client, Box<dyn Error>> {
    let store = MemoryBigSegmentStore::new();
    let numbered = (0..CONTEXTS.into_iter().max().unwrap_or(0)).map(numbered_key);
    for key in numbered.chain([USER.key.into()]) {
        store.database().set_membership("", &key, ["big.g1"], []);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    store
        .database()
        .set_synchronized("", Some(now.as_millis().try_into()?));
    let client = Client::builder("sdk-key")
        .data_source(Ours::test_data(Ours::parse(&data()?)?))
        .big_segments(
            BigSegmentsConfig::new(store)
                .context_cache_time(Duration::MAX)
                .stale_after(Duration::MAX),
        )
        .without_events()
        .start()?;
    client.blocking_wait_until_ready(START_LIMIT)?;
    Ok(client)
}

/// The workload, and a flag with a big segment.
fn data() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut data: Value = serde_json::from_slice(&generate(1_000).to_json()?)?;
    data["segments"]["big"] =
        json!({"key": "big", "version": 1, "unbounded": true, "generation": 1});
    data["flags"][BIG] = json!({
        "key": BIG, "version": 1, "on": true, "variations": [true, false],
        "offVariation": 1, "fallthrough": {"variation": 1},
        "rules": [{"id": "in", "variation": 0,
            "clauses": [{"op": "segmentMatch", "attribute": "", "values": ["big"]}]}],
    });
    Ok(serde_json::to_vec(&data)?)
}

pub(crate) fn report(
    effort: Effort,
    allocated: &HashMap<String, Allocated>,
) -> Result<Report, Box<dyn Error>> {
    let compared = compare("segments", lanes()?, effort.pace(), allocated);
    let [plain, big] = compared.medians;
    let mut findings = vec![
        Finding::new(
            "a big segment with cached membership: times a plain segment",
            big / plain,
            Target::AtMost(3.0),
        ),
        Finding::new(
            "a big segment with cached membership: allocations",
            compared.allocations[1],
            Target::AtMost(0.0),
        ),
    ];

    let client = client()?;
    let mut rows = Vec::new();
    for contexts in CONTEXTS {
        let users = (0..contexts)
            .map(numbered_user::<Ours>)
            .collect::<Result<Vec<_>, _>>()?;
        // The first evaluation of a context queries the store.
        for user in &users {
            Ours::bool_variation(&client, BIG, user);
        }
        let rate = |threads| {
            let shape = Shape {
                threads,
                contexts,
                seconds: effort.choose(0.02, 0.1),
            };
            events::evaluate::<Ours>(&client, BIG, &users, shape).1
        };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..effort.choose(3, 45) {
            one.push(rate(1));
            two.push(rate(2));
        }
        let (one, two) = (Spread::of(one), Spread::of(two));
        let ratio = two.median / one.median;
        findings.push(Finding::new(
            format!("a big segment, {contexts} context(s): two threads, times the calls of one"),
            ratio,
            Target::AtLeast(1.8),
        ));
        rows.push([
            layout::grouped(contexts as f64),
            one.to_string(),
            two.to_string(),
            format!("{ratio:.2}"),
        ]);
    }
    let headings = [
        "contexts",
        "1 thread, calls/s",
        "2 threads, calls/s",
        "two/one",
    ];
    Ok(Report {
        text: compared.table + "\n" + &layout::aligned(headings.map(String::from), &rows),
        findings,
    })
}
