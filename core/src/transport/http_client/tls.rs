//! [`Tls`]: which servers are trusted, and how the client identifies itself.
//!
//! The provider of cryptography is always named, see [`provider`]: rustls panics where it has to
//! choose between two. Without a file of authorities the operating system's roots are trusted.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_rustls::TlsConnector;

use super::connector::Stream;
use super::tls_settings::{NoTls, TlsSettings};
use super::trust::TrustVerifier;
use crate::tls::provider;

/// TLS towards servers and proxies.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// TLS 1.2 and later, by these settings; `None` if there is no provider of cryptography.
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

    /// The same towards a proxy, which is asked for a tunnel in HTTP/1.1.
    pub(super) fn for_proxies(self) -> Self {
        let mut config = ClientConfig::clone(self.0.config());
        config.alpn_protocols.clear();
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// Performs the handshake with the server of this name or address. Returns whether it speaks
    /// HTTP/2.
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

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Offers both versions of HTTP, unless the configuration says which.
fn with_protocols(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    }
    config
}

/// Whether the server's certificate is refused. An alert about the client's own, or a handshake
/// that breaks off, is a connection error like others.
pub(super) fn is_about_a_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(_))
    )
}

/// Why these settings cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    /// A file cannot be read, or has no such thing in it.
    #[error("{} cannot be read as {what}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The provider of cryptography does not support what is needed.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
    /// There is no provider of cryptography.
    #[error(transparent)]
    NoProvider(NoTls),
}

fn client_config(
    settings: TlsSettings<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier(settings, &provider)?);
    match settings.cert_file {
        Some(path) => {
            let (chain, key) = identity(path)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| bad_file(path, IDENTITY, error))
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

fn verifier(
    settings: TlsSettings<'_>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if !settings.verify {
        tracing::warn!(
            "certificates are not verified: anybody on the way can read and change what is exchanged"
        );
        return Ok(Arc::new(TrustVerifier::everything(Arc::clone(provider))));
    }
    if let Some(path) = settings.ca_certs {
        let roots = Arc::new(roots(path)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| bad_file(path, ROOTS, error))?;
        return Ok(verifier);
    }
    Ok(Arc::new(TrustVerifier::system(Arc::clone(provider))))
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

/// The authorities in a PEM file. One that cannot be used is left out with a warning, as long as
/// another can.
fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut refused = Vec::new();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| bad_file(path, ROOTS, error))?;
    for (index, certificate) in certificates.enumerate() {
        let added: Result<(), Box<dyn Error + Send + Sync>> = match certificate {
            Ok(certificate) => roots.add(certificate).map_err(Into::into),
            Err(error @ pem::Error::Io(_)) => return Err(bad_file(path, ROOTS, error)),
            Err(error) => Err(error.into()),
        };
        refused.extend(added.err().map(|error| (index + 1, error)));
    }
    if roots.is_empty() {
        let error = refused
            .into_iter()
            .next()
            .map_or_else(|| pem::Error::NoItemsFound.into(), |(_, error)| error);
        return Err(bad_file(path, ROOTS, error));
    }
    for (position, error) in refused {
        tracing::warn!(path = %path.display(), position, error = &*error, "a certificate cannot be used and is left out");
    }
    Ok(roots)
}

fn identity(
    path: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(path).map_err(|error| bad_file(path, IDENTITY, error))?;
    let key =
        PrivateKeyDer::from_pem_file(path).map_err(|error| bad_file(path, IDENTITY, error))?;
    Ok((chain, key))
}

/// The certificates in a PEM file; there is at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        Err(pem::Error::NoItemsFound)
    } else {
        Ok(certificates)
    }
}
