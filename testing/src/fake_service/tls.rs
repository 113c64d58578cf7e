//! [`Certificate`]: what the service shows of itself, and the authority that signs it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use super::start_error::StartError;

/// The certificate that the service shows, signed by an authority that is made for it and forgotten with it.
#[derive(Clone, Debug)]
pub struct Certificate {
    hosts: Vec<String>,
    expired: bool,
}

impl Certificate {
    /// One for `localhost` and 127.0.0.1: a client that trusts the authority accepts it.
    #[must_use]
    pub fn valid() -> Self {
        Self { hosts: vec!["localhost".to_owned(), "127.0.0.1".to_owned()], expired: false }
    }

    /// The same, but its time has passed.
    #[must_use]
    pub fn expired() -> Self {
        Self { expired: true, ..Self::valid() }
    }

    /// One for another host, which is not where the service is.
    #[must_use]
    pub fn for_host(host: impl Into<String>) -> Self {
        Self { hosts: vec![host.into()], ..Self::valid() }
    }
}

/// The authority's own certificate, in a file that goes with it.
#[derive(Debug)]
pub(super) struct Authority {
    pem: String,
    file: NamedTempFile,
}

impl Authority {
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Makes an authority, and what it takes to show a certificate of its.
    pub(super) fn sign(certificate: Certificate) -> Result<(Self, TlsAcceptor), StartError> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        authority.distinguished_name.push(DnType::CommonName, "vexil fake service authority");
        let authority_key = KeyPair::generate().map_err(StartError::certificate)?;
        let pem = authority.self_signed(&authority_key).map_err(StartError::certificate)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let mut leaf = CertificateParams::new(certificate.hosts).map_err(StartError::certificate)?;
        leaf.distinguished_name.push(DnType::CommonName, "vexil fake service");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if certificate.expired {
            leaf.not_before = rcgen::date_time_ymd(2000, 1, 1);
            leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().map_err(StartError::certificate)?;
        let signed = leaf.signed_by(&key, &issuer).map_err(StartError::certificate)?;

        // Named, not the default of the process: another user of rustls in the binary may have set none, or another.
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(StartError::certificate)?
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .map_err(StartError::certificate)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];

        let mut file = NamedTempFile::with_suffix(".pem")?;
        file.write_all(pem.as_bytes())?;
        Ok((Self { pem, file }, TlsAcceptor::from(Arc::new(config))))
    }
}
