//! A client that receives flags and keeps a database up to date with them.

use std::time::Duration;

use vexil::client::DataAvailability;
use vexil::config::PersistentStoreConfig;
use vexil::data_source::DataSourceState;
use vexil::model::{DataSet, Item};
use vexil::status::DataStoreErrorKind;
use vexil_testing::{StoreFault, StoreMethod, StoreWrite};

use super::*;
use crate::support::{Silent, data_set};

/// A client that received one flag, and has written it.
async fn writing() -> (MemoryDatabase, Arc<MemoryPersistentStore>, Scripted, Client) {
    let (database, store) = store();
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(Arc::clone(&store));
    let client = builder()
        .data_source(source.clone())
        .data_store(config)
        .start()
        .unwrap();
    source
        .init(&json!({"flags": {"flag": serving(1, 1)}}))
        .await;
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    until_some(async || stored(&database, "flag")).await;
    (database, store, source, client)
}

/// The version of a flag in the database.
fn stored(database: &MemoryDatabase, key: &str) -> Option<u64> {
    let item = database.item(PREFIX, DataKind::Flag, key)?;
    let json: Json = serde_json::from_slice(&item.body).unwrap();
    json["version"].as_u64()
}

async fn until_stored(database: &MemoryDatabase, key: &str, version: u64) {
    until_some(async || (stored(database, key) == Some(version)).then_some(())).await;
}

// STO-1.5 and STO-9.3
#[tokio::test(start_paused = true)]
async fn an_update_is_written_to_the_database() {
    let (database, store, source, client) = writing().await;
    let text = r#"{ "key":"b","version":1,"on":false,"prerequisites":[],"salt":"","targets":[],"rules":[],"fallthrough":{},"offVariation":null,"variations":[],"deleted":false,"news":1.50 }"#;
    let item = Item::from_json(DataKind::Flag, "b", text.as_bytes()).unwrap();
    source.sink().upsert(item).await.unwrap();
    until_stored(&database, "b", 1).await;
    assert_eq!(
        database.item(PREFIX, DataKind::Flag, "b").unwrap().body,
        text,
        "byte for byte"
    );
    source
        .sink()
        .upsert(Item::deleted(DataKind::Flag, "b", 2))
        .await
        .unwrap();
    until_stored(&database, "b", 2).await;
    // An update older than the stored item is not written.
    source.upsert("flag", &serving(0, 0)).await;
    client.close(SOON).await;
    let writes = store.writes();
    assert!(
        matches!(writes.first(), Some(StoreWrite::Init(_))),
        "{writes:?}"
    );
    assert_eq!(writes.len(), 3, "{writes:?}");
}

// STO-F2, STO-F4 and STO-F15
#[tokio::test(start_paused = true)]
async fn an_outage_delays_writes_and_nothing_else() {
    for fault in [
        StoreFault::Fail,
        StoreFault::TimeOut,
        StoreFault::Panic,
        StoreFault::LoseAnswer,
    ] {
        let (database, store, source, client) = writing().await;
        store.calls().fault_all(fault);
        for version in 2..100 {
            source.upsert("flag", &serving(version, version)).await;
            assert_eq!(
                evaluated(&client, "flag").await,
                fallthrough(version),
                "{fault:?}"
            );
        }
        until(&client, |status| !status.available).await;
        assert_eq!(
            client.data_source_status().status().state,
            DataSourceState::Valid,
            "{fault:?}"
        );
        // The database's content is gone after the outage: only the memory is complete.
        database.clear(PREFIX);
        store.calls().heal();
        until_stored(&database, "flag", 99).await;
        until(&client, |status| status.available).await;
        assert!(
            matches!(store.writes().last(), Some(StoreWrite::Init(_))),
            "one full write ends an outage"
        );
    }
}

// STO-F15 and STO-F20: a database that is full or read-only answers reads
#[tokio::test(start_paused = true)]
async fn a_database_that_refuses_writes_is_unavailable_until_a_write_succeeds() {
    let (database, store, source, client) = writing().await;
    for method in [StoreMethod::Init, StoreMethod::Upsert] {
        store.calls().fault(method, StoreFault::Fail);
    }
    source.upsert("flag", &serving(2, 2)).await;
    until(&client, |status| !status.available).await;
    let mut changes = client.data_store_status().subscribe();
    let before = store.calls().count(StoreMethod::Init);
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(evaluated(&client, "flag").await, fallthrough(2));
        assert!(!client.data_store_status().status().available);
    }
    let attempts = store.calls().count(StoreMethod::Init) - before;
    assert!((110..=180).contains(&attempts), "{attempts}");
    assert_eq!(stored(&database, "flag"), Some(1));
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );

    store.calls().heal();
    until_stored(&database, "flag", 2).await;
    let status = changes.next().await.unwrap();
    assert!(status.available, "a probe that succeeds is not the end");
}

// STO-F21: a replica without the latest data was promoted
#[tokio::test(start_paused = true)]
async fn a_database_that_returns_with_older_data_is_written_again() {
    let (database, store, source, client) = writing().await;
    source.upsert("flag", &serving(2, 2)).await;
    source.upsert("lost", &serving(1, 1)).await;
    until_stored(&database, "lost", 1).await;
    store.calls().fault_all(StoreFault::Fail);
    until(&client, |status| !status.available).await;
    put(&database, "flag", &serving(1, 1));
    database.remove(PREFIX, DataKind::Flag, "lost");
    store.calls().heal();
    until_stored(&database, "flag", 2).await;
    until_stored(&database, "lost", 1).await;
}

// STO-F2
#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_at_the_start_is_written_when_it_recovers() {
    let (database, store) = store();
    store.calls().fault_all(StoreFault::Fail);
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(Arc::clone(&store));
    let client = builder()
        .data_source(source.clone())
        .data_store(config)
        .start()
        .unwrap();
    source
        .init(&json!({"flags": {"flag": serving(1, 1)}}))
        .await;
    client.wait_until_ready(SOON).await.unwrap();
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    until(&client, |status| !status.available).await;
    store.calls().heal();
    until_stored(&database, "flag", 1).await;
}

#[tokio::test(start_paused = true)]
async fn writing_all_data_may_take_almost_a_minute() {
    for (seconds, is_in_time) in [(55, true), (65, false)] {
        let (_, store) = store();
        let delay = StoreFault::Delay(Duration::from_secs(seconds));
        store.calls().fault(StoreMethod::Init, delay);
        let source = Scripted::default();
        let client = builder()
            .data_source(source.clone())
            .data_store(PersistentStoreConfig::new(Arc::clone(&store)))
            .start()
            .unwrap();
        source
            .init(&json!({"flags": {"flag": serving(1, 1)}}))
            .await;
        tokio::time::sleep(Duration::from_secs(62)).await;
        let status = client.data_store_status().status();
        assert_eq!(status.available, is_in_time, "{status:?}");
    }
}

// STO-F22 and STO-F23
#[tokio::test(start_paused = true)]
async fn a_database_that_was_emptied_is_filled_again() {
    let (database, _store, _source, _client) = writing().await;
    database.clear(PREFIX);
    until_stored(&database, "flag", 1).await;
    database.remove(PREFIX, DataKind::Flag, "flag");
    until_stored(&database, "flag", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_is_checked_for_lost_data_every_fifteen_seconds() {
    let (_, store, _, _client) = writing().await;
    let mut checks = Vec::new();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        checks.push(store.calls().count(StoreMethod::IsInitialized));
    }
    assert_eq!(checks, [0, 1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_status_counts_the_flags_and_segments_that_were_read() {
    let (database, store) = store();
    put_many(&database, 2, 1);
    for key in ["a", "b", "c"] {
        let segment = StoredItem::new(json!({"version": 1}).to_string());
        database.put(PREFIX, DataKind::Segment, key, segment);
    }
    database.set_initialized(PREFIX, true);
    let client = builder()
        .data_source(Silent)
        .data_store(PersistentStoreConfig::new(store));
    let client = started(client).await;
    let status = until(&client, |status| status.last_refresh.is_some()).await;
    assert_eq!((status.items, status.corrupt), (5, 0));
}

// STO-9.3: the database is served until the first data
#[tokio::test(start_paused = true)]
async fn data_of_an_earlier_process_is_served_until_there_is_data() {
    let (database, store) = store();
    put(&database, "flag", &serving(5, 5));
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(store);
    let client = builder()
        .data_source(source.clone())
        .data_store(config)
        .start()
        .unwrap();
    // Without the marker, the stored items may be incomplete.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(evaluated(&client, "flag").await, failed("CLIENT_NOT_READY"));
    database.set_initialized(PREFIX, true);
    client.wait_until_ready(SOON).await.unwrap();
    assert_eq!(client.data_availability(), DataAvailability::Cached);
    assert_eq!(evaluated(&client, "flag").await, fallthrough(5));

    source
        .init(&json!({"flags": {"other": serving(1, 1)}}))
        .await;
    assert_eq!(client.data_availability(), DataAvailability::Refreshed);
    assert_eq!(evaluated(&client, "flag").await, failed("FLAG_NOT_FOUND"));
    until_stored(&database, "other", 1).await;
    assert_eq!(stored(&database, "flag"), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_data_leaves_the_database_unchanged() {
    let (database, store) = store();
    put(&database, "flag", &serving(5, 5));
    database.set_initialized(PREFIX, true);
    let config = PersistentStoreConfig::new(Arc::clone(&store));
    let client = builder()
        .data_source(Silent)
        .data_store(config)
        .start()
        .unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    client.close(SOON).await;
    assert_eq!(store.writes(), []);
}

// STO-F36
#[tokio::test(start_paused = true)]
async fn closing_writes_pending_items_and_waits_for_a_limited_time() {
    let (database, store, source, client) = writing().await;
    store.calls().fault_next(
        StoreMethod::Upsert,
        StoreFault::Delay(Duration::from_secs(1)),
    );
    source.upsert("flag", &serving(2, 2)).await;
    client.close(SOON).await;
    assert_eq!(stored(&database, "flag"), Some(2));

    let (database, store, source, client) = writing().await;
    store.calls().fault_all(StoreFault::Fail);
    source.upsert("flag", &serving(2, 2)).await;
    let begun = tokio::time::Instant::now();
    client.close(SOON).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(stored(&database, "flag"), Some(1));
}

/// An item without its JSON cannot be written. It is left out and logged, and all other items are
/// written.
#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_written_does_not_affect_others() {
    let (database, _store, source, client) = writing().await;
    let mute = DataSet::read(json!({"flags": {"mute": serving(1, 1)}})).unwrap();
    let mut data = data_set(&json!({"flags": {"flag": serving(3, 3)}}));
    data.flags.extend(mute.flags);
    source.sink().init(data).await.unwrap();
    until_stored(&database, "flag", 3).await;
    assert_eq!(evaluated(&client, "mute").await, fallthrough(1));
    assert_eq!(stored(&database, "mute"), None);
    let error = until(&client, |status| status.error.is_some())
        .await
        .error
        .unwrap();
    assert_eq!(error.kind, DataStoreErrorKind::Corrupt);
    assert!(error.message.contains("\"mute\""), "{error}");
}

/// A flag as another writer left it.
fn left(version: u64) -> StoredItem {
    StoredItem::new(serving(version, version).to_string())
}

// STO-F27
#[tokio::test(start_paused = true)]
async fn an_item_that_another_writer_reverted_is_written_again_if_configured() {
    const FIVE_MINUTES: Duration = Duration::from_secs(300);
    for interval in [None, Some(FIVE_MINUTES)] {
        let (database, store) = store();
        let config = PersistentStoreConfig::new(Arc::clone(&store));
        let config = interval
            .into_iter()
            .fold(config, PersistentStoreConfig::reconcile_interval);
        let source = Scripted::default();
        let _client = builder()
            .data_source(source.clone())
            .data_store(config)
            .start()
            .unwrap();
        source
            .init(&json!({"flags": {
                "flag": serving(7, 7), "gone": serving(1, 1), "ahead": serving(1, 1),
                "lost": serving(1, 1),
            }}))
            .await;
        until_stored(&database, "gone", 1).await;
        source
            .sink()
            .upsert(Item::deleted(DataKind::Flag, "gone", 2))
            .await
            .unwrap();
        until_stored(&database, "gone", 2).await;
        for (key, version) in [("flag", 3), ("gone", 1), ("ahead", 9)] {
            database.put(PREFIX, DataKind::Flag, key, left(version));
        }
        database.remove(PREFIX, DataKind::Flag, "lost");
        let versions = || ["flag", "gone", "ahead", "lost"].map(|key| stored(&database, key));
        let reverted = [Some(3), Some(1), Some(9), None];
        tokio::time::sleep(FIVE_MINUTES - Duration::from_secs(20)).await;
        assert_eq!(versions(), reverted, "not before the interval");
        tokio::time::sleep(Duration::from_secs(40)).await;
        let expected = match interval {
            Some(_) => [Some(7), Some(2), Some(9), Some(1)],
            None => reverted,
        };
        assert_eq!(versions(), expected, "{interval:?}");

        // What the database holds in the same version is not written again.
        let writes = store.writes().len();
        tokio::time::sleep(FIVE_MINUTES * 3).await;
        let written = store.writes().split_off(writes).len();
        assert_eq!(written, 0);
    }
}

// STO-9.3
#[tokio::test(start_paused = true)]
async fn an_emptied_database_is_noticed_while_writes_continue() {
    let (database, store, source, _client) = writing().await;
    database.clear(PREFIX);
    for version in 2..20 {
        source.upsert("other", &serving(version, version)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(stored(&database, "flag"), Some(1));
    let whole = store
        .writes()
        .iter()
        .filter(|write| matches!(write, StoreWrite::Init(_)))
        .count();
    assert_eq!(whole, 2, "once at the start and once after the loss");
}
