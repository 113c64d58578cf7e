//! Clauses for stores that send change notifications.

use std::time::Duration;

use vexil::model::DataKind;
use vexil::store::{Changes, PersistentDataStore};

use super::rows::{Place, live};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::must::Must;

/// How long to wait for a notification before the change is repeated, and how often it is repeated:
/// the store may still be subscribing.
const TIMEOUT: Duration = Duration::from_millis(500);
const TRIES: u64 = 12;

/// Changes by other processes are notified to a reader as long as the database is reachable.
pub async fn a_change_by_another_process_is_notified(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let mut changes = told_by(&*store);
    store.snapshot().await.must("snapshot");
    is_told(&place, DataKind::Flag, &mut changes).await;
    place.clear().await;
}

/// After a notification the client reads again, and later changes are notified again.
pub async fn a_second_change_is_notified_after_the_first_was_read(
    harness: &dyn PersistentStoreHarness,
) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let mut changes = told_by(&*store);
    for _ in 0..3 {
        for kind in [DataKind::Flag, DataKind::Segment] {
            store.snapshot().await.must("snapshot");
            is_told(&place, kind, &mut changes).await;
        }
    }
    place.clear().await;
}

#[expect(clippy::panic, reason = "the end of a test that fails")]
fn told_by(store: &dyn PersistentDataStore) -> Changes {
    store
        .changes()
        .unwrap_or_else(|| panic!("the store sends no change notifications"))
}

#[expect(clippy::panic, reason = "the end of a test that fails")]
async fn is_told(place: &Place<'_>, kind: DataKind, changes: &mut Changes) {
    changes.mark_unchanged();
    for version in 1..=TRIES {
        place.put(kind, "a", &live("a", version)).await;
        if tokio::time::timeout(TIMEOUT, changes.changed())
            .await
            .is_ok()
        {
            return;
        }
    }
    panic!("no notification of a {kind} changed by another process");
}
