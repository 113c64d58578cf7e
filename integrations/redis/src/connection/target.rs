//! [`Target`]: the configured location of the data.

use crate::address::Host;

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
