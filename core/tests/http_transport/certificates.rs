//! Temporary authorities and certificates, and servers that present them.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer,
};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
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
    serial: SerialNumber,
    key: KeyPair,
    /// What a server presents. Its own certificate comes first, unless a test changes the order.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("an authority")
    }

    pub(super) fn named(name: &str) -> Self {
        let params = authority_params(name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// An authority that this one has signed.
    pub(super) fn intermediate(&self, name: &str) -> Self {
        let params = authority_params(name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// The authority's certificate.
    pub(super) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.certificate.der().to_vec())
    }

    /// The authority's certificate as PEM text.
    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A file with the authority's certificate.
    pub(super) fn file(&self) -> NamedTempFile {
        file(&self.pem())
    }

    /// A certificate with these names. Without alternative names it has only the common name.
    pub(super) fn sign(&self, common_name: &str, alternative_names: &[&str]) -> Identity {
        self.sign_as(params(common_name, alternative_names))
    }

    pub(super) fn sign_expired(&self, name: &str) -> Identity {
        self.sign_with(name, |params| {
            (params.not_before, params.not_after) =
                (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        })
    }

    /// A certificate for this host with other properties.
    pub(super) fn sign_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = params(name, &[name]);
        change(&mut params);
        self.sign_as(params)
    }

    fn sign_as(&self, mut params: CertificateParams) -> Identity {
        let (key, serial) = (KeyPair::generate().unwrap(), next_serial());
        params.serial_number = Some(serial.clone());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::new(certificate, serial, key)
    }

    pub(super) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }

    /// A list that revokes this certificate.
    pub(super) fn revoke(&self, identity: &Identity) -> CertificateRevocationListDer<'static> {
        let revoked = RevokedCertParams {
            serial_number: identity.serial.clone(),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(4096, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().der().clone()
    }
}

impl Identity {
    fn new(certificate: rcgen::Certificate, serial: SerialNumber, key: KeyPair) -> Self {
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        Self {
            certificate,
            serial,
            key,
            chain,
        }
    }

    /// A certificate for this host that only itself vouches for.
    pub(super) fn self_signed(name: &str) -> Self {
        let (key, serial) = (KeyPair::generate().unwrap(), next_serial());
        let certificate = params(name, &[name]).self_signed(&key).unwrap();
        Self::new(certificate, serial, key)
    }

    /// The same certificate with the rest of its chain.
    pub(super) fn with(mut self, intermediates: &[&Authority]) -> Self {
        self.chain
            .extend(intermediates.iter().map(|authority| authority.der()));
        self
    }

    /// A file with the certificate and then the key.
    pub(super) fn file(&self) -> NamedTempFile {
        file(&self.pem())
    }

    /// The certificate and the private key as PEM text.
    pub(super) fn pem(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
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
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let key = vexil::tls::provider()
            .unwrap()
            .key_provider
            .load_private_key(key)
            .unwrap();
        // Unlike `with_single_cert`, this presents a chain in any order.
        let chain = CertifiedKey::new(self.chain.clone(), key);
        let mut config = builder.with_cert_resolver(Arc::new(Always(Arc::new(chain))));
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

/// Presents the same chain to every client.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A serial number that no other certificate of this process has.
fn next_serial() -> SerialNumber {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    SerialNumber::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An authority that may sign others.
fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
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
