//! [`RedisServer`]: a private Redis server for a test.

mod builder;
mod cluster;
mod control;
mod sentinel;
mod tls;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

pub use self::builder::RedisServerBuilder;
pub use self::cluster::RedisCluster;
pub use self::control::RedisReply;
pub use self::sentinel::RedisSentinel;
pub use self::tls::TlsFiles;

use self::builder::CONTROL_USER;
use self::control::{Control, ControlAddress};
use super::find::find;
use super::host::{Host, Image};
use super::kind::{Found, host};
use super::program::Program;
use super::wait::Seen;
use super::{ServerError, ServerKind};

const PROGRAM: &str = "redis-server";
const INSTALL: &str = "redis-server was not found: install the Debian package redis-server, as scripts/install-servers does";

const CONTAINER: Image = Image {
    variable: "VEXIL_REDIS_IMAGE",
    default: "docker.io/library/redis:7-alpine",
    program: PROGRAM,
};

/// The offset of a cluster node's bus port from its own port.
const CLUSTER_BUS: u16 = 10_000;

/// A private Redis server on a free local port. It is killed when this value is dropped.
///
/// ```
/// use vexil_testing::servers::RedisServer;
///
/// let server = RedisServer::builder().password("open sesame").max_memory(50_000_000).start()?;
/// assert!(server.url().contains("open%20sesame@"));
///
/// server.kill();
/// assert!(server.command(["PING"]).is_err());
/// server.restart()?;
/// assert!(server.command(["PING"]).is_ok());
/// # Ok::<(), vexil_testing::servers::ServerError>(())
/// ```
pub struct RedisServer {
    port: u16,
    control: ControlAddress,
    host: Host,
    builder: RedisServerBuilder,
    /// Includes the test's own connection to the server; `None` after it was lost.
    program: Program<Option<Control>>,
}

impl RedisServer {
    /// Starts a server without a password. It accepts commands when this returns.
    ///
    /// # Errors
    /// Returns an error if Redis is not available, with instructions; or if it does not start.
    pub fn start() -> Result<Self, ServerError> {
        Self::builder().start()
    }

    /// Returns a builder, to configure the server before it starts.
    pub fn builder() -> RedisServerBuilder {
        RedisServerBuilder::default()
    }

    /// Returns the server's URL, with the password if it has one: `redis://…`, or with TLS
    /// `rediss://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.builder.tls.is_some() {
            "rediss"
        } else {
            "redis"
        };
        let password = self
            .password()
            .map(|password| format!(":{}@", escaped(password)))
            .unwrap_or_default();
        format!("{scheme}://{password}{}", self.address())
    }

    /// Returns the server's URL for a user added with [`RedisServerBuilder::acl_user`].
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let scheme = if self.builder.tls.is_some() {
            "rediss"
        } else {
            "redis"
        };
        format!(
            "{scheme}://{}:{}@{}",
            escaped(user),
            escaped(password),
            self.address()
        )
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns the port that the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the server is a program of this machine or in a container.
    #[must_use]
    pub fn kind(&self) -> ServerKind {
        self.host.kind()
    }

    /// Returns the host at which a replica reaches the server.
    pub(super) fn peer_host(&self) -> String {
        match &self.host {
            Host::Machine(_) => Ipv4Addr::LOCALHOST.to_string(),
            #[cfg(feature = "containers")]
            Host::Container(container) => container.address().to_owned(),
        }
    }

    /// Returns the certificates of a server with TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFiles> {
        self.tls_files().map(|files| &**files)
    }

    /// Runs a command, without password or TLS: `["HSET", "a", "b", "c"]`.
    ///
    /// # Errors
    /// Returns an error if the server refuses the command, is not running, or does not reply within
    /// 20 seconds.
    pub fn command<A: AsRef<[u8]>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<RedisReply, ServerError> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        self.program.with(|running| {
            if let Some(control) = &mut running.connection {
                match control.command(&arguments) {
                    // The server closed the connection, for example because of `CLIENT KILL`. The
                    // command is repeated over a new one.
                    Err(ServerError::Io { source }) if is_broken(&source) => {
                        running.connection = None
                    }
                    done => return done,
                }
            }
            running
                .connection
                .insert(self.connect()?)
                .command(&arguments)
        })
    }

    /// Kills the server. Its connections close and its port refuses connections, until
    /// [`Self::restart`] is called. For a server in a container, the engine may accept connections
    /// and close them at once.
    pub fn kill(&self) {
        self.program.kill();
    }

    /// Starts the server again on the same port. Kills it first if it is running. It is empty,
    /// unless its configuration makes it write to disk.
    ///
    /// # Errors
    /// Returns an error if it does not start.
    pub fn restart(&self) -> Result<(), ServerError> {
        let place = self.program.place();
        let configuration = self
            .builder
            .configuration(self.port, &self.control, place)?;
        let mut arguments = vec![place.write("redis.conf", &configuration)?.into()];
        arguments.extend(self.builder.arguments.iter().map(Into::into));
        self.program.restart(&arguments, || {
            let control = self.connect().and_then(|mut control| {
                control.command(&["PING"])?;
                Ok(control)
            });
            control.map_or_else(
                |error| Seen::NotYet(error.to_string()),
                |control| Seen::Yes(Some(control)),
            )
        })
    }

    /// Suspends the server: connections stay open but silent, until [`Self::resume`] is called.
    ///
    /// # Errors
    /// Returns an error if the server is not running.
    pub fn pause(&self) -> Result<(), ServerError> {
        self.program.pause()
    }

    /// Resumes the server after [`Self::pause`].
    ///
    /// # Errors
    /// Returns an error if the server is not running.
    pub fn resume(&self) -> Result<(), ServerError> {
        self.program.resume()
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.builder.password.as_deref()
    }

    fn tls_files(&self) -> Option<&Arc<TlsFiles>> {
        self.builder.tls.as_ref()
    }

    fn start_on(host: &Host, builder: RedisServerBuilder) -> Result<Self, ServerError> {
        let program = Program::new(PROGRAM, host)?;
        let mut server = Self {
            port: 0,
            control: ControlAddress::Unix(program.place().folder().join("socket")),
            host: host.clone(),
            builder,
            program,
        };
        host.at_free_port(&[CLUSTER_BUS], |port| {
            server.port = port;
            #[cfg(feature = "containers")]
            if let Host::Container(container) = host {
                let has_tls = server.builder.tls.is_some();
                let plain = if has_tls {
                    container.next_port()?
                } else {
                    port
                };
                server.control = ControlAddress::Tcp(plain);
            }
            server.restart()
        })?;
        Ok(server)
    }

    fn connect(&self) -> Result<Control, ServerError> {
        let mut control = Control::connect(&self.control)?;
        if self.builder.has_users {
            control.command(&["AUTH", CONTROL_USER, "any"])?;
        }
        Ok(control)
    }
}

/// Returns a host for servers with these settings.
fn host_for(servers: usize, builder: &RedisServerBuilder) -> Result<Host, ServerError> {
    let program = || {
        let program = find(PROGRAM).map(Host::Machine);
        Ok(program.map_or_else(|| Found::No(INSTALL.to_owned()), Found::Yes))
    };
    // With TLS each server has a second port, without it.
    let ports = if builder.wants_tls { 2 } else { 1 } * servers;
    host("Redis", builder.kind, &program, CONTAINER, ports)
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

fn is_broken(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// Escapes a name or password for a URL.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
