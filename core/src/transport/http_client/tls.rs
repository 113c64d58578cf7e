//! Whom we trust, and who we are.
//!
//! The cryptography is named here and never taken from rustls's process default: another user of rustls in the same
//! program may have set that, or two may quarrel about it. Without a file of our own the operating system's roots are
//! trusted, by the crate that the HTTP library links for the purpose anyway.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use super::common_name::CommonNameVerifier;
use super::trust::TrustVerifier;

/// What the user says about certificates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsSettings<'a> {
    /// The only roots to trust, as PEM; none for the operating system's.
    pub(crate) ca_certs: Option<&'a Path>,
    /// Our own certificate chain and its key, as PEM.
    pub(crate) cert_file: Option<&'a Path>,
    /// Whether to look at the other side's certificate at all.
    pub(crate) verify: bool,
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
    /// The cryptography does not support what is needed.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// TLS 1.2 and later, by these settings.
pub(crate) fn client_config(settings: TlsSettings<'_>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier(settings, &provider)?);
    let mut config = match settings.cert_file {
        Some(path) => {
            let (chain, key) = identity(path)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| bad_file(path, IDENTITY, error))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(
    settings: TlsSettings<'_>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if !settings.verify {
        tracing::warn!("certificates are not verified: anybody on the way can read and change what is exchanged");
        return Ok(Arc::new(TrustVerifier::everything(Arc::clone(provider))));
    }
    if let Some(path) = settings.ca_certs {
        let roots = Arc::new(roots(path)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| bad_file(path, ROOTS, error))?;
        return Ok(Arc::new(CommonNameVerifier::new(verifier)));
    }
    Ok(Arc::new(TrustVerifier::system(Arc::clone(provider))))
}

const ROOTS: &str = "PEM certificates";
const IDENTITY: &str = "a PEM certificate chain and its private key";

fn bad_file(path: &Path, what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> TlsError {
    TlsError::File { path: path.to_owned(), what, source: source.into() }
}

/// The authorities in a PEM file. One that cannot be used is left out with a warning, as long as another can.
fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut refused = Vec::new();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad_file(path, ROOTS, error))?;
    for (index, certificate) in certificates.enumerate() {
        let added: Result<(), Box<dyn Error + Send + Sync>> = match certificate {
            Ok(certificate) => roots.add(certificate).map_err(Into::into),
            Err(error @ pem::Error::Io(_)) => return Err(bad_file(path, ROOTS, error)),
            Err(error) => Err(error.into()),
        };
        refused.extend(added.err().map(|error| (index + 1, error)));
    }
    if roots.is_empty() {
        let error = refused.into_iter().next().map_or_else(|| pem::Error::NoItemsFound.into(), |(_, error)| error);
        return Err(bad_file(path, ROOTS, error));
    }
    for (position, error) in refused {
        tracing::warn!(path = %path.display(), position, error = &*error, "a certificate cannot be used and is left out");
    }
    Ok(roots)
}

fn identity(path: &Path) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(path).map_err(|error| bad_file(path, IDENTITY, error))?;
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| bad_file(path, IDENTITY, error))?;
    Ok((chain, key))
}

/// The certificates in a PEM file; there is at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(certificates) }
}
