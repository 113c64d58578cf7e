//! Files as the source for a persistent store: items keep the JSON that the store writes (STO-1.2),
//! and a data system writes none of them (FDV2-9.1).
#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use std::sync::Arc;
use std::time::Duration;

use support::Files;
use vexil::config::{DataSystem, PersistentStoreConfig};
use vexil::model::DataKind;
use vexil::{Client, Text};
use vexil_file_data::FileData;
use vexil_testing::{MemoryDatabase, MemoryPersistentStore, StoreMethod};

const JSON: &str = r#"{"flags": {"theme": { "on":true,"future":1.50 }}, "flagValues": {"plain": 7}, "segments": {"s": {}}}"#;
const TWICE: &str = r#"{"flags": {"theme": {"on": false, "on":true,"future":1.50}}, "flagValues": {"plain": 7}, "segments": {}, "segments": {"s": {}}}"#;
const YAML: &str =
    "flags: {theme: {on: true, future: 1.50}}\nflagValues: {plain: 7}\nsegments: {s: {}}\n";

/// Returns the items that a store receives for a file.
fn stored(text: &str) -> impl Fn(DataKind, &str) -> serde_json::Value {
    let files = Files::new();
    let path = files.write("flags", text);
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryPersistentStore::attached(&database, ""));
    let client = Client::builder("sdk-key")
        .data_source(FileData::path(&path))
        .data_store(PersistentStoreConfig::new(Arc::clone(&store)))
        .without_events()
        .start()
        .unwrap();
    pollster::block_on(client.close(Duration::from_secs(60)));
    assert_eq!(store.calls().count(StoreMethod::Init), 1);
    move |kind, key| {
        let item = database
            .item("", kind, &Text::from(key))
            .unwrap_or_else(|| panic!("{kind} {key} is not stored"));
        serde_json::from_slice(&item.body).unwrap()
    }
}

#[test]
fn a_store_receives_items_with_their_unknown_properties() {
    for text in [JSON, TWICE, YAML] {
        let stored = stored(text);
        let flag = stored(DataKind::Flag, "theme");
        assert_eq!(
            (&flag["on"], &flag["future"]),
            (&true.into(), &1.5.into()),
            "{text}"
        );
        assert_eq!(
            stored(DataKind::Flag, "plain")["variations"],
            serde_json::json!([7]),
            "{text}"
        );
        assert_eq!(stored(DataKind::Segment, "s")["key"], "s", "{text}");
    }
}

// FDV2-9.1
#[test]
fn a_data_system_does_not_write_files_to_a_database() {
    let files = Files::new();
    let path = files.write("flags", JSON);
    let store = MemoryPersistentStore::new();
    let client = Client::builder("sdk-key")
        .data_system(DataSystem::custom().synchronizer(FileData::path(&path)))
        .data_store(PersistentStoreConfig::new(store.clone()))
        .without_events()
        .start()
        .unwrap();
    pollster::block_on(client.wait_until_ready(Duration::from_secs(60))).unwrap();
    // Closing writes what is queued.
    assert!(pollster::block_on(client.close(Duration::from_secs(60))));
    assert_eq!(store.writes(), []);
}
