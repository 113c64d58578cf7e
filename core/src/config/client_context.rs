//! [`ClientContext`]: what a recipe may know of the client that it makes a component for.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[cfg(feature = "http")]
use http::{HeaderMap, HeaderName, HeaderValue, header};
use vexil_eval::Text;

#[cfg(feature = "http")]
use super::{ApplicationInfo, HttpConfig, ServiceEndpoints, WrapperInfo};
use super::{ConfigError, SdkKey};
use crate::runtime::Runtime;
use crate::status::DataStoreReporter;
#[cfg(feature = "http")]
use crate::transport::HttpTransport;

/// What a recipe may know of the client that it makes a component for.
#[derive(Clone, Debug)]
pub struct ClientContext {
    sdk_key: SdkKey,
    runtime: Runtime,
    daemon_mode: bool,
    evaluation_timeout: Duration,
    data_store_status: DataStoreReporter,
    /// `memory`, or what kind of database the store has behind it, once that is known.
    data_store_type: Arc<OnceLock<&'static str>>,
    #[cfg(feature = "http")]
    web: Web,
}

/// What the application says of how to talk to the service.
#[cfg(feature = "http")]
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSettings {
    pub(crate) endpoints: ServiceEndpoints,
    pub(crate) http: HttpConfig,
    pub(crate) application: ApplicationInfo,
    pub(crate) wrapper: Option<WrapperInfo>,
}

/// How flags arrive from the service.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug)]
pub(super) enum FlagsArrive {
    /// As a stream; so long is the first delay before it is opened again.
    Streaming { reconnect_delay: Duration },
    /// At intervals.
    Polling { interval: Duration },
}

/// How the client talks to the service.
#[cfg(feature = "http")]
#[derive(Clone, Debug)]
struct Web {
    endpoints: ServiceEndpoints,
    headers: HeaderMap,
    http: HttpConfig,
    application: ApplicationInfo,
    wrapper: Option<WrapperInfo>,
    /// How flags arrive, once the data source is configured; for the SDK's report about itself.
    flags_arrive: Arc<OnceLock<FlagsArrive>>,
    /// Made when the first component asks for it: a client that takes its flags from elsewhere
    /// needs no TLS.
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
    /// What a client has in common with its components, once its settings are seen to be possible.
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

    /// Where a data store says how it is doing.
    #[must_use]
    pub fn data_store_status(&self) -> &DataStoreReporter {
        &self.data_store_status
    }

    /// Whether the client takes its flags from a database that somebody else fills.
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

    /// `memory`, or what kind of database the store has behind it; none if the store has not said.
    #[cfg(feature = "http")]
    pub(super) fn data_store_type(&self) -> Option<&'static str> {
        self.data_store_type.get().copied()
    }

    #[cfg(feature = "http")]
    pub(super) fn set_flags_arrive(&self, how: FlagsArrive) {
        // A data source is configured once.
        let _ = self.web.flags_arrive.set(how);
    }

    /// How flags arrive from the service; none if they come from elsewhere, or the data source is
    /// not configured yet.
    #[cfg(feature = "http")]
    pub(super) fn flags_arrive(&self) -> Option<FlagsArrive> {
        self.web.flags_arrive.get().copied()
    }

    /// Where the client's background work runs.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The key that the client presents to the service.
    #[must_use]
    pub fn sdk_key(&self) -> &SdkKey {
        &self.sdk_key
    }

    /// Id and version of the application, as far as it has said them.
    pub(crate) fn application(&self) -> [Option<Text>; 2] {
        #[cfg(feature = "http")]
        return self.web.application.valid();
        #[cfg(not(feature = "http"))]
        return [None, None];
    }

    /// Name and version of the library that wraps the client, if there is one.
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

    /// Where the service is.
    #[cfg(feature = "http")]
    pub fn endpoints(&self) -> &ServiceEndpoints {
        &self.web.endpoints
    }

    /// The headers of every request: who asks, in whose name, and with which key.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.web.headers
    }

    /// Which library wraps the client, and how requests are made; for the SDK's report about
    /// itself.
    #[cfg(feature = "http")]
    pub(super) fn about(&self) -> (Option<&WrapperInfo>, &HttpConfig) {
        (self.web.wrapper.as_ref(), &self.web.http)
    }

    /// The longest time without a byte from the service, for requests that are not streams.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.web.http.read_timeout
    }

    /// What carries requests; all components of a client share it.
    ///
    /// # Errors
    /// If the HTTP settings are impossible, for instance because a certificate cannot be read.
    #[cfg(feature = "http")]
    pub fn transport(&self) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        if let Some(transport) = self.web.transport.get() {
            return Ok(Arc::clone(transport));
        }
        let transport = self.web.http.build()?;
        Ok(Arc::clone(self.web.transport.get_or_init(|| transport)))
    }

    /// The same, for requests below this base URL.
    #[cfg(feature = "http")]
    pub(super) fn transport_to(
        &self,
        base_url: &str,
    ) -> Result<Arc<dyn HttpTransport>, ConfigError> {
        self.web.http.check(base_url)?;
        self.transport()
    }
}

/// The name under which the SDK introduces itself.
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
