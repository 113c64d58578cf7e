//! Clauses for stores whose backend can fail.

use vexil::model::DataKind;

use super::DataStoreHarness;
use super::items::{data, item};
use crate::conformance::must::Must;

/// The client must know that its data was not stored.
pub async fn a_failed_write_is_an_error(harness: &dyn DataStoreHarness) {
    let store = harness.unreachable().await;
    let init = store.init(data(&*store, &[("a", 1)], &[])).await;
    init.must_be_unavailable("init");
    let upsert = store.upsert(item(&*store, DataKind::Flag, "b", 1)).await;
    upsert.must_be_unavailable("upsert");
    store.close().await;
}

/// A failed fetch is never "no such flag".
pub async fn a_failed_fetch_is_an_error_and_never_absence(harness: &dyn DataStoreHarness) {
    let store = harness.unreachable().await;
    store
        .fetch(DataKind::Flag, "a")
        .await
        .must_be_unavailable("fetch");
    store.fetch_all().await.must_be_unavailable("fetch_all");
    store.close().await;
}
