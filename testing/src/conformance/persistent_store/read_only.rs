//! Clauses for read-only stores.

use vexil::model::DataKind;
use vexil::store::StoreError;

use super::rows::{Place, assert_items, data, live};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::must::Must;

/// A read-only store returns an error.
pub async fn init_is_refused_and_changes_nothing(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 1)).await;
    let refused = store.init(&data(&[("b", 1)], &[])).await;
    assert!(
        matches!(refused, Err(StoreError::ReadOnly)),
        "init returned {refused:?}"
    );
    assert_items(&*store, DataKind::Flag, &[("a", 1)], "after a refused init").await;
    assert!(
        !store.is_initialized().await.must("is_initialized"),
        "a refused init set the marker"
    );
    place.clear().await;
}

/// A read-only store returns an error.
pub async fn upsert_is_refused_and_changes_nothing(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    place.put(DataKind::Flag, "a", &live("a", 1)).await;
    for key in ["a", "b"] {
        let refused = store.upsert(DataKind::Flag, key, &live(key, 2)).await;
        assert!(
            matches!(refused, Err(StoreError::ReadOnly)),
            "upsert returned {refused:?}"
        );
    }
    assert_items(
        &*store,
        DataKind::Flag,
        &[("a", 1)],
        "after refused upserts",
    )
    .await;
    place.clear().await;
}
