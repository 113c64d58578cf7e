//! Daemon mode while the database is away, slow or broken.

use std::time::Duration;

use tokio::time::Instant;
use vexil::client::FlagsStateOptions;
use vexil::config::PersistentStoreConfig;
use vexil::status::{DataStoreErrorKind, DataStoreStatus};
use vexil_testing::{StoreFault, StoreMethod};

use super::*;

fn away(status: &DataStoreStatus) -> bool {
    !status.available
}

fn back(status: &DataStoreStatus) -> bool {
    status.available && !status.stale && status.last_refresh.is_some()
}

// Spec 04, section 10, row 1
#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_at_the_start_is_served_when_it_comes_up() {
    let (database, store) = store();
    put(&database, "flag", &gives(1, 1));
    store.calls().fault_all(StoreFault::Fail);
    let client = builder().daemon_mode(store.clone()).start().unwrap();
    assert!(client.is_initialized());
    // That there is nothing yet is no error of the client.
    client.wait_until_ready(Duration::from_secs(5)).await.unwrap();
    assert_eq!(evaluated(&client, "flag").await, failed("EXCEPTION"));
    assert!(!client.all_flags_state(&ada(), FlagsStateOptions::default()).is_valid());
    let status = until(&client, away).await;
    assert_eq!((status.stale, status.error.unwrap().kind), (false, DataStoreErrorKind::Unavailable));

    store.calls().heal();
    let healed = Instant::now();
    until(&client, back).await;
    assert!(healed.elapsed() <= Duration::from_secs(5), "{:?}", healed.elapsed());
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
}

// Spec 04, section 10, rows 3, 5 and 16: served without limit, read again on recovery, nothing written
#[tokio::test(start_paused = true)]
async fn an_outage_changes_no_evaluation_however_long_it_is() {
    for fault in [StoreFault::Fail, StoreFault::TimeOut, StoreFault::Panic, StoreFault::Hang] {
        let (database, store) = store();
        put(&database, "flag", &gives(1, 1));
        let config = PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1));
        let client = daemon(config).await;
        let mut changes = client.data_store_status().subscribe();
        store.calls().fault_all(fault);
        let status = until(&client, away).await;
        assert!(status.stale, "{fault:?}");
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(evaluated(&client, "flag").await, fallthrough(1), "{fault:?}");
        }
        put(&database, "flag", &gives(2, 2));
        store.calls().heal();
        until(&client, back).await;
        assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{fault:?}");
        assert_eq!(store.writes(), [], "{fault:?}");
        assert!(changes.next().await.is_some_and(|status| !status.available));
    }
}

// Spec 04, section 10, row 3: asked again soon at first, and every 5 s at last
#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_is_asked_seldom() {
    let (_, store) = store();
    let client = daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1))).await;
    store.calls().fault_all(StoreFault::Fail);
    until(&client, away).await;
    let before = store.calls().count(StoreMethod::Probe);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let probes = store.calls().count(StoreMethod::Probe) - before;
    assert!((110..=180).contains(&probes), "{probes}");
}

// Spec 04, section 10, row 6
#[tokio::test(start_paused = true)]
async fn a_slow_database_delays_no_evaluation() {
    let (database, store) = store();
    put(&database, "flag", &gives(1, 1));
    let client = daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1))).await;
    store.calls().fault_all(StoreFault::Delay(Duration::from_secs(2)));
    put(&database, "flag", &gives(2, 2));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let before = Instant::now();
        value(&client, "flag").await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(evaluated(&client, "flag").await, fallthrough(2));
    assert!(client.data_store_status().status().available);
}

// Spec 04, section 10, row 13
#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_apart_and_asked_about_again() {
    let (database, store) = store();
    put(&database, "flag", &gives(1, 1));
    let client = daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1))).await;
    store.calls().fault_all(StoreFault::Refuse);
    let status = until(&client, away).await;
    assert_eq!(status.error.unwrap().kind, DataStoreErrorKind::Auth);
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    store.calls().heal();
    until(&client, back).await;
}

// Spec 04, section 10, row 36
#[tokio::test(start_paused = true)]
async fn closing_while_the_database_hangs_does_not_hang() {
    let (_, store) = store();
    let client = daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1))).await;
    store.calls().fault_all(StoreFault::Hang);
    store.calls().reached(StoreMethod::Snapshot, 2).await;
    let begun = Instant::now();
    client.close(Duration::from_secs(60)).await;
    assert!(begun.elapsed() <= Duration::from_secs(5), "{:?}", begun.elapsed());
}
