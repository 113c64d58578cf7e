//! [`StreamingConfig`], [`PayloadStreamConfig`]: streaming of flags in either protocol.

use std::sync::Arc;
use std::time::Duration;

use vexil_eval::Text;

use super::endpoints::Part;
use crate::bounds;
use crate::config::{ClientContext, ConfigError, Configure};
use crate::data_source::{DataSource, StreamingDataSource};
use crate::http::transport::RetryPolicy;
use crate::http::wire::Protocol;

const READ_TIMEOUT: Duration = Duration::from_secs(300);
const MAX_EVENT_SIZE: usize = 256 << 20;

/// Streams flags and their changes from the service. This is the default data source.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::{ServiceEndpoints, StreamingConfig};
/// use vexil::{Client, Context};
/// use vexil_testing::FakeService;
///
/// let service = FakeService::start()?;
/// service.set("banner", "hello");
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .data_source(StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(500)))
///     .start()?;
/// client.blocking_wait_until_ready(Duration::from_secs(30))?;
/// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StreamingConfig {
    /// `None`: that of the client's endpoints.
    base_url: Option<String>,
    initial_reconnect_delay: Duration,
    read_timeout: Duration,
    payload_filter: Option<Text>,
    retry_policy: RetryPolicy,
    max_event_size: usize,
}

impl StreamingConfig {
    /// The default settings.
    pub fn new() -> Self {
        Self {
            base_url: None,
            initial_reconnect_delay: Duration::from_secs(1),
            read_timeout: READ_TIMEOUT,
            payload_filter: None,
            retry_policy: RetryPolicy::default(),
            max_event_size: MAX_EVENT_SIZE,
        }
    }

    /// The base URL of this source. Default: the streaming URL of the client's
    /// [`ServiceEndpoints`](super::ServiceEndpoints).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, StreamingConfig};
    /// use vexil_testing::FakeService;
    ///
    /// let nearby = FakeService::start()?;
    /// let builder = Client::builder("sdk-key").without_events();
    /// let client = builder.clone().data_source(StreamingConfig::new().base_url(nearby.url())).start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    ///
    /// let error = builder.data_source(StreamingConfig::new().base_url("ftp://nearby")).start().unwrap_err();
    /// assert!(matches!(error, ConfigError::BaseUrl { part: "streaming", .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Delay before the first attempt to reconnect. Later delays double up to 30 seconds, and each
    /// is shortened by a random amount of up to a half. Default, and meaning of zero: 1 second. At
    /// least 1 ms; `Duration::MAX` means 30 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ServiceEndpoints, StreamingConfig};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// let service = FakeService::start()?;
    /// service.answers(Endpoint::Stream, [Answer::status(503), Answer::reset()]);
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(10)))
    ///     .without_events()
    ///     .start()?;
    /// // Two attempts fail. The third one follows after at most 30 ms.
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(service.requests_to(Endpoint::Stream).len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn initial_reconnect_delay(mut self, delay: Duration) -> Self {
        self.initial_reconnect_delay = delay;
        self
    }

    /// Maximum time without a byte on the stream before it is reopened. The service sends data at
    /// least every 3 minutes. Default, and meaning of zero: 5 minutes. At least 10 ms.
    /// `Duration::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ServiceEndpoints, StreamingConfig};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// // A proxy on the way keeps the stream open, but no bytes arrive.
    /// let service = FakeService::start()?;
    /// service.answer(Endpoint::Stream, Answer::stream());
    /// let source = StreamingConfig::new()
    ///     .read_timeout(Duration::from_millis(100))
    ///     .initial_reconnect_delay(Duration::from_millis(10));
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(source)
    ///     .without_events()
    ///     .start()?;
    /// // The client closes the stream and opens another one.
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert!(service.requests_to(Endpoint::Stream).len() >= 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = bounds::timeout(timeout, READ_TIMEOUT);
        self
    }

    /// The key of a payload filter, which limits the received data to a part of the environment. A
    /// key consists of letters, digits, `.`, `_` and `-`, starting with a letter or digit; an
    /// invalid key is logged and ignored. Default: no filter.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{ServiceEndpoints, StreamingConfig};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::Endpoint;
    ///
    /// let service = FakeService::start()?;
    /// let start = |filter: &str| {
    ///     Client::builder("sdk-key")
    ///         .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///         .data_source(StreamingConfig::new().payload_filter(filter))
    ///         .start()
    /// };
    /// let _client = start("checkout")?;
    /// assert_eq!(service.next_request(Endpoint::Stream).wait()?.query(), Some("filter=checkout"));
    /// let _client = start("not a key")?;
    /// assert_eq!(service.next_request(Endpoint::Stream).wait()?.query(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn payload_filter(mut self, key: impl Into<Text>) -> Self {
        self.payload_filter = Some(key.into());
        self
    }

    /// Whether to retry after the service refuses the client. Default: [`RetryPolicy::NeverStop`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ServiceEndpoints, StreamingConfig};
    /// use vexil::data_source::DataSourceState;
    /// use vexil::transport::RetryPolicy;
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// let service = FakeService::start()?;
    /// service.answer(Endpoint::Stream, Answer::status(401));
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(StreamingConfig::new().retry_policy(RetryPolicy::LegacyStop))
    ///     .start()?;
    /// let status = client.data_source_status();
    /// assert!(status.blocking_wait_for(DataSourceState::Off, Duration::from_secs(30)));
    /// assert_eq!(status.status().error.and_then(|error| error.status_code), Some(401));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Maximum size of an event, in bytes. A larger event closes the connection. The first event
    /// holds the whole environment. Default, and meaning of zero: 256 MiB. `usize::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ServiceEndpoints, StreamingConfig};
    /// use vexil::data_source::DataSourceErrorKind;
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::start()?;
    /// service.set("banner", "hello");
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(StreamingConfig::new().max_event_size(16))
    ///     .start()?;
    /// let mut statuses = client.data_source_status().subscribe();
    /// let error = match client.data_source_status().status().error {
    ///     Some(error) => Some(error),
    ///     None => statuses.blocking_next(Duration::from_secs(30)).and_then(|status| status.error),
    /// };
    /// assert_eq!(error.map(|error| error.kind), Some(DataSourceErrorKind::InvalidData));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_event_size(mut self, bytes: usize) -> Self {
        self.max_event_size = bounds::size(bytes, MAX_EVENT_SIZE);
        self
    }
}

impl Default for StreamingConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamingConfig {
    /// Creates a source that uses this protocol.
    pub(super) fn source(
        &self,
        context: &ClientContext,
        protocol: Protocol,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        let base = context.base_url(Part::Streaming, self.base_url.as_deref())?;
        context.set_streaming(base, self.initial_reconnect_delay);
        let filter = self.payload_filter.as_deref();
        Ok(Arc::new(StreamingDataSource {
            protocol,
            endpoint: context.endpoint(base, protocol.stream_path(), filter)?,
            initial_reconnect_delay: self.initial_reconnect_delay,
            read_timeout: self.read_timeout,
            retry_policy: self.retry_policy,
            max_event_size: self.max_event_size,
        }))
    }
}

impl Configure<dyn DataSource> for StreamingConfig {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        self.source(context, Protocol::Classic)
    }
}

/// Streams change sets from the service, in the second protocol. Use it in a
/// [`DataSystem`](crate::config::DataSystem).
///
/// ```
/// use std::time::Duration;
/// use vexil::config::{DataSystem, PayloadStreamConfig};
///
/// let near = PayloadStreamConfig::new().base_url("https://relay.example.com");
/// let far = PayloadStreamConfig::new().initial_reconnect_delay(Duration::from_secs(5));
/// let system = DataSystem::custom().synchronizer(near).synchronizer(far);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PayloadStreamConfig(StreamingConfig);

impl PayloadStreamConfig {
    /// The default settings.
    pub fn new() -> Self {
        // A data system switches to another source instead of waiting for this one.
        Self(StreamingConfig::new().retry_policy(RetryPolicy::LegacyStop))
    }

    /// See [`StreamingConfig::base_url`].
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self(self.0.base_url(url))
    }

    /// See [`StreamingConfig::initial_reconnect_delay`].
    pub fn initial_reconnect_delay(self, delay: Duration) -> Self {
        Self(self.0.initial_reconnect_delay(delay))
    }

    /// See [`StreamingConfig::read_timeout`].
    pub fn read_timeout(self, timeout: Duration) -> Self {
        Self(self.0.read_timeout(timeout))
    }

    /// Maximum size of an event, and of all events up to a commit, in bytes. Larger data closes the
    /// connection. Default, and meaning of zero: 256 MiB. `usize::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{DataSystem, PayloadStreamConfig, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::start()?;
    /// service.set("banner", "hello");
    /// let small = PayloadStreamConfig::new().max_event_size(16);
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_system(DataSystem::custom().synchronizer(small))
    ///     .without_events()
    ///     .start()?;
    /// // The data is larger than 16 bytes, so it is never used.
    /// assert!(client.blocking_wait_until_ready(Duration::from_millis(200)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_event_size(self, bytes: usize) -> Self {
        Self(self.0.max_event_size(bytes))
    }
}

impl Default for PayloadStreamConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Configure<dyn DataSource> for PayloadStreamConfig {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        self.0.source(context, Protocol::ChangeSets)
    }
}
