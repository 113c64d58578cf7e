//! [`EventsConfig`]: what is reported to the service, and when.

use std::sync::Arc;
use std::time::Duration;

use super::client_context::FlagsArrive;
use super::{ClientContext, ConfigError, Configure};
use crate::context::Reference;
use crate::events::{
    Delivery, DiagnosticConfiguration, Diagnostics, EventProcessor, EventWriter, Intervals, Records, Worker,
};

/// The shortest interval between statistics about the SDK.
const SHORTEST_DIAGNOSTIC_INTERVAL: Duration = Duration::from_secs(60);

/// What is reported to the service, and when: the recipe of the usual event processor.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::EventsConfig;
///
/// let events = EventsConfig::new().flush_interval(Duration::from_secs(30)).private_attributes(["email", "/address"]);
/// let builder = Client::builder("sdk-key").events(events);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EventsConfig {
    capacity: usize,
    flush_interval: Duration,
    all_attributes_private: bool,
    private_attributes: Vec<Reference>,
    omit_anonymous_contexts: bool,
    context_keys_capacity: usize,
    context_keys_flush_interval: Duration,
    compress: bool,
    diagnostic_opt_out: bool,
    diagnostic_recording_interval: Duration,
}

impl EventsConfig {
    /// The default settings.
    pub fn new() -> Self {
        Self {
            capacity: 10_000,
            flush_interval: Duration::from_secs(5),
            all_attributes_private: false,
            private_attributes: Vec::new(),
            omit_anonymous_contexts: false,
            context_keys_capacity: 1_000,
            context_keys_flush_interval: Duration::from_secs(300),
            compress: false,
            diagnostic_opt_out: false,
            diagnostic_recording_interval: Duration::from_secs(900),
        }
    }

    /// How many full events are kept between two deliveries; more are dropped and counted, and so are events beyond
    /// 64 MiB in all. Counts of evaluations take no place and are never dropped. Default: 10,000.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// The time between deliveries. Default, and meaning of zero: 5 seconds.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = if interval.is_zero() { Duration::from_secs(5) } else { interval };
        self
    }

    /// Whether all attributes of all contexts stay out of events, but for kind, key and anonymous. Default: `false`.
    pub fn all_attributes_private(mut self, on: bool) -> Self {
        self.all_attributes_private = on;
        self
    }

    /// Attributes, or parts of attributes, of all contexts that stay out of events. Adds to earlier calls. Default:
    /// none.
    pub fn private_attributes<R: Into<Reference>>(mut self, references: impl IntoIterator<Item = R>) -> Self {
        self.private_attributes.extend(references.into_iter().map(Into::into));
        self
    }

    /// Whether anonymous contexts are left out where contexts are introduced to the service. Default: `false`.
    pub fn omit_anonymous_contexts(mut self, on: bool) -> Self {
        self.omit_anonymous_contexts = on;
        self
    }

    /// How many contexts are remembered at least, so that each is introduced once. Default: 1,000.
    pub fn context_keys_capacity(mut self, contexts: usize) -> Self {
        self.context_keys_capacity = contexts;
        self
    }

    /// After how long all contexts are introduced anew. Default, and meaning of zero: 5 minutes.
    pub fn context_keys_flush_interval(mut self, interval: Duration) -> Self {
        self.context_keys_flush_interval = if interval.is_zero() { Duration::from_secs(300) } else { interval };
        self
    }

    /// Whether deliveries are compressed with gzip. Default: `false`.
    pub fn compress(mut self, on: bool) -> Self {
        self.compress = on;
        self
    }

    /// Whether the service gets no statistics about the SDK itself. Default: `false`.
    pub fn diagnostic_opt_out(mut self, on: bool) -> Self {
        self.diagnostic_opt_out = on;
        self
    }

    /// The time between statistics about the SDK, at least a minute. Default: 15 minutes.
    pub fn diagnostic_recording_interval(mut self, interval: Duration) -> Self {
        self.diagnostic_recording_interval = interval.max(SHORTEST_DIAGNOSTIC_INTERVAL);
        self
    }
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Configure<dyn EventProcessor> for EventsConfig {
    fn configure(&self, context: &ClientContext) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        let records = Arc::new(Records::new(self.capacity, self.context_keys_capacity, self.omit_anonymous_contexts));
        let writer = EventWriter::new(self.all_attributes_private, self.private_attributes.clone());
        let delivery = Delivery::new(
            context.transport_to(context.endpoints().events())?,
            context.headers().clone(),
            context.endpoints().events(),
            context.read_timeout(),
            self.compress,
        );
        let intervals = Intervals {
            flush: self.flush_interval,
            forget_contexts: self.context_keys_flush_interval,
            diagnostics: (!self.diagnostic_opt_out).then_some(self.diagnostic_recording_interval),
        };
        let diagnostics = Diagnostics::new(context.sdk_key().as_str(), self.about(context));
        Ok(Arc::new(Worker::start(context.runtime().clone(), records, writer, delivery, diagnostics, intervals)))
    }
}

impl EventsConfig {
    /// What the SDK reports of its settings. Never keys, URLs or names of attributes.
    fn about(&self, context: &ClientContext) -> DiagnosticConfiguration {
        let (wrapper, http) = context.about();
        let [stream, base, events] = context.endpoints().are_custom();
        let (streaming_disabled, reconnect_time, polling_interval) = match context.flags_arrive() {
            Some(FlagsArrive::Streaming { reconnect_delay }) => (Some(false), Some(reconnect_delay), None),
            Some(FlagsArrive::Polling { interval }) => (Some(true), None, Some(interval)),
            None => (None, None, None),
        };
        DiagnosticConfiguration {
            wrapper_name: wrapper.map(|wrapper| wrapper.name.clone()),
            wrapper_version: wrapper.and_then(|wrapper| wrapper.version.clone()),
            custom_base_uri: Some(base),
            custom_events_uri: Some(events),
            custom_stream_uri: Some(stream),
            events_capacity: Some(self.capacity),
            connect_timeout: Some(http.connect_timeout),
            socket_timeout: Some(http.read_timeout),
            events_flush_interval: Some(self.flush_interval),
            using_proxy: http.uses_proxy(),
            streaming_disabled,
            using_relay_daemon: Some(context.is_daemon_mode()),
            data_store_type: Some(context.data_store_type().unwrap_or("custom").to_owned()),
            all_attributes_private: Some(self.all_attributes_private),
            polling_interval,
            // A client starts at once; how long the application waits for it is not known here.
            start_wait: None,
            reconnect_time,
            context_keys_capacity: Some(self.context_keys_capacity),
            context_keys_flush_interval: Some(self.context_keys_flush_interval),
            diagnostic_recording_interval: Some(self.diagnostic_recording_interval),
        }
    }
}
