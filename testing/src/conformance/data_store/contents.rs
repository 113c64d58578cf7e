//! Clauses on what a data store holds after its writes.

use std::sync::Arc;

use vexil::eval::Found;
use vexil::model::{DataKind, Item};

use super::DataStoreHarness;
use super::items::{
    KINDS, all, assert_items, fetched, find, init, item, list, read, upsert, version,
};
use crate::conformance::eventually::eventually;
use crate::conformance::must::Must;

/// Keys that a store may misinterpret, and keys with minimal differences.
const ODD_KEYS: [&str; 9] = [
    "a",
    "A",
    "a.b",
    "a:b",
    "with a space",
    "\"quoted\"",
    "ключ",
    "\u{1f6a9}",
    "$deleted",
];

/// Absence is not an error, before the first data too.
pub async fn an_empty_store_has_no_items_and_is_not_initialized(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    assert!(!store.is_initialized(), "an empty store is initialized");
    for kind in KINDS {
        assert_eq!(version(&*store, kind, "a").await, None, "a missing {kind}");
    }
    assert_items(&*store, &[], &[], "before the first data").await;
    store.close().await;
}

/// An evaluation reads once.
pub async fn a_read_calls_its_reader_exactly_once(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    // Asserts the number of calls.
    read(&*store, |_| ());
    init(&*store, &[("a", 1)], &[]).await;
    read(&*store, |_| ());
    store.close().await;
}

/// An environment without items is complete data too.
pub async fn init_makes_the_store_initialized_even_without_items(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[], &[]).await;
    assert!(store.is_initialized(), "the store is not initialized");
    assert_items(&*store, &[], &[], "after an init without items").await;
    store.close().await;
}

/// Items of both kinds are stored.
pub async fn init_stores_all_items(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    let keys: Vec<_> = (1..=500).map(|number| format!("item-{number}")).collect();
    let items: Vec<_> = keys.iter().map(String::as_str).zip(1..).collect();
    init(&*store, &items, &items).await;
    assert_items(&*store, &items, &items, "after init").await;
    store.close().await;
}

/// Items and tombstones that are not in the new data are removed.
pub async fn init_replaces_everything(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("s", 1), ("t", 1)]).await;
    upsert(&*store, item(&*store, DataKind::Flag, "c", 5), true).await;
    upsert(&*store, Item::deleted(DataKind::Flag, "d", 5), true).await;
    init(&*store, &[("b", 2)], &[("t", 2)]).await;
    assert_items(&*store, &[("b", 2)], &[("t", 2)], "after the second init").await;
    for (kind, key) in [
        (DataKind::Flag, "a"),
        (DataKind::Flag, "c"),
        (DataKind::Segment, "s"),
    ] {
        assert_eq!(
            version(&*store, kind, key).await,
            None,
            "the {kind} \"{key}\", which is not in the new data"
        );
    }
    upsert(&*store, item(&*store, DataKind::Flag, "d", 1), true).await;
    store.close().await;
}

/// The service is the source of truth: versions are compared only between two data sets.
pub async fn init_ignores_versions(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 5)], &[("s", 5)]).await;
    init(&*store, &[("a", 2)], &[("s", 5)]).await;
    assert_items(&*store, &[("a", 2)], &[("s", 5)], "after an older init").await;
    upsert(&*store, item(&*store, DataKind::Flag, "a", 3), true).await;
    store.close().await;
}

/// A new item of any version is newer than none.
pub async fn upsert_inserts_a_missing_item(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[], &[]).await;
    for kind in KINDS {
        upsert(&*store, item(&*store, kind, "a", 1), true).await;
    }
    assert_items(&*store, &[("a", 1)], &[("a", 1)], "after the upserts").await;
    store.close().await;
}

/// Only a complete data set makes a store initialized.
pub async fn upsert_before_init_is_stored_and_does_not_initialize(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    upsert(&*store, item(&*store, DataKind::Flag, "a", 1), true).await;
    assert!(
        !store.is_initialized(),
        "a single item makes the store initialized"
    );
    assert_eq!(
        version(&*store, DataKind::Flag, "a").await,
        Some(1),
        "the item"
    );
    store.close().await;
}

/// Versions are numbers.
pub async fn upsert_of_a_newer_version_replaces(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 9)], &[("a", 9)]).await;
    for kind in KINDS {
        upsert(&*store, item(&*store, kind, "a", 10), true).await;
    }
    assert_items(&*store, &[("a", 10)], &[("a", 10)], "after the upserts").await;
    store.close().await;
}

/// Updates may arrive out of order.
pub async fn upsert_of_an_older_version_changes_nothing(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 3)], &[("a", 3)]).await;
    for kind in KINDS {
        upsert(&*store, item(&*store, kind, "a", 2), false).await;
    }
    assert_items(&*store, &[("a", 3)], &[("a", 3)], "after the upserts").await;
    store.close().await;
}

/// An equal version is the same item: the result says that it is not newer.
pub async fn upsert_of_an_equal_version_changes_nothing(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 3)], &[("a", 3)]).await;
    upsert(&*store, Item::deleted(DataKind::Flag, "a", 3), false).await;
    upsert(&*store, Item::deleted(DataKind::Segment, "a", 3), false).await;
    assert_items(&*store, &[("a", 3)], &[("a", 3)], "after the upserts").await;
    store.close().await;
}

/// Other items keep their versions.
pub async fn upsert_touches_nothing_else(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("s", 1)]).await;
    upsert(&*store, item(&*store, DataKind::Flag, "a", 2), true).await;
    assert_items(
        &*store,
        &[("a", 2), ("b", 1)],
        &[("s", 1)],
        "after the upsert",
    )
    .await;
    assert!(store.is_initialized(), "the store is no longer initialized");
    store.close().await;
}

/// A deleted item is found neither by its key nor in a list.
pub async fn a_tombstone_hides_its_item(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("a", 1), ("b", 1)]).await;
    for kind in KINDS {
        upsert(&*store, Item::deleted(kind, "a", 2), true).await;
        assert_eq!(
            version(&*store, kind, "a").await,
            None,
            "a deleted {kind} by its key"
        );
    }
    assert_items(&*store, &[("b", 1)], &[("b", 1)], "after the deletions").await;
    store.close().await;
}

/// A tombstone has a version too.
pub async fn a_tombstone_of_an_older_version_changes_nothing(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 3)], &[("a", 3)]).await;
    for kind in KINDS {
        upsert(&*store, Item::deleted(kind, "a", 2), false).await;
    }
    assert_items(&*store, &[("a", 3)], &[("a", 3)], "after the deletions").await;
    store.close().await;
}

/// A deletion may overtake the item that it deletes.
pub async fn a_tombstone_of_a_missing_item_is_kept(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[], &[]).await;
    for kind in KINDS {
        upsert(&*store, Item::deleted(kind, "a", 2), true).await;
        upsert(&*store, item(&*store, kind, "a", 1), false).await;
    }
    assert_items(&*store, &[], &[], "after the late items").await;
    store.close().await;
}

/// A tombstone keeps its version.
pub async fn an_older_upsert_does_not_restore_a_deleted_item(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1)], &[("a", 1)]).await;
    for kind in KINDS {
        upsert(&*store, Item::deleted(kind, "a", 3), true).await;
        upsert(&*store, item(&*store, kind, "a", 2), false).await;
        upsert(&*store, item(&*store, kind, "a", 3), false).await;
    }
    assert_items(&*store, &[], &[], "after the older items").await;
    store.close().await;
}

/// A deletion is not final.
pub async fn a_newer_upsert_restores_a_deleted_item(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1)], &[("a", 1)]).await;
    for kind in KINDS {
        upsert(&*store, Item::deleted(kind, "a", 2), true).await;
        upsert(&*store, item(&*store, kind, "a", 3), true).await;
    }
    assert_items(&*store, &[("a", 3)], &[("a", 3)], "after the newer items").await;
    store.close().await;
}

/// A flag and a segment may have the same key.
pub async fn kinds_are_separate(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("f", 1)], &[("a", 2), ("s", 1)]).await;
    assert_eq!(
        version(&*store, DataKind::Segment, "f").await,
        None,
        "a segment with the key of a flag"
    );
    assert_eq!(
        version(&*store, DataKind::Flag, "s").await,
        None,
        "a flag with the key of a segment"
    );
    upsert(&*store, Item::deleted(DataKind::Flag, "a", 3), true).await;
    assert_items(
        &*store,
        &[("f", 1)],
        &[("a", 2), ("s", 1)],
        "after the deletion of the flag",
    )
    .await;
    store.close().await;
}

/// Keys are compared exactly.
pub async fn odd_keys_are_found_unchanged(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    let items: Vec<_> = ODD_KEYS.into_iter().zip(1..).collect();
    init(&*store, &items, &[]).await;
    assert_items(&*store, &items, &[], "after init").await;
    for key in ["b", "a.", "a\u{301}"] {
        assert_eq!(
            version(&*store, DataKind::Flag, key).await,
            None,
            "the key \"{key}\""
        );
    }
    store.close().await;
}

/// Callers of a complete snapshot fetch nothing, so it must know every key and list every item.
pub async fn a_complete_snapshot_knows_every_key(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("s", 1)]).await;
    upsert(&*store, Item::deleted(DataKind::Flag, "b", 2), true).await;
    let found = read(&*store, |snapshot| {
        snapshot.is_complete().then(|| {
            let keys = [
                (DataKind::Flag, "a"),
                (DataKind::Flag, "b"),
                (DataKind::Flag, "c"),
                (DataKind::Segment, "s"),
                (DataKind::Segment, "t"),
            ];
            let found = keys.map(|(kind, key)| find(snapshot, kind, key));
            (found, list(snapshot).len())
        })
    });
    if let Some((found, listed)) = found {
        let expected = [
            Found::Present(1),
            Found::Absent,
            Found::Absent,
            Found::Present(1),
            Found::Absent,
        ];
        assert_eq!(found, expected, "the items of a complete snapshot");
        assert_eq!(listed, 2, "the number of items that it lists");
    }
    store.close().await;
}

/// What is not in a snapshot is fetched. Fetched and lent items are the same.
pub async fn single_fetches_agree_with_snapshots(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("a", 2)]).await;
    upsert(&*store, item(&*store, DataKind::Flag, "b", 3), true).await;
    upsert(&*store, Item::deleted(DataKind::Segment, "s", 3), true).await;
    if read(&*store, |snapshot| snapshot.is_complete()) {
        // Nothing is ever fetched from this store.
        return store.close().await;
    }
    let expected = [
        (DataKind::Flag, "a", Some(1)),
        (DataKind::Flag, "b", Some(3)),
        (DataKind::Segment, "a", Some(2)),
        (DataKind::Segment, "s", None),
        (DataKind::Segment, "b", None),
    ];
    for (kind, key, expected) in expected {
        assert_eq!(
            fetched(&*store, kind, key).await,
            expected,
            "the fetched {kind} \"{key}\""
        );
        match read(&*store, |snapshot| find(snapshot, kind, key)) {
            Found::Present(version) => {
                assert_eq!(Some(version), expected, "the lent {kind} \"{key}\"");
            }
            Found::Absent => assert_eq!(expected, None, "the lent {kind} \"{key}\""),
            Found::Unknown => {}
        }
    }
    store.close().await;
}

/// If snapshots are incomplete, all items can be fetched, as a complete snapshot.
pub async fn a_fetch_of_everything_agrees_with_snapshots(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("a", 2)]).await;
    upsert(&*store, item(&*store, DataKind::Flag, "b", 3), true).await;
    upsert(&*store, Item::deleted(DataKind::Flag, "a", 3), true).await;
    if !read(&*store, |snapshot| snapshot.is_complete()) {
        let snapshot = store.fetch_all().await.must("fetch_all");
        assert!(snapshot.is_complete(), "the fetched snapshot is incomplete");
        let found = |kind, key| find(&*snapshot, kind, key);
        assert_eq!(found(DataKind::Flag, "b"), Found::Present(3), "a flag");
        assert_eq!(found(DataKind::Flag, "a"), Found::Absent, "a deleted flag");
        assert_eq!(
            found(DataKind::Segment, "a"),
            Found::Present(2),
            "a segment"
        );
        assert_eq!(list(&*snapshot), all(&*store).await, "all items");
        assert_eq!(list(&*snapshot).len(), 2, "the number of items");
    }
    store.close().await;
}

/// Evaluations may still read after the client was closed. They may find that an item would have to
/// be fetched, but never that it does not exist.
pub async fn a_closed_store_can_still_be_read(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1)], &[]).await;
    store.close().await;
    let found = read(&*store, |snapshot| find(snapshot, DataKind::Flag, "a"));
    assert!(
        matches!(found, Found::Present(1) | Found::Unknown),
        "a closed store returns {found:?} instead of its item"
    );
}

/// A closed store has released what could keep it alive.
pub async fn a_closed_store_is_dropped_with_its_last_handle(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1)], &[]).await;
    store.close().await;
    let handle = Arc::downgrade(&store);
    drop(store);
    eventually(harness.timeout(), "the store to be dropped", || {
        handle.strong_count() == 0
    })
    .await;
}
