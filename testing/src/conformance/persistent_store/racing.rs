//! Clauses for stores that read before they write, with a concurrent writer in between.

use std::sync::Arc;

use vexil::model::DataKind;
use vexil::store::WriteOutcome;

use super::rows::{Place, assert_items, live};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::must::Must;

/// Of two concurrent writes, the newer version wins, whichever is later.
pub async fn an_upsert_overtaken_by_a_newer_one_changes_nothing(
    harness: &dyn PersistentStoreHarness,
) {
    let (place, upsert) = overtaken(harness, 2, 3).await;
    assert!(
        matches!(upsert, WriteOutcome::Superseded(_)),
        "the late write of the older version returned {upsert:?}"
    );
    assert_items(
        &*place.store().await,
        DataKind::Flag,
        &[("a", 3)],
        "after the race",
    )
    .await;
    place.clear().await;
}

/// A lost race must not make the store give up.
pub async fn an_upsert_overtaken_by_an_older_one_replaces_it(harness: &dyn PersistentStoreHarness) {
    let (place, upsert) = overtaken(harness, 3, 2).await;
    assert_eq!(
        upsert,
        WriteOutcome::Written,
        "the late write of the newer version"
    );
    assert_items(
        &*place.store().await,
        DataKind::Flag,
        &[("a", 3)],
        "after the race",
    )
    .await;
    place.clear().await;
}

/// Writes version 1, then `late`, while another writer writes `early`.
async fn overtaken(
    harness: &dyn PersistentStoreHarness,
    late: u64,
    early: u64,
) -> (Place<'_>, WriteOutcome) {
    let place = Place::new(harness).await;
    let other = place.store().await;
    other
        .upsert(DataKind::Flag, "a", &live("a", 1))
        .await
        .must("upsert");
    let meanwhile = Box::new(
        move || -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            let other = Arc::clone(&other);
            Box::pin(async move {
                other
                    .upsert(DataKind::Flag, "a", &live("a", early))
                    .await
                    .must("the concurrent upsert");
            })
        },
    );
    let store = harness.racing(&place.prefix, meanwhile).await;
    let upsert = store
        .upsert(DataKind::Flag, "a", &live("a", late))
        .await
        .must("the overtaken upsert");
    (place, upsert)
}
