//! In-memory stores for tests, with injectable faults and a record of all writes.
//!
//! They let an application test how it handles the loss of its database, and let a test assert that
//! nothing is written where writes are not allowed. Clones share the same store. Several stores on
//! one [`MemoryDatabase`] act like several processes on one server.
//!
//! ```
//! use vexil::model::DataKind;
//! use vexil::store::{PersistentDataStore, StoredItem, WriteOutcome};
//! use vexil_testing::{MemoryDatabase, MemoryPersistentStore, StoreFault, StoreMethod};
//!
//! # pollster::block_on(async {
//! let database = MemoryDatabase::new();
//! database.put("prefix", DataKind::Flag, "banner", StoredItem::new(r#"{"key":"banner","version":3}"#));
//!
//! let store = MemoryPersistentStore::attached(&database, "prefix");
//! let older = StoredItem::new(r#"{"key":"banner","version":2}"#);
//! assert!(matches!(store.upsert(DataKind::Flag, "banner", &older).await?, WriteOutcome::Superseded(_)));
//! assert_eq!(store.writes().len(), 1, "failed writes are recorded too");
//!
//! store.calls().fault(StoreMethod::Get, StoreFault::Fail);
//! assert!(store.get(DataKind::Flag, "banner").await.is_err());
//! store.calls().heal();
//! assert!(store.get(DataKind::Flag, "banner").await?.is_some());
//! assert_eq!(store.calls().count(StoreMethod::Get), 2);
//! # Ok::<(), vexil::store::StoreError>(())
//! # }).unwrap();
//! ```

mod big_segments;
mod calls;
mod database;
mod persistent;

pub use self::big_segments::MemoryBigSegmentStore;
pub use self::calls::{StoreCalls, StoreFault, StoreMethod};
pub use self::database::MemoryDatabase;
pub use self::persistent::{MemoryPersistentStore, StoreWrite};
