//! [`EventsConfig`]: what is reported to the service, and when.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vexil_eval::Reference;

use super::client_context::FlagsArrive;
use super::{ClientContext, ConfigError, Configure};
use crate::deadline::{self, NEVER};
use crate::events::{
    Delivery, Destination, DiagnosticConfiguration, Diagnostics, EventFile, EventProcessor,
    EventWriter, Filter, Format, Intervals, OutputEvent, Records, Redaction, Worker,
};

/// The shortest interval between statistics about the SDK.
const SHORTEST_DIAGNOSTIC_INTERVAL: Duration = Duration::from_secs(60);
const FLUSH_INTERVAL: Duration = Duration::from_secs(5);
const EVENT_FILE_BYTES: u64 = 256 << 20;
const CONTEXT_KEYS_FLUSH_INTERVAL: Duration = Duration::from_secs(300);

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
    redaction: Redaction,
    before_send: Option<Filter>,
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
            flush_interval: FLUSH_INTERVAL,
            all_attributes_private: false,
            redaction: Redaction::new(),
            before_send: None,
            omit_anonymous_contexts: false,
            context_keys_capacity: 1_000,
            context_keys_flush_interval: CONTEXT_KEYS_FLUSH_INTERVAL,
            compress: false,
            diagnostic_opt_out: false,
            diagnostic_recording_interval: Duration::from_secs(900),
        }
    }

    /// How many full events are kept between two deliveries; more are dropped and counted, and so
    /// are events beyond 64 MiB in all. Counts of evaluations take no place, and those of known
    /// flags are never dropped. Default: 10,000. Zero: full events are all dropped and only counts
    /// are delivered. `usize::MAX`: only the 64 MiB count.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// The time between deliveries. Default, and meaning of zero: 5 seconds. At least 100 ms.
    /// `Duration::MAX`: events are only delivered on [`flush`](crate::Client::flush) and when the
    /// client is closed.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = deadline::interval(interval, FLUSH_INTERVAL);
        self
    }

    /// Whether all attributes of all contexts stay out of events, but for kind, key and anonymous.
    /// Default: `false`.
    pub fn all_attributes_private(mut self, on: bool) -> Self {
        self.all_attributes_private = on;
        self.redaction = self.redaction.all_attributes_private(on);
        self
    }

    /// Attributes, or parts of attributes, of all contexts that stay out of events. Adds to earlier
    /// calls. Default: none.
    pub fn private_attributes<R: Into<Reference>>(
        mut self,
        references: impl IntoIterator<Item = R>,
    ) -> Self {
        self.redaction = self.redaction.private_attributes(references);
        self
    }

    /// Sees each event before it is sent, summaries too, and returns it, changed or not; `None`
    /// drops it. For what
    /// [`EventsConfig::private_attributes`] cannot express. Default: none.
    ///
    /// The filter runs on a thread of its own, never while a flag is evaluated. If it panics, the event is dropped, and one
    /// line is logged. Dropped events are counted in [`EventStats::filtered_events`](crate::events::EventStats). An event
    /// that is dropped is lost: without summaries, the service does not know how often flags are evaluated.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::EventsConfig;
    ///
    /// let events = EventsConfig::new().before_send(|mut event| match event.kind() {
    ///     // The service does not have to know each context.
    ///     "index" | "identify" => None,
    ///     "custom" => {
    ///         event.members_mut().remove("data");
    ///         Some(event)
    ///     }
    ///     _ => Some(event),
    /// });
    /// let builder = Client::builder("sdk-key").events(events);
    /// ```
    pub fn before_send(
        mut self,
        filter: impl Fn(OutputEvent) -> Option<OutputEvent> + Send + Sync + 'static,
    ) -> Self {
        self.before_send = Some(Filter::new(filter));
        self
    }

    /// Appends events to a file instead of sending them, one JSON object a line, with these
    /// settings. See
    /// [`EventFileConfig`].
    pub fn to_file(self, path: impl Into<PathBuf>) -> EventFileConfig {
        EventFileConfig {
            events: self,
            path: path.into(),
            most_bytes: EVENT_FILE_BYTES,
        }
    }

    /// Whether anonymous contexts are left out where contexts are introduced to the service.
    /// Default: `false`.
    pub fn omit_anonymous_contexts(mut self, on: bool) -> Self {
        self.omit_anonymous_contexts = on;
        self
    }

    /// How many contexts are remembered at least, so that each is introduced once. Default: 1,000.
    /// Zero: a handful. Memory for all of them is allocated at the start, 64 MiB at most, which is
    /// room for 3.6 million.
    pub fn context_keys_capacity(mut self, contexts: usize) -> Self {
        self.context_keys_capacity = contexts;
        self
    }

    /// After how long all contexts are introduced again. Default, and meaning of zero: 5 minutes.
    /// At least 100 ms. `Duration::MAX`: never.
    pub fn context_keys_flush_interval(mut self, interval: Duration) -> Self {
        self.context_keys_flush_interval =
            deadline::interval(interval, CONTEXT_KEYS_FLUSH_INTERVAL);
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

    /// The time between statistics about the SDK. Default: 15 minutes. A shorter time than a
    /// minute, zero included, means a minute. `Duration::MAX`: they are only sent when the client
    /// starts.
    pub fn diagnostic_recording_interval(mut self, interval: Duration) -> Self {
        self.diagnostic_recording_interval = interval.clamp(SHORTEST_DIAGNOSTIC_INTERVAL, NEVER);
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
        let delivery = Delivery::new(
            context.transport_to(context.endpoints().events())?,
            context.headers().clone(),
            context.endpoints().events(),
            context.read_timeout(),
            self.compress,
        );
        let diagnostics = (!self.diagnostic_opt_out).then_some(self.diagnostic_recording_interval);
        Ok(self.start(context, delivery, Format::Array, diagnostics))
    }
}

/// Appends events to a file, one JSON object a line, in the form in which the service would get them: the recipe of an
/// event processor for those who collect events themselves. Made by [`EventsConfig::to_file`].
///
/// Evaluations wait for no file: events are collected in memory, within [`EventsConfig::capacity`],
/// and written at each
/// [`EventsConfig::flush_interval`], on flush, and on close; each summary counts the evaluations in between. What cannot be
/// written is dropped, counted in [`EventStats::dropped_payloads`](crate::events::EventStats) and
/// logged. The file is opened for each delivery, so it may be moved away at any time.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::EventsConfig;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("events.jsonl");
/// let events = EventsConfig::new().private_attributes(["email"]).to_file(&path);
/// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
/// client.track("clicked", &Context::builder("ada").set("email", "ada@example.com").build()?);
/// assert!(client.blocking_flush(Duration::from_secs(10)));
///
/// let text = std::fs::read_to_string(&path)?;
/// let events = text.lines().map(serde_json::from_str).collect::<Result<Vec<serde_json::Value>, _>>()?;
/// let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str()).collect();
/// assert_eq!(kinds, [Some("index"), Some("custom")]);
/// assert!(!text.contains("ada@example.com"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EventFileConfig {
    events: EventsConfig,
    path: PathBuf,
    most_bytes: u64,
}

impl EventFileConfig {
    /// How large the file may become. A full one is moved to the same name with `.1` behind it, in
    /// place of the one that was there, so that at most twice as much of the disk is used. Default,
    /// and meaning of zero: 256 MiB. `u64::MAX`: no limit.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = if bytes == 0 { EVENT_FILE_BYTES } else { bytes };
        self
    }
}

impl Configure<dyn EventProcessor> for EventFileConfig {
    /// # Errors
    /// If the file cannot be opened for writing.
    fn configure(&self, context: &ClientContext) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        let file = EventFile::open(context.runtime().clone(), &self.path, self.most_bytes)
            .map_err(|error| ConfigError::component("file for events", error))?;
        Ok(self.events.start(context, file, Format::Lines, None))
    }
}

impl EventsConfig {
    /// Starts a processor with these settings. `diagnostics` is the interval of statistics about
    /// the SDK, if any are sent.
    fn start(
        &self,
        context: &ClientContext,
        destination: impl Into<Destination>,
        format: Format,
        diagnostics: Option<Duration>,
    ) -> Arc<dyn EventProcessor> {
        let records = Arc::new(Records::new(
            self.capacity,
            self.context_keys_capacity,
            self.omit_anonymous_contexts,
        ));
        let writer = EventWriter::new(self.redaction.clone(), format, self.before_send.clone());
        let intervals = Intervals {
            flush: self.flush_interval,
            forget_contexts: self.context_keys_flush_interval,
            diagnostics,
        };
        let about = Diagnostics::new(context.sdk_key().as_str(), self.about(context));
        Arc::new(Worker::start(
            context.runtime().clone(),
            records,
            writer,
            destination,
            about,
            intervals,
        ))
    }

    /// What the SDK reports of its settings. Never keys, URLs or names of attributes.
    fn about(&self, context: &ClientContext) -> DiagnosticConfiguration {
        let (wrapper, http) = context.about();
        let [stream, base, events] = context.endpoints().are_custom();
        let (streaming_disabled, reconnect_time, polling_interval) = match context.flags_arrive() {
            Some(FlagsArrive::Streaming { reconnect_delay }) => {
                (Some(false), Some(reconnect_delay), None)
            }
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
