//! [`Resolver`]: finds the current server of one connection.

use super::ConnectionSettings;
use crate::address::Host;
use crate::error::CommandError;

/// A fixed server, or the sentinels that know the current one.
#[derive(Debug)]
pub(crate) enum Resolver {
    Host(Host),
    #[cfg(feature = "sentinel")]
    Sentinels(super::sentinel::Sentinels),
}

impl Resolver {
    /// Returns the current server.
    #[cfg_attr(
        not(feature = "sentinel"),
        expect(unused_variables, reason = "only sentinels need the settings")
    )]
    pub(crate) async fn resolve(
        &self,
        settings: &ConnectionSettings,
    ) -> Result<Host, CommandError> {
        match self {
            Self::Host(host) => Ok(host.clone()),
            #[cfg(feature = "sentinel")]
            Self::Sentinels(sentinels) => sentinels.primary(settings).await,
        }
    }
}
