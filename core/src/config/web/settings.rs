//! [`WebSettings`]: the application's settings for requests to the service. [`Web`]: their validated
//! form.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use uuid::Uuid;
use vexil_eval::Text;

use super::endpoints::Part;
use super::{ApplicationInfo, HttpConfig, ServiceEndpoints, WrapperInfo};
use crate::config::{ConfigError, SdkKey};
use crate::http::transport::HttpTransport;
use crate::{SDK_NAME, VERSION};

const INSTANCE_ID: HeaderName = HeaderName::from_static("x-launchdarkly-instance-id");
const TAGS: HeaderName = HeaderName::from_static("x-launchdarkly-tags");
const WRAPPER: HeaderName = HeaderName::from_static("x-launchdarkly-wrapper");

/// The application's settings for requests to the service.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSettings {
    pub(crate) endpoints: ServiceEndpoints,
    pub(crate) http: HttpConfig,
    pub(crate) application: ApplicationInfo,
    pub(crate) wrapper: Option<WrapperInfo>,
}

/// The validated settings for requests to the service.
#[derive(Clone, Debug)]
pub(in crate::config) struct Web {
    pub(super) settings: WebSettings,
    pub(super) headers: HeaderMap,
    pub(super) flags_arrive: Arc<FlagsArrive>,
    /// The base URLs that components use so far.
    pub(super) used: Arc<Mutex<Vec<Part>>>,
    /// Whether the component was configured before from the same settings.
    pub(super) is_repeated: bool,
    /// Created on first use: a client that never connects to the service needs no TLS.
    pub(super) transport: Arc<OnceLock<Arc<dyn HttpTransport>>>,
}

/// How flags are received from the service, for diagnostic events (FDV2-7.6). Each is set by the
/// first data source that it concerns.
#[derive(Debug, Default)]
pub(super) struct FlagsArrive {
    pub(super) is_streaming: OnceLock<bool>,
    /// The initial backoff of a stream.
    pub(super) reconnect_delay: OnceLock<Duration>,
    pub(super) poll_interval: OnceLock<Duration>,
    /// Whether the base URL of a stream is not the service's.
    pub(super) has_custom_stream: OnceLock<bool>,
    /// Whether the base URL of a poll is not the service's.
    pub(super) has_custom_base: OnceLock<bool>,
}

impl Web {
    /// Validates the settings. An offline client does not use the endpoints.
    pub(in crate::config) fn new(
        settings: WebSettings,
        sdk_key: &SdkKey,
        offline: bool,
    ) -> Result<Self, ConfigError> {
        if !offline {
            settings.endpoints.check()?;
        }
        Ok(Self {
            headers: headers(sdk_key, &settings)?,
            settings,
            flags_arrive: Arc::default(),
            used: Arc::default(),
            is_repeated: false,
            transport: Arc::default(),
        })
    }

    /// See [`ClientContext::repeated`](crate::config::ClientContext).
    pub(in crate::config) fn repeated(&self) -> Self {
        Self {
            is_repeated: true,
            ..self.clone()
        }
    }

    /// Id, name, version and the version's name of the application; `None` for each that is unset or
    /// invalid.
    pub(in crate::config) fn application(&self) -> [Option<Text>; 4] {
        self.settings.application.valid()
    }

    /// Name and version of the wrapping library; `None` for each that is unset.
    pub(in crate::config) fn wrapper(&self) -> [Option<Text>; 2] {
        let wrapper = self.settings.wrapper.as_ref();
        wrapper.map(WrapperInfo::parts).unwrap_or_default()
    }
}

fn headers(sdk_key: &SdkKey, settings: &WebSettings) -> Result<HeaderMap, ConfigError> {
    let mut headers = settings.http.headers.clone();
    let mut key = HeaderValue::from_str(sdk_key.as_str())
        .map_err(|error| ConfigError::component("SDK key", error))?;
    key.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, key);
    let mut set = |name, what, value: &str| {
        let value =
            HeaderValue::from_str(value).map_err(|error| ConfigError::component(what, error))?;
        headers.insert(name, value);
        Ok::<_, ConfigError>(())
    };
    let user_agent = format!("{SDK_NAME}/{VERSION}");
    set(header::USER_AGENT, "SDK version", &user_agent)?;
    set(INSTANCE_ID, "instance id", &Uuid::new_v4().to_string())?;
    if let Some(tags) = settings.application.tags() {
        set(TAGS, "application", &tags)?;
    }
    if let Some(wrapper) = settings.wrapper.as_ref().and_then(WrapperInfo::header) {
        set(WRAPPER, "wrapper", &wrapper)?;
    }
    Ok(headers)
}
