//! What holds for stores that look before they write, when somebody comes between.

use std::sync::Arc;

use vexil::model::DataKind;
use vexil::store::Upsert;

use super::rows::{Place, assert_items, live};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::must::Must;

/// Of two who write, the newer version wins, whoever writes last.
pub async fn an_upsert_that_is_overtaken_by_a_newer_one_changes_nothing(
    harness: &dyn PersistentStoreHarness,
) {
    let (place, upsert) = overtaken(harness, 2, 3).await;
    assert!(
        matches!(upsert, Upsert::Superseded(_)),
        "the older one, which came later, says {upsert:?}"
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

/// Being overtaken is no reason to give up.
pub async fn an_upsert_that_is_overtaken_by_an_older_one_replaces_it(
    harness: &dyn PersistentStoreHarness,
) {
    let (place, upsert) = overtaken(harness, 3, 2).await;
    assert_eq!(upsert, Upsert::Written, "the newer one, which came later");
    assert_items(
        &*place.store().await,
        DataKind::Flag,
        &[("a", 3)],
        "after the race",
    )
    .await;
    place.clear().await;
}

/// Writes version 1, and then `late` while somebody else writes `early`.
async fn overtaken(
    harness: &dyn PersistentStoreHarness,
    late: u64,
    early: u64,
) -> (Place<'_>, Upsert) {
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
                    .must("the upsert of the other one");
            })
        },
    );
    let store = harness.racing(&place.prefix, meanwhile).await;
    let upsert = store
        .upsert(DataKind::Flag, "a", &live("a", late))
        .await
        .must("the upsert that is overtaken");
    (place, upsert)
}
