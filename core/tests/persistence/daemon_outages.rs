//! Daemon mode while the database is unavailable, slow or faulty.

use std::time::Duration;

use tokio::time::Instant;
use vexil::client::{FlagsStateOptions, NotReadyError};
use vexil::config::PersistentStoreConfig;
use vexil::status::{DataStoreErrorKind, DataStoreStatus};
use vexil::store::CacheMode;
use vexil_testing::{StoreFault, StoreMethod};

use super::*;
use crate::log::Log;

fn away(status: &DataStoreStatus) -> bool {
    !status.available
}

fn back(status: &DataStoreStatus) -> bool {
    status.available && !status.stale && status.last_refresh.is_some()
}

// STO-F1
#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_at_the_start_is_served_when_it_recovers() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    store.calls().fault_all(StoreFault::Fail);
    let client = builder().daemon_mode(store.clone()).start().unwrap();
    assert!(client.is_initialized());
    assert!(
        client
            .wait_until_ready(Duration::from_secs(5))
            .await
            .is_err()
    );
    assert_eq!(evaluated(&client, "flag").await, failed("EXCEPTION"));
    assert!(
        !client
            .all_flags_state(&ada(), FlagsStateOptions::default())
            .is_valid()
    );
    let status = until(&client, away).await;
    assert_eq!(
        (status.stale, status.error.unwrap().kind),
        (false, DataStoreErrorKind::Unavailable)
    );

    store.calls().heal();
    let healed = Instant::now();
    until(&client, back).await;
    assert!(
        healed.elapsed() <= Duration::from_secs(5),
        "{:?}",
        healed.elapsed()
    );
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
}

/// The modes of a client that only reads: everything in memory, and the cache modes.
const MODES: [Option<CacheMode>; 4] = [
    None,
    Some(CacheMode::Off),
    Some(CacheMode::Ttl(Duration::from_secs(15))),
    Some(CacheMode::Infinite),
];

fn reading(store: &Arc<MemoryPersistentStore>, mode: Option<CacheMode>) -> ClientBuilder {
    let config =
        PersistentStoreConfig::new(Arc::clone(store)).refresh_interval(Duration::from_secs(1));
    builder().daemon_mode(match mode {
        Some(mode) => config.cache(mode),
        None => config,
    })
}

#[tokio::test(start_paused = true)]
async fn a_client_is_ready_once_its_database_has_been_read_and_not_before() {
    for mode in MODES {
        for (fault, kind) in [
            (StoreFault::Fail, Some(DataStoreErrorKind::Unavailable)),
            (StoreFault::Refuse, Some(DataStoreErrorKind::Auth)),
            (StoreFault::Panic, Some(DataStoreErrorKind::Unavailable)),
            (StoreFault::Hang, None),
        ] {
            let (_, store) = store();
            store.calls().fault_all(fault);
            let client = reading(&store, mode).start().unwrap();
            let begun = Instant::now();
            let not_ready = client
                .wait_until_ready(Duration::from_secs(4))
                .await
                .unwrap_err();
            assert!(
                begun.elapsed() >= Duration::from_secs(4),
                "{mode:?} {fault:?}: the wait ended early"
            );
            let NotReadyError::StoreNotRead { error } = not_ready else {
                panic!("{not_ready}")
            };
            assert_eq!(error.map(|error| error.kind), kind, "{mode:?} {fault:?}");
            assert!(client.is_initialized(), "as in other SDKs");
            assert!(
                client.blocking_wait_until_ready(Duration::ZERO).is_err(),
                "{mode:?} {fault:?}"
            );

            store.calls().heal();
            client.wait_until_ready(SOON).await.unwrap();
            // An empty database is still a successful read, and a later outage changes nothing.
            assert_eq!(
                evaluated(&client, "flag").await,
                failed("FLAG_NOT_FOUND"),
                "{mode:?} {fault:?}"
            );
            store.calls().fault_all(fault);
            tokio::time::sleep(Duration::from_secs(60)).await;
            client.wait_until_ready(Duration::ZERO).await.unwrap();
            client.close(SOON).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_a_client_that_never_read_its_database_is_closed() {
    for mode in MODES {
        let (_, store) = store();
        store.calls().fault_all(StoreFault::Fail);
        let client = reading(&store, mode).start().unwrap();
        client.close(SOON).await;
        let begun = Instant::now();
        let not_ready = client
            .wait_until_ready(Duration::from_secs(600))
            .await
            .unwrap_err();
        assert!(
            matches!(not_ready, NotReadyError::GivenUp { .. }),
            "{mode:?}: {not_ready}"
        );
        assert!(begun.elapsed() < Duration::from_secs(1), "{mode:?}");
    }
}

/// The lines of a log that have this level and contain these words.
fn lines(log: &Log, level: &str, words: &str) -> Vec<String> {
    let level = format!(" {level} ");
    log.lines()
        .into_iter()
        .filter(|line| line.contains(&level) && line.contains(words))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_logged_at_once_at_the_start_and_later_after_a_minute() {
    let writing = |store: &Arc<MemoryPersistentStore>, mode: Option<CacheMode>| {
        let config = PersistentStoreConfig::new(Arc::clone(store));
        builder()
            .data_source(support::Silent)
            .data_store(match mode {
                Some(mode) => config.cache(mode),
                None => config,
            })
    };
    for mode in MODES {
        for make in [
            &reading as &dyn Fn(&Arc<MemoryPersistentStore>, Option<CacheMode>) -> ClientBuilder,
            &writing,
        ] {
            let log = Log::default();
            let _guard = tracing::subscriber::set_default(log.subscriber());
            let (_, store) = store();
            store.calls().fault_all(StoreFault::Fail);
            let client = make(&store, mode).start().unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            let warnings = lines(&log, "WARN", "the test has it fail");
            assert_eq!(warnings.len(), 1, "{mode:?}: {:#?}", log.lines());
            assert!(!until(&client, away).await.answered);
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(
                lines(&log, "WARN", "does not answer").len(),
                0,
                "the outage was logged already: {mode:?}"
            );
            assert_eq!(
                lines(&log, "WARN", "the test has it fail").len(),
                1,
                "{mode:?}"
            );
            store.calls().heal();
            until(&client, |status| status.available).await;
            assert_eq!(lines(&log, "INFO", "answers again").len(), 1, "{mode:?}");
        }
    }

    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let (_, store) = store();
    let client = started(reading(&store, None)).await;
    store.calls().fault_all(StoreFault::Fail);
    until(&client, away).await;
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert_eq!(
        lines(&log, "WARN", "does not answer").len(),
        0,
        "a short outage is not logged"
    );
    store.calls().heal();
    until(&client, back).await;
    assert_eq!(
        lines(&log, "INFO", "answers again").len(),
        0,
        "the end of an outage that was not logged is not logged either"
    );

    store.calls().fault_all(StoreFault::Fail);
    until(&client, away).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(lines(&log, "WARN", "does not answer").len(), 1);
    store.calls().heal();
    until(&client, back).await;
    assert_eq!(lines(&log, "INFO", "answers again").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_changes_the_status_only_at_its_start_and_end_and_its_error_ends() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let client = started(reading(&store, None)).await;
    let mut changes = client.data_store_status().subscribe();
    store.calls().fault_all(StoreFault::Fail);
    let status = until(&client, away).await;
    assert_eq!(status.error.unwrap().ended, None);
    tokio::time::sleep(Duration::from_secs(600)).await;
    store.calls().heal();
    let status = until(&client, back).await;
    let error = status.error.unwrap();
    assert!(
        error.ended.is_some_and(|ended| ended >= error.time),
        "{error:?}"
    );
    // Any other status change arrives before this one.
    store.calls().fault_all(StoreFault::Refuse);
    until(&client, away).await;
    let mut seen = Vec::new();
    loop {
        let status = changes.next().await.unwrap();
        let error = status.error.unwrap();
        if error.kind == DataStoreErrorKind::Auth {
            assert_eq!(error.ended, None);
            break;
        }
        seen.push((status.available, status.stale, error.ended.is_some()));
    }
    assert_eq!(
        seen,
        [
            (false, true, false),
            (true, true, true),
            (true, false, true)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_error_of_an_item_ends_when_no_item_is_corrupt() {
    let (database, store) = store();
    database.put(PREFIX, DataKind::Flag, "flag", StoredItem::new("]"));
    let client = started(reading(&store, None)).await;
    let error = |status: &DataStoreStatus| status.error.clone().unwrap();
    let status = until(&client, |status| status.corrupt == 1).await;
    assert_eq!(
        (error(&status).kind, error(&status).ended),
        (DataStoreErrorKind::Corrupt, None)
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        error(&client.data_store_status().status()).ended,
        None,
        "the item is still corrupt"
    );
    put(&database, "flag", &serving(1, 1));
    let status = until(&client, |status| status.corrupt == 0).await;
    assert!(error(&status).ended.is_some());
}

// STO-F3, STO-F5 and STO-F16: served without limit, refreshed on recovery, nothing written
#[tokio::test(start_paused = true)]
async fn an_outage_changes_no_evaluation_however_long_it_is() {
    for fault in [
        StoreFault::Fail,
        StoreFault::TimeOut,
        StoreFault::Panic,
        StoreFault::Hang,
    ] {
        let (database, store) = store();
        put(&database, "flag", &serving(1, 1));
        let config =
            PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1));
        let client = daemon(config).await;
        let mut changes = client.data_store_status().subscribe();
        store.calls().fault_all(fault);
        let status = until(&client, away).await;
        assert!(status.stale, "{fault:?}");
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(
                evaluated(&client, "flag").await,
                fallthrough(1),
                "{fault:?}"
            );
        }
        put(&database, "flag", &serving(2, 2));
        store.calls().heal();
        until(&client, back).await;
        assert_eq!(
            evaluated(&client, "flag").await,
            fallthrough(2),
            "{fault:?}"
        );
        assert_eq!(store.writes(), [], "{fault:?}");
        assert!(changes.next().await.is_some_and(|status| !status.available));
    }
}

// STO-F3: retried soon at first, later every 5 s
#[tokio::test(start_paused = true)]
async fn an_unavailable_database_is_queried_rarely() {
    let (_, store) = store();
    let client =
        daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1)))
            .await;
    store.calls().fault_all(StoreFault::Fail);
    until(&client, away).await;
    let before = store.calls().count(StoreMethod::Probe);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let probes = store.calls().count(StoreMethod::Probe) - before;
    assert!((110..=180).contains(&probes), "{probes}");
}

// STO-F6
#[tokio::test(start_paused = true)]
async fn a_slow_database_delays_no_evaluation() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let client =
        daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1)))
            .await;
    store
        .calls()
        .fault_all(StoreFault::Delay(Duration::from_secs(2)));
    put(&database, "flag", &serving(2, 2));
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

// STO-F24: a suspended machine whose monotonic clock continues
#[tokio::test(start_paused = true)]
async fn a_jump_of_time_costs_one_read_and_no_evaluation() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let config = PersistentStoreConfig::new(store.clone());
    let client = daemon(config.refresh_interval(Duration::from_secs(15))).await;
    put(&database, "flag", &serving(2, 2));
    let before = store.calls().count(StoreMethod::Snapshot);
    tokio::time::advance(Duration::from_secs(8 * 3600)).await;
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    until_value(&client, "flag", 2).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(store.calls().count(StoreMethod::Snapshot), before + 1);
    let status = client.data_store_status().status();
    assert!(status.available && !status.stale, "{status:?}");
}

// STO-F13
#[tokio::test(start_paused = true)]
async fn a_refusal_is_reported_as_such_and_retried() {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let client =
        daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1)))
            .await;
    store.calls().fault_all(StoreFault::Refuse);
    let status = until(&client, away).await;
    assert_eq!(status.error.unwrap().kind, DataStoreErrorKind::Auth);
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    store.calls().heal();
    until(&client, back).await;
}

// STO-F36
#[tokio::test(start_paused = true)]
async fn closing_while_the_database_hangs_does_not_hang() {
    let (_, store) = store();
    let client =
        daemon(PersistentStoreConfig::new(store.clone()).refresh_interval(Duration::from_secs(1)))
            .await;
    store.calls().fault_all(StoreFault::Hang);
    store.calls().reached(StoreMethod::Snapshot, 2).await;
    let begun = Instant::now();
    client.close(Duration::from_secs(60)).await;
    assert!(
        begun.elapsed() <= Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}
