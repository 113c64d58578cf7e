//! [`PollingConfig`], [`PayloadPollConfig`]: polling for flags in either protocol.

use std::sync::Arc;
use std::time::Duration;

use vexil_eval::Text;

use super::endpoints::Part;
use crate::bounds::{self, NEVER};
use crate::config::{ClientContext, ConfigError, Configure};
use crate::data_source::{DataSource, PollingDataSource};
use crate::http::transport::RetryPolicy;
use crate::http::wire::Protocol;

const SHORTEST_INTERVAL: Duration = Duration::from_secs(30);
const MAX_BODY_SIZE: usize = 256 << 20;

/// Polls the service for flags at an interval. Changes arrive later than with
/// [`StreamingConfig`](super::StreamingConfig), and every change transfers all data. Use it in
/// networks that block streams.
///
/// A Relay Proxy does not support polling by server-side SDKs. With one, use streaming, or [daemon
/// mode](crate::ClientBuilder::daemon_mode) with the database that it fills.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::{PollingConfig, ServiceEndpoints};
/// use vexil::{Client, Context};
/// use vexil_testing::FakeService;
///
/// let service = FakeService::start()?;
/// service.set("banner", "hello");
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .data_source(PollingConfig::new().poll_interval(Duration::from_secs(60)))
///     .start()?;
/// client.blocking_wait_until_ready(Duration::from_secs(30))?;
/// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PollingConfig {
    /// `None`: that of the client's endpoints.
    base_url: Option<String>,
    poll_interval: Duration,
    shortest_interval: Duration,
    payload_filter: Option<Text>,
    retry_policy: RetryPolicy,
    max_body_size: usize,
}

impl PollingConfig {
    /// The default settings.
    pub fn new() -> Self {
        Self {
            base_url: None,
            poll_interval: SHORTEST_INTERVAL,
            shortest_interval: SHORTEST_INTERVAL,
            payload_filter: None,
            retry_policy: RetryPolicy::default(),
            max_body_size: MAX_BODY_SIZE,
        }
    }

    /// The base URL of this source. Default: the polling URL of the client's
    /// [`ServiceEndpoints`](super::ServiceEndpoints).
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ConfigError, PollingConfig};
    /// use vexil_testing::FakeService;
    ///
    /// let mirror = FakeService::start()?;
    /// let builder = Client::builder("sdk-key").without_events();
    /// let client = builder.clone().data_source(PollingConfig::new().base_url(mirror.url())).start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    ///
    /// let error = builder.data_source(PollingConfig::new().base_url("mirror:8080")).start().unwrap_err();
    /// assert!(matches!(error, ConfigError::BaseUrl { part: "polling", .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Interval between the starts of two polls. Default, and minimum: 30 seconds. A shorter
    /// interval, including zero, is raised to it with a warning. `Duration::MAX`: polling ends
    /// after the first success.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{PollingConfig, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::Endpoint;
    ///
    /// // A job of a few minutes uses the flags of its start.
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(PollingConfig::new().poll_interval(Duration::MAX))
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(Duration::from_secs(30))?;
    /// assert_eq!(service.requests_to(Endpoint::Poll).len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Removes the minimum interval. Only for tests of this crate: the service does not allow more
    /// frequent polls.
    #[doc(hidden)]
    pub fn without_shortest_interval(mut self) -> Self {
        self.shortest_interval = Duration::from_millis(1);
        self
    }

    /// The key of a payload filter, which limits the received data to a part of the environment. A
    /// key consists of letters, digits, `.`, `_` and `-`, starting with a letter or digit; an
    /// invalid key is logged and ignored. Default: no filter.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::{PollingConfig, ServiceEndpoints};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::Endpoint;
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(PollingConfig::new().payload_filter("checkout"))
    ///     .start()?;
    /// assert_eq!(service.next_request(Endpoint::Poll).wait()?.query(), Some("filter=checkout"));
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
    /// use vexil::config::{PollingConfig, ServiceEndpoints};
    /// use vexil::transport::RetryPolicy;
    /// use vexil::{Client, client::NotReadyError};
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// let service = FakeService::start()?;
    /// service.answer(Endpoint::Poll, Answer::status(401));
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(PollingConfig::new().retry_policy(RetryPolicy::NeverStop))
    ///     .start()?;
    /// // The client does not wait for the next poll, which follows after minutes.
    /// let result = client.blocking_wait_until_ready(Duration::from_secs(30));
    /// assert!(matches!(result, Err(NotReadyError::Refused { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = policy;
        self
    }

    /// Maximum size of a response, in bytes after decompression. A response holds the whole
    /// environment. Default, and meaning of zero: 256 MiB. `usize::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{PollingConfig, ServiceEndpoints};
    /// use vexil::data_source::DataSourceErrorKind;
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::start()?;
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(PollingConfig::new().max_body_size(1))
    ///     .start()?;
    /// let mut statuses = client.data_source_status().subscribe();
    /// let error = match client.data_source_status().status().error {
    ///     Some(error) => Some(error),
    ///     None => statuses.blocking_next(Duration::from_secs(30)).and_then(|status| status.error),
    /// };
    /// assert_eq!(error.map(|error| error.kind), Some(DataSourceErrorKind::InvalidData));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_body_size(mut self, bytes: usize) -> Self {
        self.max_body_size = bounds::size(bytes, MAX_BODY_SIZE);
        self
    }
}

impl Default for PollingConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl PollingConfig {
    /// Creates a source that uses this protocol.
    fn source(
        &self,
        context: &ClientContext,
        protocol: Protocol,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        let poll_interval = self.poll_interval.clamp(self.shortest_interval, NEVER);
        if poll_interval > self.poll_interval && !context.web.is_repeated {
            tracing::warn!(asked = ?self.poll_interval, used = ?poll_interval, "the poll interval is too short; using the minimum");
        }
        let base = context.base_url(Part::Polling, self.base_url.as_deref())?;
        context.set_polling(base, poll_interval);
        let filter = self.payload_filter.as_deref();
        Ok(Arc::new(PollingDataSource {
            protocol,
            endpoint: context.endpoint(base, protocol.poll_path(), filter)?,
            poll_interval,
            read_timeout: context.read_timeout(),
            retry_policy: self.retry_policy,
            max_body_size: self.max_body_size,
        }))
    }
}

impl Configure<dyn DataSource> for PollingConfig {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        if !context.has_data_system() {
            tracing::warn!(
                "polling is enabled; streaming is faster and cheaper, so poll only if LaunchDarkly support advised it"
            );
        }
        self.source(context, Protocol::Classic)
    }
}

/// Polls the service for change sets, in the second protocol. Use it in a
/// [`DataSystem`](crate::config::DataSystem), as an initializer or a synchronizer. A poll transfers
/// only what has changed since the last one.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::{DataSystem, PayloadPollConfig};
///
/// let polls = PayloadPollConfig::new().poll_interval(Duration::from_secs(60));
/// let system = DataSystem::custom().initializer(PayloadPollConfig::new()).synchronizer(polls);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PayloadPollConfig(PollingConfig);

impl PayloadPollConfig {
    /// The default settings.
    pub fn new() -> Self {
        // A data system switches to another source instead of waiting for this one.
        Self(PollingConfig::new().retry_policy(RetryPolicy::LegacyStop))
    }

    /// See [`PollingConfig::base_url`].
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self(self.0.base_url(url))
    }

    /// See [`PollingConfig::poll_interval`]. Has no effect on an initializer, which polls once.
    pub fn poll_interval(self, interval: Duration) -> Self {
        Self(self.0.poll_interval(interval))
    }

    /// Removes the minimum interval. Only for tests of this crate.
    #[doc(hidden)]
    pub fn without_shortest_interval(self) -> Self {
        Self(self.0.without_shortest_interval())
    }

    /// See [`PollingConfig::max_body_size`].
    pub fn max_body_size(self, bytes: usize) -> Self {
        Self(self.0.max_body_size(bytes))
    }
}

impl Default for PayloadPollConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Configure<dyn DataSource> for PayloadPollConfig {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        self.0.source(context, Protocol::ChangeSets)
    }
}
