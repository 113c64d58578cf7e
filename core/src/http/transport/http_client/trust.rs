//! [`TrustVerifier`]: verifies server certificates if the application sets no root certificates.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Trusts the operating system's roots, or every certificate. Handshake signatures are verified in
/// either case.
#[derive(Debug)]
pub(super) struct TrustVerifier {
    provider: Arc<CryptoProvider>,
    trust: Trust,
}

#[derive(Debug)]
enum Trust {
    Everything,
    /// The roots are loaded when the first certificate arrives: that takes some milliseconds, and a
    /// client of a relay without TLS never needs them. `None` if the system has no roots.
    System(OnceLock<Option<rustls_platform_verifier::Verifier>>),
}

impl TrustVerifier {
    /// Accepts every certificate.
    pub(super) fn everything(provider: Arc<CryptoProvider>) -> Self {
        Self {
            provider,
            trust: Trust::Everything,
        }
    }

    /// Accepts certificates that the operating system trusts.
    pub(super) fn system(provider: Arc<CryptoProvider>) -> Self {
        Self {
            provider,
            trust: Trust::System(OnceLock::new()),
        }
    }

    fn read_roots(&self) -> Option<rustls_platform_verifier::Verifier> {
        let report = |error| {
            tracing::warn!(%error, "cannot load the system's root certificates: no https server can be reached");
        };
        rustls_platform_verifier::Verifier::new(Arc::clone(&self.provider))
            .map_err(report)
            .ok()
    }
}

impl ServerCertVerifier for TrustVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Everything => Ok(ServerCertVerified::assertion()),
            Trust::System(roots) => {
                let roots = roots
                    .get_or_init(|| self.read_roots())
                    .as_ref()
                    .ok_or(CertificateError::UnknownIssuer)?;
                roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
