//! [`TlsFiles`]: the certificates of a server with TLS, for its clients.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::ServerError;
use crate::authority::{LOOPBACK, sign};

/// The certificate of a server with TLS and that of its temporary authority, as files. They exist
/// as long as the server.
#[derive(Debug)]
pub struct TlsFiles {
    ca_pem: String,
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    _folder: TempDir,
}

impl TlsFiles {
    pub(super) fn make() -> Result<Self, ServerError> {
        let signed = sign(LOOPBACK.map(str::to_owned).to_vec(), false)?;
        let folder = TempDir::new()?;
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).map(|()| path)
        };
        let ca = write("ca.pem", signed.authority_pem.clone())?;
        let certificate = write("certificate.pem", signed.certificate.pem())?;
        let key = write("key.pem", signed.key.serialize_pem())?;
        Ok(Self {
            ca_pem: signed.authority_pem,
            ca,
            certificate,
            key,
            _folder: folder,
        })
    }

    /// Returns the authority's certificate, which clients have to trust, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Returns the file with the authority's certificate, which clients have to trust.
    #[must_use]
    pub fn ca_path(&self) -> &Path {
        &self.ca
    }

    /// Returns the file with a certificate signed by the authority: the server's, which clients can
    /// use too.
    #[must_use]
    pub fn certificate_path(&self) -> &Path {
        &self.certificate
    }

    /// Returns the file with the certificate's key.
    #[must_use]
    pub fn key_path(&self) -> &Path {
        &self.key
    }
}
