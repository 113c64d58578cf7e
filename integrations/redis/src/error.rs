//! [`RedisConfigError`]: why settings are impossible. [`Fault`]: what went wrong with a request, and what the SDK is told.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind};
use thiserror::Error;
use vexil::store::StoreError;

/// Why a connection to Redis cannot be made by these settings. It never shows a password.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// An address cannot be used.
    #[error("\"{url}\" is no address of a Redis server: {reason}")]
    Url {
        /// The address, without the credentials in it.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Settings that exclude each other.
    #[error("{reason}")]
    Conflict {
        /// Which, and why.
        reason: &'static str,
    },
    /// A file of certificates or keys cannot be used.
    #[error("{} cannot be read as {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was looked for in it.
        what: &'static str,
        /// Why it was not found.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What went wrong with a request. It can be cloned, because everybody who waits for a connection
/// is told why there is none.
#[derive(Clone, Debug, Error)]
pub(crate) enum Fault {
    #[error("no connection to {address}")]
    Connect {
        address: Arc<str>,
        source: Arc<dyn Error + Send + Sync>,
    },
    #[error("the credentials cannot be had")]
    Credentials(#[source] Arc<dyn Error + Send + Sync>),
    #[error("the connection was lost")]
    Lost(#[source] RedisError),
    #[error("the server answered {}", .0.code())]
    Server(#[source] ServerError),
    #[error("the server refuses access")]
    Refused(#[source] RedisError),
    #[error("the server has no database of this number, or not for this user")]
    NoDatabase(#[source] RedisError),
    #[error("the server's answer is not what was asked for")]
    Unexpected,
    #[error("somebody else changed the same key, again and again")]
    Contended,
    #[cfg(feature = "cluster")]
    #[error("what was asked for is moving from one server of the cluster to another")]
    Moving,
    #[error("no answer in time")]
    Timeout,
    #[error("the store is closed")]
    Closed,
}

impl Fault {
    /// An error of the client while a connection is set up.
    pub(crate) fn of_setup(address: &Arc<str>, error: RedisError) -> Self {
        if error.kind() == ErrorKind::AuthenticationFailed {
            return Self::Refused(error);
        }
        match error.clone().into_server_errors().as_deref() {
            Some([(_, answer), ..]) => Self::Server(answer.clone()),
            // The client's own words for an answer to `SELECT`, which is all that is left to be
            // refused.
            _ if matches!(error.kind(), ErrorKind::Server(_)) => Self::NoDatabase(error),
            _ => Self::Connect {
                address: Arc::clone(address),
                source: Arc::new(error),
            },
        }
    }

    /// What the server said, if it said anything.
    pub(crate) fn server_kind(&self) -> Option<ServerErrorKind> {
        match self {
            Self::Server(error) => error.kind(),
            _ => None,
        }
    }

    /// Whether the credentials, or what they may do, are at fault.
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

    /// Whether the connection is of no use any more: it is gone, or leads to a server that is not
    /// the right one.
    pub(crate) fn is_of_connection(&self) -> bool {
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

    /// What to change, where time alone does not help.
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
                "the server is part of a Redis Cluster: build the connection with `cluster` (cargo feature `cluster`), \
                 and choose a prefix with a hash tag such as \"{launchdarkly}\"",
            ),
            "CROSSSLOT" => Some(
                "the keys are in different slots of a Redis Cluster: choose a prefix with a hash tag such as \
                 \"{launchdarkly}\"",
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

/// A fault with what would help.
#[derive(Debug, Error)]
#[error("{remedy}")]
struct Remedied {
    remedy: &'static str,
    #[source]
    fault: Fault,
}

/// What the SDK is told. STO-9.5, error classes.
pub(crate) fn store_error(fault: Fault) -> StoreError {
    match fault {
        Fault::Timeout => StoreError::Timeout,
        fault if fault.is_refusal() => StoreError::auth(fault),
        fault => match fault.remedy() {
            Some(remedy) => StoreError::config(Remedied { remedy, fault }),
            None => StoreError::unavailable(fault),
        },
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    fn told(answer: &str) -> StoreError {
        let value = redis::parse_redis_value(format!("-{answer}\r\n").as_bytes()).unwrap();
        let Value::ServerError(error) = value else {
            panic!("{value:?}")
        };
        store_error(Fault::Server(error))
    }

    // STO-9.5, error classes
    #[test]
    fn the_sdk_is_told_what_time_may_mend_and_what_it_may_not() {
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
                matches!(told(passing), StoreError::Unavailable { .. }),
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
                matches!(told(refusal), StoreError::Auth { .. }),
                "{refusal}"
            );
        }
        for lasting in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "CROSSSLOT Keys in request don't hash to the same slot",
            "MOVED 5868 127.0.0.1:6381",
        ] {
            assert!(
                matches!(told(lasting), StoreError::Config { .. }),
                "{lasting}"
            );
        }
        assert!(matches!(store_error(Fault::Timeout), StoreError::Timeout));
    }
}
