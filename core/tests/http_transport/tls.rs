//! Which servers the transport trusts, and its client certificate. SRC-9.

use std::error::Error;
use std::path::Path;

use tokio_rustls::TlsAcceptor;
use vexil::config::HttpConfig;
use vexil::transport::TransportErrorKind;

use crate::certificates::{Authority, Identity, file};
use crate::log::Log;
use crate::server::{Connection, HELLO, Server};
use crate::{both, get, send, text};

/// The result of a request for `https://localhost`.
async fn fetch(config: &HttpConfig, acceptor: TlsAcceptor) -> Result<String, TransportErrorKind> {
    crate::interest::always_interested();
    let server = Server::start().await;
    let transport = config.build().unwrap();
    let client = async {
        let response = send(
            &*transport,
            get(format!("https://localhost:{}/", server.port)),
        )
        .await;
        text(response.map_err(|error| error.kind)?)
            .await
            .map_err(|error| error.kind)
    };
    let serve = async {
        let accepted = acceptor.accept(server.accept().await.stream).await;
        if let Ok(stream) = accepted {
            let mut connection = Connection::new(stream);
            connection.request().await;
            connection.write(HELLO).await;
        }
    };
    both(client, serve).await.0
}

async fn fetch_as(config: &HttpConfig, identity: &Identity) -> Result<String, TransportErrorKind> {
    fetch(config, identity.acceptor(None, &[])).await
}

const NOT_TRUSTED: Result<String, TransportErrorKind> = Err(TransportErrorKind::Certificate);

fn hello() -> Result<String, TransportErrorKind> {
    Ok("hello".to_owned())
}

#[tokio::test]
async fn a_custom_authority_is_trusted() {
    let authority = Authority::new();
    let file = authority.file();
    let config = HttpConfig::new().ca_certs(file.path());
    assert_eq!(
        fetch_as(&config, &authority.sign("x", &["localhost"])).await,
        hello()
    );
}

#[tokio::test]
async fn no_other_authority_is_trusted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let file = authority.file();
    let config = HttpConfig::new().ca_certs(file.path());
    for identity in [
        stranger.sign("x", &["localhost"]),
        stranger.sign("localhost", &[]),
    ] {
        assert_eq!(fetch_as(&config, &identity).await, NOT_TRUSTED);
        assert_eq!(fetch_as(&HttpConfig::new(), &identity).await, NOT_TRUSTED);
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let authority = Authority::new();
    let file = authority.file();
    let config = HttpConfig::new().ca_certs(file.path());
    assert_eq!(
        fetch_as(&config, &authority.sign("localhost", &["example.com"])).await,
        NOT_TRUSTED
    );
    assert_eq!(
        fetch_as(&config, &authority.sign("localhost", &["127.0.0.1"])).await,
        NOT_TRUSTED
    );
}

#[tokio::test]
async fn an_expired_certificate_is_not_trusted() {
    let authority = Authority::new();
    let file = authority.file();
    let config = HttpConfig::new().ca_certs(file.path());
    assert_eq!(
        fetch_as(&config, &authority.sign_expired("localhost")).await,
        NOT_TRUSTED
    );
}

#[tokio::test]
async fn a_common_name_does_not_stand_in_for_an_alternative_name() {
    let authority = Authority::new();
    let file = authority.file();
    let config = HttpConfig::new().ca_certs(file.path());
    assert_eq!(
        fetch_as(&config, &authority.sign("localhost", &[])).await,
        NOT_TRUSTED
    );
}

#[tokio::test]
async fn tls_1_2_is_supported() {
    let authority = Authority::new();
    let file = authority.file();
    for config in [
        HttpConfig::new().ca_certs(file.path()),
        HttpConfig::new().disable_ssl_verification(true),
    ] {
        assert_eq!(
            fetch(&config, authority.sign("x", &["localhost"]).old_acceptor()).await,
            hello()
        );
    }
    assert_eq!(
        fetch(
            &HttpConfig::new(),
            authority.sign("x", &["localhost"]).old_acceptor()
        )
        .await,
        NOT_TRUSTED
    );
}

#[test]
fn disabled_verification_is_logged_as_a_warning() {
    crate::interest::always_interested();
    let log = Log::default();
    let transport = tracing::subscriber::with_default(log.subscriber(), || {
        drop(HttpConfig::new().build());
        HttpConfig::new().disable_ssl_verification(true).build()
    });
    drop(transport.unwrap());
    let lines = log.lines();
    assert!(
        matches!(&lines[..], [line] if line.contains("not verified")),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn without_verification_any_server_is_trusted() {
    let authority = Authority::new();
    let config = HttpConfig::new().disable_ssl_verification(true);
    assert_eq!(
        fetch_as(&config, &authority.sign_expired("example.com")).await,
        hello()
    );
    // The setting takes precedence over the CA file, which need not exist then.
    let config = config.ca_certs("no-such-file.pem");
    assert_eq!(
        fetch_as(&config, &authority.sign("example.com", &[])).await,
        hello()
    );
}

#[tokio::test]
async fn a_client_presents_its_certificate_if_the_server_requests_it() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.sign("x", &["localhost"]);
    let (roots, good, bad) = (
        authority.file(),
        authority.sign("c", &[]).file(),
        stranger.sign("c", &[]).file(),
    );
    let asks = || server.acceptor(Some(&authority), &[]);
    for config in [
        HttpConfig::new().ca_certs(roots.path()),
        HttpConfig::new().disable_ssl_verification(true),
    ] {
        assert_eq!(
            fetch(&config.clone().cert_file(good.path()), asks()).await,
            hello()
        );
        // The rejected certificate is the client's. That is no different from other connection
        // errors.
        assert_eq!(
            fetch(&config, asks()).await,
            Err(TransportErrorKind::Connection)
        );
        assert_eq!(
            fetch(&config.cert_file(bad.path()), asks()).await,
            Err(TransportErrorKind::Connection)
        );
    }
}

#[tokio::test]
async fn a_handshake_that_fails_for_another_reason_is_a_connection_error() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let server = Server::start().await;
        let transport = HttpConfig::new().build().unwrap();
        let client = send(
            &*transport,
            get(format!("https://localhost:{}/", server.port)),
        );
        let fails = async { server.accept().await.write(answer).await };
        let (outcome, ()) = both(client, fails).await;
        assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Connection);
    }
}

/// The configuration error, with its cause.
#[track_caller]
fn config_error(config: &HttpConfig) -> String {
    let error = config.build().unwrap_err();
    format!("{error}: {}", error.source().unwrap())
}

#[test]
fn an_unusable_file_is_named() {
    let identity = Authority::new().sign("c", &[]);
    let [certificate, key] = identity.halves();
    let (empty, text) = (file(""), file("no certificate"));
    let broken = file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let missing = Path::new("no-such-file.pem");
    for path in [
        missing,
        empty.path(),
        text.path(),
        broken.path(),
        key.path(),
    ] {
        let config_error = config_error(&HttpConfig::new().ca_certs(path));
        assert!(
            config_error.contains("HTTP transport")
                && config_error.contains(path.to_str().unwrap()),
            "{config_error}"
        );
    }
    for path in [
        missing,
        empty.path(),
        text.path(),
        certificate.path(),
        key.path(),
    ] {
        let config_error = config_error(&HttpConfig::new().cert_file(path));
        assert!(
            config_error.contains(path.to_str().unwrap()),
            "{config_error}"
        );
    }
}

/// Bundles in which the first and the last of three certificates are invalid.
fn flawed(good: &str) -> [String; 3] {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_base64 = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let cut_off = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    [broken, no_base64, cut_off].map(|last| format!("{broken}{good}{last}"))
}

#[tokio::test]
async fn invalid_certificates_of_a_bundle_are_skipped_and_logged_by_position() {
    crate::interest::always_interested();
    let authority = Authority::new();
    for bundle in flawed(&std::fs::read_to_string(authority.file().path()).unwrap()) {
        let bundle = file(&bundle);
        let config = HttpConfig::new().ca_certs(bundle.path());
        let log = Log::default();
        drop(tracing::subscriber::with_default(log.subscriber(), || {
            config.build().unwrap()
        }));
        let lines = log.lines();
        assert_eq!(lines.len(), 2, "{lines:#?}");
        for (line, position) in lines.iter().zip(["position=1", "position=3"]) {
            let words = ["WARN", position, bundle.path().to_str().unwrap()];
            assert!(words.iter().all(|word| line.contains(word)), "{line}");
        }
        assert_eq!(
            fetch_as(&config, &authority.sign("x", &["localhost"])).await,
            hello()
        );
        assert_eq!(
            fetch_as(&config, &Authority::new().sign("x", &["localhost"])).await,
            NOT_TRUSTED
        );
    }
}

#[test]
fn a_certificate_with_the_key_of_another_is_an_error() {
    let authority = Authority::new();
    let [certificate, _] = authority.sign("c", &[]).halves();
    let [_, key] = authority.sign("c", &[]).halves();
    let mixed = [certificate, key]
        .map(|half| std::fs::read_to_string(half.path()).unwrap())
        .concat();
    let mixed = file(&mixed);
    let config_error = config_error(&HttpConfig::new().cert_file(mixed.path()));
    assert!(
        config_error.contains(mixed.path().to_str().unwrap()),
        "{config_error}"
    );
}
