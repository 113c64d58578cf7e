//! [`MemoryStore`]: the default store. It swaps immutable snapshots.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use async_trait::async_trait;
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataSet, Item};

use super::environment::Environment;
use super::{DataStore, Snapshot, StoreError, Upserted};

/// A store that keeps all data in memory. Readers take no lock and never wait for a writer. Clones
/// share the same data.
///
/// ```
/// use vexil::model::{DataKind, DataSet, Item};
/// use vexil::store::{DataStore, MemoryStore, Upserted};
///
/// # pollster::block_on(async {
/// let store = MemoryStore::new();
/// store.init(DataSet::default()).await?;
/// let flag = Item::from_json(DataKind::Flag, "banner", br#"{"version": 1}"#)?;
/// assert_eq!(store.upsert(flag.clone()).await?, Upserted::Written);
/// assert_eq!(store.upsert(flag).await?, Upserted::Stale);
/// store.read(&mut |snapshot| assert_eq!(snapshot.flags().count(), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Memory>);

#[derive(Debug)]
struct Memory {
    current: ArcSwap<Environment>,
    /// Held while the next environment is derived from the current one, so that no update is lost.
    /// Readers never take it.
    writer: Mutex<()>,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        let empty = DataSet::default();
        let current = ArcSwap::from_pointee(Environment::new(empty, false));
        Self(Arc::new(Memory {
            current,
            writer: Mutex::default(),
        }))
    }

    /// The current environment, which the guard keeps alive.
    #[inline]
    pub(crate) fn load(&self) -> Guard<Arc<Environment>> {
        self.0.current.load()
    }

    /// The infallible implementation of `init`.
    pub(super) fn replace(&self, data: DataSet) {
        let next = Arc::new(Environment::new(data, true));
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.current.store(next);
    }

    /// The infallible implementation of `apply`.
    pub(super) fn change(&self, changes: ChangeSetKind) {
        match changes {
            ChangeSetKind::Full(data) => self.replace(data),
            ChangeSetKind::Delta(items) => {
                let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
                let next = self.load().with_all(items);
                self.0.current.store(Arc::new(next));
            }
        }
    }

    /// The infallible implementation of `upsert`.
    pub(super) fn insert_if_newer(&self, item: Item) -> Upserted {
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = self.load().with(item) else {
            return Upserted::Stale;
        };
        self.0.current.store(Arc::new(next));
        Upserted::Written
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DataStore for MemoryStore {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        reader(&**self.load());
    }

    fn is_initialized(&self) -> bool {
        self.load().is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.replace(data);
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        Ok(self.insert_if_newer(item))
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        self.change(changes.kind);
        Ok(())
    }

    async fn close(&self) {}
}
