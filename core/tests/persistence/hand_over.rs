//! Evaluations read the database until the data source has delivered, and then memory: FDV2-8.1 to
//! FDV2-8.3.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;
use vexil::client::{DataAvailability, FlagsStateOptions};
use vexil::config::PersistentStoreConfig;
use vexil::store::CacheMode;
use vexil_testing::{StoreFault, StoreMethod};

use super::change_sets::{flag, full, has_marker, synchronized};
use super::*;
use crate::log::Log;

const TTL: Duration = Duration::from_secs(10);

/// How the data of the database is cached. `None`: all of it is in memory.
const MODES: [Option<CacheMode>; 4] = [
    None,
    Some(CacheMode::Off),
    Some(CacheMode::Ttl(TTL)),
    Some(CacheMode::Infinite),
];

fn cached(store: &Arc<MemoryPersistentStore>, mode: Option<CacheMode>) -> PersistentStoreConfig {
    let config = PersistentStoreConfig::new(Arc::clone(store));
    mode.into_iter().fold(config, PersistentStoreConfig::cache)
}

/// The number of calls that read.
fn reads(store: &MemoryPersistentStore) -> u64 {
    let methods = [StoreMethod::Get, StoreMethod::GetAll, StoreMethod::Snapshot];
    methods
        .iter()
        .map(|method| store.calls().count(*method))
        .sum()
}

// FDV2-8.1, FDV2-8.2
#[tokio::test(start_paused = true)]
async fn the_first_full_change_set_hands_over_from_the_database_to_memory() {
    for mode in MODES {
        for is_system in [true, false] {
            for is_read_only in [true, false] {
                // Without a data system a cache is handed over only if the database is read only.
                if mode.is_some() && !is_system && !is_read_only {
                    continue;
                }
                let name = format!("{mode:?} {is_system} {is_read_only}");
                let (database, store) = store();
                put(&database, "flag", &serving(5, 5));
                database.set_initialized(PREFIX, true);
                let source = Scripted::default();
                let config = cached(&store, mode);
                let config = if is_read_only {
                    config.read_only()
                } else {
                    config
                };
                let client = match is_system {
                    true => synchronized(source.clone(), config).start().unwrap(),
                    false => {
                        let builder = builder().data_source(source.clone());
                        builder.data_store(config).start().unwrap()
                    }
                };
                until_value(&client, "flag", 5).await;
                assert_eq!(
                    client.data_availability(),
                    DataAvailability::Cached,
                    "{name}"
                );

                let flags = json!({"flag": serving(2, 2)});
                source.sink().apply(full(&flags)).await.unwrap();
                assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{name}");
                assert_eq!(client.data_availability(), DataAvailability::Refreshed);
                sleep(Duration::from_secs(1)).await;
                let item = database.item(PREFIX, DataKind::Flag, "flag").unwrap();
                let json: Json = serde_json::from_slice(&item.body).unwrap();
                assert_eq!(json["version"], if is_read_only { 5 } else { 2 }, "{name}");

                // What happens to the database has no effect on evaluations.
                let before = reads(&store);
                put(&database, "flag", &serving(9, 9));
                put(&database, "other", &serving(9, 9));
                assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{name}");
                assert_eq!(evaluated(&client, "other").await, failed("FLAG_NOT_FOUND"));
                let state = client
                    .all_flags_state_async(&ada(), FlagsStateOptions::default())
                    .await;
                assert_eq!(state.values().len(), 1, "{name}");
                assert_eq!(reads(&store), before, "{name}");
                for fault in [StoreFault::Fail, StoreFault::Hang] {
                    store.calls().fault_all(fault);
                    sleep(Duration::from_secs(60)).await;
                    assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{name}");
                }
                store.calls().heal();
                source.sink().upsert(flag("flag", 3)).await.unwrap();
                assert_eq!(evaluated(&client, "flag").await, fallthrough(3), "{name}");
                if mode.is_some() {
                    let whole = store.calls().count(StoreMethod::Snapshot);
                    assert_eq!(whole, 0, "{name}: nothing needs all data of the database");
                }
                client.close(SOON).await;
                if is_read_only {
                    assert_eq!(store.writes(), [], "{name}");
                }
            }
        }
    }
}

// FDV2-8.1
#[tokio::test(start_paused = true)]
async fn a_read_only_database_is_never_written_not_even_when_it_is_empty() {
    for mode in MODES {
        let (database, store) = store();
        let source = Scripted::default();
        let config = cached(&store, mode)
            .read_only()
            .reconcile_interval(Duration::from_secs(20));
        let client = synchronized(source.clone(), config).start().unwrap();
        let flags = json!({"flag": serving(2, 2)});
        source.sink().apply(full(&flags)).await.unwrap();
        source.sink().upsert(flag("flag", 3)).await.unwrap();
        sleep(Duration::from_secs(600)).await;
        store.calls().fault_all(StoreFault::Fail);
        sleep(Duration::from_secs(60)).await;
        store.calls().heal();
        sleep(Duration::from_secs(60)).await;
        client.close(SOON).await;
        assert_eq!(store.writes(), [], "{mode:?}");
        assert!(!has_marker(&database).await, "{mode:?}");
    }
}

// STO-5.3: nothing is written that would prove that the outage is over
#[tokio::test(start_paused = true)]
async fn an_outage_of_a_read_only_database_ends_after_the_hand_over() {
    for mode in MODES {
        let (database, store) = store();
        put(&database, "flag", &serving(5, 5));
        store.calls().fault_all(StoreFault::Fail);
        let source = Scripted::default();
        let config = cached(&store, mode).read_only();
        let client = synchronized(source.clone(), config).start().unwrap();
        evaluated(&client, "flag").await;
        until(&client, |status| !status.available).await;
        let flags = json!({"flag": serving(2, 2)});
        source.sink().apply(full(&flags)).await.unwrap();
        assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{mode:?}");
        store.calls().heal();
        let status = until(&client, |status| status.available).await;
        assert!(status.error.is_some_and(|error| error.ended.is_some()));
        until(&client, |status| !status.stale).await;
        assert_eq!(store.writes(), [], "{mode:?}");
    }
}

// FDV2-8.3
#[tokio::test(start_paused = true)]
async fn a_missing_marker_is_remembered_as_the_cache_says() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL), CacheMode::Infinite] {
        let (database, store) = store();
        put(&database, "flag", &serving(5, 5));
        let source = Scripted::default();
        let config = cached(&store, Some(mode));
        let client = synchronized(source.clone(), config).start().unwrap();
        let not_ready = failed("CLIENT_NOT_READY");
        assert_eq!(evaluated(&client, "flag").await, not_ready, "{mode:?}");
        assert!(client.wait_until_ready(Duration::ZERO).await.is_err());

        database.set_initialized(PREFIX, true);
        let marked = evaluated(&client, "flag").await;
        sleep(TTL - Duration::from_millis(10)).await;
        let before_expiry = evaluated(&client, "flag").await;
        sleep(Duration::from_millis(20)).await;
        let after_expiry = evaluated(&client, "flag").await;
        sleep(Duration::from_secs(100_000)).await;
        let at_last = evaluated(&client, "flag").await;
        let served = fallthrough(5);
        let seen = [marked, before_expiry, after_expiry, at_last].map(|seen| seen == served);
        let expected = match mode {
            CacheMode::Off => [true; 4],
            CacheMode::Ttl(_) => [false, false, true, true],
            _ => [false; 4],
        };
        assert_eq!(seen, expected, "{mode:?}");
        let flags = json!({"flag": serving(2, 2)});
        source.sink().apply(full(&flags)).await.unwrap();
        assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{mode:?}");
    }
}

// FDV2-8.3
#[tokio::test(start_paused = true)]
async fn stored_data_is_used_right_after_the_start_with_one_warning() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL), CacheMode::Infinite] {
        let (database, store) = store();
        put(&database, "flag", &serving(5, 5));
        database.set_initialized(PREFIX, true);
        let log = Log::default();
        let _logging = tracing::subscriber::set_default(log.subscriber());
        let source = Scripted::default();
        let config = cached(&store, Some(mode));
        let client = synchronized(source.clone(), config).start().unwrap();
        for _ in 0..3 {
            assert_eq!(evaluated(&client, "flag").await, fallthrough(5), "{mode:?}");
        }
        let lines = log.lines();
        let warnings = lines
            .iter()
            .filter(|line| line.contains("an earlier process left"));
        assert_eq!(warnings.count(), 1, "{mode:?} {lines:#?}");
    }
}

// FDV2-8.2: the data source delivers while an evaluation is in progress
#[tokio::test(start_paused = true)]
async fn an_evaluation_that_began_before_the_hand_over_reads_the_right_item() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL), CacheMode::Infinite] {
        let (database, store) = store();
        put(&database, "flag", &serving(5, 5));
        database.set_initialized(PREFIX, true);
        let source = Scripted::default();
        let client = synchronized(source.clone(), cached(&store, Some(mode)));
        let client = client.start().unwrap();
        {
            // It has found that the item must be fetched, and has not fetched it yet.
            let mut evaluating = pin!(evaluated(&client, "flag"));
            let once =
                poll_fn(|context| Poll::Ready(evaluating.as_mut().poll(context).is_pending()));
            assert!(once.await);
            let flags = json!({"flag": serving(2, 2)});
            source.sink().apply(full(&flags)).await.unwrap();
            assert_eq!(evaluating.await, fallthrough(2), "{mode:?}");
        }
        assert_eq!(store.calls().count(StoreMethod::Get), 0, "{mode:?}");

        // The database answers only after the hand-over.
        let (database, store) = super::store();
        put(&database, "flag", &serving(5, 5));
        database.set_initialized(PREFIX, true);
        let client = synchronized(source.clone(), cached(&store, Some(mode)));
        let client = client.start().unwrap();
        let delay = StoreFault::Delay(Duration::from_millis(500));
        store.calls().fault_next(StoreMethod::Get, delay);
        let mut evaluating = pin!(evaluated(&client, "flag"));
        let early = tokio::time::timeout(Duration::from_millis(100), evaluating.as_mut()).await;
        assert!(early.is_err(), "{early:?}");
        let flags = json!({"flag": serving(2, 2)});
        source.sink().apply(full(&flags)).await.unwrap();
        let seen = evaluating.await;
        assert!(
            seen == fallthrough(5) || seen == fallthrough(2),
            "{mode:?} {seen:?}"
        );
        assert_eq!(evaluated(&client, "flag").await, fallthrough(2), "{mode:?}");
    }
}
