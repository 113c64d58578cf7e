//! Tests of what a database does that implements only the required methods.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pollster::block_on;

use super::*;

/// A database with one flag, `flag`, with a regular expression, and the marker of a complete data set.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) lacks_marker: AtomicBool,
    pub(super) is_away: AtomicBool,
    pub(super) is_closed: AtomicBool,
    /// How often an item was read.
    pub(super) reads: AtomicUsize,
}

fn item() -> StoredItem {
    StoredItem::new(
        r#"{"version": 5, "rules": [{"clauses": [
            {"attribute": "a", "op": "matches", "values": ["a+"]}], "variation": 0}]}"#,
    )
}

#[async_trait]
impl PersistentDataStore for Database {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok((kind == DataKind::Flag && key == "flag").then(item))
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        let has_items = kind == DataKind::Flag;
        Ok(has_items
            .then(|| ("flag".into(), item()))
            .into_iter()
            .collect())
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::unavailable("away"));
        }
        Ok(!self.lacks_marker.load(Ordering::Relaxed))
    }

    async fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_database_is_read_only_unless_it_implements_writes() {
    let store = Database::default();
    let initialized = block_on(store.init(&[]));
    assert!(matches!(initialized, Err(StoreError::ReadOnly)));
    let upserted = block_on(store.upsert(DataKind::Flag, "flag", &item()));
    assert!(matches!(upserted, Err(StoreError::ReadOnly)));
}

#[test]
fn a_snapshot_has_both_kinds_and_the_marker() {
    let store = Database::default();
    let snapshot = block_on(store.snapshot()).unwrap();
    let read = snapshot
        .collections
        .iter()
        .map(|collection| (collection.kind, collection.items.len()));
    let expected = [(DataKind::Flag, 1), (DataKind::Segment, 0)];
    assert_eq!(read.collect::<Vec<_>>(), expected);
    assert!(snapshot.initialized);
    store.lacks_marker.store(true, Ordering::Relaxed);
    assert!(!block_on(store.snapshot()).unwrap().initialized);
}

#[test]
fn a_probe_fails_while_the_marker_cannot_be_read() {
    let store = Database::default();
    assert!(block_on(store.probe()).is_ok());
    store.is_away.store(true, Ordering::Relaxed);
    assert!(block_on(store.probe()).is_err());
}

#[test]
fn a_database_that_says_nothing_about_itself_is_custom_and_read_every_fifteen_seconds() {
    let store = Database::default();
    assert_eq!(store.describe(), "custom");
    assert_eq!(store.refresh_interval(), Duration::from_secs(15));
    assert!(store.changes().is_none());
}
