//! [`Address`]: a parsed server URL, with the credentials kept apart so that they are never logged.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use url::Url;
use vexil::config::redacted_url;

use crate::credentials::RedisCredentials;
use crate::error::RedisConfigError;

const DEFAULT_PORT: u16 = 6379;

/// The parts of a server URL.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) host: Host,
    pub(crate) tls: bool,
    pub(crate) credentials: Option<RedisCredentials>,
    pub(crate) database: Option<u32>,
}

/// The host and port, or the socket, that a server listens on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Tcp { name: Arc<str>, port: u16 },
    Socket(PathBuf),
}

impl Address {
    /// Parses `redis://[user[:password]@]host[:port][/database]`, the same with `rediss` for TLS,
    /// or `unix://path[?db=database]`.
    pub(crate) fn parse(text: &str) -> Result<Self, RedisConfigError> {
        let refuse = |reason| RedisConfigError::Url {
            url: redacted_url(text),
            reason,
        };
        let url = Url::parse(text).map_err(|_| refuse("it is not a URL"))?;
        let credentials = credentials(&url)
            .ok_or_else(|| refuse("its credentials are not percent-encoded UTF-8"))?;
        let number = |digits: &str| {
            digits
                .parse()
                .map_err(|_| refuse("its database is not a number"))
        };
        let tls = match url.scheme() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            "unix" | "redis+unix" | "valkey+unix" => {
                let path = percent_decode_str(url.path())
                    .decode_utf8()
                    .map_err(|_| refuse("its path is not UTF-8"))?;
                if path.is_empty() {
                    return Err(refuse("it has no path"));
                }
                let database = url.query_pairs().find(|(name, _)| name == "db");
                let database = database.map(|(_, digits)| number(&digits)).transpose()?;
                return Ok(Self {
                    host: Host::Socket(path.as_ref().into()),
                    tls: false,
                    credentials,
                    database,
                });
            }
            _ => return Err(refuse("its scheme must be redis, rediss or unix")),
        };
        let name = url
            .host_str()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| refuse("it has no host"))?;
        // A name in brackets is an IPv6 address.
        let name = name.trim_start_matches('[').trim_end_matches(']').into();
        let path = url.path().trim_matches('/');
        let database = if path.is_empty() {
            None
        } else {
            Some(number(path)?)
        };
        Ok(Self {
            host: Host::Tcp {
                name,
                port: url.port().unwrap_or(DEFAULT_PORT),
            },
            tls,
            credentials,
            database,
        })
    }
}

/// The user and password in a URL. A password without a user is that of the default user. Returns
/// `None` if they are not UTF-8.
fn credentials(url: &Url) -> Option<Option<RedisCredentials>> {
    let decode = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let user = decode(url.username())?;
    Some(match url.password() {
        Some(password) if user.is_empty() => Some(RedisCredentials::password(decode(password)?)),
        password if !user.is_empty() => Some(RedisCredentials::user(
            user,
            decode(password.unwrap_or_default())?,
        )),
        _ => None,
    })
}

impl Host {
    /// A host and port as a cluster node or a sentinel reports them.
    #[cfg(any(feature = "cluster", feature = "sentinel"))]
    pub(crate) fn tcp(name: &str, port: u16) -> Self {
        Self::Tcp {
            name: name.into(),
            port,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { name, port } if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Tcp { name, port } => write!(f, "{name}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(name: &str, port: u16) -> Host {
        Host::Tcp {
            name: name.into(),
            port,
        }
    }

    // STO-1.1: default port, database from the path
    #[test]
    fn a_url_contains_host_port_and_database() {
        let address = Address::parse("redis://localhost").unwrap();
        assert_eq!(
            (address.host, address.tls, address.database),
            (tcp("localhost", 6379), false, None)
        );
        let address = Address::parse("rediss://h:6390/2").unwrap();
        assert_eq!(
            (address.host, address.tls, address.database),
            (tcp("h", 6390), true, Some(2))
        );
        let address = Address::parse("redis://[::1]:7/").unwrap();
        assert_eq!(
            (address.host.to_string(), address.database),
            ("[::1]:7".to_owned(), None)
        );
        let address = Address::parse("unix:///run/redis.sock?db=3").unwrap();
        assert_eq!(
            (address.host, address.database),
            (Host::Socket("/run/redis.sock".into()), Some(3))
        );
    }

    // STO-9.5: password and ACL user
    #[test]
    fn credentials_in_a_url_are_decoded() {
        let ada = Address::parse("redis://ada:s%40crt@h").unwrap().credentials;
        assert_eq!(ada, Some(RedisCredentials::user("ada", "s@crt")));
        let default = Address::parse("redis://:pw@h").unwrap().credentials;
        assert_eq!(default, Some(RedisCredentials::password("pw")));
    }

    // STO-9.5: password redacted
    #[test]
    fn an_invalid_url_is_rejected_without_showing_a_password() {
        for (url, why) in [
            ("localhost", "it is not a URL"),
            ("http://ada:secret@h", "its scheme"),
            ("redis://ada:secret@h/x", "its database"),
            ("redis://ada:%FFsecret@h", "its credentials"),
            ("redis://ada:secret@", "it "),
            ("unix://", "it has no path"),
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(error.contains(why), "{error}");
            assert!(
                !error.contains("secret") && !error.contains("ada"),
                "{error}"
            );
        }
        for url in [
            "redis://ada:secret@h",
            "redis://secret@h",
            "redis://secret:@h",
        ] {
            let address = Address::parse(url).expect(url);
            assert!(!format!("{address:?}").contains("secret"), "{address:?}");
        }
    }
}
