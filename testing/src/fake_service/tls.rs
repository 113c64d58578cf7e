//! [`Certificate`]: the service's certificate, and the authority that signs it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use super::start_error::StartError;
use crate::authority::{LOOPBACK, sign};

/// The certificate of the service, signed by a temporary authority.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::{HttpConfig, ServiceEndpoints};
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::Certificate;
///
/// let start = |service: &FakeService| {
///     let authority = service.ca_pem_path().expect("the service has a certificate");
///     Client::builder("sdk-key")
///         .service_endpoints(ServiceEndpoints::relay(service.url()))
///         .http(HttpConfig::new().ca_certs(authority))
///         .without_events()
///         .start()
/// };
/// let service = FakeService::builder().tls_with(Certificate::valid()).start()?;
/// start(&service)?.blocking_wait_until_ready(Duration::from_secs(30))?;
///
/// let service = FakeService::builder().tls_with(Certificate::expired()).start()?;
/// let client = start(&service)?;
/// assert!(client.blocking_wait_until_ready(Duration::from_millis(200)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Certificate {
    hosts: Vec<String>,
    expired: bool,
}

impl Certificate {
    /// A certificate for `localhost` and 127.0.0.1, accepted by clients that trust the authority.
    #[must_use]
    pub fn valid() -> Self {
        Self {
            hosts: LOOPBACK.map(str::to_owned).to_vec(),
            expired: false,
        }
    }

    /// An expired certificate for the same hosts.
    #[must_use]
    pub fn expired() -> Self {
        Self {
            expired: true,
            ..Self::valid()
        }
    }

    /// A certificate for another host, which the service does not have.
    #[must_use]
    pub fn for_host(host: impl Into<String>) -> Self {
        Self {
            hosts: vec![host.into()],
            ..Self::valid()
        }
    }
}

const NO_PROVIDER: &str = "no crypto provider: enable the cargo feature `tls-aws-lc-rs` or `tls-ring` of \
                           vexil-testing";

/// The authority's certificate, in a temporary file.
#[derive(Debug)]
pub(super) struct Authority {
    pem: String,
    file: NamedTempFile,
}

impl Authority {
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Creates an authority, and an acceptor with a certificate signed by it.
    pub(super) fn sign(certificate: Certificate) -> Result<(Self, TlsAcceptor), StartError> {
        let signed =
            sign(certificate.hosts, certificate.expired).map_err(StartError::certificate)?;
        let key = PrivatePkcs8KeyDer::from(signed.key.serialize_der());

        let provider =
            vexil::tls::provider().ok_or_else(|| StartError::certificate(NO_PROVIDER))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(StartError::certificate)?
            .with_no_client_auth()
            .with_single_cert(vec![signed.certificate.der().clone()], key.into())
            .map_err(StartError::certificate)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];

        let mut file = NamedTempFile::with_suffix(".pem")?;
        file.write_all(signed.authority_pem.as_bytes())?;
        Ok((
            Self {
                pem: signed.authority_pem,
                file,
            },
            TlsAcceptor::from(Arc::new(config)),
        ))
    }
}
