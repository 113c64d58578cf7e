//! [`DaemonStore`]: a memory store that also closes the database its data comes from.

use std::sync::Arc;

use async_trait::async_trait;
use vexil_eval::model::{DataKind, DataSet, Item};

use crate::store::persistent::access::Reader;
use crate::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};

#[derive(Debug)]
pub(crate) struct DaemonStore {
    memory: MemoryStore,
    database: Reader,
}

impl DaemonStore {
    pub(crate) fn new(database: Reader) -> Self {
        Self {
            memory: MemoryStore::new(),
            database,
        }
    }
}

#[async_trait]
#[deny(
    clippy::missing_trait_methods,
    reason = "every method must be forwarded to the wrapped store"
)]
impl DataStore for DaemonStore {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.memory.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.memory.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.memory.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.memory.upsert(item).await
    }

    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        self.memory.fetch(kind, key).await
    }

    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        self.memory.fetch_all().await
    }

    fn keeps_json(&self) -> bool {
        self.memory.keeps_json()
    }

    fn memory(&self) -> Option<MemoryStore> {
        self.memory.memory()
    }

    async fn close(&self) {
        self.memory.close().await;
        self.database.close().await;
    }
}
