//! [`DynamoDbBuilder`]: which table, whose rows in it, and how to reach it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use vexil::big_segments::BigSegmentStore;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::deadline;
use vexil::store::PersistentDataStore;

use crate::big_segments::DynamoDbBigSegmentStore;
use crate::error::SettingsError;
use crate::store::DynamoDbDataStore;
use crate::table::Table;

/// Configures a [`DynamoDbDataStore`] or a [`DynamoDbBigSegmentStore`]. A client takes it as it is.
///
/// Nothing is opened or asked for before the store's first call: region and credentials are then
/// found as all of AWS's programs find them, as far as they are not set here.
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
    settings: Settings,
    makes: PhantomData<fn() -> S>,
}

/// What a builder was told.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) table: String,
    pub(crate) prefix: String,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) client: Option<Client>,
    pub(crate) limits: Limits,
}

/// How long calls may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For one row to be read.
    pub(crate) read: Duration,
    /// For finding out whether the table answers.
    pub(crate) probe: Duration,
    /// For everything to be read, or one row to be written, with the repetitions that throttling
    /// asks for.
    pub(crate) bulk: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            read: Duration::from_secs(5),
            probe: Duration::from_secs(2),
            bulk: Duration::from_secs(10),
        }
    }
}

impl<S> DynamoDbBuilder<S> {
    pub(crate) fn new(table: String) -> Self {
        let settings = Settings {
            table,
            prefix: String::new(),
            region: None,
            endpoint: None,
            credentials: None,
            client: None,
            limits: Limits::default(),
        };
        Self {
            settings,
            makes: PhantomData,
        }
    }

    /// Whose rows: several environments can share a table if each has a prefix of its own. It must
    /// be the one that the Relay Proxy, or whoever else writes or reads these rows, is configured
    /// with. Default: none.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// The AWS region of the table. Default: from the environment, the profile or the machine.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.settings.region = Some(region.into());
        self
    }

    /// Where DynamoDB answers, beginning with `https://` or `http://`: for a server on this
    /// machine, or an endpoint in a private network. Default: the region's.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.settings.endpoint = Some(url.into().trim().to_owned());
        self
    }

    /// Credentials that do not change, as a server on this machine wants some, whichever they are.
    /// Default: AWS's chain, which is the environment, the profile, web identity, and the roles of
    /// containers and machines.
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

    /// The client to use, with its own region, endpoint, credentials, retries and proxy; what is
    /// set here of those does not count then. It is for what this builder does not know, and for
    /// sharing one client between stores. A forked process needs a client that was made in it.
    pub fn client(mut self, client: Client) -> Self {
        self.settings.client = Some(client);
        self
    }

    /// The longest time that reading one item, or what is known about one context, may take.
    /// Default, and meaning of zero: 5 s. At least 10 ms. `Duration::MAX`: no limit but that of the
    /// client. An evaluation waits no longer than the client's `evaluation_timeout`, whatever this
    /// is, and a slow answer is no outage.
    ///
    /// Until the table answers for the first time, each call may take 10 s: region and credentials
    /// are found then, and a connection is made.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.settings.limits.read = deadline::limit(limit, Limits::default().read);
        self
    }

    /// The longest time that reading everything may take, and writing one item. Writing everything
    /// may take a minute. Default, and meaning of zero: 10 s. At least 10 ms. `Duration::MAX`: no
    /// limit but that of the client.
    pub fn bulk_timeout(mut self, limit: Duration) -> Self {
        self.settings.limits.bulk = deadline::limit(limit, Limits::default().bulk);
        self
    }

    /// The longest time that asking whether the table answers at all may take. Default, and meaning
    /// of zero: 2 s. At least 10 ms. `Duration::MAX`: no limit but that of the client.
    pub fn probe_timeout(mut self, limit: Duration) -> Self {
        self.settings.limits.probe = deadline::limit(limit, Limits::default().probe);
        self
    }

    /// What the settings say, once they are seen to be possible.
    fn table(&self, component: &'static str) -> Result<Table, ConfigError> {
        match self.settings.problem() {
            Some(problem) => Err(ConfigError::component(component, problem)),
            None => Ok(Table::new(self.settings.clone())),
        }
    }
}

impl DynamoDbBuilder<DynamoDbDataStore> {
    /// The store, to be shared between clients or used without one.
    ///
    /// # Errors
    /// If the table has no name, the endpoint is no URL, or it is an `https` URL without a cargo
    /// feature for TLS.
    pub fn build(self) -> Result<DynamoDbDataStore, ConfigError> {
        self.table("DynamoDB data store")
            .map(DynamoDbDataStore::new)
    }
}

impl DynamoDbBuilder<DynamoDbBigSegmentStore> {
    /// The store, to be shared between clients or used without one.
    ///
    /// # Errors
    /// If the table has no name, the endpoint is no URL, or it is an `https` URL without a cargo
    /// feature for TLS.
    pub fn build(self) -> Result<DynamoDbBigSegmentStore, ConfigError> {
        self.table("DynamoDB big-segment store")
            .map(DynamoDbBigSegmentStore::new)
    }
}

impl Configure<dyn PersistentDataStore> for DynamoDbBuilder<DynamoDbDataStore> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        Ok(Arc::new(self.clone().build()?))
    }
}

impl Configure<dyn BigSegmentStore> for DynamoDbBuilder<DynamoDbBigSegmentStore> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn BigSegmentStore>, ConfigError> {
        Ok(Arc::new(self.clone().build()?))
    }
}

// Not derived: that would ask the store itself to be `Clone` and `Debug`.
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

impl Settings {
    fn problem(&self) -> Option<SettingsError> {
        if self.table.is_empty() {
            return Some(SettingsError::NoTable);
        }
        let starts_with = |scheme| {
            self.endpoint
                .as_ref()
                .is_none_or(|url: &String| url.starts_with(scheme))
        };
        let (https, http) = (starts_with("https://"), starts_with("http://"));
        if !https && !http {
            return Some(SettingsError::Endpoint);
        }
        if self.endpoint.as_ref().is_some_and(|url| !names_a_host(url)) {
            return Some(SettingsError::EndpointHost);
        }
        // A region's own endpoint begins with `https://`, too.
        let has_tls = cfg!(any(feature = "tls-aws-lc-rs", feature = "tls-ring"));
        (https && self.client.is_none() && !has_tls).then_some(SettingsError::NoTls)
    }
}

/// Whether a URL names a host and nothing that a request cannot carry: AWS's client signs requests
/// and sends no credentials of a URL.
fn names_a_host(url: &str) -> bool {
    let uri = http::Uri::try_from(url).ok();
    let authority = uri.as_ref().and_then(http::Uri::authority);
    authority
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// Without credentials, and without the URL, which may hold some.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb")
            .field("table", &self.table)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
