//! [`ServiceEndpoints`]: where the service is.

/// The base URLs of the service's parts. Each is independent of the others; what is not set is the service's own.
///
/// A path is kept, slashes at the end do not matter. In front of a Relay Proxy set all three with
/// [`ServiceEndpoints::relay`].
#[derive(Clone, Debug, PartialEq, Eq)]
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
        Self { streaming: STREAMING.to_owned(), polling: POLLING.to_owned(), events: EVENTS.to_owned() }
    }

    /// All parts at one place, such as a Relay Proxy.
    pub fn relay(url: impl Into<String>) -> Self {
        let url = url.into();
        Self { streaming: url.clone(), polling: url.clone(), events: url }
    }

    /// Sets where flags are streamed from. Default: `https://stream.launchdarkly.com`.
    pub fn with_streaming(mut self, url: impl Into<String>) -> Self {
        self.streaming = url.into();
        self
    }

    /// Sets where flags are polled from. Default: `https://sdk.launchdarkly.com`.
    pub fn with_polling(mut self, url: impl Into<String>) -> Self {
        self.polling = url.into();
        self
    }

    /// Sets where events are sent to. Default: `https://events.launchdarkly.com`.
    pub fn with_events(mut self, url: impl Into<String>) -> Self {
        self.events = url.into();
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
        [self.streaming != STREAMING, self.polling != POLLING, self.events != EVENTS]
    }

    /// Whether some parts are the service's own and others are not, which is rarely meant.
    pub(super) fn is_mixed(&self) -> bool {
        let custom = self.are_custom();
        custom.contains(&true) && custom.contains(&false)
    }
}

impl Default for ServiceEndpoints {
    fn default() -> Self {
        Self::new()
    }
}
