//! [`PersistentDataStore`]: a database that keeps flags and segments for many processes.
//!
//! The database stores text and knows nothing of flags: everything else (reading items, deciding
//! what is newer in memory, caching, watching over outages) is done by the SDK in front of it.
//! Three methods make a store that a service can read flags from; two more make one that it can
//! write to. Absence is never an error, and trouble is never absence: a store that cannot reach its
//! database says so, and must not answer "not found".
//!
//! **Contract.** Items are addressed by kind and key; the key in an item's text means nothing.
//! Tombstones of deleted items are items like others and are returned as such. Methods are called
//! on the client's Tokio runtime, whose timers, sockets and tasks a store may use, and may be
//! called concurrently. A store neither caches nor retries beyond what its client does within one
//! call: that is done in front of it. Calls are bounded in time by the SDK; a store bounds single
//! requests itself. **Errors** are [`StoreError`]; the SDK keeps what it had, reports the status
//! and asks again. **Cancellation**: dropping a future may leave a write done or not done; `init`
//! may then be done in part, and is repeated. **Panics** are contained and count as unavailable.
//!
//! **Order of writes.** The SDK drops the future of a write that exceeds its deadline and calls the
//! method again. The dropped write must not take effect after one that was called later, as it
//! would bring back old data. This matters for stores that hand their work to another thread or
//! task: what `spawn_blocking` was given runs on after its future was dropped, and pieces of work
//! run in no particular order. Such a store takes an owned lock before it hands over a write, and
//! moves the guard into the work:
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
//!     // A write that is dropped here was never begun.
//!     let guard = Arc::clone(turn).lock_owned().await;
//!     let written = spawn_blocking(move || {
//!         let written = work();
//!         // Only now may the next write begin, whether or not the future of this one is still there.
//!         drop(guard);
//!         written
//!     });
//!     written.await.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
//! }
//! ```
//!
//! A request that has left the process cannot be called back. A store over a network sends its
//! writes over one ordered connection, or leaves the rest to the versions of items and to
//! [`reconcile_interval`](crate::config::PersistentStoreConfig::reconcile_interval).
//!
//! `vexil-testing` has a suite that holds a store to this in one line:
//! `persistent_store_conformance!`.
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
pub(crate) mod codec;
pub(crate) mod health;
pub(crate) mod read_through;
pub(crate) mod write_behind;
mod write_order;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use vexil_eval::Text;
use vexil_eval::model::DataKind;

use super::StoreError;

/// A database that keeps flags and segments for many processes. See the [module
/// documentation](self) for the contract.
#[async_trait]
pub trait PersistentDataStore: Debug + Send + Sync + 'static {
    /// Gets one item or its tombstone; none if the store has neither.
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError>;

    /// Gets all items of a kind, tombstones included, by key in any order.
    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError>;

    /// Whether somebody, at some time, wrote a complete data set: whether the store has its marker.
    async fn is_initialized(&self) -> Result<bool, StoreError>;

    /// Replaces everything, without looking at versions, and then sets the marker. Collections and
    /// their items come in the order in which they should be written where that is not done at
    /// once: what others refer to comes first; what is not in the data is deleted last. A kind that
    /// is not in the data stays as it is.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] says that everything else was written. By default: [`StoreError::ReadOnly`].
    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        let _ = data;
        Err(StoreError::ReadOnly)
    }

    /// Writes one item or tombstone if there is none, or one of a lower
    /// [version](StoredItem::version); one whose version cannot be told is replaced. Must be safe
    /// against others who write at the same time.
    ///
    /// # Errors
    /// By default: [`StoreError::ReadOnly`].
    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<Upsert, StoreError> {
        let _ = (kind, key, item);
        Err(StoreError::ReadOnly)
    }

    /// Gets everything, at one moment if the store can do that. By default: [flags before
    /// segments](DataKind::READ_ORDER), so that the segments are at least as new as the flags that
    /// refer to them, and then the marker.
    async fn snapshot(&self) -> Result<StoredSnapshot, StoreError> {
        let mut collections = Vec::new();
        for kind in DataKind::READ_ORDER {
            collections.push(Collection::new(kind, self.get_all(kind).await?));
        }
        Ok(StoredSnapshot::new(
            collections,
            self.is_initialized().await?,
        ))
    }

    /// Whether the store answers again; asked during an outage. By default: asks for the marker.
    async fn probe(&self) -> Result<(), StoreError> {
        self.is_initialized().await.map(drop)
    }

    /// Is marked as changed whenever something in the store may have changed, if the store can
    /// tell. Only a hint: the SDK reads again then, and does so at intervals anyhow.
    fn changes(&self) -> Option<watch::Receiver<()>> {
        None
    }

    /// The kind of database, for the SDK's report about itself: `"Redis"`, `"DynamoDB"`.
    fn describe(&self) -> &'static str {
        "custom"
    }

    /// How often a service that only reads should read everything again. Zero stands for 15 s; at
    /// least 100 ms.
    fn refresh_interval(&self) -> Duration {
        DEFAULT_REFRESH_INTERVAL
    }

    /// Lets go of what the store holds open. Called once. By default there is nothing to do.
    async fn close(&self) {}
}

/// See [`PersistentDataStore::refresh_interval`].
const DEFAULT_REFRESH_INTERVAL: Duration = Duration::from_secs(15);

/// An item as a database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredItem {
    /// The item's JSON, byte for byte as it came from the service.
    pub body: Bytes,
    /// The version, if the database keeps it beside the text. It counts more than what the text
    /// says. The SDK sets it in what it writes.
    pub version: Option<u64>,
    /// Whether the item is a tombstone, if the database keeps that beside the text. The SDK sets it
    /// in what it writes.
    pub deleted: Option<bool>,
}

impl StoredItem {
    /// An item of which the database keeps only the text.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            version: None,
            deleted: None,
        }
    }

    /// Adds the version that is kept beside the text.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Adds whether the item is a tombstone, as kept beside the text.
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
    /// A collection of these items.
    #[must_use]
    pub fn new(kind: DataKind, items: Vec<(Text, StoredItem)>) -> Self {
        Self { kind, items }
    }
}

/// Everything that a database keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredSnapshot {
    /// The items, a collection for each kind.
    pub collections: Vec<Collection>,
    /// Whether the marker of a complete data set is there.
    pub initialized: bool,
}

impl StoredSnapshot {
    /// A snapshot of these parts.
    #[must_use]
    pub fn new(collections: Vec<Collection>, initialized: bool) -> Self {
        Self {
            collections,
            initialized,
        }
    }
}

/// What became of [`PersistentDataStore::upsert`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an item is written or it is not")]
pub enum Upsert {
    /// The item was written.
    Written,
    /// The store has an item of the same or a higher version: this one, if it came with the answer.
    Superseded(Option<StoredItem>),
}
