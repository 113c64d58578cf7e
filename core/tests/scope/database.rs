//! Scopes of clients with a database: of flags, which is read through a cache, and of big segments.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::runtime::Handle;
use vexil::client::FlagsStateOptions;
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::eval::{BigSegmentsStatus, Detail};
use vexil::model::DataKind;
use vexil::store::{CacheMode, StoredItem};
use vexil::{Client, Scope, Text};
use vexil_testing::{
    MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore, StoreFault, StoreMethod,
};

use crate::support::{Fixed, SOON, ada, error, rule_for_segment, serving};

const TTL: Duration = Duration::from_secs(10);

fn put(database: &MemoryDatabase, key: &str, flag: &Json) {
    database.put("", DataKind::Flag, key, StoredItem::new(flag.to_string()));
}

/// A database with the flags `a` and `b`, and a client in daemon mode that reads it.
async fn daemon(
    configure: impl FnOnce(PersistentStoreConfig) -> PersistentStoreConfig,
) -> (MemoryDatabase, Arc<MemoryPersistentStore>, Client) {
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryPersistentStore::attached(&database, ""));
    put(&database, "a", &serving(1, 1));
    put(&database, "b", &serving(1, 1));
    let client = Client::builder("sdk-key")
        .runtime(Handle::current())
        .daemon_mode(configure(PersistentStoreConfig::new(Arc::clone(&store))))
        .evaluation_timeout(Duration::from_secs(1))
        .without_events()
        .start()
        .unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    (database, store, client)
}

fn change(database: &MemoryDatabase, version: u64) {
    put(database, "a", &serving(version, version));
    put(database, "b", &serving(version, version));
}

async fn values(scope: &Scope) -> [i64; 2] {
    [
        scope.variation_async("a", 0).await,
        scope.variation_async("b", 0).await,
    ]
}

#[tokio::test(start_paused = true)]
async fn an_item_of_a_database_is_read_when_it_is_first_needed_and_remembered() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL)] {
        let (database, store, client) = daemon(|config| config.cache(mode)).await;
        let reads = || store.calls().count(StoreMethod::Get);
        let scope = client.scope(&ada());
        assert_eq!(scope.variation_async("a", 0).await, 1, "{mode:?}");
        let read = reads();
        change(&database, 2);
        tokio::time::sleep(2 * TTL).await;
        // The flag `a` was needed before the change, and `b` after it.
        for _ in 0..3 {
            assert_eq!(values(&scope).await, [1, 2], "{mode:?}");
        }
        assert_eq!(reads(), read + 1, "{mode:?}");
        assert_eq!(values(&client.scope(&ada())).await, [2, 2], "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_cached_when_a_scope_is_created_does_not_expire_in_it() {
    let (database, store, client) = daemon(|config| config.cache(CacheMode::Ttl(TTL))).await;
    assert_eq!(client.variation_async("a", &ada(), 0).await, 1);
    let scope = client.scope(&ada());
    database.remove("", DataKind::Flag, "a");
    tokio::time::sleep(2 * TTL).await;
    assert_eq!(client.variation_async("a", &ada(), 0).await, 0);
    let read = store.calls().count(StoreMethod::Get);
    assert_eq!(scope.variation_async("a", 0).await, 1);
    assert_eq!(store.calls().count(StoreMethod::Get), read);
    // What has expired is read.
    change(&database, 3);
    tokio::time::sleep(2 * TTL).await;
    assert_eq!(client.scope(&ada()).variation_async("a", 0).await, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_cached_counts_in_a_scope_while_the_database_is_unavailable_and_after_that() {
    let (database, store, client) = daemon(|config| config.cache(CacheMode::Ttl(TTL))).await;
    assert_eq!(client.variation_async("a", &ada(), 0).await, 1);
    tokio::time::sleep(2 * TTL).await;
    store.calls().fault_all(StoreFault::Fail);
    assert_eq!(client.variation_async("b", &ada(), 0).await, 0);
    let scope = client.scope(&ada());
    assert_eq!(values(&scope).await, [1, 0]);
    change(&database, 2);
    store.calls().heal();
    let status = client.data_store_status();
    assert!(status.wait_for(|status| status.available, SOON).await);
    // The failure to read `b` is not remembered.
    assert_eq!(values(&scope).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_all_flags_agrees_with_what_the_scope_has_read() {
    for mode in [CacheMode::Off, CacheMode::Ttl(TTL)] {
        let (database, store, client) = daemon(|config| config.cache(mode)).await;
        put(&database, "gone", &serving(1, 1));
        let scope = client.scope(&ada());
        assert_eq!(scope.variation_async("a", 0).await, 1);
        assert_eq!(scope.variation_async("gone", 0).await, 1);
        assert_eq!(scope.variation_async("new", 0).await, 0);
        change(&database, 2);
        put(&database, "new", &serving(1, 1));
        database.remove("", DataKind::Flag, "gone");
        let options = FlagsStateOptions::default();
        let state = scope.all_flags_state_async(options).await;
        let values = ["a", "b", "gone", "new"].map(|key| state.value(key).cloned());
        let expected = [Some(1), Some(2), Some(1), None].map(|value| value.map(Into::into));
        assert_eq!(values, expected, "{mode:?}");

        change(&database, 3);
        let reads = |store: &MemoryPersistentStore| {
            [StoreMethod::Get, StoreMethod::GetAll, StoreMethod::Snapshot]
                .map(|method| store.calls().count(method))
        };
        let before = reads(&store);
        assert_eq!(
            scope.all_flags_state_async(options).await,
            state,
            "{mode:?}"
        );
        assert_eq!(scope.variation_async("b", 0).await, 2, "{mode:?}");
        assert_eq!(scope.variation_async("new", 0).await, 0, "{mode:?}");
        assert_eq!(reads(&store), before, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_daemon_mode_in_memory_pins_what_it_has_read() {
    let (database, store, client) = daemon(|config| config).await;
    let scope = client.scope(&ada());
    change(&database, 2);
    while client.variation_async("a", &ada(), 0).await != 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    store.calls().fault_all(StoreFault::Fail);
    assert_eq!(values(&scope).await, [1, 1]);
}

// FDV2-8.3: the answer that the database has no complete data is an answer too.
#[tokio::test(start_paused = true)]
async fn a_scope_that_finds_no_complete_data_stays_without_data() {
    let database = MemoryDatabase::new();
    let store = MemoryPersistentStore::attached(&database, "");
    put(&database, "a", &serving(1, 1));
    let config = PersistentStoreConfig::new(store)
        .cache(CacheMode::Off)
        .read_only();
    let client = Client::builder("sdk-key")
        .runtime(Handle::current())
        .data_store(config)
        .data_source(crate::support::Silent)
        .without_events()
        .start()
        .unwrap();
    let scope = client.scope(&ada());
    for is_initialized in [false, true] {
        database.set_initialized("", is_initialized);
        let detail = scope.variation_detail_async("a", 0).await;
        assert_eq!(detail.value, 0);
        let reason = serde_json::to_value(&detail.reason).unwrap();
        assert_eq!(reason, error("CLIENT_NOT_READY"), "{is_initialized}");
    }
    assert_eq!(client.scope(&ada()).variation_async("a", 0).await, 1);
}

/// A client with a flag that says whether a context is in a big segment, which contains `ada`.
async fn with_big_segments() -> (MemoryDatabase, Arc<MemoryBigSegmentStore>, Client) {
    let segment = json!({"version": 1, "unbounded": true, "generation": 1});
    let flag = json!({"on": true, "version": 1, "variations": ["in", "out"],
        "fallthrough": {"variation": 1}, "rules": rule_for_segment("big", false)});
    let data = json!({"flags": {"flag": flag}, "segments": {"big": segment}});
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryBigSegmentStore::attached(&database, ""));
    database.set_synchronized("", Some(u64::MAX));
    database.set_membership("", "ada", ["big.g1"], []);
    let config = BigSegmentsConfig::new(Arc::clone(&store)).context_cache_time(Duration::ZERO);
    let client = Client::builder("sdk-key")
        .runtime(Handle::current())
        .data_source(Fixed::new(&data))
        .big_segments(config)
        .without_events()
        .start()
        .unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    (database, store, client)
}

fn answer(detail: &Detail<Text>) -> (&str, BigSegmentsStatus) {
    (&detail.value, detail.reason.big_segments_status.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_membership_is_queried_once_for_each_scope() {
    let (database, store, client) = with_big_segments().await;
    let scope = client.scope(&ada());
    let detail = scope.variation_detail_async("flag", "").await;
    assert_eq!(answer(&detail), ("in", BigSegmentsStatus::Healthy));
    let queries = store.calls().count(StoreMethod::Membership);
    database.set_membership::<&str>("", "ada", [], []);
    tokio::time::sleep(Duration::from_secs(60)).await;
    for _ in 0..3 {
        assert_eq!(scope.variation_detail_async("flag", "").await, detail);
    }
    let state = scope
        .all_flags_state_async(FlagsStateOptions::default())
        .await;
    assert_eq!(state.value("flag"), Some(&"in".into()));
    assert_eq!(store.calls().count(StoreMethod::Membership), queries);
    let next = client
        .scope(&ada())
        .variation_detail_async("flag", "")
        .await;
    assert_eq!(answer(&next), ("out", BigSegmentsStatus::Healthy));
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_membership_is_remembered_with_it() {
    let (_, store, client) = with_big_segments().await;
    store
        .calls()
        .fault(StoreMethod::Membership, StoreFault::Fail);
    let scope = client.scope(&ada());
    let detail = scope.variation_detail_async("flag", "").await;
    assert_eq!(answer(&detail), ("out", BigSegmentsStatus::StoreError));
    store.calls().heal();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(scope.variation_detail_async("flag", "").await, detail);
    let next = client
        .scope(&ada())
        .variation_detail_async("flag", "")
        .await;
    assert_eq!(answer(&next), ("in", BigSegmentsStatus::Healthy));
}
