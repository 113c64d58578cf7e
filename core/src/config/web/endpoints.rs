//! [`ServiceEndpoints`]: the base URLs of the service.

use std::fmt;

use ::http::Uri;

use crate::config::ConfigError;
use crate::url_text::redacted_url;

/// The base URLs for streaming, polling and events. Each may be set independently; the default is
/// LaunchDarkly's endpoint.
///
/// A base URL begins with `https://` or `http://` and has a host. A path and a query are kept.
/// Trailing slashes of the path and white space around the URL are ignored. A URL with user or
/// password is rejected when the client starts: they would be sent in the `Authorization` header,
/// which carries the SDK key. For a Relay Proxy, set all three with [`ServiceEndpoints::relay`].
/// A URL that a component uses and that is not set, although another one is, is logged as a warning.
///
/// ```
/// use vexil::Client;
/// use vexil::config::{ConfigError, ServiceEndpoints};
///
/// let error = Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay("relay:8030")).start().unwrap_err();
/// assert!(matches!(error, ConfigError::BaseUrl { .. }));
/// ```
///
/// The `Debug` form omits queries.
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
    /// LaunchDarkly's endpoints.
    ///
    /// ```
    /// use vexil::config::ServiceEndpoints;
    ///
    /// let endpoints = ServiceEndpoints::new();
    /// assert_eq!(endpoints.streaming(), "https://stream.launchdarkly.com");
    /// assert_eq!(endpoints.polling(), "https://sdk.launchdarkly.com");
    /// assert_eq!(endpoints.events(), "https://events.launchdarkly.com");
    /// ```
    pub fn new() -> Self {
        Self {
            streaming: STREAMING.to_owned(),
            polling: POLLING.to_owned(),
            events: EVENTS.to_owned(),
        }
    }

    /// One base URL for everything, such as that of a Relay Proxy.
    ///
    /// A Relay Proxy serves streams to server-side SDKs, but no polling: a client with
    /// [`PollingConfig`](super::PollingConfig) receives status 404 from it, and no flags. Use
    /// streaming, which is the default, or [daemon mode](crate::ClientBuilder::daemon_mode) with
    /// the database that the Relay Proxy fills.
    ///
    /// ```
    /// use vexil::config::ServiceEndpoints;
    ///
    /// let relay = ServiceEndpoints::relay(" http://relay:8030/\n");
    /// assert_eq!(relay.streaming(), "http://relay:8030/");
    /// assert_eq!(relay.events(), relay.streaming());
    /// ```
    #[doc(alias = "relay_proxy")]
    pub fn relay(url: impl Into<String>) -> Self {
        let url = trimmed(url);
        Self {
            streaming: url.clone(),
            polling: url.clone(),
            events: url,
        }
    }

    /// Sets the base URL for streaming. Default: `https://stream.launchdarkly.com`.
    ///
    /// ```
    /// use vexil::config::ServiceEndpoints;
    ///
    /// let endpoints = ServiceEndpoints::new().with_streaming("https://relay.example.com?token=secret");
    /// assert_eq!(endpoints.polling(), "https://sdk.launchdarkly.com");
    /// assert!(!format!("{endpoints:?}").contains("secret"));
    /// ```
    #[doc(alias("streaming_base_url", "stream_uri"))]
    pub fn with_streaming(mut self, url: impl Into<String>) -> Self {
        self.streaming = trimmed(url);
        self
    }

    /// Sets the base URL for polling. Default: `https://sdk.launchdarkly.com`.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, ServiceEndpoints};
    ///
    /// let endpoints = ServiceEndpoints::new().with_polling("https://ada:secret@relay.example.com");
    /// let error = Client::builder("sdk-key").service_endpoints(endpoints).start().unwrap_err();
    /// let ConfigError::BaseUrl { part, url, .. } = error else { panic!("{error}") };
    /// assert_eq!((part, url.as_str()), ("polling", "https://…@relay.example.com"));
    /// ```
    #[doc(alias("polling_base_url", "base_uri"))]
    pub fn with_polling(mut self, url: impl Into<String>) -> Self {
        self.polling = trimmed(url);
        self
    }

    /// Sets the base URL for events. Default: `https://events.launchdarkly.com`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{EventsConfig, ServiceEndpoints};
    /// use vexil::{Client, Context};
    /// use vexil_testing::{FakeService, TestData};
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::new().with_events(service.url()))
    ///     .data_source(TestData::new().with("new-checkout", true))
    ///     .events(EventsConfig::new())
    ///     .start()?;
    /// assert!(client.bool_variation("new-checkout", &Context::new("ada")?, false));
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// assert_eq!(service.summary_counts().flag("new-checkout"), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("events_base_url", "events_uri"))]
    pub fn with_events(mut self, url: impl Into<String>) -> Self {
        self.events = trimmed(url);
        self
    }

    /// The base URL for streaming.
    #[must_use]
    pub fn streaming(&self) -> &str {
        &self.streaming
    }

    /// The base URL for polling.
    #[must_use]
    pub fn polling(&self) -> &str {
        &self.polling
    }

    /// The base URL for events.
    #[must_use]
    pub fn events(&self) -> &str {
        &self.events
    }

    /// Whether the URLs for streaming, polling and events differ from the defaults.
    pub(super) fn are_custom(&self) -> [bool; 3] {
        [
            is_custom_stream(&self.streaming),
            is_custom_base(&self.polling),
            self.events != EVENTS,
        ]
    }

    /// Validates the URLs.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        Part::ALL
            .into_iter()
            .try_for_each(|part| part.check(self.of(part)))
    }

    /// The URL for a component that has none of its own.
    pub(super) fn of(&self, part: Part) -> &str {
        match part {
            Part::Streaming => &self.streaming,
            Part::Polling => &self.polling,
            Part::Events => &self.events,
        }
    }

    /// Warns if a component uses the service's URL although the application has set one for another
    /// component, which is usually a mistake.
    pub(super) fn warn_if_forgotten(&self, part: Part) {
        let parts = Part::ALL.into_iter().zip(self.are_custom());
        let set: Vec<_> = parts
            .filter_map(|(part, is_custom)| is_custom.then_some(part))
            .collect();
        if set.is_empty() || set.contains(&part) {
            return;
        }
        let shown = set
            .iter()
            .map(|part| format!("{part}: {}", redacted_url(self.of(*part))));
        tracing::warn!(
            set = shown.collect::<Vec<_>>().join(", "),
            default = format!("{part}: {}", self.of(part)),
            "a base URL is not set, although others are, which is usually a mistake"
        );
    }
}

/// The purpose of a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Streaming,
    Polling,
    Events,
}

impl Part {
    const ALL: [Self; 3] = [Self::Streaming, Self::Polling, Self::Events];

    fn as_str(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Polling => "polling",
            Self::Events => "events",
        }
    }

    /// Checks a base URL for this purpose.
    pub(super) fn check(self, url: &str) -> Result<(), ConfigError> {
        match problem(url) {
            Some(reason) => Err(ConfigError::BaseUrl {
                part: self.as_str(),
                url: redacted_url(url),
                reason,
            }),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a base URL for streaming differs from the default.
pub(super) fn is_custom_stream(url: &str) -> bool {
    url != STREAMING
}

/// Whether a base URL for polling differs from the default.
pub(super) fn is_custom_base(url: &str) -> bool {
    url != POLLING
}

fn trimmed(url: impl Into<String>) -> String {
    url.into().trim().to_owned()
}

/// Returns the reason why a base URL is invalid, or `None` if it is valid.
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
    // The authority is `host` or `host:port`.
    let port = authority
        .strip_prefix(host)
        .and_then(|rest| rest.strip_prefix(':'))
        .unwrap_or_default();
    (!port.is_empty() && uri.port_u16().is_none()).then_some("its port is not a number up to 65535")
}

/// Omits queries, which may hold secrets.
impl fmt::Debug for ServiceEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ServiceEndpoints");
        for part in Part::ALL {
            shown.field(part.as_str(), &redacted_url(self.of(part)));
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
    fn a_base_url_is_http_or_https_with_a_host_and_no_credentials() {
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
