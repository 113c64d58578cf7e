//! [`Target`]: the configured location of the data. [`Locate`]: the current server of one
//! connection.

use super::Settings;
use crate::address::Host;
use crate::error::Fault;

/// The configured location of the data.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A single server.
    Server(Host),
    /// The cluster of these seed nodes.
    #[cfg(feature = "cluster")]
    Nodes(Vec<Host>),
    /// The primary that these sentinels know by this name.
    #[cfg(feature = "sentinel")]
    Primary {
        name: String,
        sentinels: Vec<crate::address::Address>,
    },
}

impl Target {
    pub(crate) fn is_cluster(&self) -> bool {
        match self {
            #[cfg(feature = "cluster")]
            Self::Nodes(_) => true,
            _ => false,
        }
    }

    /// Whether a sentinel is reached over TLS.
    pub(crate) fn has_encrypted_sentinels(&self) -> bool {
        match self {
            #[cfg(feature = "sentinel")]
            Self::Primary { sentinels, .. } => sentinels.iter().any(|sentinel| sentinel.tls),
            _ => false,
        }
    }
}

/// The server of one connection, or how to find it.
#[derive(Debug)]
pub(crate) enum Locate {
    Host(Host),
    #[cfg(feature = "sentinel")]
    Sentinels(super::sentinel::Sentinels),
}

impl Locate {
    /// Returns the current server.
    #[cfg_attr(
        not(feature = "sentinel"),
        expect(unused_variables, reason = "only sentinels need the settings")
    )]
    pub(crate) async fn find(&self, settings: &Settings) -> Result<Host, Fault> {
        match self {
            Self::Host(host) => Ok(host.clone()),
            #[cfg(feature = "sentinel")]
            Self::Sentinels(sentinels) => sentinels.primary(settings).await,
        }
    }
}
