//! What holds for stores that tell of changes.

use std::time::Duration;

use tokio::sync::watch;
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;

use super::rows::{Place, live};
use crate::conformance::PersistentStoreHarness;
use crate::conformance::must::Must;

/// How long a store is given to get ready to be told, before something is changed once more; and
/// how often that is.
const PATIENCE: Duration = Duration::from_millis(500);
const TRIES: u64 = 12;

/// Whatever others change is told to whoever has read, as long as the database can be reached.
pub async fn a_change_by_others_is_told(harness: &dyn PersistentStoreHarness) {
    let place = Place::new(harness).await;
    let store = place.store().await;
    let mut changes = told_by(&*store);
    store.snapshot().await.must("snapshot");
    is_told(&place, DataKind::Flag, &mut changes).await;
    place.clear().await;
}

/// Who is told reads again, and is told again when there is something new.
pub async fn a_second_change_is_told_after_the_first_was_read(
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
fn told_by(store: &dyn PersistentDataStore) -> watch::Receiver<()> {
    store
        .changes()
        .unwrap_or_else(|| panic!("the store does not tell of changes"))
}

#[expect(clippy::panic, reason = "the end of a test that fails")]
async fn is_told(place: &Place<'_>, kind: DataKind, changes: &mut watch::Receiver<()>) {
    changes.mark_unchanged();
    for version in 1..=TRIES {
        place.put(kind, "a", &live("a", version)).await;
        if matches!(
            tokio::time::timeout(PATIENCE, changes.changed()).await,
            Ok(Ok(()))
        ) {
            return;
        }
    }
    panic!("changes of a {kind} by others are not told");
}
