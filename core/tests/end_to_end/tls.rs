//! Clients and services that communicate over TLS. SRC-9.

use std::process::Command;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use vexil::config::{ConfigError, HttpConfig};
use vexil::transport::RetryPolicy;
use vexil_testing::FakeService;
use vexil_testing::fake_service::Certificate;

use crate::polling::often;
use crate::setup::{Statuses, builder, error_status, ready, stream, until_value, value};

fn with(certificate: Certificate) -> FakeService {
    let service = FakeService::builder()
        .tls_with(certificate)
        .start()
        .unwrap();
    service.set("flag", "old");
    service
}

fn trusting(service: &FakeService) -> HttpConfig {
    HttpConfig::new().ca_certs(service.ca_pem_path().unwrap())
}

#[test]
fn a_client_streams_from_a_service_that_it_trusts() {
    let service = with(Certificate::valid());
    let client = ready(builder(&service).http(trusting(&service)));
    assert_eq!(value(&client), "old");
    service.set("flag", "new");
    until_value(&client, "new");
}

#[test]
fn a_client_polls_a_service_that_it_trusts() {
    let service = with(Certificate::valid());
    let client = ready(
        builder(&service)
            .http(trusting(&service))
            .data_source(often()),
    );
    service.set("flag", "new");
    until_value(&client, "new");
}

#[test]
fn a_client_that_verifies_nothing_accepts_any_service() {
    let service = with(Certificate::expired());
    let client = ready(builder(&service).http(HttpConfig::new().disable_ssl_verification(true)));
    assert_eq!(value(&client), "old");
}

// SRC-F44
#[test]
fn an_untrusted_service_gets_no_request_and_is_not_retried_soon() {
    let expired = with(Certificate::expired());
    let elsewhere = with(Certificate::for_host("example.com"));
    let stranger = with(Certificate::valid());
    for (service, http) in [
        (&expired, trusting(&expired)),
        (&elsewhere, trusting(&elsewhere)),
        (&stranger, HttpConfig::new()),
        (&stranger, trusting(&expired)),
    ] {
        let before = service.failed_handshakes();
        let client = builder(service)
            .sdk_key("sdk-distrusts")
            .http(http)
            .data_source(stream())
            .start()
            .unwrap();
        assert_eq!(error_status(&client), "Initializing NetworkError");
        let message = client.data_source_status().status().error.unwrap().message;
        assert!(message.contains("certificate"), "{message}");
        service
            .until("the handshake to fail", || {
                service.failed_handshakes() > before
            })
            .wait()
            .unwrap();
        // Other clients connect meanwhile, which takes long enough to notice a client that retries
        // soon.
        for _ in 0..3 {
            ready(builder(service).http(HttpConfig::new().disable_ssl_verification(true)));
        }
        assert_eq!(service.failed_handshakes(), before + 1);
        assert!(
            service
                .requests()
                .iter()
                .all(|request| request.header("authorization") == Some("sdk-key"))
        );
    }
}

// SRC-F44
#[test]
fn under_the_legacy_policy_an_untrusted_service_is_retried_soon() {
    let service = with(Certificate::expired());
    let legacy = stream().retry_policy(RetryPolicy::LegacyStop);
    let client = builder(&service)
        .http(trusting(&service))
        .data_source(legacy)
        .start()
        .unwrap();
    service
        .until("four attempts", || service.failed_handshakes() >= 4)
        .wait()
        .unwrap();
    assert_eq!(error_status(&client), "Initializing NetworkError");
    assert!(service.requests().is_empty());
}

// SRC-F45
#[test]
fn a_truncated_handshake_is_retried_soon() {
    let service = with(Certificate::valid());
    let client = ready(
        builder(&service)
            .http(trusting(&service))
            .data_source(stream()),
    );
    let mut statuses = Statuses::of(&client);
    service.reset_connections(2).cut_streams();
    assert_eq!(
        [(); 3].map(|()| statuses.next()),
        ["Interrupted NetworkError"; 3]
    );
    assert_eq!(statuses.next(), "Valid");
}

// SRC-F45: an end without a TLS close_notify alert
#[test]
fn a_stream_whose_tls_connection_is_cut_is_opened_again() {
    let service = with(Certificate::valid());
    let client = ready(
        builder(&service)
            .http(trusting(&service))
            .data_source(stream()),
    );
    for _ in 0..2 {
        let mut statuses = Statuses::of(&client);
        service.cut_streams();
        assert_eq!(
            [(); 2].map(|()| statuses.next()),
            ["Interrupted NetworkError", "Valid"]
        );
    }
}

// SRC-F45
#[test]
fn a_service_without_tls_is_retried_soon() {
    let plain = FakeService::start().unwrap();
    let endpoints = vexil::config::ServiceEndpoints::relay(format!("https://{}", plain.address()));
    let client = builder(&plain)
        .service_endpoints(endpoints)
        .data_source(stream())
        .start()
        .unwrap();
    let mut statuses = Statuses::of(&client);
    for _ in 0..3 {
        assert_eq!(statuses.next(), "Initializing NetworkError");
    }
}

#[test]
fn crypto_providers_have_an_order_of_precedence() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "tls::in_a_separate_process", "--ignored"]);
    let output = child.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
#[ignore = "run by another test in a separate process, because it changes process-wide state"]
fn in_a_separate_process() {
    a_client_streams_from_a_service_that_it_trusts();
    assert!(
        CryptoProvider::get_default().is_none(),
        "only the application installs a process default"
    );
    let service = with(Certificate::valid());
    let own = configuration(&service);

    // The process default takes precedence over the provider of the cargo feature. This one has no
    // cipher suites.
    let useless = CryptoProvider {
        cipher_suites: Vec::new(),
        kx_groups: Vec::new(),
        ..CryptoProvider::clone(&vexil::tls::provider().unwrap())
    };
    useless.install_default().unwrap();
    let error = builder(&service)
        .http(trusting(&service))
        .start()
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConfigError::Component {
                component: "HTTP transport",
                ..
            }
        ),
        "{error:?}"
    );

    // The provider of a `ClientConfig` takes precedence over both, and is sufficient.
    let client = ready(builder(&service).http(HttpConfig::new().rustls_config(own)));
    assert_eq!(value(&client), "old");
}

/// A configuration that trusts the service.
fn configuration(service: &FakeService) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(service.ca_pem().unwrap().as_bytes()).unwrap())
        .unwrap();
    ClientConfig::builder_with_provider(vexil::tls::provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[test]
fn a_rustls_config_replaces_the_other_settings() {
    let (service, stranger) = (with(Certificate::valid()), with(Certificate::valid()));
    let http = HttpConfig::new()
        .ca_certs("no-such-file.pem")
        .rustls_config(configuration(&service));
    assert_eq!(value(&ready(builder(&service).http(http.clone()))), "old");
    let client = builder(&stranger)
        .http(http)
        .data_source(stream())
        .start()
        .unwrap();
    assert_eq!(error_status(&client), "Initializing NetworkError");
}
