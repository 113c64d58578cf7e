//! The HTTP transport without a crypto provider. `scripts/test` runs it with `--no-default-features
//! --features http`. The feature `tls` is enabled even then, for the fake service.

#![cfg(all(
    feature = "http",
    not(any(feature = "tls-aws-lc-rs", feature = "tls-ring"))
))]

use std::error::Error;
use std::time::Duration;

use vexil::Client;
use vexil::config::{ConfigError, HttpConfig, ServiceEndpoints};
use vexil::transport::{RequestOptions, TransportErrorKind};

/// The error of a client's start, with its causes.
fn config_error(error: &ConfigError) -> String {
    format!("{error}: {}", error.source().unwrap())
}

#[test]
fn a_client_of_an_https_service_does_not_start() {
    for endpoints in [
        ServiceEndpoints::new(),
        ServiceEndpoints::relay(" HTTPS://relay.example.com"),
    ] {
        let error = Client::builder("sdk-key")
            .service_endpoints(endpoints)
            .start()
            .unwrap_err();
        assert!(config_error(&error).contains("tls-aws-lc-rs"), "{error:?}");
    }
}

#[test]
fn a_client_of_an_http_service_starts() {
    let service = vexil_testing::FakeService::start().unwrap();
    service.set("flag", true);
    let client = Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .start()
        .unwrap();
    service.wait_for_streams(1).wait().unwrap();
    drop(client);
}

#[tokio::test]
async fn a_request_for_an_https_url_is_not_sent() {
    let transport = HttpConfig::new().build().unwrap();
    let request = http::Request::get("https://localhost:1/")
        .body(bytes::Bytes::new())
        .unwrap();
    let error = transport
        .send(request, RequestOptions::new(Duration::from_secs(60)))
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Request);
}

#[test]
fn certificates_cannot_be_set() {
    for config in [
        HttpConfig::new().ca_certs("roots.pem"),
        HttpConfig::new().cert_file("own.pem"),
        HttpConfig::new().disable_ssl_verification(true),
    ] {
        assert!(config_error(&config.build().unwrap_err()).contains("tls-ring"));
    }
    HttpConfig::new().build().unwrap();
}
