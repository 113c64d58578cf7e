//! Clauses for every store: rows of other writers are returned unchanged.

use std::collections::BTreeSet;

use vexil::model::DataKind;
use vexil::store::StoredItem;

use super::rows::{
    KINDS, ODD_KEYS, Place, all, assert_items, assert_same, by_key, get, is_tombstone, live,
    tombstone,
};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::begin::begin;
use crate::conformance::must::Must;

/// Absence is not failure: a missing collection is empty, a missing item is `None`, and the store
/// is not initialized.
pub async fn an_empty_store_returns_nothing_and_no_error(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for kind in KINDS {
        assert_eq!(get(&*store, kind, "a").await, None, "a missing {kind}");
        assert!(all(&*store, kind).await.is_empty(), "missing {kind}s");
    }
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "an empty store is initialized"
    );
    let snapshot = store.snapshot().await.must("snapshot");
    assert!(
        snapshot
            .collections
            .iter()
            .all(|collection| collection.items.is_empty()),
        "{snapshot:?}"
    );
    assert!(
        !snapshot.initialized,
        "the snapshot of an empty store is initialized"
    );
}

/// Stored bytes are returned unchanged: whitespace, property order, escapes and number formats.
pub async fn a_row_is_returned_byte_for_byte(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for kind in KINDS {
        place.put(kind, "a", &live("a", 3)).await;
        assert_same(
            get(&*store, kind, "a").await.as_ref(),
            &live("a", 3),
            "a row",
        );
        assert_same(
            all(&*store, kind).await.get("a"),
            &live("a", 3),
            "a row in get_all",
        );
    }
    place.clear().await;
}

/// `get_all` returns each row of a kind once, in any order.
pub async fn all_rows_are_returned_once_each(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let keys: Vec<_> = (0..40).map(|number| format!("key-{number}")).collect();
    for key in &keys {
        place.put(DataKind::Flag, key, &live(key, 1)).await;
    }
    let expected: Vec<_> = keys.iter().map(|key| (key.as_str(), 1)).collect();
    assert_items(&*store, DataKind::Flag, &expected, "40 rows").await;
    place.clear().await;
}

/// All pages of a database are read: 40 rows of 60 KB exceed a page of DynamoDB.
pub async fn all_of_many_large_rows_are_returned(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let filling = "x".repeat(60_000);
    let row = StoredItem::new(format!(r#"{{"version":1,"filling":"{filling}"}}"#)).with_version(1);
    for number in 0..40 {
        place
            .put(DataKind::Segment, &format!("key-{number}"), &row)
            .await;
    }
    let found = all(&*store, DataKind::Segment).await;
    assert_eq!(found.len(), 40, "the number of rows");
    found
        .values()
        .for_each(|found| assert_same(Some(found), &row, "a large row"));
    place.clear().await;
}

/// A flag and a segment with the same key are distinct.
pub async fn kinds_are_separate(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "flag", &live("flag", 1)).await;
    place.put(DataKind::Flag, "both", &live("both", 2)).await;
    place.put(DataKind::Segment, "both", &live("both", 3)).await;
    assert_items(
        &*store,
        DataKind::Flag,
        &[("flag", 1), ("both", 2)],
        "kinds",
    )
    .await;
    assert_items(&*store, DataKind::Segment, &[("both", 3)], "kinds").await;
    assert_eq!(
        get(&*store, DataKind::Segment, "flag").await,
        None,
        "a segment with the key of a flag"
    );
    place.clear().await;
}

/// Environments that share a database are isolated, even if one prefix starts with the other.
pub async fn prefixes_are_isolated(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let others = [
        Place::at(harness, format!("{}-other", place.prefix)).await,
        Place::at(harness, format!("{}:other", place.prefix)).await,
    ];
    for other in &others {
        for kind in KINDS {
            other.put(kind, "other", &live("other", 1)).await;
        }
        other.mark().await;
    }
    place.put(DataKind::Flag, "own", &live("own", 2)).await;
    let store = place.store().await;
    assert_items(
        &*store,
        DataKind::Flag,
        &[("own", 2)],
        "with data under other prefixes",
    )
    .await;
    assert_items(
        &*store,
        DataKind::Segment,
        &[],
        "with data under other prefixes",
    )
    .await;
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "the marker of another prefix makes the store initialized"
    );
    for other in others {
        assert_items(
            &*other.store().await,
            DataKind::Flag,
            &[("other", 1)],
            "another prefix",
        )
        .await;
        other.clear().await;
    }
    place.clear().await;
}

/// The key in an item's text has no meaning; it may differ or be missing.
pub async fn a_row_is_found_by_its_key_whatever_its_text_contains(
    harness: &dyn PersistentStoreHarness,
) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let keyless = StoredItem::new(r#"{"version":1}"#).with_version(1);
    place.put(DataKind::Flag, "keyless", &keyless).await;
    place.put(DataKind::Flag, "real", &live("another", 2)).await;
    let found = all(&*store, DataKind::Flag).await;
    assert_eq!(
        found.keys().map(vexil::Text::as_str).collect::<Vec<_>>(),
        ["keyless", "real"],
        "the keys"
    );
    assert_same(
        get(&*store, DataKind::Flag, "keyless").await.as_ref(),
        &keyless,
        "a row without a key in its text",
    );
    assert_same(
        get(&*store, DataKind::Flag, "real").await.as_ref(),
        &live("another", 2),
        "a row with another key",
    );
    assert_eq!(
        get(&*store, DataKind::Flag, "another").await,
        None,
        "the key in the text"
    );
    place.clear().await;
}

/// Keys are used unchanged: letters of any script, separators and patterns of the database, and the
/// database's own names.
pub async fn odd_keys_are_read_unchanged(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for (key, version) in ODD_KEYS.into_iter().zip(1..) {
        place.put(DataKind::Flag, key, &live(key, version)).await;
    }
    let expected: Vec<_> = ODD_KEYS.into_iter().zip(1..).collect();
    assert_items(&*store, DataKind::Flag, &expected, "odd keys").await;
    place.clear().await;
}

/// A store does not interpret rows. An unreadable row is reported by the SDK and must not affect
/// others.
pub async fn an_unreadable_row_hides_no_other(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let unreadable = StoredItem::new(r#"{"version":1,"on":tr"#).with_version(1);
    place.put(DataKind::Flag, "a", &live("a", 1)).await;
    place.put(DataKind::Flag, "b", &unreadable).await;
    place.put(DataKind::Flag, "c", &live("c", 1)).await;
    let found = all(&*store, DataKind::Flag).await;
    assert_same(found.get("a"), &live("a", 1), "the row before");
    assert_same(found.get("c"), &live("c", 1), "the row after");
    assert_eq!(
        found.get("b").map(|item| &item.body),
        Some(&unreadable.body),
        "the unreadable row"
    );
    place.clear().await;
}

/// Java, .NET and Haskell write `{"version":7,"deleted":true}`, and Node in part.
pub async fn tombstone_a_of_version_and_deleted_is_returned(harness: &dyn PersistentStoreHarness) {
    tombstone_is_given(harness, r#"{"version":7,"deleted":true}"#).await;
}

/// Python, Ruby, C++ and Erlang write the real key, too.
pub async fn tombstone_b_with_the_key_is_returned(harness: &dyn PersistentStoreHarness) {
    tombstone_is_given(harness, r#"{"key":"gone","version":7,"deleted":true}"#).await;
}

/// Go, and so every Relay Proxy, writes a whole object at its zero values, which reads like a flag.
pub async fn tombstone_c_of_a_whole_object_is_returned(harness: &dyn PersistentStoreHarness) {
    let text = r#"{"key":"$deleted","on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],
        "fallthrough":{},"offVariation":null,"variations":[],"clientSide":false,"salt":"","trackEvents":false,
        "trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":7,"deleted":true}"#;
    tombstone_is_given(harness, text).await;
}

/// An older SDK for Rust writes three properties.
pub async fn tombstone_d_of_three_properties_is_returned(harness: &dyn PersistentStoreHarness) {
    tombstone_is_given(harness, r#"{"version":7,"key":"$deleted","deleted":true}"#).await;
}

/// Java writes the text `null` to DynamoDB, and the version beside it.
pub async fn tombstone_e_of_null_is_returned(harness: &dyn PersistentStoreHarness) {
    tombstone_is_given(harness, "null").await;
}

async fn tombstone_is_given(harness: &dyn PersistentStoreHarness, text: &'static str) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let row = StoredItem::new(text).with_version(7);
    for kind in KINDS {
        place.put(kind, "gone", &row).await;
        place.put(kind, "there", &live("there", 1)).await;
        let items = all(&*store, kind).await;
        assert_same(
            items.get("there"),
            &live("there", 1),
            "an item next to the tombstone",
        );
        for found in [get(&*store, kind, "gone").await.as_ref(), items.get("gone")] {
            assert!(
                found.is_some(),
                "the tombstone of the {kind} is not returned"
            );
            let Some(found) = found else { continue };
            assert!(
                is_tombstone(found),
                "the tombstone of the {kind} is returned as a live item: {found:?}"
            );
            assert_eq!(
                found.version.unwrap_or(7),
                7,
                "the version beside the tombstone of the {kind}"
            );
        }
    }
    place.clear().await;
}

/// Rows without the marker are not a complete data set; the marker without rows is one.
pub async fn only_the_marker_makes_a_store_initialized(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 1)).await;
    place.put(DataKind::Segment, "a", &live("a", 1)).await;
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "rows without the marker make the store initialized"
    );
    place.mark().await;
    assert!(
        store.is_initialized().await.must("is_initialized"),
        "the marker does not make the store initialized"
    );
    let empty = Place::new(harness).await;
    empty.mark().await;
    assert!(
        empty
            .store()
            .await
            .is_initialized()
            .await
            .must("is_initialized"),
        "the marker without rows does not make the store initialized"
    );
    assert_items(
        &*empty.store().await,
        DataKind::Flag,
        &[],
        "the marker is returned as an item",
    )
    .await;
    empty.clear().await;
    place.clear().await;
}

/// A snapshot equals the results of the single methods: each kind once, with tombstones, and the
/// marker.
pub async fn a_snapshot_has_all_rows_and_the_marker(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 1)).await;
    place.put(DataKind::Flag, "gone", &tombstone(2)).await;
    place.put(DataKind::Segment, "s", &live("s", 3)).await;
    assert!(
        !store.snapshot().await.must("snapshot").initialized,
        "the snapshot has the marker, but the database does not"
    );
    place.mark().await;
    let snapshot = store.snapshot().await.must("snapshot");
    assert!(snapshot.initialized, "the snapshot lacks the marker");
    let kinds: BTreeSet<_> = snapshot
        .collections
        .iter()
        .map(|collection| collection.kind.namespace())
        .collect();
    assert_eq!(
        (snapshot.collections.len(), kinds.len()),
        (2, 2),
        "the snapshot must have each kind once"
    );
    for collection in snapshot.collections {
        let found = by_key(collection.items);
        if collection.kind == DataKind::Flag {
            assert_eq!(found.len(), 2, "the flags of the snapshot");
            assert_same(found.get("a"), &live("a", 1), "the flag of the snapshot");
            assert_same(
                found.get("gone"),
                &tombstone(2),
                "the tombstone of the snapshot",
            );
        } else {
            assert_eq!(found.len(), 1, "the segments of the snapshot");
            assert_same(found.get("s"), &live("s", 3), "the segment of the snapshot");
        }
    }
    place.clear().await;
}

/// A probe checks whether the database responds, not its content.
pub async fn a_probe_succeeds_with_the_marker_and_without(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    store.probe().await.must("a probe without the marker");
    place.mark().await;
    store.probe().await.must("a probe with the marker");
    place.clear().await;
}

/// A store does not cache: the SDK does.
pub async fn writes_of_other_processes_are_read_immediately(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    for version in 1..=3 {
        assert_eq!(
            get(&*store, DataKind::Flag, "missing").await,
            None,
            "a missing item"
        );
        place.put(DataKind::Flag, "a", &live("a", version)).await;
        assert_items(
            &*store,
            DataKind::Flag,
            &[("a", version)],
            "after a write by another process",
        )
        .await;
    }
    place
        .put(DataKind::Flag, "missing", &live("missing", 1))
        .await;
    assert!(
        get(&*store, DataKind::Flag, "missing").await.is_some(),
        "a missing item is cached"
    );
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "the store is initialized without the marker"
    );
    place.mark().await;
    assert!(
        store.is_initialized().await.must("is_initialized"),
        "the new marker is not read"
    );
    place.clear().await;
    assert_items(&*store, DataKind::Flag, &[], "after everything was removed").await;
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "the removed marker is still read"
    );
}

/// An outage is never absence: every read fails in time, with a temporary error.
pub async fn an_unreachable_database_is_an_error_and_never_absence(
    harness: &dyn PersistentStoreHarness,
) {
    let store = harness.unreachable().await;
    for kind in KINDS {
        store.get(kind, "a").await.must_be_unavailable("get");
        store.get_all(kind).await.must_be_unavailable("get_all");
    }
    store
        .is_initialized()
        .await
        .must_be_unavailable("is_initialized");
    store.snapshot().await.must_be_unavailable("snapshot");
    store.probe().await.must_be_unavailable("probe");
    store.close().await;
}

/// Calls are dropped on timeout; later calls must not be affected.
pub async fn a_dropped_read_leaves_the_store_usable(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 1)).await;
    place.put(DataKind::Segment, "a", &live("a", 2)).await;
    for _ in 0..20 {
        begin(store.get(DataKind::Segment, "a")).await;
        begin(store.get_all(DataKind::Segment)).await;
        begin(store.snapshot()).await;
        assert_items(&*store, DataKind::Flag, &[("a", 1)], "after dropped reads").await;
    }
    place.clear().await;
}
