//! Clients whose evaluations read the database (STO-5).

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;
use vexil::client::FlagsStateOptions;
use vexil::config::PersistentStoreConfig;
use vexil::store::{CacheMode, Upserted};
use vexil_testing::{StoreFault, StoreMethod, TestData};

use super::*;
use crate::log::Log;
use crate::support::with;

const TTL: Duration = Duration::from_secs(10);

async fn reading(mode: CacheMode) -> (MemoryDatabase, Arc<MemoryPersistentStore>, Client) {
    let (database, store) = store();
    put(&database, "flag", &serving(1, 1));
    let client = daemon(PersistentStoreConfig::new(Arc::clone(&store)).cache(mode)).await;
    (database, store, client)
}

// STO-5.1, FDV2-8.4
#[tokio::test(start_paused = true)]
async fn without_a_cache_each_evaluation_reads() {
    let (database, store, client) = reading(CacheMode::Off).await;
    for version in 1..5 {
        put(&database, "flag", &serving(version, version));
        assert_eq!(evaluated(&client, "flag").await, fallthrough(version));
    }
    assert_eq!(store.calls().count(StoreMethod::Get), 4);
    database.remove(PREFIX, DataKind::Flag, "flag");
    assert_eq!(evaluated(&client, "flag").await, failed("FLAG_NOT_FOUND"));
}

#[tokio::test(start_paused = true)]
async fn a_defect_of_a_flag_that_is_read_repeatedly_is_logged_once_per_version() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL)] {
        let (database, _, client) = reading(mode).await;
        let log = Log::default();
        let _logging = tracing::subscriber::set_default(log.subscriber());
        for version in 2..4 {
            let clause = json!({"attribute": "a", "op": "matches", "values": ["a**"]});
            let rules = json!({"rules": [{"clauses": [clause], "variation": 0}]});
            put(&database, "flag", &with(serving(version, version), &rules));
            for _ in 0..5 {
                tokio::time::sleep(TTL).await;
                assert_eq!(evaluated(&client, "flag").await, fallthrough(version));
            }
        }
        let lines = log.lines();
        let defects = lines
            .iter()
            .filter(|line| line.contains("regular expression") && line.contains("key=flag"));
        assert_eq!(defects.count(), 2, "{lines:#?}");
    }
}

// STO-5.1, STO-8.5, FDV2-8.4: items and missing items are cached for the TTL, never longer
#[tokio::test(start_paused = true)]
async fn items_are_cached_for_the_ttl() {
    for key in ["flag", "missing"] {
        let (database, store, client) = reading(CacheMode::Ttl(TTL)).await;
        let before = evaluated(&client, key).await;
        put(&database, key, &serving(2, 2));
        let read = Instant::now();
        until_value(&client, key, 2).await;
        let took = read.elapsed();
        assert!(took >= TTL / 2 && took <= TTL, "{key} {took:?} {before:?}");
        assert!(store.calls().count(StoreMethod::Get) <= 3);
    }
}

// STO-8.5: an item in use is refreshed before it expires, so no evaluation waits
#[tokio::test(start_paused = true)]
async fn a_flag_in_use_is_refreshed_before_it_expires() {
    let (_, store, client) = reading(CacheMode::Ttl(TTL)).await;
    value(&client, "flag").await;
    store
        .calls()
        .fault_all(StoreFault::Delay(Duration::from_millis(400)));
    let begun = Instant::now();
    while begun.elapsed() < TTL * 5 {
        let before = Instant::now();
        assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
        assert_eq!(before.elapsed(), Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        (5..=8).contains(&store.calls().count(StoreMethod::Get)),
        "{}",
        store.calls().count(StoreMethod::Get)
    );
}

// FDV2-8.4
#[tokio::test(start_paused = true)]
async fn items_are_cached_for_ever_in_infinite_mode() {
    let (database, store, client) = reading(CacheMode::Infinite).await;
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    assert_eq!(
        evaluated(&client, "missing").await,
        failed("FLAG_NOT_FOUND")
    );
    put(&database, "flag", &serving(2, 2));
    put(&database, "missing", &serving(2, 2));
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    assert_eq!(
        evaluated(&client, "missing").await,
        failed("FLAG_NOT_FOUND")
    );
    assert_eq!(store.calls().count(StoreMethod::Get), 2);
}

/// Concurrent evaluations of the same flag share one read, whatever its result.
#[tokio::test(start_paused = true)]
async fn two_thousand_evaluations_of_a_flag_cause_one_read() {
    let slow = StoreFault::Delay(Duration::from_millis(100));
    for (fault, expected) in [
        (slow, fallthrough(1)),
        (StoreFault::Hang, failed("EXCEPTION")),
    ] {
        for mode in [CacheMode::Ttl(TTL), CacheMode::Off] {
            let (_, store, client) = reading(mode).await;
            store.calls().fault_all(fault);
            let ask = || {
                let client = client.clone();
                tokio::spawn(async move { evaluated(&client, "flag").await })
            };
            let all: Vec<_> = (0..2_000).map(|_| ask()).collect();
            for one in all {
                assert_eq!(one.await.unwrap(), expected);
            }
            assert_eq!(
                store.calls().count(StoreMethod::Get),
                1,
                "{mode:?} {fault:?}"
            );
        }
    }
}

// STO-F5 and STO-F6; STO-9.3: serve stale
#[tokio::test(start_paused = true)]
async fn during_an_outage_cached_items_are_served_and_no_evaluation_waits_twice() {
    let (database, store, client) = reading(CacheMode::Ttl(TTL)).await;
    value(&client, "flag").await;
    store.calls().fault_all(StoreFault::Hang);
    tokio::time::sleep(TTL * 2).await;
    for _ in 0..10 {
        assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    }
    let status = until(&client, |status| !status.available).await;
    assert!(status.stale);
    let begun = Instant::now();
    assert_eq!(evaluated(&client, "never-read").await, failed("EXCEPTION"));
    assert_eq!(
        begun.elapsed(),
        Duration::ZERO,
        "a database that is unavailable is not queried"
    );
    put(&database, "flag", &serving(2, 2));
    store.calls().heal();
    until_value(&client, "flag", 2).await;
    let status = until(&client, |status| status.available).await;
    assert!(!status.stale);
}

const MODES: [CacheMode; 3] = [CacheMode::Off, CacheMode::Ttl(TTL), CacheMode::Infinite];

#[tokio::test(start_paused = true)]
async fn an_evaluation_waits_at_most_for_the_evaluation_timeout() {
    for (allowed, delay, expected) in [
        (
            Duration::from_secs(2),
            Duration::from_millis(1_950),
            fallthrough(1),
        ),
        (
            Duration::from_secs(2),
            Duration::from_millis(2_050),
            failed("EXCEPTION"),
        ),
        (
            Duration::from_secs(8),
            Duration::from_millis(7_950),
            fallthrough(1),
        ),
        (
            Duration::from_millis(100),
            Duration::from_millis(150),
            failed("EXCEPTION"),
        ),
    ] {
        for mode in MODES {
            let (database, store) = store();
            put(&database, "flag", &serving(1, 1));
            let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(mode);
            let client = started(builder().evaluation_timeout(allowed).daemon_mode(config)).await;
            store
                .calls()
                .fault(StoreMethod::Get, StoreFault::Delay(delay));
            let begun = Instant::now();
            assert_eq!(
                evaluated(&client, "flag").await,
                expected,
                "{mode:?}, {delay:?} of {allowed:?}"
            );
            assert!(
                begun.elapsed() <= allowed + Duration::from_millis(10),
                "{mode:?}: {:?}",
                begun.elapsed()
            );
            // A late response for a single item is used by later evaluations.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let before = Instant::now();
            assert_eq!(
                evaluated(&client, "flag").await,
                fallthrough(1),
                "{mode:?}, {delay:?} of {allowed:?}"
            );
            assert!(before.elapsed() <= allowed, "{mode:?}");
            assert!(
                client.data_store_status().status().available,
                "slow is not unavailable: {mode:?}"
            );
        }
    }
}

// Each read is in time, and both together are not.
#[test]
fn a_blocking_evaluation_of_several_slow_items_uses_the_last_known_ones() {
    let (database, store) = store();
    let needs = json!({"prerequisites": [{"key": "first", "variation": 0}]});
    put(&database, "first", &serving(1, 1));
    put(&database, "flag", &with(serving(1, 1), &needs));
    let allowed = Duration::from_secs(1);
    let cache = CacheMode::Ttl(Duration::from_millis(1));
    let client = Client::builder("sdk-key")
        .without_events()
        .evaluation_timeout(allowed)
        .daemon_mode(PersistentStoreConfig::new(Arc::clone(&store)).cache(cache))
        .start()
        .unwrap();
    let value = || client.variation("flag", &ada(), -1_i64);
    let known = value();
    assert_ne!(known, -1);
    store
        .calls()
        .fault(StoreMethod::Get, StoreFault::Delay(allowed.mul_f64(0.7)));
    assert_eq!(value(), known);
}

/// Evaluates a flag every 25 ms for a second, each time in a separate task. Returns how many
/// evaluations returned the default.
async fn defaults_in_a_second(client: &Client) -> usize {
    let mut evaluations = Vec::new();
    for _ in 0..40 {
        let client = client.clone();
        evaluations.push(tokio::spawn(async move {
            value(&client, "flag").await == "default"
        }));
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let mut defaults = 0;
    for evaluation in evaluations {
        defaults += usize::from(evaluation.await.unwrap());
    }
    defaults
}

#[tokio::test(start_paused = true)]
async fn one_delayed_response_starts_no_outage_and_causes_no_default() {
    for mode in MODES {
        for was_known in [true, false] {
            // The second delay is longer than an evaluation waits, so only a cached item prevents a
            // default.
            for delay in [Duration::from_millis(800), Duration::from_millis(4_500)] {
                let (_, store, client) = reading(mode).await;
                if was_known {
                    value(&client, "flag").await;
                    tokio::time::sleep(TTL * 2).await;
                }
                store
                    .calls()
                    .fault_next(StoreMethod::Get, StoreFault::Delay(delay));
                let mut changes = client.data_store_status().subscribe();
                let defaults = defaults_in_a_second(&client).await;
                if was_known || delay < Duration::from_secs(2) {
                    assert_eq!(defaults, 0, "{mode:?}, known: {was_known}, {delay:?}");
                }
                tokio::time::sleep(Duration::from_secs(5)).await;
                assert_eq!(
                    defaults_in_a_second(&client).await,
                    0,
                    "{mode:?}, known: {was_known}, {delay:?}"
                );
                let change = tokio::time::timeout(Duration::from_secs(1), changes.next()).await;
                assert!(
                    change.is_err(),
                    "{mode:?}, known: {was_known}, {delay:?}: {change:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_response_is_an_outage_only_if_a_probe_fails_too() {
    for mode in MODES {
        for (all, available) in [(false, true), (true, false)] {
            let (_, store, client) = reading(mode).await;
            match all {
                true => store.calls().fault_all(StoreFault::Hang),
                false => store.calls().fault_next(StoreMethod::Get, StoreFault::Hang),
            }
            assert_eq!(
                evaluated(&client, "flag").await,
                failed("EXCEPTION"),
                "{mode:?}"
            );
            tokio::time::sleep(Duration::from_secs(20)).await;
            assert_eq!(
                client.data_store_status().status().available,
                available,
                "{mode:?}, all: {all}"
            );
            store.calls().heal();
            until_value(&client, "flag", 1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_the_last_known_items_are_served_in_every_mode() {
    for mode in MODES {
        for fault in [
            StoreFault::Fail,
            StoreFault::TimeOut,
            StoreFault::Panic,
            StoreFault::Hang,
        ] {
            let (database, store, client) = reading(mode).await;
            put(&database, "other", &serving(1, 1));
            value(&client, "flag").await;
            client
                .all_flags_state_async(&ada(), FlagsStateOptions::default())
                .await;
            store.calls().fault_all(fault);
            for _ in 0..20 {
                tokio::time::sleep(TTL).await;
                assert_eq!(
                    evaluated(&client, "flag").await,
                    fallthrough(1),
                    "{mode:?} {fault:?}"
                );
                let state = client
                    .all_flags_state_async(&ada(), FlagsStateOptions::default())
                    .await;
                assert!(
                    state.is_valid() && state.values().len() == 2,
                    "{mode:?} {fault:?}"
                );
            }
            if mode != CacheMode::Infinite {
                let status = client.data_store_status().status();
                assert!(
                    !status.available && status.stale,
                    "{mode:?} {fault:?}: {status:?}"
                );
            }
            // After the outage, the database is read again.
            store.calls().heal();
            until(&client, |status| status.available).await;
            database.remove(PREFIX, DataKind::Flag, "flag");
            if mode != CacheMode::Infinite {
                until_value(&client, "flag", "default").await;
                assert_eq!(
                    evaluated(&client, "flag").await,
                    failed("FLAG_NOT_FOUND"),
                    "{mode:?} {fault:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_data_set_that_cannot_be_written_removes_no_flag() {
    for mode in MODES {
        let (_, store) = store();
        let source = Scripted::default();
        let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(mode);
        let client = builder()
            .data_source(source.clone())
            .data_store(config)
            .start()
            .unwrap();
        source
            .init(&json!({"flags": {"flag": serving(1, 1)}}))
            .await;
        assert_eq!(evaluated(&client, "flag").await, fallthrough(1), "{mode:?}");
        store.calls().fault_all(StoreFault::Fail);
        assert!(
            source
                .sink()
                .init(data_set(&json!({"flags": {"flag": serving(2, 2)}})))
                .await
                .is_err()
        );
        let value = value(&client, "flag").await;
        assert!(value == 1 || value == 2, "{mode:?}: {value}");
    }
}

// STO-5.2
#[tokio::test(start_paused = true)]
async fn all_flags_are_cached_for_the_ttl() {
    let (database, store, client) = reading(CacheMode::Ttl(TTL)).await;
    put(&database, "other", &serving(1, 2));
    let all = async || {
        let state = client
            .all_flags_state_async(&ada(), FlagsStateOptions::default())
            .await;
        assert!(state.is_valid());
        state.values().len()
    };
    assert_eq!(all().await, 2);
    put(&database, "third", &serving(1, 3));
    assert_eq!(all().await, 2);
    assert_eq!(store.calls().count(StoreMethod::GetAll), 2);
    tokio::time::sleep(TTL).await;
    assert_eq!(all().await, 3);
    // Stale data is better than no data.
    store.calls().fault_all(StoreFault::Fail);
    tokio::time::sleep(TTL * 2).await;
    assert_eq!(all().await, 3);
}

#[tokio::test(start_paused = true)]
async fn without_data_all_flags_state_is_invalid() {
    let (_, store, client) = reading(CacheMode::Off).await;
    store.calls().fault_all(StoreFault::Fail);
    assert!(
        !client
            .all_flags_state_async(&ada(), FlagsStateOptions::default())
            .await
            .is_valid()
    );
}

// STO-F8
#[tokio::test(start_paused = true)]
async fn a_corrupt_flag_counts_as_missing_and_is_not_an_outage() {
    let (database, _store, client) = reading(CacheMode::Off).await;
    database.put(PREFIX, DataKind::Flag, "corrupt", StoredItem::new("{"));
    assert_eq!(
        evaluated(&client, "corrupt").await,
        failed("FLAG_NOT_FOUND")
    );
    assert!(
        until(&client, |status| status.error.is_some())
            .await
            .available
    );
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    let state = client
        .all_flags_state_async(&ada(), FlagsStateOptions::default())
        .await;
    assert!(state.is_valid() && state.values().len() == 1);
}

// STO-5.2
#[tokio::test(start_paused = true)]
async fn a_delivered_data_set_is_cached() {
    for mode in [CacheMode::Ttl(TTL), CacheMode::Infinite] {
        let (_, store) = store();
        let source = Scripted::default();
        let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(mode);
        let client = builder().data_source(source.clone()).data_store(config);
        let client = client.start().unwrap();
        source
            .init(&json!({"flags": {"flag": serving(1, 1)}}))
            .await;
        assert_eq!(evaluated(&client, "flag").await, fallthrough(1), "{mode:?}");
        assert_eq!(store.calls().count(StoreMethod::Get), 0, "{mode:?}");
        // The marker is known, so evaluations do not look for it any more. The store looks for losses
        // every 15 seconds.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = store.calls().count(StoreMethod::IsInitialized);
        tokio::time::sleep(Duration::from_secs(12)).await;
        assert_eq!(evaluated(&client, "flag").await, fallthrough(1), "{mode:?}");
        let after = store.calls().count(StoreMethod::IsInitialized);
        assert_eq!(after, before, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_could_not_be_written_is_used_only_if_cached_items_never_expire() {
    for (mode, is_used) in [
        (CacheMode::Infinite, true),
        (CacheMode::Ttl(TTL), false),
        (CacheMode::Off, false),
    ] {
        let (_, store) = store();
        let source = Scripted::default();
        let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(mode);
        let client = builder().data_source(source.clone()).data_store(config);
        let client = client.start().unwrap();
        source
            .init(&json!({"flags": {"flag": serving(2, "stored")}}))
            .await;
        store.calls().fault(StoreMethod::Upsert, StoreFault::Fail);
        for (version, value) in [(1, "older"), (2, "same version"), (3, "newer")] {
            let flag = serving(version, value).to_string();
            let item = Item::from_json(DataKind::Flag, "flag", flag.as_bytes()).unwrap();
            assert!(source.sink().upsert(item).await.is_err());
            let is_expected = is_used && version == 3;
            let expected = if is_expected { value } else { "stored" };
            assert_eq!(
                evaluated(&client, "flag").await,
                fallthrough(expected),
                "{mode:?}"
            );
        }
    }
}

/// The first item waits until its read is late. The others then use their last known version.
#[tokio::test(start_paused = true)]
async fn an_evaluation_of_several_items_waits_for_a_slow_database_only_once() {
    let (database, store) = store();
    let needs = json!({"prerequisites": [{"key": "first", "variation": 0}]});
    put(&database, "first", &serving(1, 1));
    put(&database, "flag", &with(serving(1, 1), &needs));
    let allowed = Duration::from_secs(2);
    let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Off);
    let client = builder().evaluation_timeout(allowed).daemon_mode(config);
    let client = started(client).await;
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    store.calls().fault(StoreMethod::Get, StoreFault::Hang);
    let begun = Instant::now();
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    assert!(
        begun.elapsed() < allowed.mul_f64(0.95),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_that_times_out_early_is_repeated_as_long_as_the_evaluation_waits() {
    let (_, store) = store();
    let allowed = Duration::from_secs(2);
    let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Off);
    let client = builder().evaluation_timeout(allowed).daemon_mode(config);
    let client = started(client).await;
    store.calls().fault(StoreMethod::Get, StoreFault::TimeOut);
    assert_eq!(evaluated(&client, "flag").await, failed("EXCEPTION"));
    tokio::time::sleep(allowed).await;
    let reads = store.calls().count(StoreMethod::Get);
    assert!((35..=40).contains(&reads), "{reads} reads, one every 50 ms");
}

// STO-5.2: another process writes the marker
#[tokio::test(start_paused = true)]
async fn the_marker_of_a_complete_data_set_is_looked_for_until_it_is_found() {
    for is_away_at_first in [false, true] {
        let (database, store) = store();
        put(&database, "flag", &serving(1, 1));
        if is_away_at_first {
            store.calls().fault_all(StoreFault::Fail);
        }
        let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Ttl(TTL));
        let client = builder()
            .data_source(crate::support::Silent)
            .data_store(config);
        let client = client.start().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        store.calls().heal();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!client.is_initialized());
        assert!(!client.data_store_status().status().initialized);
        database.set_initialized(PREFIX, true);
        until(&client, |status| status.initialized).await;
        assert!(client.is_initialized());
        assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    }
}

#[tokio::test(start_paused = true)]
async fn in_daemon_mode_the_marker_is_known_once_the_database_answers() {
    for has_marker in [true, false] {
        let (database, store) = store();
        database.set_initialized(PREFIX, has_marker);
        store.calls().fault_all(StoreFault::Fail);
        let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Ttl(TTL));
        let client = builder().daemon_mode(config).start().unwrap();
        until(&client, |status| !status.available).await;
        store.calls().heal();
        until(&client, |status| status.available).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let status = client.data_store_status().status();
        assert_eq!(status.initialized, has_marker, "{status:?}");
    }
}

// STO-5.2 and STO-8.2: delivered items are written, and visible at once
#[tokio::test(start_paused = true)]
async fn delivered_items_are_written_and_used_at_once() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL), CacheMode::Infinite] {
        let (database, store) = store();
        let flags = TestData::new().with("flag", "one");
        let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(mode);
        let client = started(builder().data_source(flags.clone()).data_store(config)).await;
        until_value(&client, "flag", "one").await;
        assert!(
            database.item(PREFIX, DataKind::Flag, "flag").is_some(),
            "{mode:?}"
        );
        assert_eq!(value(&client, "new").await, "default");
        flags.set("new", "two");
        flags.set("flag", "three");
        until_value(&client, "new", "two").await;
        until_value(&client, "flag", "three").await;
        flags.delete("flag");
        until_value(&client, "flag", "default").await;
        assert!(
            database.item(PREFIX, DataKind::Flag, "flag").is_some(),
            "a tombstone is kept"
        );
    }
}

// STO-5.2: a newer item in the database is kept and used
#[tokio::test(start_paused = true)]
async fn a_newer_item_in_the_database_is_used() {
    let (database, store) = store();
    let flags = TestData::new().with("flag", "one");
    let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Infinite);
    let client = started(builder().data_source(flags.clone()).data_store(config)).await;
    put(&database, "flag", &serving(100, "from elsewhere"));
    flags.set("flag", "two");
    until_value(&client, "flag", "from elsewhere").await;
}

/// Another process that receives the same updates was faster.
#[tokio::test(start_paused = true)]
async fn an_item_that_is_already_in_the_database_counts_as_written() {
    let (database, store) = store();
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Infinite);
    let client = builder()
        .data_source(source.clone())
        .data_store(config)
        .start()
        .unwrap();
    source
        .init(&json!({"flags": {"flag": serving(1, 1)}}))
        .await;
    source.upsert("twin", &serving(2, 2)).await;
    let text = database.item(PREFIX, DataKind::Flag, "twin").unwrap().body;
    for (key, stored) in [
        ("flag", serving(9, 9).to_string().into()),
        ("twin", text.clone()),
    ] {
        database.put(
            PREFIX,
            DataKind::Flag,
            key,
            StoredItem::new(stored).with_version(9),
        );
    }
    let upsert = async |key: &str| {
        let item = Item::from_json(DataKind::Flag, key, &text).unwrap();
        source.sink().upsert(item).await.unwrap()
    };
    assert_eq!(
        upsert("twin").await,
        Upserted::Written,
        "the stored item is the same"
    );
    assert_eq!(upsert("flag").await, Upserted::Stale);
    assert_eq!(
        (value(&client, "twin").await, value(&client, "flag").await),
        (json!(2), json!(9))
    );
}

// STO-5.3
#[tokio::test(start_paused = true)]
async fn a_failed_write_is_left_to_the_data_source_to_repeat() {
    let (_, store) = store();
    store.calls().fault_all(StoreFault::Fail);
    let flags = TestData::new().with("flag", "one");
    let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(CacheMode::Ttl(TTL));
    let client = builder()
        .data_source(flags)
        .data_store(config)
        .start()
        .unwrap();
    until(&client, |status| !status.available).await;
    assert_eq!(evaluated(&client, "flag").await, failed("CLIENT_NOT_READY"));
}

/// A client that writes what its data source delivers, the requests for all data that its source
/// gets, and the store.
async fn writing(
    mode: CacheMode,
) -> (MemoryDatabase, Arc<MemoryPersistentStore>, Client, Requests) {
    let (database, store) = store();
    let requests = Requests::default();
    let config = PersistentStoreConfig::new(Arc::clone(&store)).cache(mode);
    let client = started(builder().data_source(requests.clone()).data_store(config)).await;
    assert_eq!(evaluated(&client, "flag").await, fallthrough(1));
    (database, store, client, requests)
}

/// Delivers a data set at first and whenever one is requested. Counts the requests.
#[derive(Clone, Debug, Default)]
struct Requests(Arc<AtomicUsize>);

#[vexil::async_trait]
impl DataSource for Requests {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        loop {
            let data = data_set(&json!({"flags": {"flag": serving(1, 1), "other": serving(1, 1)}}));
            sink.init(data).await.map_err(DataSourceError::store)?;
            sink.refresh_requested().await;
            self.0.fetch_add(1, Relaxed);
        }
    }
}

// STO-5.3, STO-F4: the database comes back empty or with older data
#[tokio::test(start_paused = true)]
async fn data_that_is_lost_in_an_outage_is_requested_from_the_data_source() {
    for mode in MODES {
        for is_emptied in [true, false] {
            let (database, store, client, requests) = writing(mode).await;
            store.calls().fault_all(StoreFault::Fail);
            until(&client, |status| !status.available).await;
            if is_emptied {
                database.clear(PREFIX);
            } else {
                database.remove(PREFIX, DataKind::Flag, "other");
            }
            store.calls().heal();
            until(&client, |status| status.available).await;
            until_some(async || database.item(PREFIX, DataKind::Flag, "other")).await;
            until(&client, |status| status.initialized).await;
            assert_eq!(requests.0.load(Relaxed), 1, "{mode:?} {is_emptied}");
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert_eq!(requests.0.load(Relaxed), 1, "{mode:?} {is_emptied}");
        }
    }
}

// STO-9.3: a client that writes checks every 15 s that its marker and data are there
#[tokio::test(start_paused = true)]
async fn a_database_that_was_emptied_is_filled_by_the_data_source() {
    for mode in MODES {
        let (database, _, client, requests) = writing(mode).await;
        let emptied = Instant::now();
        database.clear(PREFIX);
        until_some(async || database.item(PREFIX, DataKind::Flag, "other")).await;
        assert!(emptied.elapsed() <= Duration::from_secs(16), "{mode:?}");
        until_value(&client, "flag", 1).await;
        assert_eq!(requests.0.load(Relaxed), 1, "{mode:?}");
    }
}

// STO-5.3
#[tokio::test(start_paused = true)]
async fn short_outages_in_quick_succession_cause_few_requests() {
    let (_, store, client, requests) = writing(CacheMode::Off).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(150) {
        store.calls().fault_all(StoreFault::Fail);
        value(&client, "flag").await;
        until(&client, |status| !status.available).await;
        store.calls().heal();
        until(&client, |status| status.available).await;
    }
    let requests = requests.0.load(Relaxed);
    assert!((2..=11).contains(&requests), "{requests}");
}
