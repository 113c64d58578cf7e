//! Clauses on concurrent reads and writes, and on writes that are dropped.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{block_in_place, spawn_blocking, yield_now};
use vexil::eval::Found;
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::{DataStore, StoreError};

use super::DataStoreHarness;
use super::items::{KINDS, all, data, find, init, item, list, read, upsert, version};
use crate::conformance::begin::{begin, begin_until, poll_once};
use crate::conformance::eventually::eventually;
use crate::conformance::must::Must;

/// How long a write may take while a snapshot is lent. A store may make it wait, so reaching this
/// makes the clause weaker, not wrong.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The keys of a data set whose items all have the same version.
const KEYS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

pub(super) fn uniform(store: &dyn DataStore, version: u64) -> DataSet {
    let items = KEYS.map(|key| (key, version));
    data(store, &items, &items)
}

/// Returns the different versions of a snapshot of `uniform`, ignoring items that would have to be
/// fetched. An item that does not exist has version 0.
fn versions(store: &dyn DataStore) -> BTreeSet<u64> {
    read(store, |snapshot| {
        let keys = KINDS
            .into_iter()
            .flat_map(|kind| KEYS.map(|key| (kind, key)));
        let found = keys.map(|(kind, key)| find(snapshot, kind, key));
        found
            .filter_map(|found| match found {
                Found::Present(version) => Some(version),
                Found::Absent => Some(0),
                Found::Unknown => None,
            })
            .collect()
    })
}

/// Every thread sees a write that has returned `Ok`.
pub async fn a_write_is_visible_once_it_has_returned(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    for number in 1..=100 {
        store.init(uniform(&*store, number)).await.must("init");
        let seen = versions(&*store);
        assert!(
            seen.iter().all(|version| *version == number),
            "after init of version {number}, a reader sees {seen:?}"
        );
        upsert(
            &*store,
            item(&*store, DataKind::Flag, "a", number + 1000),
            true,
        )
        .await;
        let other = Arc::clone(&store);
        let seen =
            spawn_blocking(move || read(&*other, |snapshot| find(snapshot, DataKind::Flag, "a")));
        let seen = seen.await.unwrap_or(Found::Absent);
        assert!(
            seen == Found::Present(number + 1000) || seen == Found::Unknown,
            "after an upsert of version {}, a reader on another thread sees {seen:?}",
            number + 1000
        );
    }
    store.close().await;
}

/// An evaluation sees one state from start to end.
pub async fn a_lent_snapshot_does_not_change(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    store.init(uniform(&*store, 1)).await.must("init");
    let runtime = Handle::current();
    let mut writing = None;
    block_in_place(|| {
        read(&*store, |snapshot| {
            let (sender, written) = mpsc::channel();
            let other = Arc::clone(&store);
            writing = Some(runtime.spawn(async move {
                let written = other.init(uniform(&*other, 2)).await;
                // The reader may have stopped waiting.
                let _ = sender.send(());
                written
            }));
            // An error means that the store makes the write wait.
            let _ = written.recv_timeout(TIMEOUT);
            for kind in KINDS {
                for key in KEYS {
                    let found = find(snapshot, kind, key);
                    assert!(
                        matches!(found, Found::Present(1) | Found::Unknown),
                        "a lent snapshot of version 1 returns {found:?} for the {kind} \"{key}\" during a write"
                    );
                }
            }
        })
    });
    if let Some(writing) = writing {
        let written = writing.await;
        assert!(
            matches!(written, Ok(Ok(()))),
            "init during a read: {written:?}"
        );
    }
    assert_eq!(
        version(&*store, DataKind::Flag, "a").await,
        Some(2),
        "the version after the read"
    );
    store.close().await;
}

/// A scope sees one state for as long as it is kept, even if the store is closed. A store need not
/// hand out snapshots to keep.
pub async fn a_kept_snapshot_does_not_change(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    store.init(uniform(&*store, 1)).await.must("init");
    let Some(kept) = store.snapshot() else {
        store.close().await;
        return;
    };
    let assert_unchanged = |when: &str| {
        let keys = KINDS
            .into_iter()
            .flat_map(|kind| KEYS.map(|key| (kind, key)));
        for (kind, key) in keys {
            let found = find(&*kept, kind, key);
            assert!(
                matches!(found, Found::Present(1) | Found::Unknown),
                "a kept snapshot of version 1 returns {found:?} for the {kind} \"{key}\" after {when}"
            );
        }
        let versions: BTreeSet<_> = list(&*kept).into_iter().map(|(_, _, at)| at).collect();
        assert!(
            versions.iter().all(|version| *version == 1),
            "a kept snapshot of version 1 lists versions {versions:?} after {when}"
        );
        let added = find(&*kept, DataKind::Flag, "new");
        assert!(
            matches!(added, Found::Absent | Found::Unknown),
            "a kept snapshot returns {added:?} for a flag that was added after {when}"
        );
    };
    assert_unchanged("it was taken");
    for kind in KINDS {
        upsert(&*store, item(&*store, kind, "a", 2), true).await;
        upsert(&*store, Item::deleted(kind, "b", 2), true).await;
        upsert(&*store, item(&*store, kind, "new", 2), true).await;
    }
    assert_unchanged("upserts");
    store.init(uniform(&*store, 3)).await.must("init");
    assert_unchanged("init");
    store.close().await;
    drop(store);
    assert_unchanged("the store was dropped");
}

/// A snapshot to keep is that of the moment.
pub async fn a_kept_snapshot_is_current_when_it_is_taken(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    for number in 1..=20 {
        store.init(uniform(&*store, number)).await.must("init");
        let Some(kept) = store.snapshot() else { break };
        for kind in KINDS {
            let found = find(&*kept, kind, "a");
            assert!(
                found == Found::Present(number) || found == Found::Unknown,
                "after init of version {number}, a kept snapshot returns {found:?} for a {kind}"
            );
        }
        let is_complete = read(&*store, |snapshot| snapshot.is_complete());
        assert_eq!(
            kept.is_complete(),
            is_complete,
            "whether a kept snapshot is complete, as a lent one is"
        );
    }
    store.close().await;
}

/// `init` is atomic for readers: they see the state before or after it.
pub async fn readers_never_see_a_mix_of_two_data_sets(harness: &dyn DataStoreHarness) {
    never_see_a_mix(harness, |store, version| {
        Box::pin(async move { store.init(uniform(store, version)).await })
    })
    .await;
}

/// Writes a version of all items.
pub(super) type Write = for<'a> fn(
    &'a dyn DataStore,
    u64,
) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

/// Asserts that readers see the state before or after each write.
pub(super) async fn never_see_a_mix(harness: &dyn DataStoreHarness, write: Write) {
    const ROUNDS: u64 = 200;
    let store = harness.store().await;
    store.init(uniform(&*store, 1)).await.must("init");
    let (done, reads) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let reading = spawn_blocking({
        let (store, done, reads) = (Arc::clone(&store), Arc::clone(&done), Arc::clone(&reads));
        move || {
            let mut newest = 0;
            while !done.load(Ordering::SeqCst) {
                let seen = versions(&*store);
                assert!(seen.len() <= 1, "a reader sees items of versions {seen:?}");
                if let Some(version) = seen.first() {
                    assert!(*version >= newest, "a reader sees {version} after {newest}");
                    newest = *version;
                }
                reads.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    for number in 2..=ROUNDS {
        let before = reads.load(Ordering::SeqCst);
        // Reads wherever the write waits, too.
        let mut writing = write(&*store, number);
        loop {
            let polled = poll_once(writing.as_mut()).await;
            let seen = versions(&*store);
            assert!(
                seen.len() <= 1,
                "during a write, a reader sees items of versions {seen:?}"
            );
            if let Poll::Ready(written) = polled {
                written.must("the write");
                break;
            }
            yield_now().await;
        }
        if number % 10 == 0 {
            eventually(harness.timeout(), "a read between two writes", || {
                reading.is_finished() || reads.load(Ordering::SeqCst) > before
            })
            .await;
        }
    }
    done.store(true, Ordering::SeqCst);
    let read = reading.await;
    assert!(read.is_ok(), "a reader saw a mix of two data sets");
    store.close().await;
}

/// A dropped write may or may not take effect, but never partially.
pub async fn a_dropped_init_is_never_partial(harness: &dyn DataStoreHarness) {
    never_partial(harness, |store, version| {
        Box::pin(async move { store.init(uniform(store, version)).await })
    })
    .await;
}

/// Asserts that a write that is dropped where it waits takes effect as a whole or not at all.
pub(super) async fn never_partial(harness: &dyn DataStoreHarness, write: Write) {
    let store = harness.store().await;
    for (polls, number) in (1..=20).zip(1..) {
        store.init(uniform(&*store, 2 * number)).await.must("init");
        begin_until(polls, write(&*store, 2 * number + 1)).await;
        let seen: BTreeSet<_> = all(&*store)
            .await
            .into_iter()
            .map(|(_, _, version)| version)
            .collect();
        assert_eq!(
            seen.len(),
            1,
            "the versions after a dropped write: {seen:?}"
        );
    }
    store.close().await;
}

/// Later writes are not affected by a dropped one.
pub async fn a_dropped_write_leaves_the_store_usable(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    for number in 1..=20 {
        begin(store.init(uniform(&*store, 10 * number))).await;
        begin(store.upsert(item(&*store, DataKind::Flag, "a", 10 * number + 1))).await;
        init(&*store, &[("a", 10 * number + 2)], &[]).await;
        upsert(
            &*store,
            item(&*store, DataKind::Flag, "a", 10 * number + 3),
            true,
        )
        .await;
        assert_eq!(
            version(&*store, DataKind::Flag, "a").await,
            Some(10 * number + 3),
            "the version after dropped writes"
        );
    }
    store.close().await;
}
