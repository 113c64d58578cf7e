//! [`RedisStoreBuilder`]: which connection a store uses, and which prefix its keys have.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use vexil::big_segments::BigSegmentStore;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::store::PersistentDataStore;

use crate::big_segments::RedisBigSegmentStore;
use crate::config::RedisConnectionBuilder;
use crate::connection::{Lease, RedisConnection};
use crate::error::RedisConfigError;
use crate::store::RedisDataStore;

/// The prefix unless another is chosen.
const DEFAULT_PREFIX: &str = "launchdarkly";

/// Configures a [`RedisDataStore`] or a [`RedisBigSegmentStore`]. A client takes it as it is.
///
/// ```
/// use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
///
/// // A server, and nothing more to say of it:
/// let flags = RedisDataStore::builder().url("redis://cache.example.com").prefix("ld:shop");
///
/// // Everything that can be said of a connection, which stores may share:
/// let connection = RedisConnection::builder().url("rediss://cache.example.com").build()?;
/// let flags = RedisDataStore::builder().connection(&connection).prefix("ld:shop");
/// let big_segments = RedisBigSegmentStore::builder().connection(&connection).prefix("ld:shop");
/// # Ok::<(), vexil_redis::RedisConfigError>(())
/// ```
#[must_use]
pub struct RedisStoreBuilder<S> {
    connection: Connection,
    prefix: String,
    makes: PhantomData<fn() -> S>,
}

#[derive(Clone, Debug)]
enum Connection {
    /// One that is configured elsewhere.
    Shared(RedisConnection),
    /// One for each store that is made.
    Own(Box<RedisConnectionBuilder>),
}

impl<S> RedisStoreBuilder<S> {
    pub(crate) fn new() -> Self {
        let connection = Connection::Own(Box::new(RedisConnection::builder()));
        Self {
            connection,
            prefix: DEFAULT_PREFIX.to_owned(),
            makes: PhantomData,
        }
    }

    /// Where the server is, as in [`RedisConnectionBuilder::url`]. The store has a connection of
    /// its own then. Default: `redis://localhost:6379`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.connection = Connection::Own(Box::new(RedisConnection::builder().url(url)));
        self
    }

    /// Uses a connection that is configured elsewhere and may be shared, in place of a [`url`](Self::url).
    pub fn connection(mut self, connection: &RedisConnection) -> Self {
        self.connection = Connection::Shared(connection.clone());
        self
    }

    /// What the names of all keys begin with, before a colon. It must be the one that the Relay
    /// Proxy, or whoever else writes or reads them, is configured with. In a cluster it should have
    /// a hash tag: `{launchdarkly}`. Default, also if it is empty: `launchdarkly`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.prefix = if prefix.is_empty() {
            DEFAULT_PREFIX.to_owned()
        } else {
            prefix
        };
        self
    }

    /// The store's use of its connection, and the prefix. The log says where things are.
    fn open(self, contents: &'static str) -> Result<(Lease, String), RedisConfigError> {
        let connection = match self.connection {
            Connection::Shared(connection) => connection,
            Connection::Own(builder) => builder.build()?,
        };
        let lease = Lease::new(connection);
        let settings = lease.settings();
        tracing::info!(
            url = settings.url,
            database = settings.database,
            prefix = self.prefix,
            contents,
            "Redis is used"
        );
        Ok((lease, self.prefix))
    }
}

impl RedisStoreBuilder<RedisDataStore> {
    /// The store, to be shared between clients or used without one. Nothing is connected yet, and
    /// the server need not be there.
    ///
    /// # Errors
    /// If the URL cannot be used.
    pub fn build(self) -> Result<RedisDataStore, RedisConfigError> {
        self.open("flags")
            .map(|(lease, prefix)| RedisDataStore::new(lease, &prefix))
    }
}

impl RedisStoreBuilder<RedisBigSegmentStore> {
    /// The store, to be shared between clients or used without one. Nothing is connected yet, and
    /// the server need not be there.
    ///
    /// # Errors
    /// If the URL cannot be used.
    pub fn build(self) -> Result<RedisBigSegmentStore, RedisConfigError> {
        self.open("big segments")
            .map(|(lease, prefix)| RedisBigSegmentStore::new(lease, prefix))
    }
}

impl Configure<dyn PersistentDataStore> for RedisStoreBuilder<RedisDataStore> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        let store = self
            .clone()
            .build()
            .map_err(|error| ConfigError::component("Redis data store", error))?;
        Ok(Arc::new(store))
    }
}

impl Configure<dyn BigSegmentStore> for RedisStoreBuilder<RedisBigSegmentStore> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn BigSegmentStore>, ConfigError> {
        let store = self
            .clone()
            .build()
            .map_err(|error| ConfigError::component("Redis big-segment store", error))?;
        Ok(Arc::new(store))
    }
}

// Not derived: that would ask the store itself to be `Clone` and `Debug`.
impl<S> Clone for RedisStoreBuilder<S> {
    fn clone(&self) -> Self {
        Self {
            connection: self.connection.clone(),
            prefix: self.prefix.clone(),
            makes: PhantomData,
        }
    }
}

impl<S> fmt::Debug for RedisStoreBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("connection", &self.connection)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
