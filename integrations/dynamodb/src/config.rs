//! [`DynamoDbBuilder`]: the table, key prefix and connection of a store.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use vexil::big_segments::BigSegmentStore;
use vexil::bounds;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::store::PersistentDataStore;

use crate::big_segments::DynamoDbBigSegmentStore;
use crate::settings::{TableSettings, Timeouts};
use crate::store::DynamoDbDataStore;
use crate::table::Table;

/// Configures a [`DynamoDbDataStore`] or a [`DynamoDbBigSegmentStore`].
///
/// The client builder accepts it directly.
///
/// No connection is made before the store's first call. Region and credentials that are not set
/// here are then resolved by AWS's default chain.
///
/// ```
/// use vexil_dynamodb::DynamoDbDataStore;
///
/// let store = DynamoDbDataStore::builder("feature-flags")
///     .prefix("shop:production")
///     .endpoint("http://localhost:8000")
///     .region("eu-central-1")
///     .credentials("local", "local");
/// assert!(format!("{store:?}").contains("shop:production"));
/// ```
#[must_use]
pub struct DynamoDbBuilder<S> {
    settings: TableSettings,
    makes: PhantomData<fn() -> S>,
}

impl<S> DynamoDbBuilder<S> {
    pub(crate) fn new(table: String) -> Self {
        Self {
            settings: TableSettings::new(table),
            makes: PhantomData,
        }
    }

    /// Sets the prefix of all keys. Several environments can share a table if each has its own
    /// prefix. It must equal the prefix of the Relay Proxy, or of any other process that writes or
    /// reads the rows. Default: no prefix.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let store = DynamoDbDataStore::builder("feature-flags").prefix("shop:production").build()?;
    /// assert!(format!("{store:?}").contains("shop:production"));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// Sets the AWS region of the table. Default: from the environment, the profile or the machine.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let store = DynamoDbDataStore::builder("feature-flags").region("eu-central-1").build()?;
    /// assert!(format!("{store:?}").contains("eu-central-1"));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.settings.region = Some(region.into());
        self
    }

    /// Sets the endpoint, a URL that begins with `https://` or `http://`, for example for a local
    /// server or an endpoint in a private network. Default: the region's endpoint.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let builder = || DynamoDbDataStore::builder("feature-flags");
    /// assert!(builder().endpoint("http://localhost:8000").build().is_ok());
    /// assert!(builder().endpoint("localhost:8000").build().is_err());
    /// ```
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.settings.endpoint = Some(url.into().trim().to_owned());
        self
    }

    /// Sets fixed credentials. A local server requires some, but accepts any. Default: AWS's chain:
    /// the environment, the profile, web identity, and the roles of containers and machines.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let store = DynamoDbDataStore::builder("feature-flags").credentials("AKIDEXAMPLE", "s3cret").build()?;
    /// assert!(!format!("{store:?}").contains("s3cret"));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        self.settings.credentials = Some(Credentials::new(
            access_key_id,
            secret_access_key,
            None,
            None,
            "vexil",
        ));
        self
    }

    /// Sets the client to use, with its own region, endpoint, credentials, retries and proxy; those
    /// settings of this builder are then ignored. Use it for settings that this builder does not
    /// have, and to share one client between stores. A forked process needs a client that was
    /// created in it. Default: a client of the store, with the settings of this builder.
    ///
    /// ```
    /// use vexil_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Region};
    /// use vexil_dynamodb::aws_sdk_dynamodb::{Client, Config};
    /// use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbDataStore};
    ///
    /// let config = Config::builder()
    ///     .behavior_version(BehaviorVersion::latest())
    ///     .region(Region::new("eu-central-1"))
    ///     .build();
    /// let client = Client::from_conf(config);
    /// let flags = DynamoDbDataStore::builder("feature-flags").client(client.clone()).build();
    /// let big_segments = DynamoDbBigSegmentStore::builder("feature-flags").client(client).build();
    /// assert!(flags.is_ok() && big_segments.is_ok());
    /// ```
    pub fn client(mut self, client: Client) -> Self {
        self.settings.client = Some(client);
        self
    }

    /// Limits how long it may take to read one item, or the big segments of one context. Default,
    /// also for zero: 5 s. Minimum: 10 ms. `Duration::MAX`: no limit except the client's. An
    /// evaluation waits at most the client's `evaluation_timeout`, whatever this limit is. A slow
    /// reply is not an outage.
    ///
    /// Until the table replies for the first time, each call may take 10 s, because region and
    /// credentials are resolved and a connection is opened then.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let builder = DynamoDbDataStore::builder("feature-flags").read_timeout(Duration::from_secs(1));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.settings.timeouts.read = bounds::timeout(limit, Timeouts::default().read);
        self
    }

    /// Limits how long it may take to read everything, and to write one item. Writing everything
    /// may take one minute. Default, also for zero: 10 s. Minimum: 10 ms. `Duration::MAX`: no limit
    /// except the client's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let builder = DynamoDbDataStore::builder("feature-flags").bulk_timeout(Duration::from_secs(30));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn bulk_timeout(mut self, limit: Duration) -> Self {
        self.settings.timeouts.bulk = bounds::timeout(limit, Timeouts::default().bulk);
        self
    }

    /// Limits how long a probe of the table may take. Default, also for zero: 2 s. Minimum: 10 ms.
    /// `Duration::MAX`: no limit except the client's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::store::PersistentDataStore;
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = DynamoDbDataStore::builder("feature-flags")
    ///     .endpoint("http://127.0.0.1:1")
    ///     .region("local")
    ///     .credentials("local", "local")
    ///     .probe_timeout(Duration::from_secs(1))
    ///     .build()?;
    /// assert!(store.probe().await.unwrap_err().is_temporary());
    /// # Ok(())
    /// # }
    /// ```
    pub fn probe_timeout(mut self, limit: Duration) -> Self {
        self.settings.timeouts.probe = bounds::timeout(limit, Timeouts::default().probe);
        self
    }

    /// Validates the settings and creates the table handle.
    fn table(&self, component: &'static str) -> Result<Table, ConfigError> {
        match self.settings.problem() {
            Some(problem) => Err(ConfigError::component(component, problem)),
            None => Ok(Table::new(self.settings.clone())),
        }
    }
}

impl DynamoDbBuilder<DynamoDbDataStore> {
    /// Builds the store, for one or several clients or for direct use.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbDataStore;
    ///
    /// let error = DynamoDbDataStore::builder("").build().unwrap_err();
    /// let cause = std::error::Error::source(&error).map(ToString::to_string);
    /// assert_eq!(cause.as_deref(), Some("the table has no name"));
    /// ```
    ///
    /// # Errors
    /// Returns an error if the table name is empty, the endpoint is not a valid URL, or it is an
    /// `https` URL without a cargo feature for TLS.
    pub fn build(self) -> Result<DynamoDbDataStore, ConfigError> {
        self.table("DynamoDB data store")
            .map(DynamoDbDataStore::new)
    }
}

impl DynamoDbBuilder<DynamoDbBigSegmentStore> {
    /// Builds the store, for one or several clients or for direct use.
    ///
    /// ```
    /// use vexil_dynamodb::DynamoDbBigSegmentStore;
    ///
    /// // Nothing connects before the first request.
    /// assert!(DynamoDbBigSegmentStore::builder("feature-flags").build().is_ok());
    /// ```
    ///
    /// # Errors
    /// Returns an error if the table name is empty, the endpoint is not a valid URL, or it is an
    /// `https` URL without a cargo feature for TLS.
    pub fn build(self) -> Result<DynamoDbBigSegmentStore, ConfigError> {
        self.table("DynamoDB big-segment store")
            .map(DynamoDbBigSegmentStore::new)
    }
}

impl Configure<dyn PersistentDataStore> for DynamoDbBuilder<DynamoDbDataStore> {
    fn configure(
        self: Arc<Self>,
        _: &ClientContext,
    ) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        Ok(Arc::new(Self::clone(&self).build()?))
    }
}

impl Configure<dyn BigSegmentStore> for DynamoDbBuilder<DynamoDbBigSegmentStore> {
    fn configure(
        self: Arc<Self>,
        _: &ClientContext,
    ) -> Result<Arc<dyn BigSegmentStore>, ConfigError> {
        Ok(Arc::new(Self::clone(&self).build()?))
    }
}

// Not derived: the derive would require `S: Clone` and `S: Debug`.
impl<S> Clone for DynamoDbBuilder<S> {
    fn clone(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            makes: PhantomData,
        }
    }
}

impl<S> fmt::Debug for DynamoDbBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}
