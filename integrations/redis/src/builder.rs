//! [`RedisStoreBuilder`]: the connection and key prefix of a store.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use vexil::big_segments::BigSegmentStore;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::store::PersistentDataStore;

use crate::big_segments::RedisBigSegmentStore;
use crate::config::RedisConnectionBuilder;
use crate::connection::{RedisConnection, StoreHandle};
use crate::error::RedisConfigError;
use crate::store::RedisDataStore;

/// Default prefix.
const DEFAULT_PREFIX: &str = "launchdarkly";

/// Configures a [`RedisDataStore`] or a [`RedisBigSegmentStore`].
///
/// The client builder accepts it directly.
///
/// ```
/// use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
///
/// // A server with default settings:
/// let flags = RedisDataStore::builder().url("redis://cache.example.com").prefix("ld:shop");
///
/// // A configured connection that several stores share:
/// let connection = RedisConnection::builder().url("rediss://cache.example.com").build()?;
/// let flags = RedisDataStore::builder().connection(&connection).prefix("ld:shop");
/// let big_segments = RedisBigSegmentStore::builder().connection(&connection).prefix("ld:shop");
/// assert!(flags.build().is_ok() && big_segments.build().is_ok());
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
    /// A connection that the application configured separately.
    Shared(RedisConnection),
    /// A new connection for each store that is built.
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

    /// Sets the server's URL, as in [`RedisConnectionBuilder::url`]. The store then has its own
    /// connection. Default: `redis://localhost:6379`.
    ///
    /// ```
    /// use vexil_redis::RedisDataStore;
    ///
    /// let flags = RedisDataStore::builder().url("redis://ada:s3cret@cache.example.com");
    /// let shown = format!("{flags:?}");
    /// assert!(shown.contains("cache.example.com") && !shown.contains("s3cret"));
    /// ```
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.connection = Connection::Own(Box::new(RedisConnection::builder().url(url)));
        self
    }

    /// Uses a connection that is configured separately and may be shared, instead of a
    /// [`url`](Self::url). Default: a connection of the store.
    ///
    /// ```
    /// use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
    ///
    /// let connection = RedisConnection::builder().url("redis://cache.example.com/2").build()?;
    /// let flags = RedisDataStore::builder().connection(&connection).build();
    /// let big_segments = RedisBigSegmentStore::builder().connection(&connection).build();
    /// assert!(flags.is_ok() && big_segments.is_ok());
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    pub fn connection(mut self, connection: &RedisConnection) -> Self {
        self.connection = Connection::Shared(connection.clone());
        self
    }

    /// Sets the prefix of all keys; a colon follows it. It must equal the prefix of the Relay
    /// Proxy, or of any other process that writes or reads the keys. In a cluster it should have a
    /// hash tag: `{launchdarkly}`. Default, also if it is empty: `launchdarkly`.
    ///
    /// ```
    /// use vexil_redis::RedisDataStore;
    ///
    /// let prefixed = RedisDataStore::builder().prefix("ld:shop");
    /// assert!(format!("{prefixed:?}").contains(r#"prefix: "ld:shop""#));
    /// let default = RedisDataStore::builder().prefix("");
    /// assert!(format!("{default:?}").contains(r#"prefix: "launchdarkly""#));
    /// ```
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.prefix = if prefix.is_empty() {
            DEFAULT_PREFIX.to_owned()
        } else {
            prefix
        };
        self
    }

    /// Registers a store with the connection, and logs the server and prefix.
    fn open(self, contents: &'static str) -> Result<(StoreHandle, String), RedisConfigError> {
        let connection = match self.connection {
            Connection::Shared(connection) => connection,
            Connection::Own(builder) => builder.build()?,
        };
        let handle = StoreHandle::new(connection);
        let settings = handle.settings();
        tracing::info!(
            url = settings.url,
            database = settings.database,
            prefix = self.prefix,
            contents,
            "using Redis"
        );
        Ok((handle, self.prefix))
    }
}

impl RedisStoreBuilder<RedisDataStore> {
    /// Builds the store, for one or several clients or for direct use.
    ///
    /// This does not connect; the server need not be running.
    ///
    /// ```
    /// use vexil::store::{PersistentDataStore, StoreError};
    /// use vexil_redis::RedisDataStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = RedisDataStore::builder().url("redis://127.0.0.1:1").build()?;
    /// let error = store.probe().await.unwrap_err();
    /// assert!(matches!(error, StoreError::Unavailable { .. }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the URL is not valid.
    pub fn build(self) -> Result<RedisDataStore, RedisConfigError> {
        self.open("flags")
            .map(|(handle, prefix)| RedisDataStore::new(handle, &prefix))
    }
}

impl RedisStoreBuilder<RedisBigSegmentStore> {
    /// Builds the store, for one or several clients or for direct use.
    ///
    /// This does not connect; the server need not be running.
    ///
    /// ```
    /// use vexil::big_segments::BigSegmentStore;
    /// use vexil_redis::RedisBigSegmentStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = RedisBigSegmentStore::builder().url("redis://127.0.0.1:1").build()?;
    /// let error = store.last_synchronized().await.unwrap_err();
    /// assert!(error.is_temporary());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the URL is not valid.
    pub fn build(self) -> Result<RedisBigSegmentStore, RedisConfigError> {
        self.open("big segments")
            .map(|(handle, prefix)| RedisBigSegmentStore::new(handle, prefix))
    }
}

impl Configure<dyn PersistentDataStore> for RedisStoreBuilder<RedisDataStore> {
    fn configure(
        self: Arc<Self>,
        _: &ClientContext,
    ) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        let store = Self::clone(&self)
            .build()
            .map_err(|error| ConfigError::component("Redis data store", error))?;
        Ok(Arc::new(store))
    }
}

impl Configure<dyn BigSegmentStore> for RedisStoreBuilder<RedisBigSegmentStore> {
    fn configure(
        self: Arc<Self>,
        _: &ClientContext,
    ) -> Result<Arc<dyn BigSegmentStore>, ConfigError> {
        let store = Self::clone(&self)
            .build()
            .map_err(|error| ConfigError::component("Redis big-segment store", error))?;
        Ok(Arc::new(store))
    }
}

// Not derived: the derive would require `S: Clone` and `S: Debug`.
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
