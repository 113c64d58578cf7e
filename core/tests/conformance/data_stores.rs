//! The memory store, and stores with a database.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use vexil::config::{Configure, DataSystem, PersistentStoreConfig};
use vexil::model::DataKind;
use vexil::store::{CacheMode, DataStore, MemoryStore, PersistentDataStore};
use vexil::{Client, async_trait};
use vexil_testing::conformance::{DataStoreHarness, client_context};
use vexil_testing::{MemoryPersistentStore, StoreFault, data_store_conformance};

const MINUTE: Duration = Duration::from_secs(60);

mod memory {
    super::data_store_conformance!(
        super::Memory,
        contents,
        concurrency,
        change_sets,
        concurrent_writes
    );
}

mod write_behind {
    super::data_store_conformance!(
        super::Database::new(None),
        contents,
        concurrency,
        change_sets,
        concurrent_writes,
        json
    );
}

mod read_through_with_cache {
    super::data_store_conformance!(
        super::Database::new(Some(super::CacheMode::Ttl(super::MINUTE))),
        contents,
        concurrency,
        failures,
        json
    );
}

mod read_through_with_infinite_cache {
    super::data_store_conformance!(
        super::Database::new(Some(super::CacheMode::Infinite)),
        contents,
        concurrency,
        json
    );
}

mod read_through_without_cache {
    super::data_store_conformance!(
        super::Database::new(Some(super::CacheMode::Off)),
        contents,
        concurrency,
        failures,
        json
    );
}

mod handed_over_by_a_database {
    super::data_store_conformance!(
        super::Database {
            has_data_system: true,
            ..super::Database::new(Some(super::CacheMode::Off))
        },
        concurrency,
        change_sets
    );
}

struct Memory;

#[async_trait]
impl DataStoreHarness for Memory {
    async fn store(&self) -> Arc<dyn DataStore> {
        Arc::new(MemoryStore::new())
    }
}

/// A store with a separate in-memory database.
struct Database {
    cache: Option<CacheMode>,
    has_data_system: bool,
    /// The database of the last store.
    last: Mutex<MemoryPersistentStore>,
}

impl Database {
    fn new(cache: Option<CacheMode>) -> Self {
        Self {
            cache,
            has_data_system: false,
            last: Mutex::new(MemoryPersistentStore::new()),
        }
    }

    fn store_with(&self, database: MemoryPersistentStore) -> Arc<dyn DataStore> {
        *self.last.lock().unwrap() = database.clone();
        let mut config = PersistentStoreConfig::new(database);
        if let Some(mode) = self.cache {
            config = config.cache(mode);
        }
        let mut builder = Client::builder("sdk-key").offline(true);
        if self.has_data_system {
            builder = builder.data_system(DataSystem::custom());
        }
        let context = client_context(builder);
        Arc::new(config).configure(&context).unwrap()
    }
}

#[async_trait]
impl DataStoreHarness for Database {
    async fn store(&self) -> Arc<dyn DataStore> {
        self.store_with(MemoryPersistentStore::new())
    }

    async fn unreachable(&self) -> Arc<dyn DataStore> {
        let database = MemoryPersistentStore::new();
        database.calls().fault_all(StoreFault::Fail);
        self.store_with(database)
    }

    async fn written_json(&self, kind: DataKind, key: &str) -> Option<Bytes> {
        let database = self.last.lock().unwrap().clone();
        let row = database.get(kind, key).await.unwrap();
        row.map(|row| row.body)
    }
}
