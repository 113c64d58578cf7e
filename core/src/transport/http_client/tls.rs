//! Whom we trust, and who we are.
//!
//! The cryptography is named here and never taken from rustls's process default: another user of rustls in the same
//! program may have set that, or two may quarrel about it. Without a file of our own the operating system's roots are
//! trusted, by the crate that the HTTP library links for the purpose anyway.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

use super::common_name::CommonNameVerifier;

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
    let algorithms = provider.signature_verification_algorithms;
    if !settings.verify {
        tracing::warn!("certificates are not verified: anybody on the way can read and change what is exchanged");
        return Ok(Arc::new(TrustAll { algorithms }));
    }
    if let Some(path) = settings.ca_certs {
        let roots = Arc::new(roots(path)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| bad_file(path, ROOTS, error))?;
        return Ok(Arc::new(CommonNameVerifier::new(verifier)));
    }
    Ok(Arc::new(SystemVerifier { provider: Arc::clone(provider), roots: OnceLock::new() }))
}

const ROOTS: &str = "PEM certificates";
const IDENTITY: &str = "a PEM certificate chain and its private key";

fn bad_file(path: &Path, what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> TlsError {
    TlsError::File { path: path.to_owned(), what, source: source.into() }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path).map_err(|error| bad_file(path, ROOTS, error))? {
        roots.add(certificate).map_err(|error| bad_file(path, ROOTS, error))?;
    }
    Ok(roots)
}

fn identity(path: &Path) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(path).map_err(|error| bad_file(path, IDENTITY, error))?;
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| bad_file(path, IDENTITY, error))?;
    Ok((chain, key))
}

/// The certificates in a PEM file; there is at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err(rustls::pki_types::pem::Error::NoItemsFound) } else { Ok(certificates) }
}

/// Trusts what the operating system trusts. The roots are read when the first certificate arrives: that takes some
/// milliseconds, and a client of a relay without TLS never needs them.
#[derive(Debug)]
struct SystemVerifier {
    provider: Arc<CryptoProvider>,
    /// None if this system has none.
    roots: OnceLock<Option<rustls_platform_verifier::Verifier>>,
}

impl SystemVerifier {
    fn roots(&self) -> Option<&rustls_platform_verifier::Verifier> {
        let read = || {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&self.provider));
            let report =
                |error| tracing::warn!(%error, "this system trusts no certificates: no https server can be reached");
            verifier.map_err(report).ok()
        };
        self.roots.get_or_init(read).as_ref()
    }
}

impl ServerCertVerifier for SystemVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let roots = self.roots().ok_or(CertificateError::UnknownIssuer)?;
        roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts every certificate. Signatures of the handshake count all the same.
#[derive(Debug)]
struct TrustAll {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for TrustAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
