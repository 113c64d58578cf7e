//! [`RedisSentinel`]: a primary, a replica and a sentinel.

use std::net::SocketAddr;

use super::super::ServerError;
use super::super::wait::{Seen, until};
use super::builder::quoted;
use super::{RedisReply, RedisServer, RedisServerBuilder, TlsFiles, host_for};

/// The name under which the sentinel monitors the pair.
const NAME: &str = "vexil";

/// After how many milliseconds without a reply the sentinel treats a server as down, by default.
/// Long, because a busy machine may not schedule a server for seconds, and the sentinel must not
/// fail over by itself then.
const DOWN_AFTER: &str = "60000";

/// The same while a test waits for the sentinel to replace a killed primary.
const FAILOVER_DOWN_AFTER: &str = "500";

/// A primary, its replica, and one sentinel that monitors both. They are killed when this value is
/// dropped.
///
/// The sentinel fails over only on command by [`Self::fail_over`], or while
/// [`Self::wait_for_other_primary`] waits.
///
/// ```
/// use vexil_testing::servers::RedisSentinel;
///
/// let redis = RedisSentinel::start()?;
/// let before = redis.primary()?.port();
/// redis.fail_over()?;
/// assert_ne!(redis.primary()?.port(), before);
/// # Ok::<(), vexil_testing::servers::ServerError>(())
/// ```
#[derive(Debug)]
pub struct RedisSentinel {
    servers: [RedisServer; 2],
    sentinel: RedisServer,
}

impl RedisSentinel {
    /// Starts all three without a password. When this returns, the replica is synchronized and
    /// known to the sentinel. To set a password or TLS, use [`RedisServerBuilder::start_sentinel`].
    ///
    /// # Errors
    /// Returns an error if Redis is not available, with instructions; or if it does not start.
    pub fn start() -> Result<Self, ServerError> {
        RedisServer::builder().start_sentinel()
    }

    /// Returns the name of the pair, as clients configure it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// Returns the sentinel. It requires no password.
    #[must_use]
    pub fn sentinel(&self) -> &RedisServer {
        &self.sentinel
    }

    /// Returns the two servers, the initial primary first.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer; 2] {
        &self.servers
    }

    /// Returns the certificates of servers with TLS. All three have the same.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFiles> {
        self.sentinel.tls()
    }

    /// Returns the current primary, as reported by the sentinel.
    ///
    /// # Errors
    /// Returns an error if the sentinel cannot be queried.
    pub fn primary(&self) -> Result<&RedisServer, ServerError> {
        let look = || {
            let address = self.primary_address()?;
            let found = self
                .servers
                .iter()
                .find(|server| server.address() == address);
            Ok(found.map_or_else(|| Seen::NotYet(address.to_string()), Seen::Yes))
        };
        until("the sentinel to name a primary", look)
    }

    /// Makes the sentinel promote the replica, and waits until it is the primary. The old primary
    /// is demoted seconds later, and accepts writes until then.
    ///
    /// # Errors
    /// Returns an error if that does not happen within the timeout.
    pub fn fail_over(&self) -> Result<(), ServerError> {
        let before = self.primary()?.port();
        self.sentinel.command(["SENTINEL", "FAILOVER", NAME])?;
        self.wait_until_other(before)
    }

    /// Lets the sentinel replace a primary that does not reply. Waits until it reports a primary on
    /// a port other than this one, and that primary accepts writes.
    ///
    /// # Errors
    /// Returns an error if that does not happen within the timeout.
    pub fn wait_for_other_primary(&self, than: u16) -> Result<(), ServerError> {
        self.set_down_after(FAILOVER_DOWN_AFTER)?;
        self.wait_until_other(than)?;
        self.set_down_after(DOWN_AFTER)
    }

    fn set_down_after(&self, milliseconds: &str) -> Result<(), ServerError> {
        self.sentinel
            .command([
                "SENTINEL",
                "SET",
                NAME,
                "down-after-milliseconds",
                milliseconds,
            ])
            .map(drop)
    }

    fn wait_until_other(&self, than: u16) -> Result<(), ServerError> {
        until("another primary", || {
            let primary = self.primary()?;
            // The previous primary may not be running.
            if primary.port() == than {
                return Ok(Seen::NotYet(format!("it is still {than}")));
            }
            let role = role(primary)?;
            Ok(if role == "master" {
                Seen::Yes(())
            } else {
                Seen::NotYet(format!("{} is {role}", primary.port()))
            })
        })
    }

    pub(super) fn start_with(mut builder: RedisServerBuilder) -> Result<Self, ServerError> {
        let host = host_for(3, &builder)?;
        // Both servers have the password: after a failover the first one replicates the second.
        if let Some(password) = &builder.password {
            let line = format!("masterauth {}", quoted(password));
            builder = builder.config(line);
        }
        let primary = RedisServer::start_on(&host, builder.clone())?;
        let replica = builder.clone().replica_at("127.0.0.1", &primary);
        let replica = RedisServer::start_on(&host, replica)?;
        // The sentinel queries the servers at its start, and then only every ten seconds.
        until("the replica to be synchronized", || {
            let role = replica.command(["ROLE"])?;
            let connected = role
                .list()
                .and_then(|role| role.get(3))
                .and_then(RedisReply::text);
            Ok(if connected.as_deref() == Some("connected") {
                Seen::Yes(())
            } else {
                Seen::NotYet(format!("{role:?}"))
            })
        })?;

        let mut sentinel = RedisServer::builder();
        sentinel.arguments = vec!["--sentinel"];
        sentinel.tls = builder.tls.clone();
        let mut sentinel = sentinel
            .config(format!(
                "sentinel monitor {NAME} 127.0.0.1 {} 1",
                primary.port()
            ))
            .config(format!(
                "sentinel down-after-milliseconds {NAME} {DOWN_AFTER}"
            ))
            .config(format!("sentinel failover-timeout {NAME} 3000"));
        if let Some(password) = &builder.password {
            sentinel = sentinel.config(format!("sentinel auth-pass {NAME} {}", quoted(password)));
        }
        let started = Self {
            servers: [primary, replica],
            sentinel: RedisServer::start_on(&host, sentinel)?,
        };
        started.wait_until_known()?;
        Ok(started)
    }

    /// Waits until the sentinel knows a replica that is synchronized with the primary.
    fn wait_until_known(&self) -> Result<(), ServerError> {
        until("the sentinel to know of the replica", || {
            let replicas = self.sentinel.command(["SENTINEL", "REPLICAS", NAME])?;
            let known = replicas
                .list()
                .into_iter()
                .flatten()
                .filter_map(|replica| replica.list())
                .any(|replica| {
                    let fields: Vec<_> = replica.iter().filter_map(RedisReply::text).collect();
                    let has = |name: &str, value: &str| {
                        fields
                            .windows(2)
                            .any(|pair| pair[0] == name && pair[1] == value)
                    };
                    has("flags", "slave") && has("master-link-status", "ok")
                });
            Ok(if known {
                Seen::Yes(())
            } else {
                Seen::NotYet(format!("{replicas:?}"))
            })
        })
    }

    fn primary_address(&self) -> Result<SocketAddr, ServerError> {
        let reply = self
            .sentinel
            .command(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME])?;
        let words: Vec<_> = reply
            .list()
            .into_iter()
            .flatten()
            .filter_map(RedisReply::text)
            .collect();
        words.join(":").parse().map_err(|_| ServerError::Refused {
            command: "SENTINEL GET-MASTER-ADDR-BY-NAME".to_owned(),
            reply: format!("{reply:?}"),
        })
    }
}

/// Returns the role that a server reports: `master` or `slave`, the protocol's terms.
fn role(server: &RedisServer) -> Result<String, ServerError> {
    let reply = server.command(["ROLE"])?;
    Ok(reply
        .list()
        .and_then(|list| list.first())
        .and_then(RedisReply::text)
        .unwrap_or_default())
}
