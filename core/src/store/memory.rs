//! [`MemoryStore`]: the default store, immutable snapshots that are swapped whole.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::environment::Environment;
use super::{DataStore, Snapshot, StoreError, Upserted};
use crate::model::{DataSet, Item};

/// Keeps everything in memory. Readers take no lock and never wait for a writer.
#[derive(Debug)]
pub struct MemoryStore {
    current: ArcSwap<Environment>,
    /// Held by whoever derives the next environment from the current one, so that no update is lost. Readers never
    /// touch it.
    writer: Mutex<()>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let empty = DataSet::default();
        Self { current: ArcSwap::from_pointee(Environment::new(empty, false)), writer: Mutex::default() }
    }

    /// What `init` does, which needs nothing that could fail.
    pub(super) fn replace(&self, data: DataSet) {
        let next = Arc::new(Environment::new(data, true));
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.current.store(next);
    }

    /// What `upsert` does.
    pub(super) fn insert_if_newer(&self, item: Item) -> Upserted {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = self.current.load().with(item) else {
            return Upserted::Stale;
        };
        self.current.store(Arc::new(next));
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
        reader(&**self.current.load());
    }

    fn is_initialized(&self) -> bool {
        self.current.load().is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.replace(data);
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        Ok(self.insert_if_newer(item))
    }

    async fn close(&self) {}
}
