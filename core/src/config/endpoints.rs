//! [`ServiceEndpoints`]: where the service is.

use std::fmt;

use ::http::Uri;

use super::ConfigError;
use crate::url_text::redacted_url;

/// The base URLs of the service's parts. Each is independent of the others; what is not set is the
/// service's own.
///
/// A base URL begins with `https://` or `http://` and has a host. A path and a query are kept;
/// slashes at the end of the path, and white space around the URL, do not matter. User and password
/// are refused when the client starts: they would be sent in the `Authorization` header, which
/// carries the SDK key. In front of a Relay Proxy set all three with
/// [`ServiceEndpoints::relay`].
///
/// ```
/// use vexil::Client;
/// use vexil::config::{ConfigError, ServiceEndpoints};
///
/// let error = Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay("relay:8030")).start().unwrap_err();
/// assert!(matches!(error, ConfigError::BaseUrl { .. }));
/// ```
///
/// The `Debug` form shows no query.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct ServiceEndpoints {
    streaming: String,
    polling: String,
    events: String,
}

const STREAMING: &str = "https://stream.launchdarkly.com";
const POLLING: &str = "https://sdk.launchdarkly.com";
const EVENTS: &str = "https://events.launchdarkly.com";

impl ServiceEndpoints {
    /// The service's own endpoints.
    pub fn new() -> Self {
        Self {
            streaming: STREAMING.to_owned(),
            polling: POLLING.to_owned(),
            events: EVENTS.to_owned(),
        }
    }

    /// All parts at one place, such as a Relay Proxy.
    ///
    /// A Relay Proxy serves streams to server-side SDKs, and no polling: a client with
    /// [`PollingConfig`](super::PollingConfig) gets status 404 from it, and no flags. Use streaming, which is the default,
    /// or [daemon mode](crate::ClientBuilder::daemon_mode) over the database that the Relay Proxy
    /// fills.
    pub fn relay(url: impl Into<String>) -> Self {
        let url = trimmed(url);
        Self {
            streaming: url.clone(),
            polling: url.clone(),
            events: url,
        }
    }

    /// Sets where flags are streamed from. Default: `https://stream.launchdarkly.com`.
    pub fn with_streaming(mut self, url: impl Into<String>) -> Self {
        self.streaming = trimmed(url);
        self
    }

    /// Sets where flags are polled from. Default: `https://sdk.launchdarkly.com`.
    pub fn with_polling(mut self, url: impl Into<String>) -> Self {
        self.polling = trimmed(url);
        self
    }

    /// Sets where events are sent to. Default: `https://events.launchdarkly.com`.
    pub fn with_events(mut self, url: impl Into<String>) -> Self {
        self.events = trimmed(url);
        self
    }

    /// Where flags are streamed from.
    #[must_use]
    pub fn streaming(&self) -> &str {
        &self.streaming
    }

    /// Where flags are polled from.
    #[must_use]
    pub fn polling(&self) -> &str {
        &self.polling
    }

    /// Where events are sent to.
    #[must_use]
    pub fn events(&self) -> &str {
        &self.events
    }

    /// Whether streaming, polling and events are elsewhere than at the service's own places.
    pub(super) fn are_custom(&self) -> [bool; 3] {
        [
            self.streaming != STREAMING,
            self.polling != POLLING,
            self.events != EVENTS,
        ]
    }

    /// Whether a client can use these URLs. Warns if some are the service's own and others are not,
    /// which is rarely meant.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (part, url) in self.parts() {
            if let Some(reason) = problem(url) {
                return Err(ConfigError::BaseUrl {
                    part,
                    url: redacted_url(url),
                    reason,
                });
            }
        }
        let parts = self.parts().into_iter().zip(self.are_custom());
        let (set, unset): (Vec<_>, Vec<_>) = parts.partition(|(_, is_custom)| *is_custom);
        if !set.is_empty() && !unset.is_empty() {
            let list = |parts: &[((&str, &str), bool)]| {
                let shown = parts
                    .iter()
                    .map(|((part, url), _)| format!("{part}: {}", redacted_url(url)));
                shown.collect::<Vec<_>>().join(", ")
            };
            tracing::warn!(
                set = list(&set),
                default = list(&unset),
                "some base URLs are set and the others keep their defaults"
            );
        }
        Ok(())
    }

    fn parts(&self) -> [(&'static str, &str); 3] {
        [
            ("streaming", &self.streaming),
            ("polling", &self.polling),
            ("events", &self.events),
        ]
    }
}

fn trimmed(url: impl Into<String>) -> String {
    url.into().trim().to_owned()
}

/// What is wrong with a base URL.
fn problem(url: &str) -> Option<&'static str> {
    let Some((scheme, _)) = url.split_once("://") else {
        return Some("it must begin with https:// or http://");
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Some("its scheme is neither https nor http");
    }
    if url.contains('#') {
        return Some("it has a fragment, which is never sent");
    }
    let Ok(uri) = Uri::try_from(url) else {
        return Some("it is not a valid URL");
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Some(
            "it has credentials, which are never sent: the Authorization header carries the SDK key",
        );
    }
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Some("it has no host");
    }
    // Between host and port there is a colon.
    let port = authority
        .strip_prefix(host)
        .and_then(|rest| rest.strip_prefix(':'))
        .unwrap_or_default();
    (!port.is_empty() && uri.port_u16().is_none()).then_some("its port is not a number up to 65535")
}

/// Without queries, which may hold secrets.
impl fmt::Debug for ServiceEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ServiceEndpoints");
        for (part, url) in self.parts() {
            shown.field(part, &redacted_url(url));
        }
        shown.finish()
    }
}

impl Default for ServiceEndpoints {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_http_or_https_with_a_host_and_little_else() {
        for good in [
            "https://relay",
            "HTTP://Relay:8030/",
            "http://127.0.0.1:8030/ld/",
            "https://[::1]:8030",
            "https://relay/ld?token=a@b",
            " https://relay\n",
        ] {
            assert!(ServiceEndpoints::relay(good).check().is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "must begin"),
            ("relay", "must begin"),
            ("relay:8030", "must begin"),
            ("//relay", "must begin"),
            ("/ld", "must begin"),
            ("ftp://relay", "scheme"),
            ("redis://relay", "scheme"),
            ("unix:///run/relay.sock", "scheme"),
            ("https://", "valid"),
            ("https:///ld", "valid"),
            ("https://:8030", "host"),
            ("https://relay:99999", "port"),
            ("https://relay:port", "port"),
            ("https://re lay", "valid"),
            ("https://relay\n/ld", "valid"),
            ("https://[::1", "valid"),
            ("https://relay#ld", "fragment"),
            ("https://ada:secret@relay", "credentials"),
            ("https://ada@relay?token=secret", "credentials"),
        ] {
            for endpoints in [
                ServiceEndpoints::relay(bad),
                ServiceEndpoints::new().with_streaming(bad),
                ServiceEndpoints::new().with_polling(bad),
                ServiceEndpoints::new().with_events(bad),
            ] {
                let error = endpoints.check().expect_err(bad);
                let shown = format!("{error} {error:?} {endpoints:?}");
                assert!(error.to_string().contains(why), "{bad}: {error}");
                assert!(!shown.contains("secret"), "{shown}");
            }
        }
    }
}
