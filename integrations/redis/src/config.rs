//! [`RedisConnectionBuilder`]: which server, as whom, and for how long to wait for it.

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use vexil::config::redacted_url;
use vexil::deadline;

use crate::address::Address;
use crate::connection::{Limits, RedisConnection, Settings, Target};
use crate::credentials::{CredentialSource, RedisCredentials};
use crate::error::RedisConfigError;
use crate::tls::Tls;

/// Where a server is unless it is said.
pub(crate) const DEFAULT_URL: &str = "redis://localhost:6379";

/// Configures a [`RedisConnection`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisConnectionBuilder {
    url: Secret,
    database: Option<u32>,
    credentials: CredentialSource,
    ca_certs: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    limits: Limits,
    #[cfg(feature = "cluster")]
    cluster: bool,
    #[cfg(feature = "cluster")]
    more_nodes: Vec<Secret>,
    #[cfg(feature = "sentinel")]
    sentinels: Option<(String, Vec<Secret>)>,
}

/// A URL that may carry a password.
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
            limits: Limits::default(),
            #[cfg(feature = "cluster")]
            cluster: false,
            #[cfg(feature = "cluster")]
            more_nodes: Vec::new(),
            #[cfg(feature = "sentinel")]
            sentinels: None,
        }
    }

    /// Where the server is: `redis://[user[:password]@]host[:port][/database]`, `rediss://…` for
    /// TLS (cargo feature `tls`), or `unix:///path[?db=database]`. User and password are
    /// percent-encoded where necessary. Default: `redis://localhost:6379`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Secret(url.into());
        self
    }

    /// The number of the database. Writers and readers must agree on it. Default: that of the URL,
    /// or 0.
    pub fn database(mut self, number: u32) -> Self {
        self.database = Some(number);
        self
    }

    /// Who we are to the server. Default: what the URL says, or nobody.
    pub fn credentials(mut self, credentials: RedisCredentials) -> Self {
        self.credentials = CredentialSource::Fixed(credentials);
        self
    }

    /// Asks for the credentials whenever a connection is made: for tokens that expire. What it
    /// takes counts towards the [limit of connecting](Self::connect_timeout); if it fails, it is
    /// asked again later.
    ///
    /// ```
    /// use vexil_redis::{RedisConnection, RedisCredentials};
    ///
    /// # async fn token() -> Result<String, std::io::Error> { Ok("t".to_owned()) }
    /// let connection = RedisConnection::builder()
    ///     .credential_provider(|| async { Ok(RedisCredentials::user("flags", token().await?)) })
    ///     .build()?;
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

    /// Trusts the authorities in this PEM file and no others. A certificate in it that cannot be
    /// used is left out with a warning that names its position, as long as another can be used.
    /// Default: those that the operating system trusts.
    #[cfg(feature = "tls")]
    pub fn ca_certs(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_certs = Some(path.into());
        self
    }

    /// Presents the certificate in this PEM file to servers that ask for one. The file holds the
    /// chain, the client's own certificate first, and the private key (PKCS#8, PKCS#1 or SEC1).
    #[cfg(feature = "tls")]
    pub fn cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cert_file = Some(path.into());
        self
    }

    /// The longest time that making a connection may take, from looking up the host's name to being
    /// logged in. Default, and meaning of zero: 2 s. At least 10 ms. `Duration::MAX`: no limit.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = deadline::limit(limit, Limits::default().connect);
        self
    }

    /// The longest time that reading one item, or what is known about one context, may take.
    /// Default, and meaning of zero: 5 s. At least 10 ms. `Duration::MAX`: no limit but that of the
    /// client. An evaluation waits no longer than the client's `evaluation_timeout`, whatever this
    /// is, and a slow answer is no outage.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.limits.read = deadline::limit(limit, Limits::default().read);
        self
    }

    /// The longest time that reading everything may take, and writing. Default, and meaning of
    /// zero: 10 s. At least 10 ms. `Duration::MAX`: no limit but that of the client.
    pub fn bulk_timeout(mut self, limit: Duration) -> Self {
        self.limits.bulk = deadline::limit(limit, Limits::default().bulk);
        self
    }

    /// The longest time that asking whether the server answers at all may take. Default, and
    /// meaning of zero: 2 s. At least 10 ms. `Duration::MAX`: no limit but that of the client.
    pub fn probe_timeout(mut self, limit: Duration) -> Self {
        self.limits.probe = deadline::limit(limit, Limits::default().probe);
        self
    }

    /// The server is part of a Redis Cluster; the URL, and these, are nodes of it to begin with. It
    /// is enough that one of them answers. What they say of credentials and TLS does not count;
    /// that of the URL does, for every node.
    ///
    /// Choose a prefix with a hash tag, such as `{launchdarkly}`: with any other, flags and
    /// segments are on different nodes and cannot be read or replaced at one moment.
    #[cfg(feature = "cluster")]
    pub fn cluster<U: Into<String>>(mut self, more_nodes: impl IntoIterator<Item = U>) -> Self {
        self.cluster = true;
        self.more_nodes = more_nodes
            .into_iter()
            .map(|url| Secret(url.into()))
            .collect();
        self
    }

    /// Asks these sentinels for the primary of this name, again after each failover. A sentinel's
    /// URL may carry the credentials for that sentinel. Of the connection's own URL the host does
    /// not count, the rest does, for the primary.
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

    /// The connection. Nothing is connected yet, and the server need not be there.
    ///
    /// # Errors
    /// If a URL or a file cannot be used, or the settings exclude each other.
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
        Ok(RedisConnection::new(Settings {
            url,
            target,
            database,
            credentials,
            encrypted: address.tls,
            tls,
            limits: self.limits,
        }))
    }

    /// Where the server is, or who is asked for it, without credentials.
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
                    reason: "no sentinel was named",
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
