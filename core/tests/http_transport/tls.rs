//! Which servers the transport trusts, and its client certificate. SRC-9.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::pki_types::CertificateRevocationListDer;
use vexil::config::HttpConfig;
use vexil::transport::{TransportError, TransportErrorKind};

use crate::certificates::{Authority, Identity, file};
use crate::log::Log;
use crate::server::{Connection, HELLO, Server};
use crate::{both, get, send, shown, text};

/// The result of a request for `https://localhost`.
async fn fetch(config: &HttpConfig, acceptor: TlsAcceptor) -> Result<String, TransportErrorKind> {
    let response = response(config, acceptor).await;
    response.map_err(|error| error.kind)
}

async fn response(config: &HttpConfig, acceptor: TlsAcceptor) -> Result<String, TransportError> {
    crate::interest::always_interested();
    let server = Server::start().await;
    let transport = config.build().unwrap();
    let client = async {
        let response = send(
            &*transport,
            get(format!("https://localhost:{}/", server.port)),
        )
        .await;
        text(response?).await
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

/// Checks that a server is refused for its certificate, and that the error has this cause.
#[track_caller]
fn is_refused(outcome: Result<String, TransportError>, cause: &str) {
    let error = outcome.expect_err(cause);
    assert_eq!(error.kind, TransportErrorKind::Certificate, "{cause}");
    let shown = shown(&error);
    assert!(shown.contains(cause), "not {cause}: {shown}");
}

#[tokio::test]
async fn an_unacceptable_certificate_is_an_error_that_names_the_defect() {
    let (authority, impostor) = (Authority::new(), Authority::new());
    let stranger = Authority::named("another authority");
    let only_for_clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let of_the_future = |params: &mut CertificateParams| {
        (params.not_before, params.not_after) =
            (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
    };
    let file = authority.file();
    let config = HttpConfig::new().ca_certs(file.path());
    for (identity, cause) in [
        (
            authority.sign_with("example.com", |_| {}),
            "NotValidForName",
        ),
        (authority.sign_expired("localhost"), "Expired"),
        (
            authority.sign_with("localhost", of_the_future),
            "NotValidYet",
        ),
        (
            authority.sign_with("localhost", only_for_clients),
            "InvalidPurpose",
        ),
        (stranger.sign_with("localhost", |_| {}), "UnknownIssuer"),
        // Another authority of the same name.
        (impostor.sign_with("localhost", |_| {}), "BadSignature"),
        (Identity::self_signed("localhost"), "UnknownIssuer"),
    ] {
        is_refused(response(&config, identity.acceptor(None, &[])).await, cause);
    }
    let good = authority.sign_with("localhost", |_| {});
    assert_eq!(fetch_as(&config, &good).await, hello());
}

#[tokio::test]
async fn a_chain_is_followed_in_any_order_after_the_servers_own_certificate() {
    let root = Authority::new();
    let (upper, file) = (root.intermediate("upper"), root.file());
    let lower = upper.intermediate("lower");
    let own = || lower.sign_with("localhost", |_| {});
    let config = HttpConfig::new().ca_certs(file.path());
    for whole in [[&lower, &upper], [&upper, &lower]] {
        assert_eq!(fetch_as(&config, &own().with(&whole)).await, hello());
    }
    for part in [&[][..], &[&upper], &[&lower]] {
        let outcome = response(&config, own().with(part).acceptor(None, &[])).await;
        is_refused(outcome, "UnknownIssuer");
    }
    let mut reversed = own().with(&[&lower, &upper]);
    reversed.chain.reverse();
    let outcome = response(&config, reversed.acceptor(None, &[])).await;
    is_refused(outcome, "CaUsedAsEndEntity");
}

/// A configuration that trusts the authority, except for the certificates in this list.
fn with_revocations(
    authority: &Authority,
    list: CertificateRevocationListDer<'static>,
) -> ClientConfig {
    let provider = vexil::tls::provider().unwrap();
    let roots = Arc::new(authority.roots());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .with_crls([list])
        .build()
        .unwrap();
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(verifier)
        .with_no_client_auth()
}

#[tokio::test]
async fn a_certificate_in_a_revocation_list_of_the_rustls_configuration_is_refused() {
    let authority = Authority::new();
    let (good, revoked) = (
        authority.sign_with("localhost", |_| {}),
        authority.sign_with("localhost", |_| {}),
    );
    let tls = with_revocations(&authority, authority.revoke(&revoked));
    let config = HttpConfig::new().rustls_config(tls);
    assert_eq!(fetch_as(&config, &good).await, hello());
    let outcome = response(&config, revoked.acceptor(None, &[])).await;
    is_refused(outcome, "Revoked");
}

/// A server's answer to the start of a handshake: an alert, or a hello with this version.
fn in_version(version: [u8; 2], is_alert: bool) -> Vec<u8> {
    const PROTOCOL_VERSION: u8 = 70;
    if is_alert {
        let [major, minor] = version;
        return vec![21, major, minor, 0, 2, 2, PROTOCOL_VERSION];
    }
    // The version, 32 random bytes, no session, a cipher suite, no compression.
    let hello = [&version[..], &[7; 32], &[0, 0xc0, 0x13, 0]].concat();
    let length = u8::try_from(hello.len()).unwrap();
    let message = [&[2, 0, 0, length][..], &hello].concat();
    [&[22, 3, 1, 0, length + 4][..], &message].concat()
}

#[tokio::test]
async fn a_server_without_tls_1_2_is_refused_and_gets_no_request() {
    let server = Server::start().await;
    let transport = HttpConfig::new()
        .disable_ssl_verification(true)
        .build()
        .unwrap();
    for minor in [0, 1, 2] {
        for is_alert in [true, false] {
            let url = format!("https://localhost:{}/", server.port);
            let client = send(&*transport, get(url));
            let old = async {
                let mut connection = server.accept().await;
                connection.write(in_version([3, minor], is_alert)).await;
                connection.rest().await
            };
            let (outcome, received) = both(client, old).await;
            let error = outcome.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::Connection);
            let shown = shown(&error);
            let cause = if is_alert {
                "ProtocolVersion"
            } else {
                "PeerIncompatible"
            };
            assert!(shown.contains(cause), "{shown}");
            let key = b"sdk-key";
            assert!(!received.windows(key.len()).any(|part| part == key));
        }
    }
}

#[tokio::test]
async fn a_server_with_tls_on_the_port_of_an_http_url_is_a_connection_error() {
    let identity = Authority::new().sign("x", &["localhost"]);
    let server = Server::start().await;
    let transport = HttpConfig::new().build().unwrap();
    let client = send(&*transport, get(server.url("/")));
    let tls = async { identity.secure(server.accept().await).await.is_none() };
    let (outcome, failed) = both(client, tls).await;
    assert!(failed, "the handshake of the server");
    assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Connection);
}

#[tokio::test]
async fn a_custom_authority_is_trusted() {
    let authority = Authority::new();
    let file = authority.file();
    for config in [
        HttpConfig::new().ca_certs(file.path()),
        HttpConfig::new().ca_certs_pem(authority.pem()),
        // The last one takes effect.
        HttpConfig::new()
            .ca_certs("no-such-file.pem")
            .ca_certs_pem(authority.pem()),
    ] {
        assert_eq!(
            fetch_as(&config, &authority.sign("x", &["localhost"])).await,
            hello()
        );
    }
}

#[tokio::test]
async fn no_other_authority_is_trusted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let file = authority.file();
    for identity in [
        stranger.sign("x", &["localhost"]),
        stranger.sign("localhost", &[]),
    ] {
        for config in [
            HttpConfig::new().ca_certs(file.path()),
            HttpConfig::new().ca_certs_pem(authority.pem()),
            HttpConfig::new(),
        ] {
            assert_eq!(fetch_as(&config, &identity).await, NOT_TRUSTED);
        }
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

#[test]
fn text_without_a_certificate_is_an_error_that_does_not_show_it() {
    let key = Authority::new().sign("c", &[]).pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in [
        "",
        "no certificate",
        broken,
        key.rsplit_once("-----BEGIN").unwrap().1,
    ] {
        let config = HttpConfig::new().ca_certs_pem(pem);
        let shown = format!("{} {config:?}", config_error(&config));
        assert!(shown.contains("the certificate authorities"), "{shown}");
        assert!(pem.is_empty() || !shown.contains(pem), "{shown}");
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
        let written = file(&bundle);
        for (config, origin) in [
            (
                HttpConfig::new().ca_certs(written.path()),
                written.path().to_str().unwrap(),
            ),
            (HttpConfig::new().ca_certs_pem(bundle), "memory"),
        ] {
            let log = Log::default();
            drop(tracing::subscriber::with_default(log.subscriber(), || {
                config.build().unwrap()
            }));
            let lines = log.lines();
            assert_eq!(lines.len(), 2, "{lines:#?}");
            for (line, position) in lines.iter().zip(["position=1", "position=3"]) {
                let words = ["WARN", position, origin];
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
