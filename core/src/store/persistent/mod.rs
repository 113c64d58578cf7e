//! [`PersistentDataStore`]: a database that shares flags and segments between processes.
//!
//! The database stores opaque text. The SDK in front of it does everything else: parsing items,
//! comparing versions in memory, caching and handling outages. Three methods make a store that a
//! client can read flags from; two more make one that a client can write to. Absence is never an
//! error, and an error is never absence: a store that cannot reach its database must return an
//! error, never "not found".
//!
//! **Contract.** Items are addressed by kind and key; the key inside an item's text is ignored.
//! Tombstones of deleted items are ordinary items and are returned as such. Methods are called on
//! the client's Tokio runtime, whose timers, sockets and tasks a store may use, and may be called
//! concurrently. A store neither caches nor retries, except for what its database client does
//! within one call. The SDK applies a timeout to each call; a store applies its own to single
//! requests. **Errors** are [`StoreError`]; on an error the SDK keeps the last known data, reports
//! the status and retries. **Cancellation**: if a future is dropped, its write may or may not take
//! effect. An `init` may then be partial; the SDK repeats it. **Panics** are contained and count as
//! [`StoreError::Unavailable`].
//!
//! **Order of writes.** The SDK drops the future of a write that exceeds its timeout and calls the
//! method again. The dropped write must not take effect after a later one, because it would bring
//! back old data. This matters for stores that hand work to another thread or task: a
//! `spawn_blocking` closure keeps running after its future is dropped, and closures run in no
//! particular order. Such a store takes an owned lock before it hands over a write, and moves the
//! guard into the closure:
//!
//! ```
//! use std::io;
//! use std::sync::Arc;
//! use tokio::{sync::Mutex, task::spawn_blocking};
//! use vexil::store::StoreError;
//!
//! # #[allow(dead_code)]
//! async fn write(
//!     turn: &Arc<Mutex<()>>,
//!     work: impl FnOnce() -> io::Result<()> + Send + 'static,
//! ) -> Result<(), StoreError> {
//!     // A write that is dropped here has not started.
//!     let guard = Arc::clone(turn).lock_owned().await;
//!     let written = spawn_blocking(move || {
//!         let written = work();
//!         // Only now may the next write start, even if the future of this one was dropped.
//!         drop(guard);
//!         written
//!     });
//!     written.await.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
//! }
//! ```
//!
//! A request that has left the process cannot be cancelled. A store over a network sends its writes
//! over one ordered connection, or sends each from a task that holds the lock until there is a
//! response. A request whose response never arrives is repaired by
//! [`reconcile_interval`](crate::config::PersistentStoreConfig::reconcile_interval).
//!
//! The macro `persistent_store_conformance!` of `vexil-testing` tests a store against this
//! contract.
//!
//! ```
//! use std::{fs, io, path::PathBuf};
//! use vexil::model::DataKind;
//! use vexil::store::{PersistentDataStore, StoreError, StoredItem};
//!
//! /// `<root>/features/<key>.json`, `<root>/segments/<key>.json`, `<root>/$inited`
//! #[derive(Debug)]
//! struct Folder(PathBuf);
//!
//! #[vexil::async_trait]
//! impl PersistentDataStore for Folder {
//!     async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
//!         match fs::read(self.0.join(kind.namespace()).join(key).with_extension("json")) {
//!             Ok(text) => Ok(Some(StoredItem::new(text))),
//!             Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
//!             Err(error) => Err(StoreError::unavailable(error)),
//!         }
//!     }
//!     async fn get_all(&self, kind: DataKind) -> Result<Vec<(vexil::Text, StoredItem)>, StoreError> {
//!         let mut items = Vec::new();
//!         for entry in fs::read_dir(self.0.join(kind.namespace())).map_err(StoreError::unavailable)? {
//!             let path = entry.map_err(StoreError::unavailable)?.path();
//!             let Some(key) = path.file_stem().and_then(|key| key.to_str()) else { continue };
//!             items.extend(self.get(kind, key).await?.map(|item| (key.into(), item)));
//!         }
//!         Ok(items)
//!     }
//!     async fn is_initialized(&self) -> Result<bool, StoreError> {
//!         fs::exists(self.0.join("$inited")).map_err(StoreError::unavailable)
//!     }
//! }
//! # let folder = tempfile::tempdir()?;
//! # let store = Folder(folder.path().to_owned());
//! # fs::create_dir(folder.path().join("features"))?;
//! # fs::write(folder.path().join("features/banner.json"), "{}")?;
//! # assert_eq!(pollster::block_on(store.get_all(DataKind::Flag))?[0].1.body, "{}");
//! # assert!(!pollster::block_on(store.is_initialized())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod access;
mod changes;
pub(crate) mod codec;
pub(crate) mod hand_over;
pub(crate) mod health;
pub(crate) mod read_through;
pub(crate) mod write_behind;
mod write_order;
mod written;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
pub use changes::{ChangeNotifier, Changes};
use vexil_eval::Text;
use vexil_eval::model::DataKind;
pub use write_order::encode_data_set;

use super::StoreError;

/// A database that shares flags and segments between processes. See the [module
/// documentation](self) for the contract.
#[async_trait]
pub trait PersistentDataStore: Debug + Send + Sync + 'static {
    /// Reads one item or its tombstone. Returns `None` if the store has neither.
    ///
    /// # Errors
    /// Returns an error if the item could not be read.
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError>;

    /// Reads all items of a kind with their keys, tombstones included, in any order.
    ///
    /// # Errors
    /// Returns an error if the items could not be read.
    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError>;

    /// Whether the store has the marker of a complete data set, which any process may have written.
    ///
    /// # Errors
    /// Returns an error if the marker could not be read.
    async fn is_initialized(&self) -> Result<bool, StoreError>;

    /// Replaces all data regardless of versions, and then sets the marker. A store that cannot
    /// write atomically writes collections and items in the given order, in which every item comes
    /// after the items it refers to, and deletes items that are not in the data last. A kind that
    /// is not in the data remains unchanged.
    ///
    /// ```
    /// use vexil::model::DataKind;
    /// use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};
    /// use vexil_testing::MemoryPersistentStore;
    ///
    /// # pollster::block_on(async {
    /// let flag = StoredItem::new(r#"{"key": "banner", "version": 1}"#).with_version(1);
    /// let data = [Collection::new(DataKind::Flag, vec![("banner".into(), flag)])];
    /// let store = MemoryPersistentStore::new();
    /// store.init(&data).await?;
    /// assert!(store.is_initialized().await?);
    /// assert!(store.get(DataKind::Flag, "banner").await?.is_some());
    ///
    /// let error = MemoryPersistentStore::new().read_only().init(&data).await.unwrap_err();
    /// assert!(matches!(error, StoreError::ReadOnly));
    /// # Ok::<(), StoreError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] means that all other items were written. The default implementation
    /// returns [`StoreError::ReadOnly`].
    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        let _ = data;
        Err(StoreError::ReadOnly)
    }

    /// Writes one item or tombstone if the store has no item for the key or one of a lower
    /// [version](StoredItem::version). An item whose version cannot be determined is replaced. Must
    /// be atomic with respect to concurrent writers.
    ///
    /// # Errors
    /// Returns an error if the item could not be written. The default implementation returns
    /// [`StoreError::ReadOnly`].
    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        let _ = (kind, key, item);
        Err(StoreError::ReadOnly)
    }

    /// Reads all items and the marker, as one consistent snapshot if the store supports that. The
    /// default implementation reads [flags before segments](DataKind::READ_ORDER), so that the
    /// segments are at least as new as the flags that refer to them, and then the marker.
    ///
    /// ```
    /// use vexil::store::{PersistentDataStore, StoreError};
    /// use vexil_testing::{MemoryPersistentStore, StoreFault, StoreMethod};
    ///
    /// # pollster::block_on(async {
    /// let store = MemoryPersistentStore::new();
    /// let empty = store.snapshot().await?;
    /// assert!(!empty.initialized, "no process has written to the database yet");
    ///
    /// store.calls().fault(StoreMethod::Snapshot, StoreFault::Fail);
    /// let error = store.snapshot().await.unwrap_err();
    /// assert!(error.is_temporary(), "an outage is an error, never an empty database");
    /// # Ok::<(), StoreError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Returns an error if any part could not be read.
    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        let mut collections = Vec::new();
        for kind in DataKind::READ_ORDER {
            collections.push(Collection::new(kind, self.get_all(kind).await?));
        }
        Ok(StoredDataSet::new(
            collections,
            self.is_initialized().await?,
        ))
    }

    /// Checks whether the store is reachable. Called during an outage. The default implementation
    /// reads the marker.
    ///
    /// # Errors
    /// Returns an error if the store is still unavailable.
    async fn probe(&self) -> Result<(), StoreError> {
        self.is_initialized().await.map(drop)
    }

    /// Notifications that data in the store may have changed, from a [`ChangeNotifier`], if the
    /// store supports that. They are only a hint: the SDK then reads the store again, which it also
    /// does at intervals. Default: `None`.
    fn changes(&self) -> Option<Changes> {
        None
    }

    /// The kind of database, for logs and diagnostic events, for example `"Redis"` or `"DynamoDB"`.
    /// Default: `"custom"`.
    fn describe(&self) -> &'static str {
        "custom"
    }

    /// How often a client in daemon mode reads all data again. Default: 15 s. Zero means the
    /// default; values below 100 ms are raised to 100 ms.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::store::PersistentDataStore;
    /// use vexil_testing::MemoryPersistentStore;
    ///
    /// assert_eq!(MemoryPersistentStore::new().refresh_interval(), Duration::from_secs(15));
    /// let often = MemoryPersistentStore::new().with_refresh_interval(Duration::from_secs(1));
    /// assert_eq!(often.refresh_interval(), Duration::from_secs(1));
    /// ```
    fn refresh_interval(&self) -> Duration {
        DEFAULT_REFRESH_INTERVAL
    }

    /// Closes the store and releases its resources. Called once. Does nothing by default.
    async fn close(&self) {}
}

/// See [`PersistentDataStore::refresh_interval`].
const DEFAULT_REFRESH_INTERVAL: Duration = Duration::from_secs(15);

/// An item as stored in a database.
///
/// ```
/// use vexil::store::StoredItem;
///
/// let item = StoredItem::new(r#"{"key": "banner", "version": 3, "deleted": true}"#);
/// assert_eq!(item.version, None, "the version is only in the text");
/// let item = item.with_version(3).with_deleted(true);
/// assert_eq!((item.version, item.deleted), (Some(3), Some(true)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredItem {
    /// The item's JSON, byte for byte as it came from the service.
    pub body: Bytes,
    /// The version, if the database stores it beside the text. It takes precedence over the version
    /// in the text. Always set in items that the SDK writes.
    pub version: Option<u64>,
    /// Whether the item is a tombstone, if the database stores that beside the text. Always set in
    /// items that the SDK writes.
    pub deleted: Option<bool>,
}

impl StoredItem {
    /// Creates an item of which the database stores only the text.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            version: None,
            deleted: None,
        }
    }

    /// Sets the version that is stored beside the text.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets whether the item is a tombstone, as stored beside the text.
    ///
    /// ```
    /// use vexil::store::StoredItem;
    ///
    /// // A database with columns for version and deletion.
    /// let tombstone = StoredItem::new(r#"{"version": 4, "deleted": true}"#).with_version(4).with_deleted(true);
    /// assert_eq!(tombstone.deleted, Some(true));
    /// ```
    #[must_use]
    pub fn with_deleted(mut self, deleted: bool) -> Self {
        self.deleted = Some(deleted);
        self
    }
}

/// All items of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collection {
    /// Their kind.
    pub kind: DataKind,
    /// The items by key.
    pub items: Vec<(Text, StoredItem)>,
}

impl Collection {
    /// Creates a collection.
    #[must_use]
    pub fn new(kind: DataKind, items: Vec<(Text, StoredItem)>) -> Self {
        Self { kind, items }
    }
}

/// The complete contents of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredDataSet {
    /// The items, a collection for each kind.
    pub collections: Vec<Collection>,
    /// Whether the database has the marker of a complete data set.
    pub initialized: bool,
}

impl StoredDataSet {
    /// Creates a snapshot.
    #[must_use]
    pub fn new(collections: Vec<Collection>, initialized: bool) -> Self {
        Self {
            collections,
            initialized,
        }
    }
}

/// The result of [`PersistentDataStore::upsert`].
///
/// ```
/// use vexil::model::DataKind;
/// use vexil::store::{PersistentDataStore, StoreError, StoredItem, WriteOutcome};
/// use vexil_testing::MemoryPersistentStore;
///
/// # pollster::block_on(async {
/// let store = MemoryPersistentStore::new();
/// let item = |version| StoredItem::new(format!(r#"{{"version": {version}}}"#)).with_version(version);
/// let written = store.upsert(DataKind::Flag, "banner", &item(2)).await?;
/// assert_eq!(written, WriteOutcome::Written);
///
/// // Another process was slower. The newer item stays.
/// let outcome = store.upsert(DataKind::Flag, "banner", &item(1)).await?;
/// assert!(matches!(outcome, WriteOutcome::Superseded(_)));
/// # Ok::<(), StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an item is written or it is not")]
pub enum WriteOutcome {
    /// The item was written.
    Written,
    /// The store has an item of the same or a higher version. Holds that item if the store returned
    /// it.
    Superseded(Option<StoredItem>),
}

#[cfg(test)]
mod tests;
