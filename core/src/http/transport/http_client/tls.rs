//! [`Tls`]: builds the rustls client configuration and performs TLS handshakes.
//!
//! The crypto provider is always passed explicitly, see [`provider`], because rustls panics if it
//! has to choose between two. Without a file of root certificates, the operating system's roots are
//! trusted.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_rustls::TlsConnector;

use super::stream::Stream;
use super::tls_settings::{NoTls, Roots, TlsSettings};
use super::trust::TrustVerifier;
use crate::tls::{client_identity, provider, root_certificates, root_certificates_from_pem};

/// TLS for connections to servers and proxies.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Configures TLS 1.2 and later. Returns `None` if there is no crypto provider and the settings
    /// are the defaults.
    pub(crate) fn new(settings: TlsSettings<'_>) -> Result<Option<Self>, TlsError> {
        if let Some(config) = settings.config {
            return Ok(Some(Self(TlsConnector::from(with_protocols(Arc::clone(
                config,
            ))))));
        }
        let Some(provider) = provider() else {
            return if settings.are_default() {
                Ok(None)
            } else {
                Err(TlsError::NoProvider(NoTls))
            };
        };
        let config = Arc::new(client_config(settings, provider)?);
        Ok(Some(Self(TlsConnector::from(with_protocols(config)))))
    }

    /// The same for connections to a proxy, which speak HTTP/1.1.
    pub(super) fn for_proxies(self) -> Self {
        let mut config = ClientConfig::clone(self.0.config());
        config.alpn_protocols.clear();
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// Performs the handshake with the server of this name or address. Returns the encrypted stream
    /// and whether the server chose HTTP/2.
    pub(super) async fn connect(
        &self,
        name: &str,
        stream: Box<dyn Stream>,
    ) -> Result<(Box<dyn Stream>, bool), Box<dyn Error + Send + Sync>> {
        let name = ServerName::try_from(name.to_owned())?;
        let stream = self.0.connect(name, stream).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok((Box::new(stream), is_http2))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// TLS sessions that are kept for resumption, up to eight of each server. A client connects to few
/// servers, and rustls allocates the room for all of them at once, by default for 256 sessions.
const SESSIONS: usize = 64;

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Offers HTTP/2 and HTTP/1.1, unless the configuration sets the protocols.
fn with_protocols(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    }
    config
}

/// Whether the error is about the server's certificate. An alert about the client's certificate and
/// a handshake that breaks off are ordinary connection errors.
pub(super) fn is_about_a_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(_))
    )
}

/// The TLS settings cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    /// A file cannot be read, or does not contain the expected PEM items.
    #[error("{} cannot be read as {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The expected contents.
        what: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The text of the certificate authorities does not contain any.
    #[error("the certificate authorities cannot be read as {ROOTS}")]
    Roots {
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The crypto provider lacks a required feature.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
    /// There is no crypto provider.
    #[error(transparent)]
    NoProvider(NoTls),
}

impl TlsError {
    fn roots(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Roots {
            source: source.into(),
        }
    }
}

fn client_config(
    settings: TlsSettings<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier(settings, &provider)?);
    let mut config = match settings.cert_file {
        Some(path) => {
            let (chain, key) =
                client_identity(path).map_err(|error| bad_file(path, IDENTITY, error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| bad_file(path, IDENTITY, error))?
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

fn verifier(
    settings: TlsSettings<'_>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if !settings.verify {
        tracing::warn!(
            "TLS certificates are not verified: connections can be intercepted and tampered with"
        );
        return Ok(Arc::new(TrustVerifier::everything(Arc::clone(provider))));
    }
    let trusting = |roots: RootCertStore| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()
    };
    match settings.roots {
        Roots::System => Ok(Arc::new(TrustVerifier::system(Arc::clone(provider)))),
        Roots::File(path) => {
            let roots = root_certificates(path).map_err(|error| bad_file(path, ROOTS, error))?;
            Ok(trusting(roots).map_err(|error| bad_file(path, ROOTS, error))?)
        }
        Roots::Pem(pem) => {
            let roots = root_certificates_from_pem(pem).map_err(TlsError::roots)?;
            Ok(trusting(roots).map_err(TlsError::roots)?)
        }
    }
}

const ROOTS: &str = "PEM certificates";
const IDENTITY: &str = "a PEM certificate chain and its private key";

fn bad_file(
    path: &Path,
    what: &'static str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        what,
        source: source.into(),
    }
}
