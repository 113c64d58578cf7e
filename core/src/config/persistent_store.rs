//! [`PersistentStoreConfig`]: a persistent store of flags, and how a client uses it.

use std::sync::Arc;
use std::time::Duration;

use super::{ClientContext, ConfigError, Configure};
use crate::bounds;
use crate::daemon::{ExternalUpdates, StoredData};
use crate::data_source::DataSource;
use crate::store::persistent::access::Reader;
use crate::store::persistent::hand_over::HandOver;
use crate::store::persistent::read_through::{Filled, ReadThroughStore};
use crate::store::persistent::write_behind::{WriteBehind, WriteBehindOptions};
use crate::store::{CacheMode, DataStore, MemoryStore, PersistentDataStore};

/// A database of flags, and how a client uses it.
///
/// As the [data store](crate::ClientBuilder::data_store) of a client with a data source, the
/// database is updated with the received data. Evaluations read memory, which is filled from the
/// database until the first data arrives. In [daemon mode](crate::ClientBuilder::daemon_mode)
/// another process fills the database, and the client only reads it.
///
/// # A slow database
///
/// | mode | effect of a slow database |
/// | --- | --- |
/// | everything in memory (the default) | Evaluations never wait; changes are read, and written, later. A read may take 10 s. |
/// | with a [`cache`](Self::cache) | An evaluation that needs a read waits up to [`evaluation_timeout`](crate::ClientBuilder::evaluation_timeout). After that it uses the last known item, or its default if the item was never read. The read continues, and later evaluations use a late answer. |
///
/// A slow answer is not an outage. With a cache, an outage begins with an error of the database, or
/// when a read and then a probe have had no answer for 5 s each. During an outage evaluations do
/// not wait: they use the last known items. [`CacheMode::Off`] keeps items too, only for this
/// purpose.
///
/// # A database that has lost its data
///
/// A database that was flushed, evicted a key or was restarted empty looks like an environment
/// without flags, and while it is refilled, like an environment with few. In daemon mode with
/// everything in memory, the last known items stay in use until the database proves that they were
/// deleted: see [`accept_empty`](Self::accept_empty). With a cache, evaluations use whatever the
/// database holds, as in other SDKs, and therefore return their defaults.
///
/// A client with a data source checks the database every 15 s, and fills it again after a loss or an
/// outage: from memory, or with a [`cache`](Self::cache) by requesting all data from the service.
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
/// let store = PersistentStoreConfig::new(Database).refresh_interval(Duration::from_secs(60));
/// let client = vexil::Client::builder("sdk-key").daemon_mode(store).without_events().start()?;
/// assert!(client.is_initialized());
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PersistentStoreConfig {
    store: Arc<dyn Configure<dyn PersistentDataStore>>,
    cache: Option<CacheMode>,
    /// Zero: the store's suggested interval.
    refresh_interval: Duration,
    accept_empty: bool,
    reconcile_interval: Option<Duration>,
    is_read_only: bool,
}

impl PersistentStoreConfig {
    /// Uses this database with the default settings.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil::model::DataKind;
    /// use vexil_testing::{MemoryPersistentStore, StoreMethod, TestData};
    ///
    /// let store = MemoryPersistentStore::new();
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new().with("banner", "hello"))
    ///     .data_store(PersistentStoreConfig::new(store.clone()))
    ///     .start()?;
    /// assert!(client.blocking_close(Duration::from_secs(30)));
    /// assert!(store.database().item("", DataKind::Flag, "banner").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(store: impl Configure<dyn PersistentDataStore>) -> Self {
        Self {
            store: Arc::new(store),
            cache: None,
            refresh_interval: Duration::ZERO,
            accept_empty: false,
            reconcile_interval: None,
            is_read_only: false,
        }
    }

    /// Reads items individually when evaluations need them, and caches them, instead of keeping
    /// everything in memory. Use it for environments that do not fit into memory, or for parity
    /// with other SDKs. Evaluations may then wait up to
    /// [`evaluation_timeout`](crate::ClientBuilder::evaluation_timeout): see [a slow
    /// database](Self#a-slow-database). Default: everything is kept in memory.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil::model::DataKind;
    /// use vexil::store::{CacheMode, StoredItem};
    /// use vexil::{Client, Context};
    /// use vexil_testing::{MemoryPersistentStore, StoreMethod};
    ///
    /// let store = MemoryPersistentStore::new();
    /// let flag = r#"{"key": "banner", "version": 1, "on": true, "variations": ["hello"],
    ///     "fallthrough": {"variation": 0}}"#;
    /// store.database().put("", DataKind::Flag, "banner", StoredItem::new(flag));
    /// store.database().set_initialized("", true);
    ///
    /// let config = PersistentStoreConfig::new(store.clone())
    ///     .cache(CacheMode::Ttl(Duration::from_secs(3600)));
    /// let client = Client::builder("sdk-key").daemon_mode(config).without_events().start()?;
    /// for _ in 0..3 {
    ///     assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// }
    /// assert_eq!(store.calls().count(StoreMethod::Get), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("cache_time", "cache_seconds", "cache_forever", "no_caching"))]
    pub fn cache(mut self, mode: CacheMode) -> Self {
        self.cache = Some(mode);
        self
    }

    /// Interval between reads of the database in daemon mode. A database that notifies of changes
    /// is read sooner. Default, and meaning of zero: the store's
    /// [suggestion](PersistentDataStore::refresh_interval), which is 15 s for Redis and 30 s for
    /// DynamoDB. At least 100 ms. `Duration::MAX`: only after a change notification. Has no effect
    /// with a [`cache`](Self::cache).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil::model::DataKind;
    /// use vexil::store::StoredItem;
    /// use vexil::{Client, Context};
    /// use vexil_testing::MemoryPersistentStore;
    ///
    /// let store = MemoryPersistentStore::new();
    /// store.database().set_initialized("", true);
    /// let config = PersistentStoreConfig::new(store.clone())
    ///     .refresh_interval(Duration::from_millis(100));
    /// let client = Client::builder("sdk-key").daemon_mode(config).without_events().start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    ///
    /// let (changed, change) = std::sync::mpsc::channel();
    /// client.flag_tracker().add_listener(move |_| drop(changed.send(())));
    /// let flag = r#"{"key": "banner", "version": 1, "on": true, "variations": ["hello"],
    ///     "fallthrough": {"variation": 0}}"#;
    /// store.database().put("", DataKind::Flag, "banner", StoredItem::new(flag));
    /// change.recv_timeout(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval;
        self
    }

    /// Whether, in daemon mode, items that are missing from the database count as deleted
    /// immediately. Default: `false`. Has no effect with a [`cache`](Self::cache).
    ///
    /// By default they stay in use, while new and changed items are applied, and the status is
    /// [`stale`](crate::status::DataStoreStatus::stale). They count as deleted
    /// - never, while a previously present marker of a complete data set is missing, or while all
    ///   of 10 or more flags (or segments) are missing;
    /// - once no item has reappeared for a minute, if more than half are missing or the database
    ///   has lost data before;
    /// - otherwise after 2 s.
    ///
    /// Deleting a flag in the service's user interface is not affected, because it leaves a
    /// tombstone. A database whose writer sets no marker proves less: missing items count as
    /// deleted immediately, unless all are missing, or more than half and at least 10.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil::model::DataKind;
    /// use vexil::{Client, Context};
    /// use vexil_testing::MemoryPersistentStore;
    /// # use vexil::store::StoredItem;
    ///
    /// let database = MemoryPersistentStore::new();
    /// # let flag = r#"{"key": "banner", "version": 1, "offVariation": 0, "variations": ["hello"]}"#;
    /// # database.database().put("", DataKind::Flag, "banner", StoredItem::new(flag));
    /// # database.database().set_initialized("", true);
    /// let config = PersistentStoreConfig::new(database.clone())
    ///     .accept_empty(true)
    ///     .refresh_interval(Duration::from_millis(100));
    /// let client = Client::builder("sdk-key").daemon_mode(config).without_events().start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// let (sender, changes) = std::sync::mpsc::channel();
    /// client.flag_tracker().add_listener(move |_| drop(sender.send(())));
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.str_variation("banner", &ada, "gone"), "hello");
    ///
    /// database.database().remove("", DataKind::Flag, "banner");
    /// changes.recv_timeout(Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &ada, "gone"), "gone");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept_empty(mut self, accept: bool) -> Self {
        self.accept_empty = accept;
        self
    }

    /// Interval at which a client that updates the database reads all of it, and rewrites items
    /// that are missing or older than the client's. Use it if several such clients share one
    /// database: a client that lags behind may overwrite newer data with a full write. 5 minutes is
    /// a reasonable interval. An interval shorter than 15 s, including zero, means 15 s. Default,
    /// and meaning of `Duration::MAX`: never. Has no effect in daemon mode and with a
    /// [`cache`](Self::cache).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil_testing::{MemoryPersistentStore, TestData};
    ///
    /// // Several instances of a service write to one database.
    /// let store = PersistentStoreConfig::new(MemoryPersistentStore::new())
    ///     .reconcile_interval(Duration::from_secs(300));
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).data_store(store).start()?;
    /// # assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn reconcile_interval(mut self, interval: Duration) -> Self {
        self.reconcile_interval = Some(interval);
        self
    }

    /// Never writes to the database of a client with a data source. Evaluations use its data until
    /// the data source has delivered; from then on they use memory, and the database is not read
    /// any more (FDV2-8.1). Default: the database is kept up to date. Has no effect in daemon mode,
    /// which never writes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::PersistentStoreConfig;
    /// use vexil_testing::{MemoryPersistentStore, TestData};
    ///
    /// let database = MemoryPersistentStore::new();
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new().with("banner", "hello"))
    ///     .data_store(PersistentStoreConfig::new(database.clone()).read_only())
    ///     .start()?;
    /// assert!(client.blocking_close(Duration::from_secs(30)));
    /// assert!(database.writes().is_empty());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    fn reader(&self, context: &ClientContext) -> Result<Reader, ConfigError> {
        let reader = Reader::new(Arc::clone(&self.store).configure(context)?);
        context.set_data_store_type(reader.describe());
        Ok(reader)
    }

    /// Creates the components of daemon mode: a read-only store, and a data source that reads the
    /// database unless evaluations read it themselves.
    pub(crate) fn daemon(&self, context: &ClientContext) -> Result<Daemon, ConfigError> {
        let reader = self.reader(context)?;
        let reporter = context.data_store_status().clone();
        if let Some(mode) = self.cache {
            let timeout = context.evaluation_timeout();
            let store = Arc::new(ReadThroughStore::new(
                reader,
                Filled::ByAnother,
                mode,
                timeout,
                context.runtime(),
                reporter,
            ));
            return Ok(Daemon {
                store,
                source: Arc::new(ExternalUpdates),
                database: None,
            });
        }
        let refresh_interval = bounds::interval(self.refresh_interval, reader.refresh_interval());
        let source = StoredData {
            store: reader.clone(),
            refresh_interval,
            accept_empty: self.accept_empty,
            reporter,
        };
        Ok(Daemon {
            store: Arc::new(MemoryStore::new()),
            source: Arc::new(source),
            database: Some(reader),
        })
    }
}

/// See [`PersistentStoreConfig::daemon`].
pub(crate) struct Daemon {
    pub(crate) store: Arc<dyn DataStore>,
    pub(crate) source: Arc<dyn DataSource>,
    /// The database that `source` reads and the client closes; `None` if `store` closes it.
    pub(crate) database: Option<Reader>,
}

impl<S: Configure<dyn PersistentDataStore>> From<S> for PersistentStoreConfig {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl Configure<dyn DataStore> for PersistentStoreConfig {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataStore>, ConfigError> {
        let reader = self.reader(context)?;
        let (runtime, reporter) = (context.runtime(), context.data_store_status().clone());
        let timeout = context.evaluation_timeout();
        let options = WriteBehindOptions {
            is_read_only: self.is_read_only,
            fills_memory: self.cache.is_none(),
            reconcile_interval: self.reconcile_interval,
        };
        Ok(match self.cache {
            // Change sets need the whole environment in memory.
            Some(mode) if self.is_read_only || context.has_data_system() => Arc::new(
                HandOver::new(reader, mode, options, timeout, runtime, &reporter),
            ),
            Some(mode) => Arc::new(ReadThroughStore::new(
                reader,
                Filled::ByThisClient,
                mode,
                timeout,
                runtime,
                reporter,
            )),
            None => Arc::new(WriteBehind::new(reader, options, runtime, reporter)),
        })
    }
}
