//! Databases in memory: stores for tests, with the faults that a test wants and a memory of what
//! was done to them.
//!
//! An application that tests how it takes the loss of its database needs none for that, and a test
//! that nothing writes where nothing may write needs one that remembers. Stores are cheap to clone,
//! and clones are the same store; several stores on one [`MemoryDatabase`] are what several
//! processes are on one server.
//!
//! ```
//! use vexil::model::DataKind;
//! use vexil::store::{PersistentDataStore, StoredItem, Upsert};
//! use vexil_testing::{MemoryDatabase, MemoryPersistentStore, StoreFault, StoreMethod};
//!
//! # pollster::block_on(async {
//! let database = MemoryDatabase::new();
//! database.put("prefix", DataKind::Flag, "banner", StoredItem::new(r#"{"key":"banner","version":3}"#));
//!
//! let store = MemoryPersistentStore::attached(&database, "prefix");
//! let older = StoredItem::new(r#"{"key":"banner","version":2}"#);
//! assert!(matches!(store.upsert(DataKind::Flag, "banner", &older).await?, Upsert::Superseded(_)));
//! assert_eq!(store.writes().len(), 1, "tried, if in vain");
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
