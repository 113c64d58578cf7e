//! [`TlsSettings`]: the application's TLS settings.

use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;

use thiserror::Error;

/// The application's TLS settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsSettings<'a> {
    /// A configuration that replaces all other settings.
    #[cfg(feature = "tls")]
    pub(crate) config: Option<&'a Arc<rustls::ClientConfig>>,
    /// A PEM file with the only roots to trust. `None` means the operating system's roots.
    pub(crate) ca_certs: Option<&'a Path>,
    /// A PEM file with the client's certificate chain and private key.
    pub(crate) cert_file: Option<&'a Path>,
    /// Whether to verify the server's certificate.
    pub(crate) verify: bool,
}

impl TlsSettings<'_> {
    /// Whether these are the defaults, with which plain HTTP works without TLS.
    pub(super) fn are_default(self) -> bool {
        self.verify && self.ca_certs.is_none() && self.cert_file.is_none()
    }
}

/// This build has no TLS, or no crypto provider for it.
#[derive(Debug, Error)]
#[error(
    "no crypto provider for TLS: enable the cargo feature `tls-aws-lc-rs` or `tls-ring` of vexil, \
     or, with its feature `tls`, install a default rustls provider in this process or supply a \
     rustls configuration"
)]
pub(crate) struct NoTls;
