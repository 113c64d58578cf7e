//! The crypto provider, root certificates and client certificate of TLS connections.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Returns the crypto provider for TLS connections: the rustls process default if the application
/// has installed one, otherwise that of the cargo feature `tls-aws-lc-rs` or `tls-ring`, in this
/// order. `None` without either.
///
/// Use it in stores and transports that open their own TLS connections, by passing it to
/// [`ClientConfig::builder_with_provider`]. The process default is never set here: that is up to
/// the application, and rustls panics in programs where two providers are linked and a library
/// relies on the default.
///
/// [`ClientConfig::builder_with_provider`]: rustls::ClientConfig::builder_with_provider
///
/// ```
/// let provider = vexil::tls::provider().ok_or("no crypto provider")?;
/// let config = rustls::ClientConfig::builder_with_provider(provider)
///     .with_safe_default_protocol_versions()?
///     .with_root_certificates(rustls::RootCertStore::empty())
///     .with_no_client_auth();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn provider() -> Option<Arc<CryptoProvider>> {
    CryptoProvider::get_default().cloned().or_else(by_feature)
}

#[cfg(feature = "tls-aws-lc-rs")]
fn by_feature() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc-rs")))]
fn by_feature() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(any(feature = "tls-aws-lc-rs", feature = "tls-ring")))]
fn by_feature() -> Option<Arc<CryptoProvider>> {
    None
}

/// A file or text that holds no usable root certificate, or cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootCertificatesError {
    /// The file cannot be read, or holds no valid PEM certificate.
    #[error(transparent)]
    Pem(#[from] pem::Error),
    /// The certificates in the file are not valid root certificates.
    #[error(transparent)]
    Certificate(#[from] rustls::Error),
}

/// Reads the root certificates in a PEM file. A certificate that cannot be used is skipped, with a
/// warning that names its position in the file, as long as another can be used.
///
/// Use it in stores and transports that open their own TLS connections.
///
/// ```
/// use vexil::tls::{RootCertificatesError, root_certificates};
///
/// let missing = root_certificates("no-such-file.pem");
/// assert!(matches!(missing, Err(RootCertificatesError::Pem(_))));
/// ```
///
/// # Errors
/// Returns an error if the file cannot be read, or if no certificate in it can be used.
pub fn root_certificates(path: impl AsRef<Path>) -> Result<RootCertStore, RootCertificatesError> {
    let path = path.as_ref();
    usable_roots(
        CertificateDer::pem_file_iter(path)?,
        &path.display().to_string(),
    )
}

/// Reads the root certificates in PEM text. Otherwise the same as [`root_certificates`].
///
/// ```
/// use vexil::tls::{RootCertificatesError, root_certificates_from_pem};
///
/// let roots = root_certificates_from_pem(b"not a certificate");
/// assert!(matches!(roots, Err(RootCertificatesError::Pem(_))));
/// ```
///
/// # Errors
/// Returns an error if no certificate in the text can be used.
pub fn root_certificates_from_pem(text: &[u8]) -> Result<RootCertStore, RootCertificatesError> {
    usable_roots(CertificateDer::pem_slice_iter(text), "memory")
}

/// Collects the certificates that can be used. `origin` says in the log where they come from.
fn usable_roots(
    certificates: impl Iterator<Item = Result<CertificateDer<'static>, pem::Error>>,
    origin: &str,
) -> Result<RootCertStore, RootCertificatesError> {
    let mut roots = RootCertStore::empty();
    let mut skipped = Vec::new();
    for (index, certificate) in certificates.enumerate() {
        let added: Result<(), RootCertificatesError> = match certificate {
            Ok(certificate) => roots.add(certificate).map_err(Into::into),
            Err(error @ pem::Error::Io(_)) => return Err(error.into()),
            Err(error) => Err(error.into()),
        };
        skipped.extend(added.err().map(|error| (index + 1, error)));
    }
    if roots.is_empty() {
        let error = skipped.into_iter().next();
        return Err(error.map_or_else(|| pem::Error::NoItemsFound.into(), |(_, error)| error));
    }
    for (position, error) in skipped {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(
            origin,
            position,
            error,
            "skipped an invalid root certificate"
        );
    }
    Ok(roots)
}

/// Reads a client's certificate chain and its private key (PKCS#8, PKCS#1 or SEC1) from one PEM
/// file. The client's own certificate comes first.
///
/// Use it in stores and transports that open their own TLS connections.
///
/// ```
/// let missing = vexil::tls::client_identity("no-such-file.pem");
/// assert!(matches!(missing, Err(rustls::pki_types::pem::Error::Io(_))));
/// ```
///
/// # Errors
/// Returns an error if the file cannot be read, or lacks a certificate or a key.
pub fn client_identity(
    path: impl AsRef<Path>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), pem::Error> {
    let path = path.as_ref();
    let chain = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() {
        return Err(pem::Error::NoItemsFound);
    }
    Ok((chain, PrivateKeyDer::from_pem_file(path)?))
}
