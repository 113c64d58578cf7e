//! [`EventsConfig`] and [`EventFileConfig`]: settings of analytics events.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vexil_eval::Reference;

use super::endpoints::Part;
use crate::bounds::{self, NEVER};
use crate::config::{ClientContext, ConfigError, Configure};
use crate::events::{
    Delivery, Destination, DiagnosticConfiguration, Diagnostics, EventFile, EventProcessor,
    EventWriter, Filter, Format, Intervals, OutputEvent, Records, Redaction, Worker,
};

/// The minimum interval between diagnostic events.
const SHORTEST_DIAGNOSTIC_INTERVAL: Duration = Duration::from_secs(60);
const FLUSH_INTERVAL: Duration = Duration::from_secs(5);
const EVENT_FILE_BYTES: u64 = 256 << 20;
const CONTEXT_KEYS_FLUSH_INTERVAL: Duration = Duration::from_secs(300);

/// Configures the events that the client sends to the service.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::{EventsConfig, ServiceEndpoints};
/// use vexil::{Client, Context};
/// use vexil_testing::{FakeService, TestData};
///
/// let service = FakeService::start()?;
/// let events = EventsConfig::new()
///     .flush_interval(Duration::from_secs(30))
///     .private_attributes(["email"]);
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .data_source(TestData::new())
///     .events(events)
///     .start()?;
/// client.identify(&Context::builder("ada").set("email", "ada@example.com").build()?);
/// assert!(client.blocking_flush(Duration::from_secs(30)));
///
/// let event = &service.events()[0];
/// assert_eq!((&event["kind"], &event["context"]["key"]), (&"identify".into(), &"ada".into()));
/// assert!(event["context"]["email"].is_null());
/// # Ok::<(), Box<dyn std::error::Error>>(())
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

    /// Maximum number of full events buffered between two deliveries. Further events are dropped
    /// and counted, as are events beyond 64 MiB in total. Summaries of evaluation counts do not use
    /// this capacity, and counts of existing flags are never dropped. Default: 10,000. Zero: all
    /// full events are dropped, and only counts are delivered. `usize::MAX`: only the 64 MiB limit
    /// applies.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// let flags = TestData::new().with("banner", "hello");
    /// let events = EventsConfig::new().capacity(0).to_file(&path);
    /// let client = Client::builder("sdk-key").data_source(flags).events(events).start()?;
    /// let ada = Context::new("ada")?;
    /// client.track("clicked", &ada);
    /// client.str_variation("banner", &ada, "");
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    ///
    /// // The custom event and the index event are dropped; the count of the flag is delivered.
    /// let stats = client.event_stats();
    /// assert_eq!((stats.dropped_events, stats.delivered_events), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "events_max_pending")]
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// The interval between deliveries. Default, and meaning of zero: 5 seconds. At least 100 ms.
    /// `Duration::MAX`: events are only delivered on [`flush`](crate::Client::flush) and when the
    /// client is closed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{EventsConfig, ServiceEndpoints};
    /// use vexil::{Client, Context};
    /// use vexil_testing::{FakeService, TestData};
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(TestData::new())
    ///     .events(EventsConfig::new().flush_interval(Duration::from_millis(200)))
    ///     .start()?;
    /// client.track("signed-up", &Context::new("ada")?);
    /// // Delivered without a call of `flush`.
    /// assert!(service.next_payload().wait()?.events().iter().any(|event| event["key"] == "signed-up"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = bounds::interval(interval, FLUSH_INTERVAL);
        self
    }

    /// Whether events omit all attributes of all contexts except kind, key and anonymous. Default:
    /// `false`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// let events = EventsConfig::new().all_attributes_private(true).to_file(&path);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
    /// client.identify(&Context::builder("ada").set("country", "GB").build()?);
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// assert!(std::fs::read_to_string(&path)?.contains(r#""redactedAttributes":["country"]"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn all_attributes_private(mut self, on: bool) -> Self {
        self.all_attributes_private = on;
        self.redaction = self.redaction.all_attributes_private(on);
        self
    }

    /// Attributes, or parts of attributes, that events omit for all contexts. Adds to earlier
    /// calls. Default: none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// // The e-mail address, and one part of the address.
    /// let events = EventsConfig::new().private_attributes(["email", "/address/street"]).to_file(&path);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
    /// let address = serde_json::json!({"street": "12 St James's Square", "city": "London"});
    /// client.identify(&Context::builder("ada").set("address", address).build()?);
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// let text = std::fs::read_to_string(&path)?;
    /// assert!(text.contains("London") && !text.contains("St James"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn private_attributes<R: Into<Reference>>(
        mut self,
        references: impl IntoIterator<Item = R>,
    ) -> Self {
        self.redaction = self.redaction.private_attributes(references);
        self
    }

    /// A filter called with each event before it is sent, including summaries. It returns the
    /// event, which it may modify, or `None` to drop it. Use it where
    /// [`EventsConfig::private_attributes`] is not sufficient. Default: no filter.
    ///
    /// The filter runs on a separate thread, never during an evaluation. If it panics, the event is
    /// dropped and one line is logged. Dropped events are counted in
    /// [`EventStats::filtered_events`](crate::events::EventStats). A dropped event is lost: without
    /// summaries, the service does not know how often flags are evaluated.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// let events = EventsConfig::new().before_send(|mut event| match event.kind() {
    ///     // The service does not have to know each context.
    ///     "index" | "identify" => None,
    ///     "custom" => {
    ///         event.members_mut().remove("data");
    ///         Some(event)
    ///     }
    ///     _ => Some(event),
    /// });
    /// let events = events.to_file(&path);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
    /// client.track_data("clicked", &Context::new("ada")?, "secret");
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    ///
    /// let text = std::fs::read_to_string(&path)?;
    /// assert!(text.contains(r#""key":"clicked""#) && !text.contains("secret"));
    /// assert_eq!(client.event_stats().filtered_events, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn before_send(
        mut self,
        filter: impl Fn(OutputEvent) -> Option<OutputEvent> + Send + Sync + 'static,
    ) -> Self {
        self.before_send = Some(Filter::new(filter));
        self
    }

    /// Appends events to a file instead of sending them, one JSON object per line, with these
    /// settings. See [`EventFileConfig`].
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, EventsConfig};
    /// use vexil_testing::TestData;
    ///
    /// let events = EventsConfig::new().to_file("/no/such/directory/events.jsonl");
    /// let builder = Client::builder("sdk-key").data_source(TestData::new()).events(events);
    /// let error = builder.start().unwrap_err();
    /// assert!(matches!(error, ConfigError::Component { component: "file for events", .. }));
    /// ```
    pub fn to_file(self, path: impl Into<PathBuf>) -> EventFileConfig {
        EventFileConfig {
            events: self,
            path: path.into(),
            most_bytes: EVENT_FILE_BYTES,
        }
    }

    /// Whether anonymous contexts are omitted from index and identify events. Default: `false`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// let events = EventsConfig::new().omit_anonymous_contexts(true).to_file(&path);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
    /// client.identify(&Context::builder("guest-7").anonymous(true).build()?);
    /// client.identify(&Context::new("ada")?);
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// let text = std::fs::read_to_string(&path)?;
    /// assert!(text.contains("ada") && !text.contains("guest-7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn omit_anonymous_contexts(mut self, on: bool) -> Self {
        self.omit_anonymous_contexts = on;
        self
    }

    /// Minimum number of context keys that are cached so that each context is indexed once.
    /// Default: 1,000. Zero: a handful. The memory is allocated at the start: at most 64 MiB,
    /// enough for 3.6 million contexts.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{EventsConfig, ServiceEndpoints};
    /// use vexil::{Client, Context};
    /// use vexil_testing::{FakeService, TestData};
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(TestData::new())
    ///     .events(EventsConfig::new().context_keys_capacity(100_000))
    ///     .start()?;
    /// let ada = Context::new("ada")?;
    /// client.track("opened", &ada);
    /// client.track("closed", &ada);
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// // The context is sent once, in an index event. Both other events refer to its key.
    /// let kinds: Vec<_> = service.events().iter().map(|event| event["kind"].clone()).collect();
    /// assert_eq!(kinds, ["index", "custom", "custom"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context_keys_capacity(mut self, contexts: usize) -> Self {
        self.context_keys_capacity = contexts;
        self
    }

    /// Time after which all contexts are indexed again. Default, and meaning of zero: 5 minutes. At
    /// least 100 ms. `Duration::MAX`: never.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// // A batch job indexes each context once, however long it runs.
    /// let events = EventsConfig::new().context_keys_flush_interval(Duration::MAX).to_file(&path);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
    /// for _ in 0..3 {
    ///     client.track("processed", &Context::builder("order-17").kind("order").build()?);
    ///     assert!(client.blocking_flush(Duration::from_secs(30)));
    /// }
    /// let text = std::fs::read_to_string(&path)?;
    /// assert_eq!(text.matches(r#""kind":"index""#).count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context_keys_flush_interval(mut self, interval: Duration) -> Self {
        self.context_keys_flush_interval = bounds::interval(interval, CONTEXT_KEYS_FLUSH_INTERVAL);
        self
    }

    /// Whether payloads are compressed with gzip. Default: `false`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{EventsConfig, ServiceEndpoints};
    /// use vexil::{Client, Context};
    /// use vexil_testing::fake_service::Endpoint;
    /// use vexil_testing::{FakeService, TestData};
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(TestData::new())
    ///     .events(EventsConfig::new().compress(true))
    ///     .start()?;
    /// client.track("clicked", &Context::new("ada")?);
    /// assert!(client.blocking_flush(Duration::from_secs(30)));
    /// let request = &service.requests_to(Endpoint::Events)[0];
    /// assert_eq!(request.header("content-encoding"), Some("gzip"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("compress_events", "enable_gzip", "enable_event_compression"))]
    pub fn compress(mut self, on: bool) -> Self {
        self.compress = on;
        self
    }

    /// Whether diagnostic events about the SDK are disabled. Default: `false`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::{EventsConfig, ServiceEndpoints};
    /// use vexil::Client;
    /// use vexil_testing::fake_service::Endpoint;
    /// use vexil_testing::{FakeService, TestData};
    ///
    /// let service = FakeService::start()?;
    /// let builder = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(TestData::new());
    /// let quiet = builder.clone().events(EventsConfig::new().diagnostic_opt_out(true)).start()?;
    /// assert!(quiet.blocking_close(Duration::from_secs(30)));
    /// assert!(service.requests_to(Endpoint::Diagnostics).is_empty());
    ///
    /// let client = builder.events(EventsConfig::new()).start()?;
    /// let event = service.next_request(Endpoint::Diagnostics).wait()?.json();
    /// assert_eq!(event.map(|event| event["kind"].clone()), Some("diagnostic-init".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn diagnostic_opt_out(mut self, on: bool) -> Self {
        self.diagnostic_opt_out = on;
        self
    }

    /// The interval between diagnostic events. Default: 15 minutes. An interval shorter than one
    /// minute, including zero, means one minute. `Duration::MAX`: they are only sent when the
    /// client starts.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{EventsConfig, ServiceEndpoints};
    /// use vexil_testing::fake_service::Endpoint;
    /// use vexil_testing::{FakeService, TestData};
    ///
    /// let service = FakeService::start()?;
    /// let hourly = Duration::from_secs(3600);
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(TestData::new())
    ///     .events(EventsConfig::new().diagnostic_recording_interval(hourly))
    ///     .start()?;
    /// let event = service.next_request(Endpoint::Diagnostics).wait()?.json().unwrap_or_default();
    /// assert_eq!(event["configuration"]["diagnosticRecordingIntervalMillis"], 3_600_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        let base = context.base_url(Part::Events, None)?;
        let delivery = Delivery::new(
            context.transport_to(base)?,
            context.headers().clone(),
            base,
            context.read_timeout(),
            self.compress,
        );
        let diagnostics = (!self.diagnostic_opt_out).then_some(self.diagnostic_recording_interval);
        Ok(self.start(context, delivery, Format::Array, diagnostics))
    }
}

/// Configures an event processor that appends events to a file, one JSON object per line, in the
/// format in which they would be sent to the service. Created by [`EventsConfig::to_file`].
///
/// Evaluations do not wait for the file: events are buffered in memory, within
/// [`EventsConfig::capacity`], and written at each [`EventsConfig::flush_interval`], on flush, and
/// on close. Each summary counts the evaluations since the previous one. Events that cannot be
/// written are dropped, logged, and counted in
/// [`EventStats::dropped_payloads`](crate::events::EventStats). The file is opened for each
/// delivery, so it may be moved at any time.
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
    /// Maximum size of the file. A full file is renamed with the suffix `.1`, replacing the
    /// previous one, so that at most twice this size is used on disk. Default, and meaning of zero:
    /// 256 MiB. `u64::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::config::EventsConfig;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("events.jsonl");
    /// let events = EventsConfig::new().to_file(&path).max_bytes(100);
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events).start()?;
    /// for key in ["ada", "grace"] {
    ///     client.identify(&Context::new(key)?);
    ///     assert!(client.blocking_flush(Duration::from_secs(30)));
    /// }
    /// assert!(std::fs::read_to_string(path.with_extension("jsonl.1"))?.contains("ada"));
    /// assert!(std::fs::read_to_string(&path)?.contains("grace"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = if bytes == 0 { EVENT_FILE_BYTES } else { bytes };
        self
    }
}

impl Configure<dyn EventProcessor> for EventFileConfig {
    /// # Errors
    /// Returns an error if the file cannot be opened for writing.
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        let file = EventFile::open(context.runtime().clone(), &self.path, self.most_bytes)
            .map_err(|error| ConfigError::component("file for events", error))?;
        Ok(self.events.start(context, file, Format::Lines, None))
    }
}

impl EventsConfig {
    /// Starts a processor with these settings. `diagnostics` is the interval of diagnostic events;
    /// `None` disables them.
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
            context.meter(),
        ))
    }

    /// The configuration reported in diagnostic events. It never contains keys, URLs or attribute
    /// names.
    fn about(&self, context: &ClientContext) -> DiagnosticConfiguration {
        let web = &context.web;
        let (wrapper, http) = (web.settings.wrapper.as_ref(), &web.settings.http);
        let [stream, base, events] = context.endpoints().are_custom();
        let flags_arrive = &web.flags_arrive;
        let is_streaming = flags_arrive.is_streaming.get();
        // Unset if a custom data store is configured.
        let data_store_type = context.data_store_type.get().copied().unwrap_or("custom");
        DiagnosticConfiguration {
            wrapper_name: wrapper.map(|wrapper| wrapper.name.clone()),
            wrapper_version: wrapper.and_then(|wrapper| wrapper.version.clone()),
            custom_base_uri: Some(*flags_arrive.has_custom_base.get().unwrap_or(&base)),
            custom_events_uri: Some(events),
            custom_stream_uri: Some(*flags_arrive.has_custom_stream.get().unwrap_or(&stream)),
            events_capacity: Some(self.capacity),
            connect_timeout: Some(http.connect_timeout),
            socket_timeout: Some(http.read_timeout),
            events_flush_interval: Some(self.flush_interval),
            using_proxy: http.uses_proxy(),
            streaming_disabled: is_streaming.map(|is_streaming| !is_streaming),
            using_relay_daemon: Some(context.is_daemon_mode()),
            data_store_type: Some(data_store_type.to_owned()),
            all_attributes_private: Some(self.all_attributes_private),
            polling_interval: flags_arrive.poll_interval.get().copied(),
            // Unknown: the timeout is an argument of `wait_until_ready`.
            start_wait: None,
            reconnect_time: flags_arrive.reconnect_delay.get().copied(),
            context_keys_capacity: Some(self.context_keys_capacity),
            context_keys_flush_interval: Some(self.context_keys_flush_interval),
            diagnostic_recording_interval: Some(self.diagnostic_recording_interval),
        }
    }
}
