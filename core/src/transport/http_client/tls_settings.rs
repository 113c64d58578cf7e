//! What the application says about TLS.

use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;

use thiserror::Error;

/// What the application says about TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsSettings<'a> {
    /// A configuration that replaces all other settings.
    #[cfg(feature = "tls")]
    pub(crate) config: Option<&'a Arc<rustls::ClientConfig>>,
    /// The only roots to trust, as PEM; `None` for the operating system's.
    pub(crate) ca_certs: Option<&'a Path>,
    /// The client's own certificate chain and its key, as PEM.
    pub(crate) cert_file: Option<&'a Path>,
    /// Whether to verify the server's certificate at all.
    pub(crate) verify: bool,
}

impl TlsSettings<'_> {
    /// Whether the defaults are meant, with which plain HTTP works as well.
    pub(super) fn are_default(self) -> bool {
        self.verify && self.ca_certs.is_none() && self.cert_file.is_none()
    }
}

/// There is no TLS in this build, or no provider of cryptography for it.
#[derive(Debug, Error)]
#[error(
    "TLS has no provider of cryptography: turn on the cargo feature `tls-aws-lc-rs` or `tls-ring` of vexil, or, with \
     its feature `tls`, install a default provider of rustls in this process or configure rustls by hand"
)]
pub(crate) struct NoTls;
