//! [`DataStore`] keeps flags and segments for evaluation.
//!
//! Reading is synchronous and never waits: a store answers from memory, whatever its backend. It
//! lends a [`Snapshot`] for the duration of one call, so an evaluation never sees a partial update,
//! and readers share no reference counter. For an item that is not in memory, the snapshot returns
//! [`Found::Unknown`], and the client then calls [`fetch`](DataStore::fetch). A store whose data is
//! immutable can also hand out [a snapshot to keep](DataStore::snapshot), for scopes. To read flags
//! from a database, implement [`PersistentDataStore`] instead, which is simpler.
//!
//! **Contract.** `init` replaces all data atomically. `upsert` stores an item only if its version
//! is higher than that of the item or tombstone it replaces. `apply` makes a change set visible
//! atomically, whatever the versions of the stored items. Readers must see a write once it has
//! returned `Ok`. **Errors** are failures; a missing item is not an error. **Cancellation**: if a
//! future is dropped, its write may or may not take effect, but never partially. **Panics** of a
//! store are contained by the client. **Re-entrance**: a store may use the client, but must not
//! wait for the data sink, which applies updates one at a time and would deadlock. **Forks**: keep
//! resources of one process, such as connections, in a [`PerProcess`](crate::PerProcess).
//!
//! The macro `data_store_conformance!` of `vexil-testing` tests a store against this contract.
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
//!     fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
//!         self.0.snapshot()
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
pub(crate) mod overrides;
pub mod persistent;

use std::any::Any;
use std::fmt::Debug;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
pub use memory::MemoryStore;
pub use persistent::read_through::CacheMode;
pub use persistent::{
    ChangeNotifier, Changes, Collection, PersistentDataStore, StoredDataSet, StoredItem,
    WriteOutcome, encode_data_set,
};
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataKind, DataSet, Flag, Item, Segment};
use vexil_eval::{Found, Lookup};

pub use crate::store_error::StoreError;
pub use vexil_eval::model::Upserted;

/// Keeps flags and segments for evaluation. See the [module documentation](self) for the contract.
#[async_trait]
pub trait DataStore: Any + Debug + Send + Sync {
    /// Calls `reader` exactly once, before returning, with a snapshot of the current data.
    ///
    /// An evaluation reads the store on the thread of its caller. The client also reads the store in
    /// a task of its own: with the feature `metrics`, it counts the items every 5 seconds.
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot));

    /// Returns a snapshot of the current data that the caller keeps. Later writes do not change it.
    /// Like [`read`](Self::read), this answers from memory and never waits; it is called for each
    /// [scope](crate::Client::scope), so it should be cheap.
    ///
    /// The default implementation returns `None`: the store only lends snapshots, and each evaluation
    /// of a scope reads the data that is current then.
    ///
    /// ```
    /// use vexil::model::DataSet;
    /// use vexil::store::{DataStore, MemoryStore};
    ///
    /// # pollster::block_on(async {
    /// let store = MemoryStore::new();
    /// let kept = store.snapshot().expect("its data is immutable");
    /// store.init(DataSet::from_json(br#"{"flags": {"banner": {"version": 1}}}"#)?).await?;
    /// assert_eq!(kept.flags().count(), 0, "a later write does not change it");
    /// store.read(&mut |current| assert_eq!(current.flags().count(), 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        None
    }

    /// Whether this process or an earlier one has called `init`.
    fn is_initialized(&self) -> bool;

    /// Replaces all data.
    ///
    /// # Errors
    /// Returns an error if the data could not be stored.
    async fn init(&self, data: DataSet) -> Result<(), StoreError>;

    /// Inserts or replaces one item if it is newer than the stored one.
    ///
    /// # Errors
    /// Returns an error if the item could not be stored.
    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError>;

    /// Makes a whole change set visible at once. A delta replaces items whatever their versions,
    /// unlike [`upsert`](Self::upsert).
    ///
    /// The default implementation calls `init`, or `upsert` for each item. It is not atomic, and it
    /// ignores an item whose version is not higher than the stored one. Implement this method for a
    /// store that a [data system](crate::config::DataSystem) updates.
    ///
    /// ```
    /// use vexil::model::{ChangeSet, DataKind, DataSet, Item};
    /// use vexil::store::{DataStore, MemoryStore, Upserted};
    ///
    /// # pollster::block_on(async {
    /// let store = MemoryStore::new();
    /// let newer = br#"{"flags": {"banner": {"version": 5, "variations": ["new"]}}}"#;
    /// store.init(DataSet::from_json(newer)?).await?;
    ///
    /// let older = Item::from_json(DataKind::Flag, "banner", br#"{"version": 4, "variations": ["old"]}"#)?;
    /// assert_eq!(store.upsert(older.clone()).await?, Upserted::Stale);
    /// // The service has gone back to an earlier state: the item replaces a newer one.
    /// store.apply(ChangeSet::delta(vec![older])).await?;
    /// store.read(&mut |snapshot| assert!(snapshot.flags().all(|flag| flag.version() == 4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Returns an error if the changes could not be stored.
    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        match changes.kind {
            ChangeSetKind::Full(data) => self.init(data).await,
            ChangeSetKind::Delta(items) => {
                for item in items {
                    self.upsert(item).await?;
                }
                Ok(())
            }
        }
    }

    /// Fetches an item for which a snapshot returned [`Found::Unknown`]. Returns `None` if there is no
    /// such item. Never called if the store's snapshots are complete.
    ///
    /// # Errors
    /// Returns an error if the item could not be read.
    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        let _ = (kind, key);
        Ok(None)
    }

    /// Returns the item that was read last, without waiting. A blocking evaluation that has waited for
    /// its whole timeout uses it instead of returning its default, although it may be out of date.
    /// The default implementation returns [`Found::Unknown`].
    fn last_known(&self, kind: DataKind, key: &str) -> Found<Item> {
        let _ = (kind, key);
        Found::Unknown
    }

    /// Fetches all items. Called only if the store's snapshots are not
    /// [complete](Snapshot::is_complete).
    ///
    /// ```
    /// use vexil::store::{DataStore, MemoryStore, StoreError};
    ///
    /// // The store in memory has complete snapshots, so it does not implement this method.
    /// let fetched = pollster::block_on(MemoryStore::new().fetch_all());
    /// assert!(matches!(fetched, Err(StoreError::Config { .. })));
    /// ```
    ///
    /// # Errors
    /// Returns an error if the items could not be read. The default implementation always does.
    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        Err(StoreError::config(
            "the store's snapshots are incomplete, and it does not implement `fetch_all`",
        ))
    }

    /// Completes when the store needs a complete data set, because it may have lost data that it
    /// cannot restore itself. The data source is then [asked for
    /// one](crate::data_source::DataSink::refresh_requested). A request is remembered until it is
    /// awaited, and completes one call. If the future is dropped, the request remains. The default
    /// implementation never completes.
    async fn refresh_requested(&self) {
        pending().await
    }

    /// Whether items must carry the JSON they were read from, so that the store can write it
    /// elsewhere. Otherwise the SDK drops it. Default: `false`.
    fn keeps_json(&self) -> bool {
        false
    }

    /// Closes the store and releases its resources. Called once; snapshots may still be read
    /// afterwards.
    async fn close(&self);
}

/// The snapshot of a store, unless it hands out none or panics.
pub(crate) fn contained_snapshot(store: &dyn DataStore) -> Option<Arc<dyn Snapshot + Send + Sync>> {
    let snapshot = catch_unwind(AssertUnwindSafe(|| store.snapshot()));
    snapshot.ok().flatten()
}

/// An immutable view of the data at one moment. [`Lookup`] finds single items.
///
/// ```
/// use vexil::eval::{Found, Lookup};
/// use vexil::model::DataSet;
/// use vexil::store::{DataStore, MemoryStore};
///
/// # pollster::block_on(async {
/// let json = br#"{"flags": {"banner": {"version": 3}}, "segments": {"vip": {"version": 1}}}"#;
/// let store = MemoryStore::new();
/// store.init(DataSet::from_json(json)?).await?;
/// store.read(&mut |snapshot| {
///     assert!(snapshot.is_complete());
///     assert_eq!(snapshot.segments().count(), 1);
///     let Found::Present(flag) = snapshot.flag("banner") else { panic!("it is stored") };
///     assert_eq!(flag.version(), 3);
///     assert!(matches!(snapshot.flag("no-such-flag"), Found::Absent));
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait Snapshot: Lookup {
    /// All flags that are not deleted, in any order.
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_>;

    /// All segments that are not deleted, in any order.
    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_>;

    /// Whether the snapshot holds all items. If not, callers that need all items use
    /// [`fetch_all`](DataStore::fetch_all). Default: `true`.
    fn is_complete(&self) -> bool {
        true
    }
}
