//! [`Sentinels`]: finds the address of the primary.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redis::Value;

use super::ConnectionSettings;
use super::dedicated::Dedicated;
use super::handshake::{Endpoint, connect};
use crate::address::{Address, Host};
use crate::credentials::CredentialSource;
use crate::error::CommandError;

/// The sentinels that monitor one primary.
#[derive(Debug)]
pub(crate) struct Sentinels {
    name: String,
    sentinels: Vec<(Address, CredentialSource)>,
    /// Index of the sentinel that replied last; it is queried first.
    first: AtomicUsize,
}

/// No sentinel returned the primary's address.
#[derive(Debug, thiserror::Error)]
#[error("no sentinel knows a primary \"{name}\"")]
struct UnknownPrimary {
    name: String,
    /// The last error, if a sentinel did not reply.
    #[source]
    last: Option<CommandError>,
}

impl Sentinels {
    pub(crate) fn new(name: String, sentinels: Vec<Address>) -> Self {
        let with_source = |address: Address| {
            let source = address
                .credentials
                .clone()
                .map_or(CredentialSource::None, CredentialSource::Fixed);
            (address, source)
        };
        Self {
            name,
            sentinels: sentinels.into_iter().map(with_source).collect(),
            first: AtomicUsize::new(0),
        }
    }

    /// Queries the sentinels one after the other. The connect timeout applies to each.
    pub(crate) async fn primary(
        &self,
        settings: &ConnectionSettings,
    ) -> Result<Host, CommandError> {
        let first = self.first.load(Ordering::Relaxed);
        let mut last = None;
        for step in 0..self.sentinels.len() {
            let index = (first + step) % self.sentinels.len();
            let Some((address, credentials)) = self.sentinels.get(index) else {
                continue;
            };
            match self.query(address, credentials, settings).await {
                Ok(Some(host)) => {
                    self.first.store(index, Ordering::Relaxed);
                    tracing::debug!(primary = self.name, %host, sentinel = %address.host, "found the primary");
                    return Ok(host);
                }
                Ok(None) => {}
                Err(error) => last = Some(error),
            }
        }
        let source = Arc::new(UnknownPrimary {
            name: self.name.clone(),
            last,
        });
        Err(CommandError::Connect {
            address: settings.url.as_str().into(),
            source,
        })
    }

    async fn query(
        &self,
        address: &Address,
        credentials: &CredentialSource,
        settings: &ConnectionSettings,
    ) -> Result<Option<Host>, CommandError> {
        let endpoint = Endpoint {
            host: address.host.clone(),
            encrypted: address.tls,
            credentials,
            database: 0,
        };
        let handshake = connect(&endpoint, settings, None).await?;
        let mut sentinel = Dedicated::new(handshake.connection, handshake.driver);
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let reply = tokio::time::timeout(settings.timeouts.connect, sentinel.send(&command));
        let Value::Array(parts) = reply.await.map_err(|_| CommandError::Timeout)?? else {
            return Ok(None);
        };
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|part| redis::from_redis_value_ref(part).ok())
            .collect();
        let [name, port] = &parts[..] else {
            return Err(CommandError::Unexpected);
        };
        Ok(Some(Host::tcp(
            name,
            port.parse().map_err(|_| CommandError::Unexpected)?,
        )))
    }
}
