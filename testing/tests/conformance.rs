//! The in-memory stores pass every clause that applies to any store.

#![cfg(test)]

use std::sync::Arc;

use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil::{async_trait, eval::Membership};
use vexil_testing::conformance::{BigSegmentStoreHarness, PersistentStoreHarness};
use vexil_testing::{MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore, StoreFault};

/// A new database for each test.
#[derive(Default)]
struct Memory {
    database: MemoryDatabase,
    reads_only: bool,
}

#[async_trait]
impl PersistentStoreHarness for Memory {
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
        let store = MemoryPersistentStore::attached(&self.database, prefix).with_push();
        Arc::new(if self.reads_only {
            store.read_only()
        } else {
            store
        })
    }

    async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
        let store = MemoryPersistentStore::new();
        store.calls().fault_all(StoreFault::Fail);
        Arc::new(store)
    }

    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
        self.database.put(prefix, kind, key, row.clone());
    }

    async fn mark(&self, prefix: &str) {
        self.database.set_initialized(prefix, true);
    }

    async fn clear(&self, prefix: &str) {
        self.database.clear(prefix);
    }
}

#[async_trait]
impl BigSegmentStoreHarness for Memory {
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore> {
        Arc::new(MemoryBigSegmentStore::attached(&self.database, prefix))
    }

    async fn unreachable(&self) -> Arc<dyn BigSegmentStore> {
        let store = MemoryBigSegmentStore::new();
        store.calls().fault_all(StoreFault::TimeOut);
        Arc::new(store)
    }

    async fn set_membership(&self, prefix: &str, hash: &str, included: &[&str], excluded: &[&str]) {
        let membership = Membership::new(included.iter().copied(), excluded.iter().copied());
        self.database
            .set_membership_of_hash(prefix, hash, membership);
    }

    async fn set_synchronized(&self, prefix: &str, time: u64) {
        self.database.set_synchronized(prefix, Some(time));
    }

    async fn clear(&self, prefix: &str) {
        self.database.clear(prefix);
    }
}

mod persistent_store {
    use super::Memory;

    vexil_testing::persistent_store_conformance!(Memory::default(), reads, writes, pushes);
}

mod read_only_store {
    use super::Memory;

    vexil_testing::persistent_store_conformance!(
        Memory {
            reads_only: true,
            ..Memory::default()
        },
        reads,
        read_only
    );
}

mod big_segment_store {
    use super::Memory;

    vexil_testing::big_segment_store_conformance!(Memory::default());
}
