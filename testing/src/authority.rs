//! [`sign`]: issues a certificate for this machine from a temporary authority.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

/// The host names of a server on this machine.
pub(crate) const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];

/// A certificate, its key, and the certificate of its authority.
pub(crate) struct Signed {
    pub(crate) authority_pem: String,
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

/// Creates an authority, which signs a certificate for these hosts.
pub(crate) fn sign(hosts: Vec<String>, expired: bool) -> Result<Signed, rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    authority
        .distinguished_name
        .push(DnType::CommonName, "vexil test authority");
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let mut leaf = CertificateParams::new(hosts)?;
    leaf.distinguished_name
        .push(DnType::CommonName, "vexil test server");
    // Cluster nodes also present it to one another as clients.
    leaf.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    if expired {
        leaf.not_before = rcgen::date_time_ymd(2000, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
    }
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?;
    Ok(Signed {
        authority_pem,
        certificate,
        key,
    })
}
