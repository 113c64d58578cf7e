//! [`Target`]: what the settings say of where flags are. [`Locate`]: where one connection leads to, now.

use super::Settings;
use crate::address::Host;
use crate::error::Fault;

/// Where flags are.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// On this server.
    Server(Host),
    /// In the cluster that these nodes belong to.
    #[cfg(feature = "cluster")]
    Nodes(Vec<Host>),
    /// On the server that these sentinels call by this name.
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

    /// Whether sentinels are asked over TLS.
    pub(crate) fn has_encrypted_sentinels(&self) -> bool {
        match self {
            #[cfg(feature = "sentinel")]
            Self::Primary { sentinels, .. } => sentinels.iter().any(|sentinel| sentinel.tls),
            _ => false,
        }
    }
}

/// Where one connection leads to.
#[derive(Debug)]
pub(crate) enum Locate {
    Host(Host),
    #[cfg(feature = "sentinel")]
    Sentinels(super::sentinel::Sentinels),
}

impl Locate {
    /// The server of this moment.
    #[cfg_attr(
        not(feature = "sentinel"),
        expect(unused_variables, reason = "only sentinels have to be asked")
    )]
    pub(crate) async fn find(&self, settings: &Settings) -> Result<Host, Fault> {
        match self {
            Self::Host(host) => Ok(host.clone()),
            #[cfg(feature = "sentinel")]
            Self::Sentinels(sentinels) => sentinels.primary(settings).await,
        }
    }
}
