//! [`TableSettings`]: the table, key prefix, connection and timeouts of a store.

use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;

use crate::error::SettingsError;

/// The settings of a store.
#[derive(Clone)]
pub(crate) struct TableSettings {
    pub(crate) table: String,
    pub(crate) prefix: String,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) client: Option<Client>,
    pub(crate) timeouts: Timeouts,
}

/// Timeouts of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Reading one row.
    pub(crate) read: Duration,
    /// Probing the table.
    pub(crate) probe: Duration,
    /// Reading everything, or writing one row, including retries after throttling.
    pub(crate) bulk: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            read: Duration::from_secs(5),
            probe: Duration::from_secs(2),
            bulk: Duration::from_secs(10),
        }
    }
}

impl TableSettings {
    pub(crate) fn new(table: String) -> Self {
        Self {
            table,
            prefix: String::new(),
            region: None,
            endpoint: None,
            credentials: None,
            client: None,
            timeouts: Timeouts::default(),
        }
    }

    /// Returns the first setting that is not valid.
    pub(crate) fn problem(&self) -> Option<SettingsError> {
        if self.table.is_empty() {
            return Some(SettingsError::NoTable);
        }
        let starts_with = |scheme| {
            self.endpoint
                .as_ref()
                .is_none_or(|url: &String| url.starts_with(scheme))
        };
        let (https, http) = (starts_with("https://"), starts_with("http://"));
        if !https && !http {
            return Some(SettingsError::Endpoint);
        }
        if self.endpoint.as_ref().is_some_and(|url| !names_a_host(url)) {
            return Some(SettingsError::EndpointHost);
        }
        // A region's default endpoint is an `https://` URL, too.
        let has_tls = cfg!(any(feature = "tls-aws-lc-rs", feature = "tls-ring"));
        (https && self.client.is_none() && !has_tls).then_some(SettingsError::NoTls)
    }
}

/// Whether a URL has a host and no credentials: the AWS client signs requests and does not send
/// credentials of a URL.
fn names_a_host(url: &str) -> bool {
    let uri = http::Uri::try_from(url).ok();
    let authority = uri.as_ref().and_then(http::Uri::authority);
    authority
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
}

/// Omits the credentials, and the URL, which may contain some.
impl fmt::Debug for TableSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb")
            .field("table", &self.table)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
