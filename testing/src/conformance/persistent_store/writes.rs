//! Clauses for stores that write.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoredItem, WriteOutcome};

use super::rows::{ODD_KEYS, Place, all, assert_items, assert_same, data, get, live, tombstone};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::begin::{begin, poll_once};
use crate::conformance::must::Must;
use crate::conformance::occupy::{BLOCKING_THREADS, occupy};

/// How long a clause repeats rounds that may succeed by chance.
const ROUNDS: Duration = Duration::from_secs(5);

/// `init` writes all items, and then the marker.
pub async fn init_writes_all_items_and_the_marker(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store
        .init(&data(&[("a", 1), ("b", 2)], &[("a", 3)]))
        .await
        .must("init");
    assert_items(&*store, DataKind::Flag, &[("a", 1), ("b", 2)], "after init").await;
    assert_items(&*store, DataKind::Segment, &[("a", 3)], "after init").await;
    assert!(
        store.is_initialized().await.must("is_initialized"),
        "init does not set the marker"
    );
    place.clear().await;
}

/// Some databases limit the items of one request: 25 with DynamoDB.
pub async fn init_writes_more_items_than_fit_into_one_request(
    harness: &dyn PersistentStoreHarness,
) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let keys: Vec<_> = (0..1234).map(|number| format!("key-{number}")).collect();
    let items = keys
        .iter()
        .map(|key| (key.as_str().into(), live(key, 7)))
        .collect();
    let segments = vec![("s".into(), live("s", 1))];
    let data = [
        Collection::new(DataKind::Segment, segments),
        Collection::new(DataKind::Flag, items),
    ];
    store.init(&data).await.must("init");
    let found = all(&*store, DataKind::Flag).await;
    assert_eq!(
        found.len(),
        keys.len(),
        "the number of flags after an init of many"
    );
    for key in &keys {
        assert_same(found.get(key.as_str()), &live(key, 7), key);
    }
    assert_items(
        &*store,
        DataKind::Segment,
        &[("s", 1)],
        "after an init of many flags",
    )
    .await;
    place.clear().await;
}

/// `init` replaces everything: items that are not in the data are deleted.
pub async fn init_removes_items_that_are_not_in_the_data(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for number in 0..30 {
        let key = format!("old-{number}");
        place.put(DataKind::Flag, &key, &live(&key, 100)).await;
    }
    place.put(DataKind::Segment, "old", &live("old", 100)).await;
    store
        .init(&data(&[("a", 1)], &[("s", 1)]))
        .await
        .must("init");
    assert_items(&*store, DataKind::Flag, &[("a", 1)], "after init").await;
    assert_items(&*store, DataKind::Segment, &[("s", 1)], "after init").await;
    place.clear().await;
}

/// A tombstone is kept until the next `init`.
pub async fn init_removes_tombstones(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "gone", &tombstone(100)).await;
    place.put(DataKind::Flag, "back", &tombstone(100)).await;
    store.init(&data(&[("back", 1)], &[])).await.must("init");
    assert_items(&*store, DataKind::Flag, &[("back", 1)], "after init").await;
    place.clear().await;
}

/// `init` replaces all data, even newer data.
pub async fn init_ignores_versions(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 100)).await;
    place.put(DataKind::Segment, "s", &live("s", 100)).await;
    store
        .init(&data(&[("a", 1)], &[("s", 1)]))
        .await
        .must("init");
    assert_items(&*store, DataKind::Flag, &[("a", 1)], "after init").await;
    assert_items(&*store, DataKind::Segment, &[("s", 1)], "after init").await;
    place.clear().await;
}

/// An environment may be empty, and is initialized nevertheless.
pub async fn init_with_empty_collections_leaves_only_the_marker(
    harness: &dyn PersistentStoreHarness,
) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "old", &live("old", 1)).await;
    store.init(&data(&[], &[])).await.must("init");
    assert_items(&*store, DataKind::Flag, &[], "after an empty init").await;
    assert_items(&*store, DataKind::Segment, &[], "after an empty init").await;
    assert!(
        store.is_initialized().await.must("is_initialized"),
        "an empty init does not set the marker"
    );
    place.clear().await;
}

/// A kind that is not in the data is not changed.
pub async fn init_keeps_a_kind_that_is_not_in_the_data(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Segment, "s", &live("s", 3)).await;
    let [_, flags] = data(&[("a", 1)], &[]);
    store.init(&[flags]).await.must("init");
    assert_items(
        &*store,
        DataKind::Flag,
        &[("a", 1)],
        "after an init of flags",
    )
    .await;
    assert_items(
        &*store,
        DataKind::Segment,
        &[("s", 3)],
        "after an init of flags",
    )
    .await;
    place.clear().await;
}

/// Every reconnection begins with an `init`.
pub async fn a_second_init_replaces_the_first(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store
        .init(&data(&[("a", 5), ("b", 5)], &[("s", 5)]))
        .await
        .must("init");
    store
        .init(&data(&[("b", 4), ("c", 1)], &[]))
        .await
        .must("a second init");
    assert_items(
        &*store,
        DataKind::Flag,
        &[("b", 4), ("c", 1)],
        "after a second init",
    )
    .await;
    assert_items(&*store, DataKind::Segment, &[], "after a second init").await;
    assert!(
        store.is_initialized().await.must("is_initialized"),
        "a second init removes the marker"
    );
    place.clear().await;
}

/// Bytes are stored unchanged: numbers that no float can represent, escapes, line ends, large
/// texts.
pub async fn written_text_is_kept_byte_for_byte(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let long = format!(
        r#"{{"version":1,"filling":"{}"}}"#,
        "é\u{1f6a9}x".repeat(20_000)
    );
    let texts = [
        "{\"version\":1,\"n\":123456789012345678901234567890.10e+5,\"a\":[ ],\"o\":{ }}",
        " \r\n\t{\"version\" : 1,\"version2\":1.0,\"t\":\"\\u0000\\ud83d\\udea9\\/\"}\r\n",
        "{\"version\":1,\"t\":\"ключ \u{1f6a9} \u{2028}\"}",
        &long,
    ];
    let item = |text: &str| {
        StoredItem::new(text.to_owned())
            .with_version(1)
            .with_deleted(false)
    };
    let items = (0..)
        .zip(texts)
        .map(|(number, text)| (format!("init-{number}").into(), item(text)))
        .collect();
    store
        .init(&[Collection::new(DataKind::Flag, items)])
        .await
        .must("init");
    for (number, text) in (0..).zip(texts) {
        store
            .upsert(DataKind::Flag, &format!("upsert-{number}"), &item(text))
            .await
            .must("upsert");
        for key in [format!("init-{number}"), format!("upsert-{number}")] {
            assert_same(
                get(&*store, DataKind::Flag, &key).await.as_ref(),
                &item(text),
                &key,
            );
            assert_same(
                all(&*store, DataKind::Flag).await.get(key.as_str()),
                &item(text),
                &key,
            );
        }
    }
    place.clear().await;
}

/// Keys are stored unchanged.
pub async fn odd_keys_are_written_unchanged(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let expected: Vec<_> = ODD_KEYS.into_iter().zip(1..).collect();
    store.init(&data(&expected, &[])).await.must("init");
    assert_items(&*store, DataKind::Flag, &expected, "odd keys after init").await;
    let newer: Vec<_> = ODD_KEYS.into_iter().zip(101..).collect();
    for (key, version) in &newer {
        let upsert = store
            .upsert(DataKind::Flag, key, &live(key, *version))
            .await
            .must("upsert");
        assert_eq!(upsert, WriteOutcome::Written, "the key {key:?}");
    }
    assert_items(&*store, DataKind::Flag, &newer, "odd keys after upserts").await;
    place.clear().await;
}

/// Environments that share a database are isolated, even if one prefix starts with the other.
pub async fn writes_stay_within_their_prefix(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let others = [
        Place::at(harness, format!("{}-other", place.prefix)).await,
        Place::at(harness, format!("{}:other", place.prefix)).await,
    ];
    for other in &others {
        other
            .store()
            .await
            .init(&data(&[("a", 1), ("b", 1)], &[("s", 1)]))
            .await
            .must("init of another prefix");
    }
    let store = place.store().await;
    assert_items(&*store, DataKind::Flag, &[], "before init").await;
    store.init(&data(&[("a", 2)], &[])).await.must("init");
    store
        .upsert(DataKind::Flag, "b", &live("b", 2))
        .await
        .must("upsert");
    assert_items(
        &*store,
        DataKind::Flag,
        &[("a", 2), ("b", 2)],
        "with data under other prefixes",
    )
    .await;
    for other in others {
        let store = other.store().await;
        assert_items(
            &*store,
            DataKind::Flag,
            &[("a", 1), ("b", 1)],
            "another prefix",
        )
        .await;
        assert_items(&*store, DataKind::Segment, &[("s", 1)], "another prefix").await;
        assert!(
            store.is_initialized().await.must("is_initialized"),
            "the marker of another prefix is gone"
        );
        other.clear().await;
    }
    place.clear().await;
}

/// Processes share only the data in the database.
pub async fn a_second_store_reads_the_data_of_the_first(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let (first, second) = (place.store().await, place.store().await);
    assert!(
        !second.is_initialized().await.must("is_initialized"),
        "the store is initialized without the marker"
    );
    first
        .init(&data(&[("a", 1)], &[("s", 1)]))
        .await
        .must("init");
    assert!(
        second.is_initialized().await.must("is_initialized"),
        "the second store does not read the marker"
    );
    assert_items(&*second, DataKind::Flag, &[("a", 1)], "the second store").await;
    assert_items(&*second, DataKind::Segment, &[("s", 1)], "the second store").await;
    second
        .upsert(DataKind::Flag, "a", &live("a", 2))
        .await
        .must("upsert");
    assert_items(&*first, DataKind::Flag, &[("a", 2)], "the first store").await;
    place.clear().await;
}

/// A missing item of either kind is written.
pub async fn upsert_writes_a_missing_item(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[], &[])).await.must("init");
    for kind in [DataKind::Flag, DataKind::Segment] {
        let upsert = store.upsert(kind, "a", &live("a", 1)).await.must("upsert");
        assert_eq!(upsert, WriteOutcome::Written, "the result of the upsert");
        assert_items(&*store, kind, &[("a", 1)], "after the upsert").await;
    }
    place.clear().await;
}

/// A newer item replaces an older one; versions are compared as numbers.
pub async fn upsert_of_a_newer_version_replaces(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 9)], &[])).await.must("init");
    for version in [10, 99, 100, 4_000_000_000] {
        let upsert = store
            .upsert(DataKind::Flag, "a", &live("a", version))
            .await
            .must("upsert");
        assert_eq!(upsert, WriteOutcome::Written, "version {version}");
        assert_items(
            &*store,
            DataKind::Flag,
            &[("a", version)],
            "after the upsert",
        )
        .await;
    }
    place.clear().await;
}

/// An older item changes nothing; versions are compared as numbers.
pub async fn upsert_of_an_older_version_changes_nothing(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 10)], &[])).await.must("init");
    for version in [9, 1, 0] {
        is_superseded(&*store, &live("a", version), &live("a", 10)).await;
    }
    place.clear().await;
}

/// An item with the same version changes nothing.
pub async fn upsert_of_an_equal_version_changes_nothing(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 10)], &[])).await.must("init");
    let other_text = StoredItem::new(r#"{"key":"a","version":10,"other":true}"#)
        .with_version(10)
        .with_deleted(false);
    is_superseded(&*store, &other_text, &live("a", 10)).await;
    place.clear().await;
}

/// One item is written, and no other item of its kind or key is changed.
pub async fn upsert_touches_nothing_else(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store
        .init(&data(&[("a", 1), ("b", 1)], &[("a", 1), ("b", 1)]))
        .await
        .must("init");
    store
        .upsert(DataKind::Flag, "a", &live("a", 2))
        .await
        .must("upsert");
    store
        .upsert(DataKind::Segment, "c", &live("c", 3))
        .await
        .must("upsert");
    assert_items(
        &*store,
        DataKind::Flag,
        &[("a", 2), ("b", 1)],
        "after upserts",
    )
    .await;
    assert_items(
        &*store,
        DataKind::Segment,
        &[("a", 1), ("b", 1), ("c", 3)],
        "after upserts",
    )
    .await;
    place.clear().await;
}

/// A single item is not a complete data set.
pub async fn upsert_does_not_set_the_marker(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store
        .upsert(DataKind::Flag, "a", &live("a", 1))
        .await
        .must("upsert");
    store
        .upsert(DataKind::Segment, "a", &live("a", 1))
        .await
        .must("upsert");
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "upsert sets the marker"
    );
    place.clear().await;
}

/// An unreadable row must not block a readable one.
pub async fn upsert_replaces_a_row_without_a_readable_version(
    harness: &dyn PersistentStoreHarness,
) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for text in [r#"{"version":"#, "", "[]", r#""version""#, "{}"] {
        place.put(DataKind::Flag, "a", &StoredItem::new(text)).await;
        let upsert = store
            .upsert(DataKind::Flag, "a", &live("a", 1))
            .await
            .must("upsert");
        assert_eq!(upsert, WriteOutcome::Written, "over the row {text:?}");
        assert_items(&*store, DataKind::Flag, &[("a", 1)], "after the upsert").await;
    }
    place.clear().await;
}

/// Rows of other writers count like the store's own.
pub async fn upsert_respects_the_version_of_a_row_of_another_writer(
    harness: &dyn PersistentStoreHarness,
) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 10)).await;
    is_superseded(&*store, &live("a", 9), &live("a", 10)).await;
    is_superseded(&*store, &tombstone(10), &live("a", 10)).await;
    let upsert = store
        .upsert(DataKind::Flag, "a", &live("a", 11))
        .await
        .must("upsert");
    assert_eq!(
        upsert,
        WriteOutcome::Written,
        "a newer item than that of another writer"
    );
    place
        .put(
            DataKind::Flag,
            "a",
            &StoredItem::new(r#"{"version":20,"deleted":true}"#).with_version(20),
        )
        .await;
    let upsert = store
        .upsert(DataKind::Flag, "a", &live("a", 20))
        .await
        .must("upsert");
    assert!(
        matches!(upsert, WriteOutcome::Superseded(_)),
        "an item as old as the tombstone of another writer"
    );
    place.clear().await;
}

/// A deletion is an upsert of a tombstone, which is kept.
pub async fn deletion_of_a_newer_version_leaves_a_tombstone(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store
        .init(&data(&[("a", 1), ("b", 1)], &[("a", 1)]))
        .await
        .must("init");
    is_deleted(&*store, &tombstone(2)).await;
    assert_same(
        get(&*store, DataKind::Flag, "b").await.as_ref(),
        &live("b", 1),
        "an item with another key",
    );
    assert_items(
        &*store,
        DataKind::Segment,
        &[("a", 1)],
        "after the deletion",
    )
    .await;
    place.clear().await;
}

/// A deletion older than the item changes nothing.
pub async fn deletion_of_an_older_version_changes_nothing(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 10)], &[])).await.must("init");
    is_superseded(&*store, &tombstone(9), &live("a", 10)).await;
    place.clear().await;
}

/// A deletion with the item's version changes nothing.
pub async fn deletion_of_an_equal_version_changes_nothing(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 10)], &[])).await.must("init");
    is_superseded(&*store, &tombstone(10), &live("a", 10)).await;
    place.clear().await;
}

/// The item may arrive after its deletion.
pub async fn deletion_of_a_missing_item_leaves_a_tombstone(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[], &[])).await.must("init");
    is_deleted(&*store, &tombstone(5)).await;
    place.clear().await;
}

/// A deleted item is not restored by an older update.
pub async fn an_older_upsert_does_not_restore_a_deleted_item(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 1)], &[])).await.must("init");
    is_deleted(&*store, &tombstone(5)).await;
    for version in [5, 4, 2] {
        is_superseded(&*store, &live("a", version), &tombstone(5)).await;
    }
    place.clear().await;
}

/// A deleted item can be created again.
pub async fn a_newer_upsert_restores_a_deleted_item(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.init(&data(&[("a", 1)], &[])).await.must("init");
    is_deleted(&*store, &tombstone(5)).await;
    let upsert = store
        .upsert(DataKind::Flag, "a", &live("a", 6))
        .await
        .must("upsert");
    assert_eq!(upsert, WriteOutcome::Written, "the result of the upsert");
    assert_items(&*store, DataKind::Flag, &[("a", 6)], "after the upsert").await;
    place.clear().await;
}

/// `upsert` is atomic with respect to other writers, in the same store or another.
pub async fn of_concurrent_writers_the_newest_version_wins(harness: &dyn PersistentStoreHarness) {
    const WRITERS: u64 = 24;
    const KEYS: [&str; 4] = ["a", "b", "c", "d"];
    let place = Place::new(harness).await;
    let stores = [
        place.store().await,
        place.store().await,
        place.store().await,
    ];
    let start = Arc::new(Barrier::new(KEYS.len() * WRITERS as usize));
    let mut writers = JoinSet::new();
    // For some keys the newest version is written first, for others in between: a store that does
    // not check versions writes an older one last.
    for (shift, key) in (0..).step_by(7).zip(KEYS) {
        for (writer, store) in (0..WRITERS).zip(stores.iter().cycle()) {
            let (store, start) = (Arc::clone(store), Arc::clone(&start));
            let version = (2 * WRITERS - writer - shift) % WRITERS + 1;
            writers.spawn(async move {
                start.wait().await;
                (
                    version,
                    store
                        .upsert(DataKind::Flag, key, &live(key, version))
                        .await
                        .must("upsert"),
                )
            });
        }
    }
    for (version, upsert) in writers.join_all().await {
        let lost = version == WRITERS && upsert != WriteOutcome::Written;
        assert!(!lost, "the newest version was not written: {upsert:?}");
    }
    assert_items(
        &*stores[0],
        DataKind::Flag,
        &KEYS.map(|key| (key, WRITERS)),
        "after all writes",
    )
    .await;
    place.clear().await;
}

/// An outage is never success.
pub async fn writes_to_an_unreachable_database_fail(harness: &dyn PersistentStoreHarness) {
    let store = harness.unreachable().await;
    store
        .init(&data(&[("a", 1)], &[]))
        .await
        .must_be_unavailable("init");
    store
        .upsert(DataKind::Flag, "a", &live("a", 1))
        .await
        .must_be_unavailable("upsert");
    store.close().await;
}

/// A dropped call may or may not have written; the store stays usable, and no later call receives
/// its response.
pub async fn a_dropped_write_leaves_the_store_usable(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for version in 1..=20 {
        begin(store.init(&data(&[("x", version)], &[]))).await;
        begin(store.upsert(DataKind::Segment, "a", &live("a", version))).await;
        begin(store.upsert(DataKind::Flag, "x", &tombstone(version))).await;
    }
    store
        .init(&data(&[("a", 1)], &[("s", 1)]))
        .await
        .must("init after dropped writes");
    let upsert = store
        .upsert(DataKind::Flag, "a", &live("a", 2))
        .await
        .must("upsert after dropped writes");
    assert_eq!(upsert, WriteOutcome::Written, "the result of the upsert");
    assert_same(
        get(&*store, DataKind::Flag, "a").await.as_ref(),
        &live("a", 2),
        "the last write",
    );
    place.clear().await;
}

/// Blocking work, and a request that was sent, continue after their call was dropped. A later `init`
/// must nevertheless be written after them.
pub async fn a_dropped_init_is_not_written_after_a_later_one(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    // Each round may succeed by chance. A slow database runs fewer rounds.
    let begun = Instant::now();
    for version in (1..=50).take_while(|_| begun.elapsed() < ROUNDS) {
        // All calls are made before any blocking work starts. Then all of it gets a thread at the
        // same time.
        let threads = occupy().await;
        for _ in 1..BLOCKING_THREADS {
            begin(store.init(&data(&[("dropped", version)], &[("dropped", version)]))).await;
        }
        let kept = data(&[("a", version)], &[("s", version)]);
        let mut init = pin!(store.init(&kept));
        let polled = poll_once(init.as_mut()).await;
        drop(threads);
        let written = if let Poll::Ready(written) = polled {
            written
        } else {
            init.await
        };
        written.must("init after dropped inits");
        // All blocking work is done.
        drop(occupy().await);
        assert_items(
            &*store,
            DataKind::Flag,
            &[("a", version)],
            "after an init that follows dropped ones",
        )
        .await;
        assert_items(
            &*store,
            DataKind::Segment,
            &[("s", version)],
            "after an init that follows dropped ones",
        )
        .await;
    }
    place.clear().await;
}

/// Asserts that the item does not replace the stored flag, and that the result says so.
async fn is_superseded(store: &dyn PersistentDataStore, item: &StoredItem, stored: &StoredItem) {
    let upsert = store.upsert(DataKind::Flag, "a", item).await.must("upsert");
    assert!(
        matches!(upsert, WriteOutcome::Superseded(_)),
        "{item:?} counts as newer than {stored:?}"
    );
    if let WriteOutcome::Superseded(Some(winner)) = &upsert {
        assert_same(Some(winner), stored, "the item in the result");
    }
    assert_same(
        get(store, DataKind::Flag, "a").await.as_ref(),
        stored,
        "the stored item",
    );
}

/// Deletes the flag, and asserts that its tombstone is stored.
async fn is_deleted(store: &dyn PersistentDataStore, tombstone: &StoredItem) {
    let upsert = store
        .upsert(DataKind::Flag, "a", tombstone)
        .await
        .must("upsert");
    assert_eq!(upsert, WriteOutcome::Written, "the result of the upsert");
    assert_same(
        get(store, DataKind::Flag, "a").await.as_ref(),
        tombstone,
        "the tombstone",
    );
    assert_same(
        all(store, DataKind::Flag).await.get("a"),
        tombstone,
        "the tombstone in get_all",
    );
}
