//! [`FakeServiceBuilder`]: what can be chosen before the service runs.

use std::sync::Arc;
use std::time::Duration;

use super::shared::{Settings, Shared, State};
use super::start_error::StartError;
use super::tls::{Authority, Certificate};
use super::{FakeService, server};

/// How often the real service says that a silent stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(3 * 60);

/// Chooses what a [`FakeService`] is like. Get one from [`FakeService::builder`].
#[derive(Debug)]
#[must_use]
pub struct FakeServiceBuilder {
    data: Option<String>,
    heartbeat: Duration,
    environment_id: Option<String>,
    sdk_key: Option<String>,
    certificate: Option<Certificate>,
}

impl FakeServiceBuilder {
    pub(super) fn new() -> Self {
        Self {
            data: None,
            heartbeat: HEARTBEAT,
            environment_id: None,
            sdk_key: None,
            certificate: None,
        }
    }

    /// Begins with these flags and segments: JSON as a poll gets it, `{"flags": {…}, "segments":
    /// {…}}`. Default: none.
    pub fn data(mut self, json: impl Into<String>) -> Self {
        self.data = Some(json.into());
        self
    }

    /// How long a stream is silent before it gets a heartbeat; zero means for ever. Default: three
    /// minutes, as with the real service.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// Names this environment in the answers to streams and polls, as `X-LD-EnvID`. Default: no
    /// such header.
    pub fn environment_id(mut self, id: impl Into<String>) -> Self {
        self.environment_id = Some(id.into());
        self
    }

    /// Answers 401 to everybody who has another key. Default: any key will do, and none too.
    pub fn sdk_key(mut self, key: impl Into<String>) -> Self {
        self.sdk_key = Some(key.into());
        self
    }

    /// Speaks TLS, with a certificate that is good for whoever trusts [`FakeService::ca_pem`].
    pub fn tls(self) -> Self {
        self.tls_with(Certificate::valid())
    }

    /// Speaks TLS, with a certificate of your choice.
    pub fn tls_with(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Starts the service, which listens when this returns.
    ///
    /// # Errors
    /// If the data is none, the certificate cannot be made, or the system has no port or thread
    /// left.
    pub fn start(self) -> Result<FakeService, StartError> {
        let Self {
            data,
            heartbeat,
            environment_id,
            sdk_key,
            certificate,
        } = self;
        let mut state = State::default();
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
