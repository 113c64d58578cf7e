//! [`TlsSettings`]: the application's TLS settings.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// The application's TLS settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsSettings<'a> {
    /// A configuration that replaces all other settings.
    #[cfg(feature = "tls")]
    pub(crate) config: Option<&'a Arc<rustls::ClientConfig>>,
    /// The certificate authorities to trust.
    pub(crate) roots: &'a Roots,
    /// A PEM file with the client's certificate chain and private key.
    pub(crate) cert_file: Option<&'a Path>,
    /// Whether to verify the server's certificate.
    pub(crate) verify: bool,
}

impl TlsSettings<'_> {
    /// Whether these are the defaults, with which plain HTTP works without TLS.
    pub(super) fn are_default(self) -> bool {
        self.verify && matches!(self.roots, Roots::System) && self.cert_file.is_none()
    }
}

/// Where the certificate authorities to trust come from.
#[derive(Clone)]
pub(crate) enum Roots {
    /// The operating system.
    System,
    /// A PEM file.
    File(PathBuf),
    /// PEM text.
    Pem(Arc<[u8]>),
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Pem(pem) => write!(f, "Pem({} bytes)", pem.len()),
        }
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
