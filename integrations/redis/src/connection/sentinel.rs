//! [`Sentinels`]: finds the address of the primary.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redis::Value;

use super::Settings;
use super::dedicated::Dedicated;
use super::dial::{Endpoint, dial};
use crate::address::{Address, Host};
use crate::credentials::CredentialSource;
use crate::error::Fault;

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
struct Unknown {
    name: String,
    /// The last error, if a sentinel did not reply.
    #[source]
    last: Option<Fault>,
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
    pub(crate) async fn primary(&self, settings: &Settings) -> Result<Host, Fault> {
        let first = self.first.load(Ordering::Relaxed);
        let mut last = None;
        for step in 0..self.sentinels.len() {
            let index = (first + step) % self.sentinels.len();
            let Some((address, credentials)) = self.sentinels.get(index) else {
                continue;
            };
            match self.ask(address, credentials, settings).await {
                Ok(Some(host)) => {
                    self.first.store(index, Ordering::Relaxed);
                    tracing::debug!(primary = self.name, %host, sentinel = %address.host, "found the primary");
                    return Ok(host);
                }
                Ok(None) => {}
                Err(fault) => last = Some(fault),
            }
        }
        let source = Arc::new(Unknown {
            name: self.name.clone(),
            last,
        });
        Err(Fault::Connect {
            address: settings.url.as_str().into(),
            source,
        })
    }

    async fn ask(
        &self,
        address: &Address,
        credentials: &CredentialSource,
        settings: &Settings,
    ) -> Result<Option<Host>, Fault> {
        let endpoint = Endpoint {
            host: address.host.clone(),
            encrypted: address.tls,
            credentials,
            database: 0,
        };
        let dialed = dial(&endpoint, settings, None).await?;
        let mut sentinel = Dedicated::new(dialed.connection, dialed.driver);
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        let answer = tokio::time::timeout(settings.limits.connect, sentinel.send(&question));
        let Value::Array(parts) = answer.await.map_err(|_| Fault::Timeout)?? else {
            return Ok(None);
        };
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|part| redis::from_redis_value_ref(part).ok())
            .collect();
        let [name, port] = &parts[..] else {
            return Err(Fault::Unexpected);
        };
        Ok(Some(Host::tcp(
            name,
            port.parse().map_err(|_| Fault::Unexpected)?,
        )))
    }
}
