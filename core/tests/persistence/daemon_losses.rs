//! Daemon mode when the database has lost its data.

use std::time::Duration;

use vexil::config::PersistentStoreConfig;
use vexil_testing::StoreMethod;

use super::*;

/// A client with twenty flags that refreshes every second.
async fn over_twenty(accept_empty: bool) -> (MemoryDatabase, Arc<MemoryPersistentStore>, Client) {
    let (database, store) = store();
    put_many(&database, 20, 1);
    database.set_initialized(PREFIX, true);
    let config =
        PersistentStoreConfig::new(Arc::clone(&store)).refresh_interval(Duration::from_secs(1));
    let client = daemon(config.accept_empty(accept_empty)).await;
    (database, store, client)
}

// STO-F22: FLUSHALL, or a restart without persistence
#[tokio::test(start_paused = true)]
async fn an_emptied_database_removes_no_flag() {
    let (database, _store, client) = over_twenty(false).await;
    database.clear(PREFIX);
    let status = until(&client, |status| status.stale).await;
    assert!(status.available);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    for n in 0..20 {
        assert_eq!(
            evaluated(&client, &format!("flag-{n}")).await,
            fallthrough(1)
        );
    }
    // Items that are written again are used at once. The others are kept until the data set is
    // complete.
    put_many(&database, 12, 2);
    until_value(&client, "flag-0", 2).await;
    assert_eq!(evaluated(&client, "flag-19").await, fallthrough(1));
    put_many(&database, 20, 2);
    database.set_initialized(PREFIX, true);
    until_value(&client, "flag-19", 2).await;
    until(&client, |status| !status.stale).await;
}

// STO-F23: one key was evicted, and the marker is there
#[tokio::test(start_paused = true)]
async fn if_only_the_flags_are_lost_they_are_kept_and_segments_still_change() {
    let (database, _store, client) = over_twenty(false).await;
    database.put(
        PREFIX,
        DataKind::Segment,
        "s",
        StoredItem::new(json!({"version": 1}).to_string()),
    );
    until(&client, |status| status.items == 21).await;
    remove_all(&database, 20);
    until(&client, |status| status.stale).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(evaluated(&client, "flag-7").await, fallthrough(1));
}

// STO-9.4: an environment that was emptied on purpose
#[tokio::test(start_paused = true)]
async fn a_few_flags_that_are_missing_for_a_minute_are_removed() {
    let (database, store) = store();
    put_many(&database, 3, 1);
    database.set_initialized(PREFIX, true);
    let client =
        daemon(PersistentStoreConfig::new(store).refresh_interval(Duration::from_secs(1))).await;
    remove_all(&database, 3);
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(evaluated(&client, "flag-0").await, fallthrough(1));
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(evaluated(&client, "flag-0").await, failed("FLAG_NOT_FOUND"));
}

// STO-F25
#[tokio::test(start_paused = true)]
async fn most_flags_are_removed_only_after_a_second_read() {
    let (database, store, client) = over_twenty(false).await;
    for n in 5..20 {
        database.remove(PREFIX, DataKind::Flag, &format!("flag-{n}"));
    }
    let seen = store.calls().count(StoreMethod::Snapshot);
    store.calls().reached(StoreMethod::Snapshot, seen + 1).await;
    assert_eq!(evaluated(&client, "flag-19").await, fallthrough(1));
    until_value(&client, "flag-19", "default").await;
    assert!(store.calls().count(StoreMethod::Snapshot) >= seen + 2);
    assert_eq!(evaluated(&client, "flag-4").await, fallthrough(1));
}

#[tokio::test(start_paused = true)]
async fn a_loss_does_not_make_the_client_read_more_often() {
    let (database, store, client) = over_twenty(false).await;
    remove_all(&database, 15);
    until(&client, |status| status.stale).await;
    let before = store.calls().count(StoreMethod::Snapshot);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let reads = store.calls().count(StoreMethod::Snapshot) - before;
    assert!((29..=45).contains(&reads), "{reads}");
}

// STO-F25: a writer that was half done
#[tokio::test(start_paused = true)]
async fn flags_that_are_back_at_the_second_read_are_never_missing() {
    let (database, store, client) = over_twenty(false).await;
    for n in 5..20 {
        database.remove(PREFIX, DataKind::Flag, &format!("flag-{n}"));
    }
    let seen = store.calls().count(StoreMethod::Snapshot);
    store.calls().reached(StoreMethod::Snapshot, seen + 1).await;
    put_many(&database, 20, 2);
    let waiting = async {
        loop {
            match value(&client, "flag-19").await {
                value if value == 2 => break,
                value => assert_eq!(value, 1),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_empty_database_is_accepted_at_once_if_configured() {
    let (database, _store, client) = over_twenty(true).await;
    database.clear(PREFIX);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(evaluated(&client, "flag-0").await, failed("FLAG_NOT_FOUND"));
    assert!(!client.data_store_status().status().stale);
}
