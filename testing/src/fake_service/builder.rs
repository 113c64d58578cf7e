//! [`FakeServiceBuilder`]: the settings of a fake service.

use std::sync::Arc;
use std::time::Duration;

use super::log::{Log, MAX_REQUESTS};
use super::shared::{Settings, Shared, State};
use super::start_error::StartError;
use super::tls::{Authority, Certificate};
use super::{FakeService, server};

/// The heartbeat interval of the real service.
const HEARTBEAT: Duration = Duration::from_secs(3 * 60);

/// A builder for a [`FakeService`], created by [`FakeService::builder`].
///
/// ```
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::StartError;
///
/// let service = FakeService::builder()
///     .sdk_key("sdk-key")
///     .environment_id("env-1")
///     .data(r#"{"flags": {"banner": {"variations": ["hello"], "offVariation": 0}}}"#)
///     .start()?;
/// assert!(service.url().starts_with("http://127.0.0.1:"));
///
/// let error = FakeService::builder().data("not JSON").start().unwrap_err();
/// assert!(matches!(error, StartError::Data { .. }));
/// # Ok::<(), StartError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct FakeServiceBuilder {
    data: Option<String>,
    heartbeat: Duration,
    environment_id: Option<String>,
    sdk_key: Option<String>,
    certificate: Option<Certificate>,
    max_requests: usize,
}

impl FakeServiceBuilder {
    pub(super) fn new() -> Self {
        Self {
            data: None,
            heartbeat: HEARTBEAT,
            environment_id: None,
            sdk_key: None,
            certificate: None,
            max_requests: MAX_REQUESTS,
        }
    }

    /// Sets the initial flags and segments, as the JSON of a poll response: `{"flags": {…},
    /// "segments": {…}}`. Default: none.
    pub fn data(mut self, json: impl Into<String>) -> Self {
        self.data = Some(json.into());
        self
    }

    /// Sets the heartbeat interval of silent streams; zero disables heartbeats. Default: three
    /// minutes, like the real service.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// Sets the environment id sent with stream and poll responses as `X-LD-EnvID`. Default: no
    /// such header.
    pub fn environment_id(mut self, id: impl Into<String>) -> Self {
        self.environment_id = Some(id.into());
        self
    }

    /// Requires this SDK key and returns 401 for any other. Default: any key or none is accepted.
    pub fn sdk_key(mut self, key: impl Into<String>) -> Self {
        self.sdk_key = Some(key.into());
        self
    }

    /// Sets the number of requests that are kept for [`FakeService::requests`] and similar methods;
    /// later ones replace the oldest. A repetition of a payload is recognized as long as the first
    /// one is kept. Default: 10,000.
    ///
    /// ```
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::builder().max_requests(2).start()?;
    /// for _ in 0..3 {
    ///     ureq::get(&format!("{}/sdk/latest-all", service.url())).call()?;
    /// }
    /// assert_eq!(service.requests().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_requests(mut self, count: usize) -> Self {
        self.max_requests = count;
        self
    }

    /// Enables TLS, with a certificate that is valid for clients that trust
    /// [`FakeService::ca_pem`].
    pub fn tls(self) -> Self {
        self.tls_with(Certificate::valid())
    }

    /// Enables TLS with this certificate.
    pub fn tls_with(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Starts the service. It is listening when this returns.
    ///
    /// # Errors
    /// Returns an error if the data is invalid, the certificate cannot be created, or no port or
    /// thread is available.
    pub fn start(self) -> Result<FakeService, StartError> {
        let Self {
            data,
            heartbeat,
            environment_id,
            sdk_key,
            certificate,
            max_requests,
        } = self;
        let mut state = State {
            log: Log::new(max_requests),
            ..State::default()
        };
        if let Some(data) = data {
            state.data.replace(&data)?;
        }
        let (authority, tls) = certificate.map(Authority::sign).transpose()?.unzip();
        let shared = Arc::new(Shared::new(
            Settings {
                heartbeat,
                environment_id,
                sdk_key,
            },
            state,
        ));
        let server = server::start(Arc::clone(&shared), tls)?;
        Ok(FakeService {
            shared,
            authority,
            server,
        })
    }
}
