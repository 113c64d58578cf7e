//! [`RedisConnection`]: the settings and sockets that stores share.

mod changes;
#[cfg(feature = "cluster")]
mod cluster;
mod dedicated;
mod handshake;
mod reconnecting;
mod resolver;
#[cfg(feature = "sentinel")]
mod sentinel;
mod store_handle;
mod target;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use redis::Value;
use tokio::time::Instant;
use vexil::PerProcess;

use self::changes::Changes;
#[cfg(feature = "cluster")]
use self::cluster::Cluster;
pub(crate) use self::dedicated::Dedicated;
use self::reconnecting::Reconnecting;
use self::resolver::Resolver;
pub(crate) use self::store_handle::StoreHandle;
pub(crate) use self::target::Target;
use crate::config::RedisConnectionBuilder;
use crate::credentials::CredentialSource;
use crate::error::CommandError;
use crate::request::{Request, RequestClass};
use crate::tls::Tls;

/// A connection to Redis that several stores can share: a [flag store](crate::RedisDataStore) and a
/// [big-segment store](crate::RedisBigSegmentStore), or those of several environments.
///
/// The connection is opened on first use, and again whenever it is lost. Requests of all stores are
/// multiplexed over it. It closes when the last store that uses it is closed. A clone is another
/// handle to the same connection. A forked process opens its own connection.
///
/// ```
/// use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
///
/// let connection = RedisConnection::builder().url("redis://:secret@cache.example.com:6379/2").build()?;
/// let flags = RedisDataStore::builder().connection(&connection).prefix("ld:shop");
/// let big_segments = RedisBigSegmentStore::builder().connection(&connection).prefix("ld:shop");
/// assert!(!format!("{connection:?} {flags:?}").contains("secret"));
/// # Ok::<(), vexil_redis::RedisConfigError>(())
/// ```
#[derive(Clone)]
pub struct RedisConnection {
    shared: Arc<Shared>,
}

impl RedisConnection {
    /// Returns a builder with the defaults: the server at `redis://localhost:6379`.
    ///
    /// ```
    /// use vexil_redis::RedisConnection;
    ///
    /// let connection = RedisConnection::builder().build()?;
    /// assert!(format!("{connection:?}").contains("redis://localhost:6379"));
    /// # Ok::<(), vexil_redis::RedisConfigError>(())
    /// ```
    pub fn builder() -> RedisConnectionBuilder {
        RedisConnectionBuilder::new()
    }

    pub(crate) fn new(settings: ConnectionSettings) -> Self {
        let settings = Arc::new(settings);
        let sockets = PerProcess::new({
            let settings = Arc::clone(&settings);
            move || Sockets::new(Arc::clone(&settings))
        });
        Self {
            shared: Arc::new(Shared {
                settings,
                sockets,
                users: AtomicUsize::new(0),
            }),
        }
    }
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisConnection")
            .field(&self.shared.settings)
            .finish()
    }
}

#[derive(Debug)]
struct Shared {
    settings: Arc<ConnectionSettings>,
    sockets: PerProcess<Sockets>,
    /// Number of stores that use the connection. The last one closes it.
    users: AtomicUsize,
}

/// The state that a forked process does not inherit.
#[derive(Debug)]
pub(crate) struct Sockets {
    topology: Topology,
    changes: Arc<Changes>,
}

impl Sockets {
    fn new(settings: Arc<ConnectionSettings>) -> Self {
        let changes = Arc::new(Changes::new());
        Self {
            topology: Topology::new(settings, Arc::clone(&changes)),
            changes,
        }
    }
}

/// The settings of the connection.
#[derive(Debug)]
pub(crate) struct ConnectionSettings {
    /// Without credentials, for logs.
    pub(crate) url: String,
    pub(crate) target: Target,
    pub(crate) database: u32,
    pub(crate) credentials: CredentialSource,
    /// Whether connections to servers, other than sentinels, use TLS.
    pub(crate) encrypted: bool,
    pub(crate) tls: Option<Tls>,
    pub(crate) timeouts: Timeouts,
}

/// Timeouts. STO-9.5.
#[derive(Clone, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) bulk: Duration,
    pub(crate) probe: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            read: Duration::from_secs(5),
            bulk: Duration::from_secs(10),
            probe: Duration::from_secs(2),
        }
    }
}

impl Timeouts {
    pub(crate) fn of(&self, class: RequestClass) -> Duration {
        match class {
            RequestClass::Read => self.read,
            RequestClass::Bulk => self.bulk,
            RequestClass::Probe => self.probe,
        }
    }
}

/// One server, or the nodes of a cluster.
#[derive(Debug)]
enum Topology {
    One(Box<Reconnecting>),
    #[cfg(feature = "cluster")]
    Cluster(Box<Cluster>),
}

impl Topology {
    fn new(settings: Arc<ConnectionSettings>, changes: Arc<Changes>) -> Self {
        let resolver = match settings.target.clone() {
            Target::Server(host) => Resolver::Host(host),
            #[cfg(feature = "sentinel")]
            Target::Primary { name, sentinels } => {
                Resolver::Sentinels(sentinel::Sentinels::new(name, sentinels))
            }
            #[cfg(feature = "cluster")]
            Target::Nodes(nodes) => {
                return Self::Cluster(Box::new(Cluster::new(nodes, settings, changes)));
            }
        };
        Self::One(Box::new(Reconnecting::new(resolver, settings, changes)))
    }

    async fn send(&self, request: &Request, deadline: Instant) -> Result<Vec<Value>, CommandError> {
        match self {
            Self::One(connection) => connection.send(request, false, deadline).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.send(request, deadline).await,
        }
    }

    #[cfg_attr(
        not(feature = "cluster"),
        expect(unused_variables, reason = "only a cluster has servers to choose from")
    )]
    async fn dedicated(&self, key: &str) -> Result<Dedicated, CommandError> {
        match self {
            Self::One(connection) => connection.dedicated().await,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.dedicated(key).await,
        }
    }

    fn stop(&self) {
        match self {
            Self::One(connection) => connection.stop(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.stop(),
        }
    }
}
