//! [`Place`]: a parsed source.

use std::path::PathBuf;
use std::time::Duration;

use vexil::model::DataKind;
use vexil_file_data::FileFormat;

use super::secret::{Secret, SecretFrom};
use super::url::Credentials;

/// Where flags are. Contains secrets, which its `Debug` form does not show.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(all(feature = "redis", feature = "dynamodb")),
    expect(dead_code, reason = "URLs are checked without the features too")
)]
pub(super) enum Place {
    Stdin(FileOptions),
    File(PathBuf, FileOptions),
    Http(Http),
    Redis(Redis),
    DynamoDb(DynamoDb),
    /// The flag service or a Relay Proxy.
    Service(Service),
}

impl Place {
    /// Whether it is one JSON or YAML document.
    pub(super) fn is_document(&self) -> bool {
        match self {
            Self::Stdin(_) | Self::File(..) | Self::Http(_) => true,
            Self::Redis(_) | Self::DynamoDb(_) | Self::Service(_) => false,
        }
    }
}

/// How a document is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileOptions {
    /// Default: by content.
    pub(super) format: Option<FileFormat>,
    /// The section that the document is. Default: it has all sections.
    pub(super) section: Option<DataKind>,
}

/// A document that a web server has.
#[derive(Clone, Debug)]
pub(super) struct Http {
    /// Its query may be secret.
    pub(super) url: Secret,
    pub(super) credentials: Option<Credentials>,
    pub(super) ca: Option<PathBuf>,
    pub(super) options: FileOptions,
}

#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "URLs are checked without the feature too")
)]
pub(super) struct Redis {
    pub(super) servers: RedisServers,
    pub(super) secure: bool,
    pub(super) database: Option<u32>,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretFrom>,
    pub(super) prefix: Option<String>,
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) timeout: Option<Duration>,
}

/// Servers by host and port.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "URLs are checked without the feature too")
)]
pub(super) enum RedisServers {
    One(String),
    Socket(PathBuf),
    Cluster(Vec<String>),
    Sentinel {
        master: String,
        sentinels: Vec<String>,
    },
}

#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "dynamodb"),
    expect(dead_code, reason = "URLs are checked without the feature too")
)]
pub(super) struct DynamoDb {
    pub(super) table: String,
    pub(super) prefix: String,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) timeout: Option<Duration>,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) key: SecretFrom,
    /// The URL of polls. Default: the real one.
    pub(super) base: Option<String>,
    /// The URL of streams. Default: the real one.
    pub(super) stream: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) protocol: Protocol,
    /// Default: polls of the service, streams of a Relay Proxy, which serves no polls.
    pub(super) mode: Option<Mode>,
    pub(super) ca: Option<PathBuf>,
    pub(super) timeout: Option<Duration>,
    pub(super) is_relay: bool,
}

/// The protocol of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The second one, or the first if the service does not offer it.
    Auto,
    Fdv1,
    Fdv2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Stream,
    Poll,
}
