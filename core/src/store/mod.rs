//! [`DataStore`]: where flags and segments are kept for evaluation.
//!
//! A store answers from memory, whatever it has behind it, so reading is synchronous and never
//! waits. It lends a
//! [`Snapshot`], the data of one moment, for the time of one call; so an evaluation never sees half an update, and no
//! counter is shared between threads that read. What a store does not hold in memory it calls
//! [`Found::Unknown`](vexil_eval::Found::Unknown) and is then asked to [`fetch`](DataStore::fetch). To read flags
//! from a database, there is an easier seam than this one: [`PersistentDataStore`].
//!
//! **Contract.** `init` replaces everything, at once for readers. `upsert` takes an item only if its version is
//! higher than that of the item or tombstone it replaces. A reader must see a write that has returned `Ok`.
//! **Errors** are failures; something that is not there is no error. **Cancellation**: dropping a future may leave a
//! write done or not done, never half done. **Panics** of a store are contained by the client. **Re-entrance**: a store may
//! use the client, but not wait for the data sink: the sink writes one update after the other, and would wait for itself.
//! **Forks**: what belongs to one process, such as connections, is best kept in a [`PerProcess`](crate::PerProcess).
//!
//! ```
//! use std::sync::{Arc, RwLock};
//! use vexil::eval::{Found, Lookup};
//! use vexil::model::{DataSet, Flag, Item, Segment};
//! use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
//!
//! /// A store that counts its reads.
//! #[derive(Debug, Default)]
//! struct Counting(MemoryStore, std::sync::atomic::AtomicUsize);
//!
//! #[vexil::async_trait]
//! impl DataStore for Counting {
//!     fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
//!         self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
//!         self.0.read(reader);
//!     }
//!     fn is_initialized(&self) -> bool {
//!         self.0.is_initialized()
//!     }
//!     async fn init(&self, data: DataSet) -> Result<(), StoreError> {
//!         self.0.init(data).await
//!     }
//!     async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
//!         self.0.upsert(item).await
//!     }
//!     async fn close(&self) {
//!         self.0.close().await;
//!     }
//! }
//! ```

pub(crate) mod arrival;
pub(crate) mod environment;
mod memory;
pub mod persistent;
mod shards;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
pub use memory::MemoryStore;
pub use persistent::read_through::CacheMode;
pub use persistent::{Collection, PersistentDataStore, StoredItem, StoredSnapshot, Upsert};
use vexil_eval::Lookup;
use vexil_eval::model::{DataKind, DataSet, Flag, Item, Segment};

pub use crate::store_error::StoreError;
pub use vexil_eval::model::Upserted;

/// Where flags and segments are kept for evaluation. See the [module documentation](self) for the
/// contract.
#[async_trait]
pub trait DataStore: Debug + Send + Sync + 'static {
    /// Calls `reader` once, before returning, with the data of this moment.
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot));

    /// Whether there was an `init`, by this process or an earlier one.
    fn is_initialized(&self) -> bool;

    /// Replaces everything.
    async fn init(&self, data: DataSet) -> Result<(), StoreError>;

    /// Inserts or replaces one item, if it is newer.
    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError>;

    /// Gets an item that a snapshot called unknown; none if there is no such item. A store whose
    /// snapshots know everything is never asked.
    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        let _ = (kind, key);
        Ok(None)
    }

    /// Gets everything, for a store whose snapshots are not [complete](Snapshot::is_complete); no
    /// other is asked.
    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        Err(StoreError::config(
            "the store does not hold everything and cannot fetch it",
        ))
    }

    /// Whether the store wants the JSON that items were read from, to keep it elsewhere. The SDK
    /// lets go of it otherwise.
    fn keeps_json(&self) -> bool {
        false
    }

    /// The store in memory that [`read`](DataStore::read) lends the snapshots of, if that is all it
    /// does. Asked once, when a client starts: its evaluations then read that one and do not pass
    /// through this store, which makes them faster.
    fn memory(&self) -> Option<MemoryStore> {
        None
    }

    /// Lets go of what the store holds open. Called once; a snapshot may still be read afterwards.
    async fn close(&self);
}

/// The data of one moment: single items through [`Lookup`], and all of them.
pub trait Snapshot: Lookup {
    /// All flags that are not deleted, in any order.
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_>;

    /// All segments that are not deleted, in any order.
    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_>;

    /// Whether these are all that there are. If not, whoever needs all is given those that
    /// [`fetch_all`](DataStore::fetch_all) gets.
    fn is_complete(&self) -> bool {
        true
    }
}
