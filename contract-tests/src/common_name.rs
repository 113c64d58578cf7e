//! TLS to the harness, whose certificate names `localhost` only by its common name.
//!
//! The SDK rejects such certificates, and no setting accepts them. This service passes the SDK a
//! rustls configuration that accepts one if it is signed by the harness's authority and no
//! authority in the chain has name constraints: these apply to alternative names only, so a common
//! name would bypass them.

use std::error::Error;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::{NameConstraints, SubjectAltName};

/// The only name that is accepted as a common name.
const HARNESS: &str = "localhost";

/// Returns a configuration that trusts the authorities in this PEM file.
pub(crate) fn configuration(ca_file: &str) -> Result<ClientConfig, Box<dyn Error>> {
    let provider = vexil::tls::provider().ok_or("no cryptography provider")?;
    let roots = CertificateDer::pem_file_iter(ca_file)?.collect::<Result<Vec<_>, _>>()?;
    let verifier = HarnessVerifier::new(&roots, Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The standard verifier, with an exception for the harness's certificate.
#[derive(Debug)]
struct HarnessVerifier {
    standard: Arc<WebPkiServerVerifier>,
    roots_have_limits: bool,
}

impl HarnessVerifier {
    fn new(
        roots: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone())?;
        }
        let standard =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build()?;
        Ok(Self {
            standard,
            roots_have_limits: roots.iter().any(has_limits),
        })
    }
}

#[deny(
    clippy::missing_trait_methods,
    reason = "wraps the verifier transparently"
)]
impl ServerCertVerifier for HarnessVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.standard.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            // The name is verified last, so the certificate chain is valid here.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if server_name.to_str() == HARNESS
                && is_named_in_the_old_way(end_entity)
                && !self.roots_have_limits
                && !intermediates.iter().any(has_limits) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.standard.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.standard.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.standard.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.standard.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[rustls::DistinguishedName]> {
        self.standard.root_hint_subjects()
    }
}

/// Whether the certificate has the harness's common name and no alternative names.
fn is_named_in_the_old_way(certificate: &CertificateDer<'_>) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return false;
    };
    let certificate = certificate.tbs_certificate();
    let is_harness =
        matches!(certificate.subject().common_name(), Ok(Some(name)) if name.value() == HARNESS);
    is_harness && matches!(certificate.get_extension::<SubjectAltName>(), Ok(None))
}

/// Whether the authority has name constraints, or cannot be parsed.
fn has_limits(authority: &CertificateDer<'_>) -> bool {
    let Ok(authority) = Certificate::from_der(authority) else {
        return true;
    };
    !matches!(
        authority
            .tbs_certificate()
            .get_extension::<NameConstraints>(),
        Ok(None)
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, GeneralSubtree, IsCa,
        Issuer, KeyPair, NameConstraints,
    };

    use super::*;

    /// Whether a certificate with these names, signed by an authority with these name constraints,
    /// is accepted for this host.
    fn accepts(
        host: &str,
        common_name: &str,
        alternative: &[&str],
        limits: Option<NameConstraints>,
    ) -> bool {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.name_constraints = limits;
        let key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(authority, key);

        let names = alternative
            .iter()
            .copied()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let certificate = params
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap();

        let verifier = HarnessVerifier::new(&[root], vexil::tls::provider().unwrap()).unwrap();
        let host = ServerName::try_from(host).unwrap();
        verifier
            .verify_server_cert(certificate.der(), &[], &host, &[], UnixTime::now())
            .is_ok()
    }

    #[test]
    fn only_the_harness_may_use_a_common_name() {
        assert!(accepts("localhost", "localhost", &[], None));
        assert!(
            accepts("example.com", "x", &["example.com"], None),
            "the standard rules still apply"
        );
        assert!(!accepts("example.com", "example.com", &[], None));
        assert!(!accepts("localhost", "example.com", &[], None));
        assert!(!accepts("localhost", "localhost", &["example.com"], None));
        assert!(!accepts("localhost", "localhost", &["127.0.0.1"], None));
    }

    #[test]
    fn an_authority_with_name_constraints_cannot_sign_common_names() {
        let example = || vec![GeneralSubtree::DnsName("example.com".to_owned())];
        let permitted = NameConstraints {
            permitted_subtrees: example(),
            excluded_subtrees: Vec::new(),
        };
        let excluded = NameConstraints {
            permitted_subtrees: Vec::new(),
            excluded_subtrees: example(),
        };
        for limits in [permitted, excluded] {
            assert!(!accepts("localhost", "localhost", &[], Some(limits)));
        }
    }
}
