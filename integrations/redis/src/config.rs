//! [`RedisConnectionBuilder`]: the server, credentials and timeouts of a connection.

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use vexil::bounds;
use vexil::config::redacted_url;

use crate::address::Address;
use crate::connection::{ConnectionSettings, RedisConnection, Target, Timeouts};
use crate::credentials::{CredentialSource, RedisCredentials};
use crate::error::RedisConfigError;
use crate::tls::Tls;

/// Default server URL.
pub(crate) const DEFAULT_URL: &str = "redis://localhost:6379";

/// Configures a [`RedisConnection`].
///
/// ```
/// use std::time::Duration;
/// use vexil_redis::{RedisConnection, RedisCredentials};
///
/// let connection = RedisConnection::builder()
///     .url("rediss://cache.example.com:6380")
///     .database(2)
///     .credentials(RedisCredentials::password("s3cret"))
///     .read_timeout(Duration::from_secs(1))
///     .build()?;
/// assert!(!format!("{connection:?}").contains("s3cret"));
/// # Ok::<(), vexil_redis::RedisConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisConnectionBuilder {
    url: Secret,
    database: Option<u32>,
    credentials: CredentialSource,
    ca_certs: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    timeouts: Timeouts,
    #[cfg(feature = "cluster")]
    cluster: bool,
    #[cfg(feature = "cluster")]
    more_nodes: Vec<Secret>,
    #[cfg(feature = "sentinel")]
    sentinels: Option<(String, Vec<Secret>)>,
}

/// A URL that may contain a password. Its `Debug` form redacts it.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", redacted_url(&self.0))
    }
}

impl RedisConnectionBuilder {
    pub(crate) fn new() -> Self {
        Self {
            url: Secret(DEFAULT_URL.to_owned()),
            database: None,
            credentials: CredentialSource::None,
            ca_certs: None,
            cert_file: None,
            timeouts: Timeouts::default(),
            #[cfg(feature = "cluster")]
            cluster: false,
            #[cfg(feature = "cluster")]
            more_nodes: Vec::new(),
            #[cfg(feature = "sentinel")]
            sentinels: None,
        }
    }

    /// Sets the server's URL: `redis://[user[:password]@]host[:port][/database]`, `rediss://…` for
    /// TLS (cargo feature `tls`), or `unix:///path[?db=database]`. User and password are
    /// percent-encoded where necessary. Default: `redis://localhost:6379`.
    ///
    /// ```
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// let connection = RedisConnection::builder().url("redis://ada:s3cret@cache.example.com:6380/2").build()?;
    /// assert!(format!("{connection:?}").contains("cache.example.com:6380/2"));
    /// assert!(!format!("{connection:?}").contains("s3cret"));
    ///
    /// let http = RedisConnection::builder().url("http://cache.example.com").build();
    /// assert!(matches!(http, Err(RedisConfigError::Url { .. })));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Secret(url.into());
        self
    }

    /// Sets the database number. Writers and readers must use the same one. Default: that of the
    /// URL, or 0.
    ///
    /// ```
    /// use vexil_redis::RedisConnection;
    ///
    /// let connection = RedisConnection::builder().url("redis://localhost/1").database(2).build()?;
    /// assert!(format!("{connection:?}").contains("database: 2"));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    pub fn database(mut self, number: u32) -> Self {
        self.database = Some(number);
        self
    }

    /// Sets the credentials. Default: those of the URL; without any, the connection is not
    /// authenticated.
    ///
    /// ```
    /// use vexil_redis::{RedisConnection, RedisCredentials};
    ///
    /// let credentials = RedisCredentials::user("flags", "s3cret");
    /// let connection = RedisConnection::builder().credentials(credentials).build()?;
    /// let shown = format!("{connection:?}");
    /// assert!(shown.contains("flags") && !shown.contains("s3cret"));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    pub fn credentials(mut self, credentials: RedisCredentials) -> Self {
        self.credentials = CredentialSource::Fixed(credentials);
        self
    }

    /// Sets a provider of credentials, for example for tokens that expire. It is called for each
    /// new connection. The call counts towards the [connect timeout](Self::connect_timeout); if it
    /// fails, it is called again at the next attempt. Default: the credentials of the URL, if any.
    ///
    /// ```
    /// use vexil_redis::{RedisConnection, RedisCredentials};
    ///
    /// # async fn token() -> Result<String, std::io::Error> { Ok("t".to_owned()) }
    /// let connection = RedisConnection::builder()
    ///     .credential_provider(|| async { Ok(RedisCredentials::user("flags", token().await?)) })
    ///     .build()?;
    /// assert!(format!("{connection:?}").contains("Callback"));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    pub fn credential_provider<F, R>(mut self, provide: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<RedisCredentials, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.credentials = CredentialSource::callback(provide);
        self
    }

    /// Trusts only the certificate authorities in this PEM file. A certificate in it that cannot be
    /// used is skipped with a warning that names its position, as long as another can be used.
    /// Default: the authorities that the operating system trusts.
    ///
    /// Revocation is not checked for these authorities. By default it is where the operating system
    /// verifies certificates, which Linux does not.
    ///
    /// ```
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// let builder = RedisConnection::builder().url("rediss://cache.example.com");
    /// let missing = builder.ca_certs("no-such-file.pem").build();
    /// assert!(matches!(missing, Err(RedisConfigError::File { .. })));
    /// ```
    #[cfg(feature = "tls")]
    pub fn ca_certs(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_certs = Some(path.into());
        self
    }

    /// Presents the certificate in this PEM file to servers that request one. The file holds the
    /// chain, the client's own certificate first, and the private key (PKCS#8, PKCS#1 or SEC1).
    /// Default: no certificate.
    ///
    /// ```
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// let builder = RedisConnection::builder().url("rediss://cache.example.com");
    /// let missing = builder.cert_file("no-such-file.pem").build();
    /// assert!(matches!(missing, Err(RedisConfigError::File { .. })));
    /// ```
    #[cfg(feature = "tls")]
    pub fn cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cert_file = Some(path.into());
        self
    }

    /// Limits how long a connection attempt may take, from resolving the host name to logging in.
    /// Default, also for zero: 2 s. Minimum: 10 ms. `Duration::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::store::PersistentDataStore;
    /// use vexil_redis::{RedisConnection, RedisDataStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A server that accepts connections and never replies.
    /// let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let connection = RedisConnection::builder()
    ///     .url(format!("redis://{}", silent.local_addr()?))
    ///     .connect_timeout(Duration::from_millis(50))
    ///     .build()?;
    /// let store = RedisDataStore::builder().connection(&connection).build()?;
    /// assert!(store.snapshot().await.unwrap_err().is_temporary());
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.connect = bounds::timeout(limit, Timeouts::default().connect);
        self
    }

    /// Limits how long it may take to read one item, or the big segments of one context. Default,
    /// also for zero: 5 s. Minimum: 10 ms. `Duration::MAX`: no limit except the client's. An
    /// evaluation waits at most the client's `evaluation_timeout`, whatever this limit is. A slow
    /// reply is not an outage.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::model::DataKind;
    /// use vexil::store::{PersistentDataStore, StoreError};
    /// use vexil_redis::{RedisConnection, RedisDataStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("redis://{}", silent.local_addr()?);
    /// let connection = RedisConnection::builder()
    ///     .url(url)
    ///     .read_timeout(Duration::from_millis(50))
    ///     .build()?;
    /// let store = RedisDataStore::builder().connection(&connection).build()?;
    /// let item = store.get(DataKind::Flag, "new-checkout").await;
    /// assert!(matches!(item, Err(StoreError::Timeout)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.read = bounds::timeout(limit, Timeouts::default().read);
        self
    }

    /// Limits how long it may take to read everything, and to write. Default, also for zero: 10 s.
    /// Minimum: 10 ms. `Duration::MAX`: no limit except the client's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::store::{PersistentDataStore, StoreError};
    /// use vexil_redis::{RedisConnection, RedisDataStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("redis://{}", silent.local_addr()?);
    /// let connection = RedisConnection::builder()
    ///     .url(url)
    ///     .bulk_timeout(Duration::from_millis(50))
    ///     .build()?;
    /// let store = RedisDataStore::builder().connection(&connection).build()?;
    /// assert!(matches!(store.snapshot().await, Err(StoreError::Timeout)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn bulk_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.bulk = bounds::timeout(limit, Timeouts::default().bulk);
        self
    }

    /// Limits how long a probe of the server may take. Default, also for zero: 2 s. Minimum: 10 ms.
    /// `Duration::MAX`: no limit except the client's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::store::{PersistentDataStore, StoreError};
    /// use vexil_redis::{RedisConnection, RedisDataStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("redis://{}", silent.local_addr()?);
    /// let connection = RedisConnection::builder()
    ///     .url(url)
    ///     .probe_timeout(Duration::from_millis(50))
    ///     .build()?;
    /// let store = RedisDataStore::builder().connection(&connection).build()?;
    /// assert!(matches!(store.probe().await, Err(StoreError::Timeout)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn probe_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.probe = bounds::timeout(limit, Timeouts::default().probe);
        self
    }

    /// Connects to a Redis Cluster, with the URL and `more_nodes` as seed nodes. One reachable seed
    /// is enough. Credentials and TLS of the URL apply to every node; those in `more_nodes` are
    /// ignored. Default: a single server.
    ///
    /// Choose a prefix with a hash tag, such as `{launchdarkly}`. With any other prefix, flags and
    /// segments are on different nodes and cannot be read or replaced atomically.
    ///
    /// ```
    /// use vexil_redis::{RedisConnection, RedisDataStore};
    ///
    /// let connection = RedisConnection::builder()
    ///     .url("redis://node-1.example.com")
    ///     .cluster(["redis://node-2.example.com", "redis://node-3.example.com"])
    ///     .build()?;
    /// let flags = RedisDataStore::builder().connection(&connection).prefix("{launchdarkly}");
    /// assert!(format!("{flags:?}").contains("node-3.example.com"));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    #[cfg(feature = "cluster")]
    pub fn cluster<U: Into<String>>(mut self, more_nodes: impl IntoIterator<Item = U>) -> Self {
        self.cluster = true;
        self.more_nodes = more_nodes
            .into_iter()
            .map(|url| Secret(url.into()))
            .collect();
        self
    }

    /// Queries these sentinels for the primary of this name, again after each failover. A
    /// sentinel's URL may contain the credentials for that sentinel. The host of the connection's
    /// own URL is ignored; its other parts apply to the primary. Default: no
    /// sentinels.
    ///
    /// ```
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// let sentinels = ["redis://sentinel-1.example.com:26379", "redis://sentinel-2.example.com:26379"];
    /// let connection = RedisConnection::builder().sentinels("main", sentinels).build()?;
    /// assert!(format!("{connection:?}").contains("main of redis://sentinel-1.example.com:26379"));
    ///
    /// let none = RedisConnection::builder().sentinels::<&str>("main", []).build();
    /// assert!(matches!(none, Err(RedisConfigError::Conflict { .. })));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    #[cfg(feature = "sentinel")]
    pub fn sentinels<U: Into<String>>(
        mut self,
        primary: impl Into<String>,
        sentinels: impl IntoIterator<Item = U>,
    ) -> Self {
        self.sentinels = Some((
            primary.into(),
            sentinels
                .into_iter()
                .map(|url| Secret(url.into()))
                .collect(),
        ));
        self
    }

    /// Builds the connection.
    ///
    /// This does not connect; the server need not be running.
    ///
    /// ```
    /// use vexil_redis::RedisConnection;
    ///
    /// // Nothing listens there, and nothing connects before the first request.
    /// let connection = RedisConnection::builder().url("redis://127.0.0.1:1").build();
    /// assert!(connection.is_ok());
    /// ```
    ///
    /// # Errors
    /// Returns an error if a URL is not valid, a file cannot be read, or settings exclude each
    /// other.
    pub fn build(self) -> Result<RedisConnection, RedisConfigError> {
        let address = Address::parse(&self.url.0)?;
        let target = self.target(&address)?;
        let url = self.shown();
        let database = self.database.or(address.database).unwrap_or(0);
        if target.is_cluster() && database != 0 {
            return Err(RedisConfigError::Conflict {
                reason: "a Redis Cluster has only the database 0",
            });
        }
        let credentials = match (self.credentials, address.credentials) {
            (CredentialSource::None, Some(credentials)) => CredentialSource::Fixed(credentials),
            (credentials, _) => credentials,
        };
        let encrypted = address.tls || target.has_encrypted_sentinels();
        if !encrypted && (self.ca_certs.is_some() || self.cert_file.is_some()) {
            tracing::warn!(
                url,
                "certificates have no effect: only rediss:// is encrypted"
            );
        }
        let tls = if encrypted {
            Some(Tls::new(
                self.ca_certs.as_deref(),
                self.cert_file.as_deref(),
            )?)
        } else {
            None
        };
        Ok(RedisConnection::new(ConnectionSettings {
            url,
            target,
            database,
            credentials,
            encrypted: address.tls,
            tls,
            timeouts: self.timeouts,
        }))
    }

    /// The server's URL, or the sentinels and the primary's name, without credentials.
    fn shown(&self) -> String {
        #[cfg(feature = "sentinel")]
        if let Some((primary, sentinels)) = &self.sentinels {
            let sentinels: Vec<_> = sentinels.iter().map(|url| redacted_url(&url.0)).collect();
            return format!("{primary} of {}", sentinels.join(", "));
        }
        redacted_url(&self.url.0)
    }

    fn target(&self, address: &Address) -> Result<Target, RedisConfigError> {
        #[cfg(feature = "sentinel")]
        if let Some((primary, urls)) = &self.sentinels {
            let sentinels = urls
                .iter()
                .map(|url| Address::parse(&url.0))
                .collect::<Result<Vec<_>, _>>()?;
            if sentinels.is_empty() {
                return Err(RedisConfigError::Conflict {
                    reason: "no sentinels are configured",
                });
            }
            #[cfg(feature = "cluster")]
            if self.cluster {
                return Err(RedisConfigError::Conflict {
                    reason: "a Redis Cluster has no sentinels",
                });
            }
            return Ok(Target::Primary {
                name: primary.clone(),
                sentinels,
            });
        }
        #[cfg(feature = "cluster")]
        if self.cluster {
            let mut nodes = vec![address.host.clone()];
            for url in &self.more_nodes {
                nodes.push(Address::parse(&url.0)?.host);
            }
            return Ok(Target::Nodes(nodes));
        }
        Ok(Target::Server(address.host.clone()))
    }
}
