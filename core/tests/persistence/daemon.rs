//! Daemon mode while the database works.

use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use vexil::client::FlagsStateOptions;
use vexil::config::PersistentStoreConfig;
use vexil::data_source::DataSourceState;
use vexil::model::DataKind;
use vexil::status::DataStoreErrorKind;
use vexil::store::{CacheMode, StoredItem};
use vexil_testing::{MemoryPersistentStore, StoreMethod};

use super::*;
use crate::log::Log;

// STO-6: the marker is ignored
#[tokio::test(start_paused = true)]
async fn a_client_serves_the_database_with_or_without_the_marker() {
    for marker in [false, true] {
        let (database, store) = store();
        put(&database, "flag", &serving(1, 7));
        database.set_initialized(PREFIX, marker);
        let client = daemon(store).await;
        assert_eq!(evaluated(&client, "flag").await, fallthrough(7));
        assert_eq!(
            evaluated(&client, "unknown").await,
            failed("FLAG_NOT_FOUND")
        );
        let status = client.data_store_status().status();
        assert_eq!(
            (status.items, status.initialized),
            (1, marker),
            "a ready client has a status"
        );
    }
}

// STO-6
#[tokio::test(start_paused = true)]
async fn a_client_is_initialized_at_once_and_its_data_source_valid() {
    let (_, store) = store();
    let client = builder().daemon_mode(store).start().unwrap();
    assert!(client.is_initialized());
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );
    client.wait_until_ready(SOON).await.unwrap();
    assert_eq!(evaluated(&client, "flag").await, failed("FLAG_NOT_FOUND"));
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    assert!(state.is_valid() && state.values().len() == 0);
}

// STO-9.4, STO-F32: the bound of staleness
#[tokio::test(start_paused = true)]
async fn a_change_is_seen_within_the_refresh_interval() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let client =
        daemon(PersistentStoreConfig::new(store).refresh_interval(Duration::from_secs(60))).await;
    put(&database, "flag", &serving(2, 2));
    let changed = Instant::now();
    until_value(&client, "flag", 2).await;
    let took = changed.elapsed();
    assert!(
        took <= Duration::from_secs(60) && took >= Duration::from_secs(45),
        "{took:?}"
    );
}

// STO-9.4: push
#[tokio::test(start_paused = true)]
async fn a_change_that_the_database_notifies_of_is_seen_at_once() {
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryPersistentStore::attached(&database, PREFIX).with_push());
    put(&database, "flag", &serving(1, 1));
    let client = daemon(Arc::clone(&store)).await;
    for version in 2..5 {
        put(&database, "flag", &serving(version, version));
        let changed = Instant::now();
        until_value(&client, "flag", version).await;
        assert!(
            changed.elapsed() < Duration::from_millis(100),
            "{:?}",
            changed.elapsed()
        );
    }
    // Many changes at once cause one read.
    let before = store.calls().count(StoreMethod::Snapshot);
    put_many(&database, 100, 1);
    until_value(&client, "flag-99", 1).await;
    assert!(store.calls().count(StoreMethod::Snapshot) <= before + 2);
}

// STO-9.4: push
#[tokio::test(start_paused = true)]
async fn however_often_the_database_notifies_it_is_read_at_most_every_twenty_milliseconds() {
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryPersistentStore::attached(&database, PREFIX).with_push());
    let client = daemon(Arc::clone(&store)).await;
    let before = store.calls().count(StoreMethod::Snapshot);
    for version in 1..=1_000 {
        put(&database, "flag", &serving(version, version));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let reads = store.calls().count(StoreMethod::Snapshot) - before;
    assert!((25..=51).contains(&reads), "{reads}");
    until_value(&client, "flag", 1_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_without_a_higher_version_is_applied_and_logged() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let logged = || {
        let lines = log.lines();
        let words = "changed without a higher version";
        lines.iter().filter(|line| line.contains(words)).count()
    };
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let config = PersistentStoreConfig::new(store).refresh_interval(Duration::from_secs(1));
    let client = daemon(config).await;
    put(&database, "flag", &serving(2, 2));
    until_value(&client, "flag", 2).await;
    assert_eq!(logged(), 0);
    put(&database, "flag", &serving(2, 3));
    until_value(&client, "flag", 3).await;
    assert_eq!(logged(), 1);
}

// STO-9.4: change events by difference
#[tokio::test(start_paused = true)]
async fn listeners_are_notified_of_changed_flags_only() {
    let (database, store) = store();
    put(&database, "stays", &serving(1, 1));
    put(&database, "changes", &serving(1, 1));
    put(&database, "goes", &serving(1, 1));
    let client =
        daemon(PersistentStoreConfig::new(store).refresh_interval(Duration::from_secs(1))).await;
    let (sender, notified) = channel();
    client
        .flag_tracker()
        .add_listener(move |change| sender.send(change.key.to_string()).unwrap());
    put(&database, "changes", &serving(2, 2));
    database.remove(PREFIX, DataKind::Flag, "goes");
    until_value(&client, "changes", 2).await;
    let mut keys = [
        notified.recv_timeout(SOON).unwrap(),
        notified.recv_timeout(SOON).unwrap(),
    ];
    keys.sort();
    assert_eq!(keys, ["changes", "goes"]);
    // Any other change event would arrive before this one.
    put(&database, "comes", &serving(1, 1));
    until_value(&client, "comes", 1).await;
    assert_eq!(notified.recv_timeout(SOON).unwrap(), "comes");
}

// STO-1.3, STO-F9
#[tokio::test(start_paused = true)]
async fn tombstones_of_any_form_are_missing_flags() {
    let (database, store) = store();
    let relay = r#"{"key":"$deleted","on":false,"prerequisites":[],"targets":[],"rules":[],"variations":[],"version":7,"deleted":true}"#;
    put(&database, "alive", &serving(1, 1));
    for (key, text) in [
        ("a", r#"{"version":7,"deleted":true}"#),
        ("b", r#"{"key":"b","version":7,"deleted":true}"#),
        ("c", relay),
        ("d", r#"{"version":7,"key":"$deleted","deleted":true}"#),
        ("e", "null"),
    ] {
        database.put(PREFIX, DataKind::Flag, key, StoredItem::new(text));
    }
    let segment = json!({"key": "$deleted", "included": ["ada"], "version": 7, "deleted": true});
    database.put(
        PREFIX,
        DataKind::Segment,
        "gone",
        StoredItem::new(segment.to_string()),
    );
    let of_segment = support::with(
        serving(1, "outside"),
        &json!({"variations": ["inside", "outside"], "fallthrough": {"variation": 1},
            "rules": support::rule_for_segment("gone", false)}),
    );
    put(&database, "of-segment", &of_segment);
    let client = daemon(store).await;
    for key in ["a", "b", "c", "d", "e"] {
        assert_eq!(
            evaluated(&client, key).await,
            failed("FLAG_NOT_FOUND"),
            "{key}"
        );
    }
    assert_eq!(value(&client, "of-segment").await, "outside");
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    let mut keys: Vec<_> = state.values().map(|(key, _)| key.to_string()).collect();
    keys.sort();
    assert_eq!(keys, ["alive", "of-segment"]);
}

// STO-F35
#[tokio::test(start_paused = true)]
async fn a_database_that_is_filled_later_is_served() {
    let (database, store) = store();
    let client = daemon(store).await;
    assert_eq!(evaluated(&client, "flag").await, failed("FLAG_NOT_FOUND"));
    put(&database, "flag", &serving(1, 1));
    until_value(&client, "flag", 1).await;
}

// STO-F35
#[tokio::test(start_paused = true)]
async fn an_empty_database_is_one_warning() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let (_database, store) = store();
    let client = daemon(store).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let lines = log.lines();
    let is_warning = |line: &&String| line.contains(" WARN ") && line.contains("prefix match");
    assert_eq!(lines.iter().filter(is_warning).count(), 1, "{lines:#?}");
    let status = client.data_store_status().status();
    assert_eq!((status.available, status.items), (true, 0));
}

/// A client that only reads never writes: the store records no write, whatever happens to the
/// client.
#[tokio::test(start_paused = true)]
async fn a_client_in_daemon_mode_never_writes() {
    let modes = [
        None,
        Some(CacheMode::Off),
        Some(CacheMode::Ttl(Duration::from_millis(10))),
        Some(CacheMode::Infinite),
    ];
    for mode in modes {
        let (database, store) = store();
        put_many(&database, 20, 1);
        let mut config =
            PersistentStoreConfig::new(Arc::clone(&store)).refresh_interval(Duration::from_secs(1));
        if let Some(mode) = mode {
            config = config.cache(mode);
        }
        let client = daemon(config).await;
        assert_eq!(value(&client, "flag-1").await, 1);
        client
            .all_flags_state_async(&ada(), FlagsStateOptions::default())
            .await;
        // An outage and its end
        store.calls().fault_all(vexil_testing::StoreFault::Fail);
        tokio::time::sleep(Duration::from_secs(30)).await;
        value(&client, "flag-2").await;
        store.calls().heal();
        tokio::time::sleep(Duration::from_secs(30)).await;
        // Total loss
        database.clear(PREFIX);
        tokio::time::sleep(Duration::from_secs(30)).await;
        value(&client, "flag-3").await;
        client.close(SOON).await;
        assert_eq!(store.writes(), [], "{mode:?}");
        assert_eq!(store.calls().count(StoreMethod::Close), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn offline_takes_precedence_over_daemon_mode() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let client = builder()
        .daemon_mode(Arc::clone(&store))
        .offline(true)
        .start()
        .unwrap();
    assert_eq!(evaluated(&client, "flag").await, failed("CLIENT_NOT_READY"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(store.calls().count(StoreMethod::Snapshot), 0);
}

// STO-F8 and STO-F10
#[tokio::test(start_paused = true)]
async fn a_corrupt_item_keeps_its_last_good_version_and_affects_no_other() {
    let (database, store) = store();
    put(&database, "good", &serving(1, 1));
    put(
        &database,
        "was-good",
        &support::with(serving(1, 1), &json!({"key": "another"})),
    );
    database.put(
        PREFIX,
        DataKind::Flag,
        "never-good",
        StoredItem::new(r#"{"version":"#),
    );
    let client =
        daemon(PersistentStoreConfig::new(store).refresh_interval(Duration::from_secs(1))).await;
    let status = until(&client, |status| status.corrupt == 1).await;
    assert!(status.available && !status.stale);
    assert_eq!(status.error.unwrap().kind, DataStoreErrorKind::Corrupt);

    database.put(PREFIX, DataKind::Flag, "was-good", StoredItem::new("]"));
    put(&database, "good", &serving(2, 2));
    until_value(&client, "good", 2).await;
    assert_eq!(evaluated(&client, "was-good").await, fallthrough(1));
    assert_eq!(
        evaluated(&client, "never-good").await,
        failed("FLAG_NOT_FOUND")
    );
    let state = client.all_flags_state(&ada(), FlagsStateOptions::default());
    assert!(state.is_valid() && state.values().len() == 2);

    put(&database, "was-good", &serving(3, 3));
    put(&database, "never-good", &serving(3, 3));
    until_value(&client, "was-good", 3).await;
    assert_eq!(evaluated(&client, "never-good").await, fallthrough(3));
    assert_eq!(until(&client, |_| true).await.corrupt, 0);
}

// STO-9.4, STO-F21: a lower version is applied
#[tokio::test(start_paused = true)]
async fn a_change_without_a_higher_version_is_applied() {
    let (database, store) = store();
    put(&database, "flag", &serving(9, 9));
    let client =
        daemon(PersistentStoreConfig::new(store).refresh_interval(Duration::from_secs(1))).await;
    put(&database, "flag", &serving(3, 3));
    until_value(&client, "flag", 3).await;
    // Written by hand, with an unchanged version
    put(&database, "flag", &serving(3, "by hand"));
    until_value(&client, "flag", "by hand").await;
}
