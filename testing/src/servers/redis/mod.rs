//! [`RedisServer`]: a Redis of a test's own.

mod builder;
mod cluster;
mod control;
mod sentinel;
mod tls;

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

pub use self::builder::RedisServerBuilder;
pub use self::cluster::RedisCluster;
pub use self::control::RedisReply;
pub use self::sentinel::RedisSentinel;
pub use self::tls::TlsFiles;

use self::builder::CONTROL_USER;
use self::control::Control;
use super::ServerError;
use super::find::find;
use super::program::{Program, at_free_port};
use super::wait::Seen;

const PROGRAM: &str = "redis-server";
const INSTALL: &str = "install the Debian package redis-server (scripts/install-servers does), or name a running Redis \
    in VEXIL_REDIS_URL for the tests that need no server of their own";

/// How far from its port a server of a cluster listens for the others.
const CLUSTER_BUS: u16 = 10_000;

/// A Redis of this test's own, at a free port of this machine. It is killed when this is dropped.
///
/// ```
/// use vexil_testing::servers::RedisServer;
///
/// let server = RedisServer::builder().password("open sesame").max_memory(50_000_000).start()?;
/// assert!(server.url().contains("open%20sesame@"));
///
/// server.kill();
/// assert!(std::net::TcpStream::connect(server.address()).is_err());
/// server.restart()?;
/// assert!(std::net::TcpStream::connect(server.address()).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedisServer {
    port: u16,
    recipe: RedisServerBuilder,
    /// With the connection by which the test itself speaks to it; none after it was lost.
    program: Program<Option<Control>>,
}

impl RedisServer {
    /// Starts a server without a password. It answers when this returns.
    ///
    /// # Errors
    /// If `redis-server` is not installed, with what to install; or if it does not start.
    pub fn start() -> Result<Self, ServerError> {
        Self::builder().start()
    }

    /// Chooses what the server is like before it starts.
    pub fn builder() -> RedisServerBuilder {
        RedisServerBuilder::default()
    }

    /// Where it answers, with the password if it has one: `redis://…`, with TLS `rediss://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.recipe.tls.is_some() {
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

    /// Where it answers, as a user of [`RedisServerBuilder::acl_user`].
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let scheme = if self.recipe.tls.is_some() {
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

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// With TLS, what clients need.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFiles> {
        self.tls_files().map(|files| &**files)
    }

    /// Has the server do something, whatever password and TLS ask of others: `["HSET", "a", "b",
    /// "c"]`.
    ///
    /// # Errors
    /// If the server refuses, or does not run, or does not answer within 20 seconds.
    pub fn command<A: AsRef<[u8]>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<RedisReply, ServerError> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        self.program.with(|running| {
            if let Some(control) = &mut running.connection {
                match control.command(&arguments) {
                    // The server has closed the connection, as `CLIENT KILL` has it do. It is done
                    // again over a new one.
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

    /// Kills it. Its connections end and its port refuses, until [`Self::restart`].
    pub fn kill(&self) {
        self.program.kill();
    }

    /// Starts it again at the same port; kills it before if it runs. It is empty, unless its
    /// configuration has it write to disk.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart(&self) -> Result<(), ServerError> {
        let folder = self.program.folder();
        let configuration = folder.join("redis.conf");
        fs::write(
            &configuration,
            self.recipe.configuration(self.port, folder, &self.socket()),
        )?;
        let mut arguments = vec![configuration.as_os_str()];
        arguments.extend(self.recipe.arguments.iter().map(OsStr::new));
        self.program.restart(arguments, || {
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

    /// Stops it where it is: connections stay open and are silent, until [`Self::resume`].
    ///
    /// # Errors
    /// If it does not run.
    pub fn pause(&self) -> Result<(), ServerError> {
        self.program.pause()
    }

    /// Lets it go on after [`Self::pause`].
    ///
    /// # Errors
    /// If it does not run.
    pub fn resume(&self) -> Result<(), ServerError> {
        self.program.resume()
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.recipe.password.as_deref()
    }

    fn tls_files(&self) -> Option<&Arc<TlsFiles>> {
        self.recipe.tls.as_ref()
    }

    fn start_with(recipe: RedisServerBuilder) -> Result<Self, ServerError> {
        let program = find(PROGRAM).ok_or(ServerError::Missing {
            program: PROGRAM,
            help: INSTALL,
        })?;
        let mut server = Self {
            port: 0,
            recipe,
            program: Program::new(PROGRAM, program)?,
        };
        at_free_port(&[CLUSTER_BUS], |port| {
            server.port = port;
            server.restart()
        })?;
        Ok(server)
    }

    fn connect(&self) -> Result<Control, ServerError> {
        let mut control = Control::connect(&self.socket())?;
        if self.recipe.has_users {
            control.command(&["AUTH", CONTROL_USER, "any"])?;
        }
        Ok(control)
    }

    fn socket(&self) -> PathBuf {
        self.program.folder().join("socket")
    }
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

/// A name or password as a URL has it.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
