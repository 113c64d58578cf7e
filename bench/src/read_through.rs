//! An evaluation whose flag is in the cache of a read-through store, beside one of the same flag in
//! memory.
//!
//! A hit does not read the database, so the database is one in memory.

use std::error::Error;
use std::time::Duration;

use vexil::Client;
use vexil::config::PersistentStoreConfig;
use vexil::model::DataKind;
use vexil::store::{CacheMode, StoredItem};
use vexil_testing::MemoryPersistentStore;

use crate::layout;
use crate::measure::{Pace, batch, in_turns};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{Data, USER};

const FLAGS: [&str; 4] = [
    "bench-simple",
    "bench-rules",
    "bench-segment-incl",
    "bench-prereq",
];
/// Longer than a measurement takes, so that every evaluation is a hit.
const TTL: Duration = Duration::from_secs(3_600);

pub(crate) fn report(data: &Data, pace: Pace) -> Result<Report, Box<dyn Error>> {
    let in_memory = Ours::client(&Ours::test_data(Ours::parse(&data.to_json()?)?))?;
    let store = filled(data)?;
    let [expiring, infinite] =
        [CacheMode::Ttl(TTL), CacheMode::Infinite].map(|mode| client(&store, mode));
    let clients = [in_memory, expiring?, infinite?];
    let user = Ours::context(&USER)?;
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for flag in FLAGS {
        let mut lanes = clients.each_ref().map(|client| {
            let (client, user) = (client.clone(), user.clone());
            batch(move || Ours::bool_variation(&client, flag, &user))
        });
        // The first evaluation reads the database.
        for client in &clients {
            if !Ours::bool_variation(client, flag, &user) {
                return Err(format!("`{flag}` is not true").into());
            }
        }
        let [in_memory, expiring, infinite] = in_turns(lanes.each_mut(), pace.finer());
        let ratio = expiring.median / in_memory.median;
        findings.push(Finding::new(
            format!("read-through, {flag}: a cache hit, times in memory"),
            ratio,
            Target::AtMost(3.0),
        ));
        rows.push([
            flag.into(),
            in_memory.to_string(),
            expiring.to_string(),
            format!("{ratio:.2}"),
            infinite.to_string(),
            format!("{:.2}", infinite.median / in_memory.median),
        ]);
    }
    let headings = [
        "a hit in a read-through store",
        "in memory, ns",
        "cached for a time, ns",
        "times in memory",
        "cached forever, ns",
        "times in memory",
    ];
    Ok(Report {
        text: layout::aligned(headings.map(String::from), &rows),
        findings,
    })
}

/// Returns a database with all flags and segments.
fn filled(data: &Data) -> Result<MemoryPersistentStore, Box<dyn Error>> {
    let store = MemoryPersistentStore::new();
    for (kind, texts) in [
        (DataKind::Flag, data.flag_texts()?),
        (DataKind::Segment, data.segment_texts()?),
    ] {
        for (key, text) in texts {
            store.database().put("", kind, key, StoredItem::new(text));
        }
    }
    store.database().set_initialized("", true);
    Ok(store)
}

/// Returns a client that reads this database item by item.
fn client(store: &MemoryPersistentStore, mode: CacheMode) -> Result<Client, Box<dyn Error>> {
    Ok(Client::builder("sdk-key")
        .daemon_mode(PersistentStoreConfig::new(store.clone()).cache(mode))
        .without_events()
        .start()?)
}
