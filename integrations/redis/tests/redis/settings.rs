//! Any duration is a valid timeout, and a credential provider may panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_redis::{RedisConnection, RedisConnectionBuilder, RedisCredentials, RedisDataStore};
use vexil_testing::servers::RedisServer;

use crate::support::{TIMEOUT, data, item, until};

type Sets = fn(RedisConnectionBuilder, Duration) -> RedisConnectionBuilder;

const LIMITS: &[(&str, Sets)] = &[
    (
        "RedisConnectionBuilder::connect_timeout",
        RedisConnectionBuilder::connect_timeout,
    ),
    (
        "RedisConnectionBuilder::read_timeout",
        RedisConnectionBuilder::read_timeout,
    ),
    (
        "RedisConnectionBuilder::bulk_timeout",
        RedisConnectionBuilder::bulk_timeout,
    ),
    (
        "RedisConnectionBuilder::probe_timeout",
        RedisConnectionBuilder::probe_timeout,
    ),
];

async fn is_used(store: &RedisDataStore) -> Result<(), StoreError> {
    store.init(&data(&["a"], &["s"])).await?;
    // Superseded if an earlier call wrote the item after its timeout.
    store.upsert(DataKind::Flag, "a", &item("a", 2)).await?;
    assert_eq!(
        store
            .get(DataKind::Flag, "a")
            .await?
            .map(|found| found.body),
        Some(item("a", 2).body)
    );
    assert!(store.snapshot().await?.initialized);
    store.probe().await
}

#[tokio::test]
async fn a_store_works_with_any_timeout() {
    let server = RedisServer::start().unwrap();
    for (setting, set) in LIMITS {
        for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let connection = set(RedisConnection::builder().url(server.url()), limit)
                .build()
                .unwrap();
            let store = RedisDataStore::builder()
                .connection(&connection)
                .build()
                .unwrap();
            // A busy machine may exceed the shortest timeout, so the operation is retried.
            let start = Instant::now();
            while let Err(error) = is_used(&store).await {
                assert!(start.elapsed() < TIMEOUT, "{setting}({limit:?}): {error:?}");
            }
            store.close().await;
        }
    }
}

/// `"RedisDataStore::hold_lease"` and `"RedisDataStore::other_prefixes"`.
#[tokio::test]
async fn a_lease_and_a_search_accept_any_time() {
    let server = RedisServer::start().unwrap();
    let store = RedisDataStore::builder().url(server.url()).build().unwrap();
    let other = RedisDataStore::builder()
        .url(server.url())
        .prefix("other")
        .build()
        .unwrap();
    other.init(&data(&["a"], &["s"])).await.unwrap();
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let held = store.hold_lease("copy", "a", time).await;
        assert!(held.unwrap(), "{time:?}");
        // The shortest search may end before it has found anything.
        let found = store.other_prefixes(time).await;
        assert!(
            found.is_empty() || found == ["other"],
            "{time:?}: {found:?}"
        );
    }
    assert_eq!(store.other_prefixes(Duration::MAX).await, ["other"]);
    let refused = store.hold_lease("copy", "b", Duration::MAX).await;
    assert!(!refused.unwrap(), "the longest lease has not ended");
}

#[tokio::test]
async fn a_panicking_credential_provider_fails_requests_at_once() {
    let server = RedisServer::start().unwrap();
    let panics = Arc::new(AtomicBool::new(true));
    let connection = RedisConnection::builder()
        .url(server.url())
        .bulk_timeout(Duration::MAX)
        .credential_provider({
            let panics = Arc::clone(&panics);
            move || {
                assert!(!panics.load(Ordering::Relaxed), "on purpose");
                async { Ok(RedisCredentials::user("default", "")) }
            }
        })
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    let failed = tokio::time::timeout(TIMEOUT, store.snapshot())
        .await
        .expect("fails before its timeout");
    assert!(matches!(failed, Err(StoreError::Auth { .. })), "{failed:?}");
    panics.store(false, Ordering::Relaxed);
    until("the provider is called again", async || {
        store.snapshot().await.is_ok()
    })
    .await;
}
