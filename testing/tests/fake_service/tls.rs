//! TLS: valid and invalid certificates.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Certificate, Endpoint};

/// Polls all flags from a service, trusting the authority of another or the same one.
fn poll(service: &FakeService, trusted: &FakeService) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    let file = CertificateDer::from_pem_file(trusted.ca_pem_path().unwrap()).unwrap();
    assert_eq!(
        file,
        CertificateDer::from_pem_slice(trusted.ca_pem().unwrap().as_bytes()).unwrap()
    );
    roots.add(file).unwrap();
    let config = ClientConfig::builder_with_provider(vexil::tls::provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection =
        ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(service.address()).unwrap());
    stream.write_all(b"GET /sdk/latest-all HTTP/1.1\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn a_client_that_trusts_the_authority_is_served() {
    let service = FakeService::builder().tls().start().unwrap();
    assert!(service.url().starts_with("https://127.0.0.1:"));
    assert!(
        poll(&service, &service)
            .unwrap()
            .starts_with("HTTP/1.1 200 OK")
    );
    service.answers(Endpoint::Poll, [Answer::hang_up(), Answer::reset()]);
    assert_eq!(poll(&service, &service).unwrap(), "");
    assert_eq!(
        poll(&service, &service).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    service.reset_connections(1);
    assert!(poll(&service, &service).is_err());
}

// SRC-F44.
#[test]
fn certificates_can_be_invalid() {
    let good = FakeService::builder().tls().start().unwrap();
    let others = [
        Certificate::valid(),
        Certificate::expired(),
        Certificate::for_host("example.com"),
    ];
    for (index, certificate) in others.into_iter().enumerate() {
        let service = FakeService::builder()
            .tls_with(certificate)
            .start()
            .unwrap();
        let trusted = if index == 0 { &good } else { &service };
        let error = poll(&service, trusted).unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
        service
            .until("a failed handshake", || service.failed_handshakes() == 1)
            .wait()
            .unwrap();
        assert!(service.requests().is_empty());
    }
}
