//! [`ClientContext`]: the properties of a client that its components are configured from.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[cfg(feature = "http")]
use http::{HeaderMap, HeaderName, HeaderValue, header};
use vexil_eval::Text;

#[cfg(feature = "http")]
use super::{ApplicationInfo, HttpConfig, ServiceEndpoints, WrapperInfo};
use super::{ConfigError, SdkKey};
#[cfg(feature = "http")]
use crate::http::transport::HttpTransport;
use crate::runtime::Runtime;
use crate::status::DataStoreReporter;

/// The properties of a client that its components are configured from. Passed to
/// [`Configure::configure`](super::Configure::configure).
#[derive(Clone, Debug)]
pub struct ClientContext {
    sdk_key: SdkKey,
    runtime: Runtime,
    daemon_mode: bool,
    evaluation_timeout: Duration,
    data_store_status: DataStoreReporter,
    /// `memory`, or the kind of the store's database. Unset until the store is configured.
    data_store_type: Arc<OnceLock<&'static str>>,
    #[cfg(feature = "http")]
    web: Web,
}

/// The application's settings for requests to the service.
#[cfg(feature = "http")]
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSettings {
    pub(crate) endpoints: ServiceEndpoints,
    pub(crate) http: HttpConfig,
    pub(crate) application: ApplicationInfo,
    pub(crate) wrapper: Option<WrapperInfo>,
}

/// How flags are received from the service, for diagnostic events.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug)]
pub(super) enum FlagsArrive {
    /// Streaming; `reconnect_delay` is the initial backoff.
    Streaming { reconnect_delay: Duration },
    /// Polling at this interval.
    Polling { interval: Duration },
}

/// The validated settings for requests to the service.
#[cfg(feature = "http")]
#[derive(Clone, Debug)]
struct Web {
    endpoints: ServiceEndpoints,
    headers: HeaderMap,
    http: HttpConfig,
    application: ApplicationInfo,
    wrapper: Option<WrapperInfo>,
    /// Unset until the data source is configured.
    flags_arrive: Arc<OnceLock<FlagsArrive>>,
    /// Created on first use: a client that never connects to the service needs no TLS.
    transport: Arc<OnceLock<Arc<dyn HttpTransport>>>,
}

#[cfg(feature = "http")]
impl Web {
    fn new(sdk_key: &SdkKey, settings: WebSettings) -> Result<Self, ConfigError> {
        let headers = headers(sdk_key, &settings)?;
        let WebSettings {
            endpoints,
            http,
            application,
            wrapper,
        } = settings;
        let (flags_arrive, transport) = Default::default();
        Ok(Self {
            endpoints,
            headers,
            http,
            application,
            wrapper,
            flags_arrive,
            transport,
        })
    }
}

impl ClientContext {
    /// Validates the settings that all components share.
    pub(crate) fn new(
        sdk_key: SdkKey,
        runtime: Runtime,
        offline: bool,
        daemon_mode: bool,
        evaluation_timeout: Duration,
        #[cfg(feature = "http")] web: WebSettings,
    ) -> Result<Self, ConfigError> {
        sdk_key.check(offline || daemon_mode)?;
        #[cfg(feature = "http")]
        if !offline {
            web.endpoints.check()?;
        }
        Ok(Self {
            #[cfg(feature = "http")]
            web: Web::new(&sdk_key, web)?,
            sdk_key,
            runtime,
            daemon_mode,
            evaluation_timeout,
            data_store_status: DataStoreReporter::new(),
            data_store_type: Arc::default(),
        })
    }

    /// Receives the data store's status reports.
    #[must_use]
    pub fn data_store_status(&self) -> &DataStoreReporter {
        &self.data_store_status
    }

    /// Whether the client is in [daemon mode](crate::ClientBuilder::daemon_mode).
    #[must_use]
    pub fn is_daemon_mode(&self) -> bool {
        self.daemon_mode
    }

    /// How long an evaluation may wait for I/O.
    pub(crate) fn evaluation_timeout(&self) -> Duration {
        self.evaluation_timeout
    }

    pub(crate) fn set_data_store_type(&self, name: &'static str) {
        // A store is configured once.
        let _ = self.data_store_type.set(name);
    }

    /// `memory`, or the kind of the store's database. `None` if the store has not reported it.
    #[cfg(feature = "http")]
    pub(super) fn data_store_type(&self) -> Option<&'static str> {
        self.data_store_type.get().copied()
    }

    #[cfg(feature = "http")]
    pub(super) fn set_flags_arrive(&self, how: FlagsArrive) {
        // A data source is configured once.
        let _ = self.web.flags_arrive.set(how);
    }

    /// How flags are received from the service. `None` for another data source, or before the data
    /// source is configured.
    #[cfg(feature = "http")]
    pub(super) fn flags_arrive(&self) -> Option<FlagsArrive> {
        self.web.flags_arrive.get().copied()
    }

    /// The runtime of the client's background work.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The key that authenticates the client to the service.
    #[must_use]
    pub fn sdk_key(&self) -> &SdkKey {
        &self.sdk_key
    }

    /// Id and version of the application; `None` for each that is unset or invalid.
    pub(crate) fn application(&self) -> [Option<Text>; 2] {
        #[cfg(feature = "http")]
        return self.web.application.valid();
        #[cfg(not(feature = "http"))]
        return [None, None];
    }

    /// Name and version of the wrapping library; `None` for each that is unset.
    pub(crate) fn wrapper(&self) -> [Option<Text>; 2] {
        #[cfg(feature = "http")]
        return self
            .web
            .wrapper
            .as_ref()
            .map(WrapperInfo::parts)
            .unwrap_or_default();
        #[cfg(not(feature = "http"))]
        return [None, None];
    }

    /// The base URLs of the service.
    #[cfg(feature = "http")]
    pub fn endpoints(&self) -> &ServiceEndpoints {
        &self.web.endpoints
    }

    /// The headers of every request: SDK, application, wrapper, SDK key, and those that the
    /// application added.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.web.headers
    }

    /// The wrapping library and the HTTP settings, for diagnostic events.
    #[cfg(feature = "http")]
    pub(super) fn about(&self) -> (Option<&WrapperInfo>, &HttpConfig) {
        (self.web.wrapper.as_ref(), &self.web.http)
    }

    /// The maximum time without a byte from the service, for requests other than streams.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.web.http.read_timeout
    }

    /// The HTTP transport, which all components of a client share.
    ///
    /// # Errors
    /// Returns an error if the HTTP settings are invalid, for instance if a certificate file cannot
    /// be read.
    #[cfg(feature = "http")]
    pub fn transport(&self) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        if let Some(transport) = self.web.transport.get() {
            return Ok(Arc::clone(transport));
        }
        let transport = self.web.http.build()?;
        Ok(Arc::clone(self.web.transport.get_or_init(|| transport)))
    }

    /// The transport for requests to this base URL, which it must support.
    #[cfg(feature = "http")]
    pub(super) fn transport_to(
        &self,
        base_url: &str,
    ) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        self.web.http.check(base_url)?;
        self.transport()
    }
}

/// The `User-Agent` of all requests.
#[cfg(feature = "http")]
const USER_AGENT: &str = concat!("VexilRust/", env!("CARGO_PKG_VERSION"));

#[cfg(feature = "http")]
fn headers(sdk_key: &SdkKey, settings: &WebSettings) -> Result<HeaderMap, ConfigError> {
    let mut headers = settings.http.headers.clone();
    let mut key = HeaderValue::from_str(sdk_key.as_str())
        .map_err(|error| ConfigError::component("SDK key", error))?;
    key.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, key);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let mut set = |name: &'static str, what, value: &str| {
        let value =
            HeaderValue::from_str(value).map_err(|error| ConfigError::component(what, error))?;
        headers.insert(HeaderName::from_static(name), value);
        Ok::<_, ConfigError>(())
    };
    set(
        "x-launchdarkly-instance-id",
        "instance id",
        &uuid::Uuid::new_v4().to_string(),
    )?;
    if let Some(tags) = settings.application.tags() {
        set("x-launchdarkly-tags", "application", &tags)?;
    }
    if let Some(wrapper) = settings.wrapper.as_ref().and_then(WrapperInfo::header) {
        set("x-launchdarkly-wrapper", "wrapper", &wrapper)?;
    }
    Ok(headers)
}
