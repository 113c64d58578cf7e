//! Clauses for stores with several concurrent writers. A client is one writer: its data sink applies
//! updates one at a time.

use std::sync::Arc;

use tokio::task::yield_now;
use vexil::model::DataKind;

use super::DataStoreHarness;
use super::items::{assert_items, init, item, upsert};
use crate::conformance::must::Must;

const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// An older version never overwrites a newer one, whichever write is later.
pub async fn of_concurrent_upserts_the_newest_version_wins(harness: &dyn DataStoreHarness) {
    const ROUNDS: u64 = 25;
    let store = harness.store().await;
    init(&*store, &[], &[]).await;
    let write = |version| {
        let (store, item) = (&store, item(&*store, DataKind::Flag, "a", version));
        async move { store.upsert(item).await.must("upsert") }
    };
    // On one thread, so that writes are interleaved wherever they wait.
    for round in 0..ROUNDS {
        let version = |number| 4 * round + number;
        tokio::join!(
            write(version(4)),
            write(version(2)),
            write(version(3)),
            write(version(1))
        );
        assert_eq!(
            super::items::version(&*store, DataKind::Flag, "a").await,
            Some(version(4)),
            "the version after interleaved upserts"
        );
    }
    // On several threads.
    let writers: Vec<_> = (1..=4)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for round in ROUNDS..2 * ROUNDS {
                    let item = item(&*store, DataKind::Flag, "a", 4 * round + writer);
                    store.upsert(item).await.must("upsert");
                    yield_now().await;
                }
            })
        })
        .collect();
    for writer in writers {
        assert!(writer.await.is_ok(), "a concurrent writer failed");
    }
    assert_items(
        &*store,
        &[("a", 8 * ROUNDS)],
        &[],
        "after the concurrent upserts",
    )
    .await;
    store.close().await;
}

/// No update is lost because another one happens at the same time.
pub async fn concurrent_upserts_of_different_items_are_all_kept(harness: &dyn DataStoreHarness) {
    const VERSIONS: u64 = 25;
    let store = harness.store().await;
    init(&*store, &[], &[]).await;
    let write = |key: &'static str| upsert(&*store, item(&*store, DataKind::Segment, key, 1), true);
    tokio::join!(write("a"), write("b"), write("c"));
    let writers: Vec<_> = KEYS
        .into_iter()
        .map(|key| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for version in 1..=VERSIONS {
                    upsert(&*store, item(&*store, DataKind::Flag, key, version), true).await;
                }
            })
        })
        .collect();
    for writer in writers {
        assert!(writer.await.is_ok(), "a concurrent writer failed");
    }
    assert_items(
        &*store,
        &KEYS.map(|key| (key, VERSIONS)),
        &[("a", 1), ("b", 1), ("c", 1)],
        "after the concurrent upserts",
    )
    .await;
    store.close().await;
}
