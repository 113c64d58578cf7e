//! TLS for `rediss://`: trusted roots, and the client certificate.
//!
//! The cryptography provider is always explicit, from [`vexil::tls::provider`]: rustls panics if it
//! has to choose between two. The Redis client's own TLS leaves the choice to rustls, so it is not
//! used.

use std::fmt;
use std::io;
use std::path::Path;

use tokio::net::TcpStream;

use crate::error::RedisConfigError;
use crate::stream::Stream;

/// The TLS connector.
#[cfg(feature = "tls")]
#[derive(Clone)]
pub(crate) struct Tls(tokio_rustls::TlsConnector);

/// Uninhabited: without the feature `tls` there is no TLS.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
pub(crate) enum Tls {}

#[cfg(not(feature = "tls"))]
impl Tls {
    pub(crate) fn new(_: Option<&Path>, _: Option<&Path>) -> Result<Self, RedisConfigError> {
        Err(RedisConfigError::Conflict {
            reason: "rediss:// needs the cargo feature `tls-aws-lc-rs` or `tls-ring` of vexil-redis",
        })
    }

    pub(crate) async fn connect(&self, _: &str, _: TcpStream) -> io::Result<Box<dyn Stream>> {
        match *self {}
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(feature = "tls")]
mod by_rustls {
    use std::error::Error;
    use std::sync::Arc;

    use rustls::ClientConfig;
    use rustls::pki_types::ServerName;
    use rustls_platform_verifier::Verifier;
    use tokio_rustls::TlsConnector;
    use vexil::tls::{client_identity, provider, root_certificates};

    use super::*;

    impl Tls {
        /// Builds the connector, for TLS 1.2 and later. Without `ca_certs`, the operating system's
        /// roots are trusted.
        pub(crate) fn new(
            ca_certs: Option<&Path>,
            cert_file: Option<&Path>,
        ) -> Result<Self, RedisConfigError> {
            let provider = provider().ok_or_else(|| tls_error(NO_PROVIDER))?;
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(tls_error)?;
            let builder = match ca_certs {
                Some(path) => {
                    let roots =
                        root_certificates(path).map_err(|error| bad_file(path, ROOTS, error))?;
                    builder.with_root_certificates(roots)
                }
                None => {
                    let verifier = Verifier::new(provider).map_err(tls_error)?;
                    builder
                        .dangerous()
                        .with_custom_certificate_verifier(Arc::new(verifier))
                }
            };
            let config = match cert_file {
                Some(path) => {
                    let (chain, key) =
                        client_identity(path).map_err(|error| bad_file(path, IDENTITY, error))?;
                    builder
                        .with_client_auth_cert(chain, key)
                        .map_err(|error| bad_file(path, IDENTITY, error))?
                }
                None => builder.with_no_client_auth(),
            };
            Ok(Self(TlsConnector::from(Arc::new(config))))
        }

        /// Performs the handshake with the server of this name or address.
        pub(crate) async fn connect(
            &self,
            name: &str,
            stream: TcpStream,
        ) -> io::Result<Box<dyn Stream>> {
            let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
            Ok(Box::new(self.0.connect(name, stream).await?))
        }
    }

    const NO_PROVIDER: &str = "no cryptography provider: enable the cargo feature \
                               `tls-aws-lc-rs` or `tls-ring` of vexil-redis, or install a \
                               default provider of rustls in this process";
    const ROOTS: &str = "PEM certificates";
    const IDENTITY: &str = "a PEM certificate chain and its private key";

    fn bad_file(
        path: &Path,
        what: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> RedisConfigError {
        RedisConfigError::File {
            path: path.to_owned(),
            what,
            source: source.into(),
        }
    }

    fn tls_error(source: impl Into<Box<dyn Error + Send + Sync>>) -> RedisConfigError {
        RedisConfigError::Tls {
            source: source.into(),
        }
    }
}
