//! The crypto provider of TLS connections.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

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
