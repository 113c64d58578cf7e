//! [`RedisServerBuilder`]: the settings of a Redis server.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::super::host::Place;
use super::super::{ServerError, ServerKind};
use super::control::ControlAddress;
use super::{RedisCluster, RedisSentinel, RedisServer, TlsFiles, host_for};

/// The user of the test's own connection, on a server with users.
pub(super) const CONTROL_USER: &str = "vexil-testing";

/// A builder for a [`RedisServer`], created by [`RedisServer::builder`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RedisServerBuilder {
    pub(super) password: Option<String>,
    pub(super) has_users: bool,
    pub(super) wants_tls: bool,
    pub(super) tls: Option<Arc<TlsFiles>>,
    pub(super) lines: Vec<String>,
    /// The kind of the primary: a replica has to reach it.
    pub(super) kind: Option<ServerKind>,
    /// Says what kind of server it is, in messages.
    pub(super) arguments: Vec<&'static str>,
}

impl RedisServerBuilder {
    /// Sets the password of the default user. Default: none.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self.has_users = true;
        self
    }

    /// Adds a user with this password and these rights, in the syntax of `ACL SETUSER`: `"~*
    /// +@read"`.
    pub fn acl_user(mut self, name: &str, password: &str, rights: &str) -> Self {
        self.has_users = true;
        self.config(format!(
            "user {name} on {} {rights}",
            quoted(&format!(">{password}"))
        ))
    }

    /// Enables TLS and disables plain TCP. The certificate is signed by a temporary authority; see
    /// [`RedisServer::tls`].
    pub fn tls(mut self) -> Self {
        self.wants_tls = true;
        self
    }

    /// Sets the maximum number of connections, not counting that of [`RedisServer::command`].
    pub fn max_clients(self, count: usize) -> Self {
        self.config(format!("maxclients {}", count + 1))
    }

    /// Sets the memory limit in bytes. Writes beyond it are refused, unless the configuration sets
    /// an eviction policy.
    pub fn max_memory(self, bytes: usize) -> Self {
        self.config(format!("maxmemory {bytes}"))
    }

    /// Makes the server a replica, with the kind, password and authority of its primary.
    pub fn replica_of(self, primary: &RedisServer) -> Self {
        self.replica_at(&primary.peer_host(), primary)
    }

    /// Makes the server a replica that reaches its primary at this address.
    pub(super) fn replica_at(mut self, host: &str, primary: &RedisServer) -> Self {
        if let Some(password) = primary.password() {
            self = self
                .config(format!("masterauth {}", quoted(password)))
                .password(password);
        }
        self.tls = primary.tls_files().cloned();
        self.wants_tls = self.tls.is_some();
        self.kind = Some(primary.kind());
        self.config(format!("replicaof {host} {}", primary.port()))
    }

    /// Adds a line to the server's configuration: `"maxmemory-policy allkeys-lru"`, `"appendonly
    /// yes"`. By default the server writes nothing to disk, so a restart empties it.
    pub fn config(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Starts the server on a free port. It accepts commands when this returns.
    ///
    /// # Errors
    /// Returns an error if Redis is not available or rejects its configuration.
    pub fn start(self) -> Result<RedisServer, ServerError> {
        let host = host_for(1, &self)?;
        RedisServer::start_on(&host, self.with_files()?)
    }

    /// Starts three servers with these settings as a cluster. It accepts commands when this
    /// returns.
    ///
    /// # Errors
    /// Returns an error under the same conditions as [`Self::start`].
    pub fn start_cluster(self) -> Result<RedisCluster, ServerError> {
        RedisCluster::start_with(self.with_files()?)
    }

    /// Starts two servers with these settings as primary and replica, and a sentinel that monitors
    /// them.
    ///
    /// # Errors
    /// Returns an error under the same conditions as [`Self::start`].
    pub fn start_sentinel(self) -> Result<RedisSentinel, ServerError> {
        RedisSentinel::start_with(self.with_files()?)
    }

    fn with_files(mut self) -> Result<Self, ServerError> {
        if self.wants_tls && self.tls.is_none() {
            self.tls = Some(Arc::new(TlsFiles::make()?));
        }
        Ok(self)
    }

    /// Returns the text of the configuration file, and writes the files that it names. The test's
    /// lines come last, so they take precedence.
    pub(super) fn configuration(
        &self,
        port: u16,
        control: &ControlAddress,
        place: &dyn Place,
    ) -> Result<String, ServerError> {
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing to a string never fails.
            let _ = writeln!(text, "{line}");
        };
        line(format!("dir {}", quoted_path(place.folder())));
        let mut plain = 0;
        match control {
            ControlAddress::Unix(socket) => {
                line("bind 127.0.0.1".to_owned());
                line(format!("unixsocket {}", quoted_path(socket)));
            }
            // The ports of a container are published at the loopback address only.
            ControlAddress::Tcp(port) => {
                line("bind 0.0.0.0\nprotected-mode no".to_owned());
                plain = *port;
            }
        }
        match &self.tls {
            None => line(format!("port {port}")),
            Some(tls) => {
                line(format!("port {plain}\ntls-port {port}"));
                let files = [
                    ("tls-cert-file", "certificate.pem", tls.certificate_path()),
                    ("tls-key-file", "key.pem", tls.key_path()),
                    ("tls-ca-cert-file", "ca.pem", tls.ca_path()),
                ];
                for (directive, name, source) in files {
                    let path = place.write(name, &fs::read_to_string(source)?)?;
                    line(format!("{directive} {}", quoted_path(&path)));
                }
                line("tls-auth-clients no\ntls-replication yes\ntls-cluster yes".to_owned());
            }
        }
        if self.arguments.is_empty() {
            // Not valid for a sentinel. The delay is 0 so that a primary does not wait for further
            // replicas.
            line("save \"\"\nrepl-diskless-sync-delay 0".to_owned());
        }
        if let Some(password) = &self.password {
            line(format!("requirepass {}", quoted(password)));
        }
        if self.has_users {
            line(format!("user {CONTROL_USER} on nopass ~* +@all"));
        }
        self.lines.iter().cloned().for_each(line);
        Ok(text)
    }
}

/// Quotes a value for the configuration file.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
