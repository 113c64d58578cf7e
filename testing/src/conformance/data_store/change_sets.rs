//! Clauses on change sets, which a data system delivers.

use vexil::model::{ChangeSet, DataKind, DataSet, Item};
use vexil::store::DataStore;

use super::DataStoreHarness;
use super::concurrency::{never_partial, never_see_a_mix, uniform};
use super::items::{KINDS, assert_items, data, init, item, upsert};
use crate::conformance::must::Must;

async fn apply(store: &dyn DataStore, changes: ChangeSet) {
    store.apply(changes).await.must("apply");
}

/// Returns a delta of all items of a data set.
fn delta(data: DataSet) -> ChangeSet {
    let flags = data.flags.into_iter().map(Item::Flag);
    let segments = data.segments.into_iter().map(Item::Segment);
    ChangeSet::delta(flags.chain(segments).collect())
}

/// Items that are not in the new data are removed, and versions are not compared.
pub async fn a_full_change_set_replaces_everything(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 5), ("b", 1)], &[("s", 5), ("t", 1)]).await;
    let new = data(&*store, &[("a", 2), ("c", 1)], &[("s", 2)]);
    apply(&*store, ChangeSet::full(new)).await;
    let what = "after a full change set";
    assert_items(&*store, &[("a", 2), ("c", 1)], &[("s", 2)], what).await;
    store.close().await;
}

/// An environment without items is complete data too.
pub async fn an_empty_full_change_set_removes_all_items(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    apply(&*store, ChangeSet::full(DataSet::default())).await;
    assert!(store.is_initialized(), "the store is not initialized");
    init(&*store, &[("a", 1)], &[("s", 1)]).await;
    apply(&*store, ChangeSet::full(DataSet::default())).await;
    assert_items(&*store, &[], &[], "after an empty full change set").await;
    assert!(store.is_initialized(), "the store is no longer initialized");
    store.close().await;
}

/// The service is the source of truth: it may restore an older version.
pub async fn a_delta_replaces_items_whatever_their_versions(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 5), ("b", 5)], &[("s", 5)]).await;
    let changes = data(&*store, &[("a", 2), ("b", 6), ("c", 1)], &[("s", 1)]);
    apply(&*store, delta(changes)).await;
    let flags = [("a", 2), ("b", 6), ("c", 1)];
    assert_items(&*store, &flags, &[("s", 1)], "after a delta").await;
    store.close().await;
}

/// A deletion has a version, which is not compared.
pub async fn a_delta_deletes_items_whatever_their_versions(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 5), ("b", 1)], &[("a", 5), ("b", 1)]).await;
    let deletions = KINDS.map(|kind| Item::deleted(kind, "a", 2));
    apply(&*store, ChangeSet::delta(deletions.into())).await;
    assert_items(&*store, &[("b", 1)], &[("b", 1)], "after the deletions").await;
    let items = KINDS.map(|kind| item(&*store, kind, "a", 1));
    apply(&*store, ChangeSet::delta(items.into())).await;
    let all = [("a", 1), ("b", 1)];
    assert_items(&*store, &all, &all, "after older items").await;
    store.close().await;
}

/// Single items are compared with the version of the tombstone, even of a missing item.
pub async fn a_tombstone_of_a_delta_keeps_its_version(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 5)], &[]).await;
    let deletions = ["a", "b"].map(|key| Item::deleted(DataKind::Flag, key, 3));
    apply(&*store, ChangeSet::delta(deletions.into())).await;
    for key in ["a", "b"] {
        upsert(&*store, item(&*store, DataKind::Flag, key, 3), false).await;
        upsert(&*store, item(&*store, DataKind::Flag, key, 4), true).await;
    }
    assert_items(&*store, &[("a", 4), ("b", 4)], &[], "after newer items").await;
    store.close().await;
}

/// A delta may be empty.
pub async fn a_delta_touches_nothing_else(harness: &dyn DataStoreHarness) {
    let store = harness.store().await;
    init(&*store, &[("a", 1), ("b", 1)], &[("s", 1)]).await;
    apply(&*store, delta(data(&*store, &[("a", 2)], &[]))).await;
    let flags = [("a", 2), ("b", 1)];
    assert_items(&*store, &flags, &[("s", 1)], "after a delta").await;
    apply(&*store, ChangeSet::delta(Vec::new())).await;
    assert_items(&*store, &flags, &[("s", 1)], "after an empty delta").await;
    store.close().await;
}

/// A change set is atomic for readers: they see the state before or after it.
pub async fn readers_never_see_a_part_of_a_change_set(harness: &dyn DataStoreHarness) {
    never_see_a_mix(harness, |store, version| {
        Box::pin(async move { store.apply(delta(uniform(store, version))).await })
    })
    .await;
    never_see_a_mix(harness, |store, version| {
        Box::pin(async move { store.apply(ChangeSet::full(uniform(store, version))).await })
    })
    .await;
}

/// A dropped change set may or may not take effect, but never partially.
pub async fn a_dropped_change_set_is_never_partial(harness: &dyn DataStoreHarness) {
    never_partial(harness, |store, version| {
        Box::pin(async move { store.apply(delta(uniform(store, version))).await })
    })
    .await;
}
