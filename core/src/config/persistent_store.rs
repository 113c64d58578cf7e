//! [`PersistentStoreConfig`]: a database of flags, and how a client uses it.

use std::sync::Arc;
use std::time::Duration;

use super::{ClientContext, ConfigError, Configure};
use crate::daemon::{DaemonStore, ExternalUpdates, StoredData};
use crate::data_source::DataSource;
use crate::deadline;
use crate::store::persistent::access::Reader;
use crate::store::persistent::read_through::ReadThroughStore;
use crate::store::persistent::write_behind::WriteBehind;
use crate::store::{CacheMode, DataStore, PersistentDataStore};

/// A database of flags, and how a client uses it.
///
/// As the store of a client that [receives flags itself](crate::ClientBuilder::data_store), the
/// database is kept up to date with what arrives; evaluations read memory, which is filled from the
/// database until the first data arrives. In [daemon mode](crate::ClientBuilder::daemon_mode)
/// another process fills it, and the client only reads.
///
/// # A slow database
///
/// | mode | what a slow database means |
/// | --- | --- |
/// | everything in memory (the default) | no evaluation ever waits; changes are seen, and written, later. A reading may take 10 s. |
/// | with a [`cache`](Self::cache) | an evaluation that needs a read waits up to [`evaluation_timeout`](crate::ClientBuilder::evaluation_timeout). After that it uses the last known item, or its default if the item was never read. The read goes on, and a late answer counts for later evaluations. |
///
/// A slow answer is no outage. With a cache, an outage begins with an error of the database, or
/// when a read and then a probe have had no answer for 5 s each. During an outage nobody waits:
/// evaluations use the last known items, with
/// [`CacheMode::Off`] too, which keeps them for this purpose alone.
///
/// # A database that has lost its data
///
/// A database that was flushed, evicted a key or was restarted empty looks like an environment
/// without flags, and while it is refilled, like an environment with few. In daemon mode with
/// everything in memory, the last known items stay in use until the database has proven that they
/// were deleted: [`accept_empty`](Self::accept_empty). With a cache, evaluations read the database
/// and return what it holds, as other SDKs do, and so their defaults.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::PersistentStoreConfig;
/// # use vexil::store::{PersistentDataStore, StoreError, StoredItem};
/// # use vexil::model::DataKind;
/// # #[derive(Debug)] struct Database;
/// # #[vexil::async_trait]
/// # impl PersistentDataStore for Database {
/// #     async fn get(&self, _: DataKind, _: &str) -> Result<Option<StoredItem>, StoreError> { Ok(None) }
/// #     async fn get_all(&self, _: DataKind) -> Result<Vec<(vexil::Text, StoredItem)>, StoreError> { Ok(Vec::new()) }
/// #     async fn is_initialized(&self) -> Result<bool, StoreError> { Ok(true) }
/// # }
///
/// let store = PersistentStoreConfig::new(std::sync::Arc::new(Database)).refresh_interval(Duration::from_secs(60));
/// let client = vexil::Client::builder("sdk-key").daemon_mode(store).without_events().start()?;
/// assert!(client.is_initialized());
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PersistentStoreConfig {
    store: Arc<dyn Configure<dyn PersistentDataStore>>,
    cache: Option<CacheMode>,
    /// Zero: what the store suggests.
    refresh_interval: Duration,
    accept_empty: bool,
    reconcile_interval: Option<Duration>,
}

impl PersistentStoreConfig {
    /// This database, with the default settings.
    pub fn new(store: impl Configure<dyn PersistentDataStore>) -> Self {
        Self {
            store: Arc::new(store),
            cache: None,
            refresh_interval: Duration::ZERO,
            accept_empty: false,
            reconcile_interval: None,
        }
    }

    /// Reads items one by one when evaluations need them, and caches them, instead of keeping
    /// everything in memory: for environments that are too large for that, and for parity with
    /// other SDKs. An evaluation may wait then, up to
    /// [`evaluation_timeout`](crate::ClientBuilder::evaluation_timeout): see [a slow database](Self#a-slow-database).
    /// Default: everything is kept in memory.
    pub fn cache(mut self, mode: CacheMode) -> Self {
        self.cache = Some(mode);
        self
    }

    /// How old what is in memory may be in daemon mode, while the database answers. A database that
    /// tells of changes is read sooner. Default, and meaning of zero: what the store
    /// [suggests](PersistentDataStore::refresh_interval), which is 15 s for Redis and 30 s for
    /// DynamoDB. At least 100 ms. `Duration::MAX`: only when the database tells of a change.
    /// Without effect with a [`cache`](Self::cache).
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval;
        self
    }

    /// Whether, in daemon mode, items that are missing from the database count as deleted at once.
    /// Default: `false`. Without effect with a [`cache`](Self::cache).
    ///
    /// By default they stay in use, while new and changed items are taken over, and the status is
    /// [`stale`](crate::status::DataStoreStatus::stale). They count as deleted
    /// - never, while the marker of a complete data set is gone that was there before, or while all
    ///   of 10 or more flags (or segments) are missing;
    /// - if more than half are missing, or the database has lost data before, once nothing has come
    ///   back for a minute;
    /// - otherwise after 2 s.
    ///
    /// Deleting a flag in the service's user interface is not affected: it leaves a tombstone. A
    /// database whose writer sets no marker proves less: unless all items are missing, or more than
    /// half and at least 10, they count as deleted at once.
    pub fn accept_empty(mut self, accept: bool) -> Self {
        self.accept_empty = accept;
        self
    }

    /// How often a client that keeps the database up to date reads all of it, and writes again what
    /// it holds in an older version than the client, or lacks. For several such clients on one
    /// database: one that is behind may write everything after another one wrote something newer.
    /// In general 5 minutes; a shorter time than 15 s, zero included, means 15 s. Default, and
    /// meaning of `Duration::MAX`: never. Without effect in daemon mode and with a
    /// [`cache`](Self::cache).
    pub fn reconcile_interval(mut self, interval: Duration) -> Self {
        self.reconcile_interval = Some(interval);
        self
    }

    fn reader(&self, context: &ClientContext) -> Result<Reader, ConfigError> {
        let reader = Reader::new(self.store.configure(context)?);
        context.set_data_store_type(reader.describe());
        Ok(reader)
    }

    /// What a client in daemon mode consists of: a store that cannot write to the database, and a
    /// source that reads it, unless evaluations do that.
    pub(crate) fn read_only(&self, context: &ClientContext) -> Result<ReadOnly, ConfigError> {
        let reader = self.reader(context)?;
        let reporter = context.data_store_status().clone();
        if let Some(mode) = self.cache {
            let timeout = context.evaluation_timeout();
            let store = Arc::new(ReadThroughStore::new(
                reader,
                false,
                mode,
                timeout,
                context.runtime(),
                reporter,
            ));
            return Ok(ReadOnly {
                store,
                source: Arc::new(ExternalUpdates),
            });
        }
        let refresh_interval = deadline::interval(self.refresh_interval, reader.refresh_interval());
        let store = Arc::new(DaemonStore::new(reader.clone()));
        let source = StoredData {
            store: reader,
            refresh_interval,
            accept_empty: self.accept_empty,
            reporter,
        };
        Ok(ReadOnly {
            store,
            source: Arc::new(source),
        })
    }
}

/// See [`PersistentStoreConfig::read_only`].
pub(crate) struct ReadOnly {
    pub(crate) store: Arc<dyn DataStore>,
    pub(crate) source: Arc<dyn DataSource>,
}

impl<S: Configure<dyn PersistentDataStore>> From<S> for PersistentStoreConfig {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl Configure<dyn DataStore> for PersistentStoreConfig {
    fn configure(&self, context: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
        let reader = self.reader(context)?;
        let (runtime, reporter) = (context.runtime(), context.data_store_status().clone());
        Ok(match self.cache {
            Some(mode) => Arc::new(ReadThroughStore::new(
                reader,
                true,
                mode,
                context.evaluation_timeout(),
                runtime,
                reporter,
            )),
            None => Arc::new(WriteBehind::new(
                reader,
                self.reconcile_interval,
                runtime,
                reporter,
            )),
        })
    }
}
