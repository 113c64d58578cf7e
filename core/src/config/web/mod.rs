//! The settings that need HTTP: endpoints, the HTTP client, and the components that use the
//! service.

mod application;
mod endpoints;
mod events;
mod http;
mod polling;
mod settings;
mod streaming;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ::http::HeaderMap;

pub use self::application::{ApplicationInfo, WrapperInfo};
use self::endpoints::Part;
pub use self::endpoints::ServiceEndpoints;
pub use self::events::{EventFileConfig, EventsConfig};
pub use self::http::HttpConfig;
pub use self::polling::{PayloadPollConfig, PollingConfig};
pub(super) use self::settings::Web;
pub(crate) use self::settings::WebSettings;
pub use self::streaming::{PayloadStreamConfig, StreamingConfig};

use super::{ClientContext, ConfigError, Configure};
use crate::data_source::{DataSource, Endpoint};
use crate::events::EventProcessor;
use crate::http::transport::HttpTransport;
use crate::http::wire::PayloadFilter;

/// The data source of a client whose application sets none.
pub(crate) fn default_data_source() -> Option<Arc<dyn Configure<dyn DataSource>>> {
    Some(Arc::new(StreamingConfig::new()))
}

/// The event processor of a client whose application sets none.
pub(crate) fn default_events() -> Option<Arc<dyn Configure<dyn EventProcessor>>> {
    Some(Arc::new(EventsConfig::new()))
}

impl ClientContext {
    /// The base URLs of the service.
    pub fn endpoints(&self) -> &ServiceEndpoints {
        &self.web.settings.endpoints
    }

    /// The headers of every request: SDK, application, wrapper, SDK key, and those that the
    /// application added.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ClientContext, ConfigError, Configure, HttpConfig, ServiceEndpoints};
    /// use vexil::data_source::DataSource;
    /// use vexil_testing::TestData;
    ///
    /// #[derive(Debug)]
    /// struct OwnSource;
    ///
    /// impl Configure<dyn DataSource> for OwnSource {
    ///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
    ///         assert_eq!(context.headers()["authorization"], "sdk-key");
    ///         assert_eq!(context.headers()["x-tenant"], "blue");
    ///         assert_eq!(context.endpoints().polling(), "https://relay.example.com");
    ///         assert_eq!(context.read_timeout(), Duration::from_secs(5));
    ///         Ok(Arc::new(TestData::new()))
    ///     }
    /// }
    ///
    /// let http = HttpConfig::new().header("X-Tenant", "blue").read_timeout(Duration::from_secs(5));
    /// let builder = Client::builder("sdk-key").http(http).data_source(OwnSource);
    /// let relay = ServiceEndpoints::relay("https://relay.example.com");
    /// assert!(builder.service_endpoints(relay).start()?.is_initialized());
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.web.headers
    }

    /// The maximum time without a byte from the service, for requests other than streams.
    ///
    /// Default: that of [`HttpConfig::read_timeout`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::{ClientContext, ConfigError, Configure, HttpConfig};
    /// use vexil::data_source::DataSource;
    /// use vexil::transport::RequestOptions;
    /// use vexil_testing::TestData;
    ///
    /// /// Requests of a custom source have the limit that the application has chosen.
    /// #[derive(Debug)]
    /// struct OwnSource;
    ///
    /// impl Configure<dyn DataSource> for OwnSource {
    ///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
    ///         let options = RequestOptions::new(context.read_timeout());
    ///         assert_eq!(options.read_timeout, Duration::from_secs(3));
    ///         Ok(Arc::new(TestData::new()))
    ///     }
    /// }
    ///
    /// let http = HttpConfig::new().read_timeout(Duration::from_secs(3));
    /// Client::builder("sdk-key").http(http).data_source(OwnSource).start()?;
    /// # Ok::<(), ConfigError>(())
    /// ```
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.web.settings.http.read_timeout
    }

    /// The HTTP transport, which all components of a client share.
    ///
    /// # Errors
    /// Returns an error if the HTTP settings are invalid, for instance if a certificate file cannot
    /// be read.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use bytes::Bytes;
    /// use vexil::config::{ClientContext, ConfigError, Configure, ServiceEndpoints};
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError, DataSourceErrorKind};
    /// use vexil::model::DataSet;
    /// use vexil::transport::{HttpTransport, RequestOptions};
    /// use vexil::{Client, Context};
    /// use vexil_testing::FakeService;
    ///
    /// /// Fetches the flags once.
    /// #[derive(Debug)]
    /// struct Once {
    ///     transport: Arc<dyn HttpTransport>,
    ///     url: String,
    ///     options: RequestOptions,
    /// }
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Once {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         let failed = |error| DataSourceError::new(DataSourceErrorKind::NetworkError, error);
    ///         let request = http::Request::get(&self.url).body(Bytes::new());
    ///         let request = request.map_err(DataSourceError::invalid_data)?;
    ///         let response = self.transport.send(request, self.options).await.map_err(failed)?;
    ///         let (mut body, mut json) = (response.into_body(), Vec::new());
    ///         while let Some(chunk) = body.next().await.map_err(failed)? {
    ///             json.extend_from_slice(&chunk);
    ///         }
    ///         let data = DataSet::from_json(&json).map_err(DataSourceError::invalid_data)?;
    ///         sink.init(data).await.map_err(DataSourceError::store)
    ///     }
    /// }
    ///
    /// #[derive(Debug)]
    /// struct FetchOnce;
    ///
    /// impl Configure<dyn DataSource> for FetchOnce {
    ///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
    ///         Ok(Arc::new(Once {
    ///             transport: context.transport()?,
    ///             url: format!("{}/sdk/latest-all", context.endpoints().polling()),
    ///             options: RequestOptions::new(context.read_timeout()),
    ///         }))
    ///     }
    /// }
    ///
    /// let service = FakeService::start()?;
    /// service.set("banner", "hello");
    /// let client = Client::builder("sdk-key")
    ///     .service_endpoints(ServiceEndpoints::relay(service.url()))
    ///     .data_source(FetchOnce)
    ///     .without_events()
    ///     .start()?;
    /// client.blocking_wait_until_ready(std::time::Duration::from_secs(30))?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transport(&self) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        let web = &self.web;
        if let Some(transport) = web.transport.get() {
            return Ok(Arc::clone(transport));
        }
        let transport = web.settings.http.build()?;
        Ok(Arc::clone(web.transport.get_or_init(|| transport)))
    }

    /// The base URL of a component: its own, if it has one, or that of the endpoints.
    fn base_url<'a>(&'a self, part: Part, own: Option<&'a str>) -> Result<&'a str, ConfigError> {
        if let Some(own) = own.map(str::trim) {
            part.check(own)?;
            return Ok(own);
        }
        let mut used = self.web.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.contains(&part) {
            used.push(part);
            self.endpoints().warn_if_forgotten(part);
        }
        Ok(self.endpoints().of(part))
    }

    /// The transport for requests to this base URL, which it must support.
    fn transport_to(&self, base_url: &str) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        self.web.settings.http.check(base_url)?;
        self.transport()
    }

    /// The endpoint of a data source at `path` below `base_url`. An invalid payload filter is
    /// logged and ignored (SRC-1.3).
    fn endpoint(
        &self,
        base_url: &str,
        path: &str,
        payload_filter: Option<&str>,
    ) -> Result<Endpoint, ConfigError> {
        let filter = payload_filter.and_then(|key| {
            let filter = PayloadFilter::new(key);
            if filter.is_none() && !self.web.is_repeated {
                tracing::error!(
                    key,
                    "the payload filter is invalid and ignored; requesting the whole environment"
                );
            }
            filter
        });
        let (transport, headers) = (self.transport_to(base_url)?, self.headers().clone());
        Ok(Endpoint::new(
            transport,
            headers,
            base_url,
            path,
            filter.as_ref(),
            self.meter(),
        ))
    }

    /// Records that flags arrive as a stream. The first source of a data system counts.
    fn set_streaming(&self, base: &str, reconnect_delay: Duration) {
        let how = &self.web.flags_arrive;
        if how.is_streaming.set(true).is_ok() {
            let _ = how.reconnect_delay.set(reconnect_delay);
        }
        let _ = how.has_custom_stream.set(endpoints::is_custom_stream(base));
    }

    /// Records that flags arrive by polling. The first source of a data system counts.
    fn set_polling(&self, base: &str, interval: Duration) {
        let how = &self.web.flags_arrive;
        let _ = how.is_streaming.set(false);
        let _ = how.poll_interval.set(interval);
        let _ = how.has_custom_base.set(endpoints::is_custom_base(base));
    }
}
