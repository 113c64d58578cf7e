//! [`RedisConfigError`]: an invalid setting. [`CommandError`]: a failed request, and the store
//! error that it becomes.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind};
use thiserror::Error;
use vexil::store::StoreError;

/// An error in the settings of a Redis connection. It never shows a password.
///
/// ```
/// use vexil_redis::{RedisConfigError, RedisConnection};
///
/// let error = RedisConnection::builder().url("redis://ada:s3cret@h/x").build().unwrap_err();
/// assert!(!error.to_string().contains("s3cret"));
/// match error {
///     RedisConfigError::Url { reason, .. } => assert_eq!(reason, "its database is not a number"),
///     other => panic!("{other}"),
/// }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// A URL is not valid.
    ///
    /// ```
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// let error = RedisConnection::builder().url("cache.example.com").build();
    /// assert!(matches!(error, Err(RedisConfigError::Url { .. })));
    /// ```
    #[error("\"{url}\" is not a valid Redis URL: {reason}")]
    Url {
        /// The URL, without its credentials.
        url: String,
        /// Why it is not valid.
        reason: &'static str,
    },
    /// Settings exclude each other.
    ///
    /// ```
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// // A Redis Cluster has only the database 0.
    /// let cluster = RedisConnection::builder().cluster(["redis://node-2.example.com"]);
    /// let error = cluster.database(1).build();
    /// assert!(matches!(error, Err(RedisConfigError::Conflict { .. })));
    /// ```
    #[error("{reason}")]
    Conflict {
        /// The settings, and why they conflict.
        reason: &'static str,
    },
    /// A certificate or key file cannot be read.
    ///
    /// ```
    /// use std::path::Path;
    /// use vexil_redis::{RedisConfigError, RedisConnection};
    ///
    /// let builder = RedisConnection::builder().url("rediss://cache.example.com");
    /// match builder.ca_certs("no-such-file.pem").build() {
    ///     Err(RedisConfigError::File { path, .. }) => assert_eq!(path, Path::new("no-such-file.pem")),
    ///     other => panic!("{other:?}"),
    /// }
    /// ```
    #[error("{} cannot be read as {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The expected contents.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls {
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why a request failed. `Clone`, because every request that waits for a connection receives the
/// error of the failed attempt.
#[derive(Clone, Debug, Error)]
pub(crate) enum CommandError {
    #[error("no connection to {address}")]
    Connect {
        address: Arc<str>,
        source: Arc<dyn Error + Send + Sync>,
    },
    #[error("the credentials are not available")]
    Credentials(#[source] Arc<dyn Error + Send + Sync>),
    #[error("the connection was lost")]
    Lost(#[source] RedisError),
    #[error("the server replied {}", .0.code())]
    Server(#[source] ServerError),
    #[error("the server refuses access")]
    Refused(#[source] RedisError),
    #[error("there is no database of this number, or the user may not select it")]
    NoDatabase(#[source] RedisError),
    #[error("unexpected reply from the server")]
    Unexpected,
    #[error("another writer kept changing the same key")]
    Contended,
    #[cfg(feature = "cluster")]
    #[error("the slot of the key is moving between nodes of the cluster")]
    Moving,
    #[error("no reply within the timeout")]
    Timeout,
    #[error("the store is closed")]
    Closed,
}

impl CommandError {
    /// Converts an error that the Redis client returned while it set up a connection.
    pub(crate) fn of_setup(address: &Arc<str>, error: RedisError) -> Self {
        if error.kind() == ErrorKind::AuthenticationFailed {
            return Self::Refused(error);
        }
        match error.clone().into_server_errors().as_deref() {
            Some([(_, reply), ..]) => Self::Server(reply.clone()),
            // The Redis client's own error for the reply to `SELECT`, the only remaining command
            // that the server can refuse.
            _ if matches!(error.kind(), ErrorKind::Server(_)) => Self::NoDatabase(error),
            _ => Self::Connect {
                address: Arc::clone(address),
                source: Arc::new(error),
            },
        }
    }

    /// The kind of the server's error reply, if there was one.
    pub(crate) fn server_kind(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Server(error) => error.kind(),
            _ => None,
        }
    }

    /// Whether the credentials, or their permissions, are the cause.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Credentials(_) => true,
            Self::Server(error) => {
                matches!(error.code(), "NOAUTH" | "WRONGPASS" | "NOPERM")
                    || says(error, "without any password configured")
            }
            _ => false,
        }
    }

    /// Whether the connection can no longer be used: it is lost, or leads to the wrong server.
    pub(crate) fn breaks_connection(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Server(error) => {
                error.code() == "NOAUTH" || error.kind() == Some(ServerErrorKind::ReadOnly)
            }
            _ => false,
        }
    }

    /// Whether the keys of one request are on different servers.
    pub(crate) fn is_split(&self) -> bool {
        self.server_kind() == Some(ServerErrorKind::CrossSlot)
    }

    /// The remedy, for an error that a retry cannot fix.
    fn remedy(&self) -> Option<&'static str> {
        let error = match self {
            Self::Server(error) => error,
            Self::NoDatabase(_) => {
                return Some(
                    "check the number of the database; a Redis Cluster has only the database 0",
                );
            }
            _ => return None,
        };
        match error.code() {
            "MOVED" | "ASK" => Some(
                "the server is part of a Redis Cluster: build the connection with `cluster` \
                 (cargo feature `cluster`), and choose a prefix with a hash tag such as \
                 \"{launchdarkly}\"",
            ),
            "CROSSSLOT" => Some(
                "the keys are in different slots of a Redis Cluster: choose a prefix with a hash \
                 tag such as \"{launchdarkly}\"",
            ),
            "WRONGTYPE" => Some(
                "a key of this prefix holds something other than flag data: is the prefix right?",
            ),
            _ => None,
        }
    }
}

fn says(error: &ServerError, words: &str) -> bool {
    error
        .details()
        .is_some_and(|details| details.contains(words))
}

/// An error and its remedy.
#[derive(Debug, Error)]
#[error("{remedy}")]
struct Remedied {
    remedy: &'static str,
    #[source]
    error: CommandError,
}

/// Converts a failed request to a store error. STO-9.5, error classes.
pub(crate) fn store_error(error: CommandError) -> StoreError {
    match error {
        CommandError::Timeout => StoreError::Timeout,
        error if error.is_refusal() => StoreError::auth(error),
        error => match error.remedy() {
            Some(remedy) => StoreError::config(Remedied { remedy, error }),
            None => StoreError::unavailable(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    fn store_error_for(reply: &str) -> StoreError {
        let value = redis::parse_redis_value(format!("-{reply}\r\n").as_bytes()).unwrap();
        let Value::ServerError(error) = value else {
            panic!("{value:?}")
        };
        store_error(CommandError::Server(error))
    }

    // STO-9.5, error classes
    #[test]
    fn temporary_errors_are_distinguished_from_permanent_ones() {
        for passing in [
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down",
            "CLUSTERDOWN Hash slot not served",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "BUSY Redis is busy running a script",
            "OOM command not allowed when used memory > 'maxmemory'",
            "MISCONF Redis is configured to save RDB snapshots",
            "READONLY You can't write against a read only replica.",
            "ERR max number of clients reached",
        ] {
            assert!(
                matches!(store_error_for(passing), StoreError::Unavailable { .. }),
                "{passing}"
            );
        }
        for refusal in [
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "NOPERM this user has no permissions to run the 'set' command",
            "ERR AUTH <password> called without any password configured for the default user",
        ] {
            assert!(
                matches!(store_error_for(refusal), StoreError::Auth { .. }),
                "{refusal}"
            );
        }
        for lasting in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "CROSSSLOT Keys in request don't hash to the same slot",
            "MOVED 5868 127.0.0.1:6381",
        ] {
            assert!(
                matches!(store_error_for(lasting), StoreError::Config { .. }),
                "{lasting}"
            );
        }
        assert!(matches!(
            store_error(CommandError::Timeout),
            StoreError::Timeout
        ));
    }
}
