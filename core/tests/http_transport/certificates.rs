//! Temporary authorities and certificates, and servers that present them.

use std::io::Write;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::TLS12;
use tokio_rustls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::server::TlsStream;

use crate::server::Connection;

/// An authority that signs the certificates of a test.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key.
pub(super) struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = params("an authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// A file with the authority's certificate.
    pub(super) fn file(&self) -> NamedTempFile {
        file(&self.certificate.pem())
    }

    /// A certificate with these names. Without alternative names it has only the common name.
    pub(super) fn sign(&self, common_name: &str, alternative_names: &[&str]) -> Identity {
        self.sign_as(params(common_name, alternative_names))
    }

    pub(super) fn sign_expired(&self, name: &str) -> Identity {
        let mut params = params(name, &[name]);
        (params.not_before, params.not_after) =
            (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        self.sign_as(params)
    }

    fn sign_as(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, &self.issuer).unwrap(),
            key,
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }
}

impl Identity {
    /// A file with the certificate and then the key.
    pub(super) fn file(&self) -> NamedTempFile {
        file(&(self.certificate.pem() + &self.key.serialize_pem()))
    }

    /// A file with the certificate only, and one with the key only.
    pub(super) fn halves(&self) -> [NamedTempFile; 2] {
        [
            file(&self.certificate.pem()),
            file(&self.key.serialize_pem()),
        ]
    }

    /// A TLS acceptor that presents this certificate, and requests one signed by `clients`.
    pub(super) fn acceptor(&self, clients: Option<&Authority>, protocols: &[&str]) -> TlsAcceptor {
        self.acceptor_of(ALL_VERSIONS, clients, protocols)
    }

    /// An acceptor without TLS 1.3.
    pub(super) fn old_acceptor(&self) -> TlsAcceptor {
        self.acceptor_of(&[&TLS12], None, &[])
    }

    fn acceptor_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&Authority>,
        protocols: &[&str],
    ) -> TlsAcceptor {
        let provider = vexil::tls::provider().unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions);
        let builder = match clients {
            None => builder.unwrap().with_no_client_auth(),
            Some(authority) => {
                let roots = Arc::new(authority.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .unwrap();
                builder.unwrap().with_client_cert_verifier(verifier)
            }
        };
        let chain = vec![CertificateDer::from(self.certificate.der().to_vec())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|protocol| protocol.as_bytes().to_vec())
            .collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// The server's side of a handshake, or `None` if the client aborts it.
    pub(super) async fn secure(
        &self,
        connection: Connection<TcpStream>,
    ) -> Option<Connection<TlsStream<TcpStream>>> {
        self.acceptor(None, &[])
            .accept(connection.stream)
            .await
            .map(Connection::new)
            .ok()
    }
}

fn params(common_name: &str, alternative_names: &[&str]) -> CertificateParams {
    let names = alternative_names
        .iter()
        .copied()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

pub(super) fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}
