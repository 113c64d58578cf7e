//! Certificates that name their host in the old way.
//!
//! A certificate says in its `subjectAltName` extension for which hosts it is. Private authorities still make some
//! without it, with nothing but a common name. Whoever names the authorities to trust gets those accepted too, if the
//! common name is the host's exactly; everybody else gets the standard rules only.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// The standard verifier, but for certificates without alternative names.
#[derive(Debug)]
pub(super) struct CommonNameVerifier(Arc<WebPkiServerVerifier>);

impl CommonNameVerifier {
    pub(super) fn new(standard: Arc<WebPkiServerVerifier>) -> Self {
        Self(standard)
    }
}

#[deny(clippy::missing_trait_methods, reason = "it hides nothing of what it wraps")]
impl ServerCertVerifier for CommonNameVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: the chain of this certificate has been found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if is_named(end_entity, &server_name.to_str()) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}

/// Whether a certificate has no alternative names and this one common name.
fn is_named(certificate: &[u8], host: &str) -> bool {
    sole_common_name(certificate).is_some_and(|name| name.eq_ignore_ascii_case(host.as_bytes()))
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
/// The tag of the version, and that of the extensions, in a certificate.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// Kinds of text whose bytes are those of the ASCII text: UTF-8, printable, teletex, IA5.
const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The common name of a certificate that has exactly one and no alternative names; none if that cannot be told.
fn sole_common_name(certificate: &[u8]) -> Option<&[u8]> {
    let [(SEQUENCE, signed), ..] = elements(certificate)?[..] else { return None };
    let [(SEQUENCE, fields), ..] = elements(signed)?[..] else { return None };
    let mut fields = elements(fields)?;
    fields.retain(|(tag, _)| *tag != VERSION);
    // Serial number, signature algorithm, issuer, validity, subject, public key, and more.
    let [_, _, _, _, (SEQUENCE, subject), _, ref more @ ..] = fields[..] else { return None };
    if let Some((_, extensions)) = more.iter().find(|(tag, _)| *tag == EXTENSIONS) {
        let [(SEQUENCE, extensions)] = elements(extensions)?[..] else { return None };
        for (_, extension) in elements(extensions)? {
            let [(OBJECT_ID, id), ..] = elements(extension)?[..] else { return None };
            if id == SUBJECT_ALT_NAME {
                return None;
            }
        }
    }
    let mut names = Vec::new();
    for (tag, attributes) in elements(subject)? {
        for (_, attribute) in elements(attributes).filter(|_| tag == SET)? {
            let [(OBJECT_ID, id), (text, name)] = elements(attribute)?[..] else { return None };
            if id == COMMON_NAME {
                names.push((text, name));
            }
        }
    }
    match names[..] {
        [(text, name)] if TEXTS.contains(&text) => Some(name),
        _ => None,
    }
}

/// The elements, tag and content, of which these bytes consist; none if they do not.
fn elements(mut der: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut elements = Vec::new();
    while let [tag, short, rest @ ..] = der {
        // Above 127 it is the length of the length.
        let (length, rest) = match short.checked_sub(0x80) {
            None => (usize::from(*short), rest),
            Some(size @ 1..=4) => {
                let (digits, rest) = rest.split_at_checked(usize::from(size))?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
            Some(_) => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        elements.push((*tag, content));
        der = rest;
    }
    der.is_empty().then_some(elements)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(common_names: &[&str], alternative: &[&str]) -> Vec<u8> {
        let alternative = alternative.iter().copied().map(str::to_owned).collect::<Vec<_>>();
        let mut params = CertificateParams::new(alternative).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "example.com");
        for name in common_names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    // Spec 02, section 9: TLS in the harness, RULE
    #[test]
    fn only_a_certificate_without_alternative_names_is_known_by_its_common_name() {
        let old = certificate(&["LocalHost"], &[]);
        assert!(is_named(&old, "localhost") && is_named(&old, "LOCALHOST"));
        assert!(!is_named(&old, "localhost.") && !is_named(&old, "local") && !is_named(&old, ""));
        assert!(!is_named(&certificate(&["*.example.com"], &[]), "a.example.com"), "no wildcards");
        assert!(!is_named(&certificate(&["localhost"], &["example.com"]), "localhost"));
        assert!(!is_named(&certificate(&["localhost"], &["127.0.0.1"]), "localhost"));
        assert!(!is_named(&certificate(&[], &[]), "example.com"), "the organization is no host");
    }

    #[test]
    fn a_broken_certificate_has_no_name() {
        let good = certificate(&["localhost"], &[]);
        for length in 0..good.len() {
            assert_eq!(sole_common_name(&good[..length]), None);
        }
        for position in 0..good.len() {
            let mut broken = good.clone();
            broken[position] ^= 0xff;
            std::hint::black_box(sole_common_name(&broken));
        }
    }
}
