//! Redirects: which are followed, where to, how many, and what they carry. SRC-2.8.

use vexil::config::HttpConfig;
use vexil::transport::TransportErrorKind;

use crate::certificates::Authority;
use crate::log::Log;
use crate::server::{Connection, HELLO, Server};
use crate::{both, failure, get, post, send, shown, text, transport};

fn redirect(status: u16, location: &str) -> String {
    format!(
        "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_redirected_request_is_unchanged() {
    for status in [301, 302, 303, 307, 308] {
        let (server, transport) = (Server::start().await, transport());
        let mut request = post(server.url("/old/bulk"), "[1]");
        request.headers_mut().insert(
            "x-launchdarkly-tags",
            "application-id/shop".parse().unwrap(),
        );
        let moves = async {
            server
                .serve(redirect(status, &server.url("/new/bulk?b=c")))
                .await;
            server.serve(HELLO).await.0
        };
        let (response, received) = both(send(&*transport, request), moves).await;
        assert_eq!(text(response.unwrap()).await.unwrap(), "hello");
        assert_eq!(
            (received.line.as_str(), received.body.as_str()),
            ("POST /new/bulk?b=c HTTP/1.1", "[1]")
        );
        assert_eq!(
            received.header("authorization"),
            Some("sdk-key"),
            "{status}"
        );
        assert_eq!(
            received.header("x-launchdarkly-tags"),
            Some("application-id/shop")
        );
    }
}

#[tokio::test]
async fn a_location_can_be_relative() {
    for (location, target) in [
        ("/b", "/b"),
        ("b", "/prefix/b"),
        ("../b?c=d", "/b?c=d"),
        ("?c", "/prefix/all?c"),
    ] {
        let (server, transport) = (Server::start().await, transport());
        let moves = async {
            server.serve(redirect(301, location)).await;
            server.serve(HELLO).await.0
        };
        let (_, received) = both(send(&*transport, get(server.url("/prefix/all"))), moves).await;
        assert_eq!(
            received.line,
            format!("GET {target} HTTP/1.1"),
            "{location}"
        );
    }
}

#[tokio::test]
async fn the_sdk_key_is_not_sent_to_another_origin() {
    let (home, abroad, transport) = (Server::start().await, Server::start().await, transport());
    let mut request = get(home.url("/"));
    request
        .headers_mut()
        .insert("x-other", "kept".parse().unwrap());
    request
        .headers_mut()
        .insert("cookie", "secret".parse().unwrap());
    let moves = async {
        home.serve(redirect(307, &abroad.url("/there"))).await;
        let (there, _) = abroad.serve(redirect(307, &home.url("/back"))).await;
        (there, home.serve(HELLO).await.0)
    };
    let (response, (there, back)) = both(send(&*transport, request), moves).await;
    assert_eq!(response.unwrap().status(), 200);
    for received in [there, back] {
        assert_eq!(
            (received.header("authorization"), received.header("cookie")),
            (None, None),
            "{received:?}"
        );
        assert_eq!(received.header("x-other"), Some("kept"));
    }
}

// Other URL parsers read some of these as a path, or as another host.
#[tokio::test]
async fn the_sdk_key_does_not_follow_a_location_in_disguise() {
    for location in [
        "//127.0.0.1:{port}/there",
        "\\\\127.0.0.1:{port}/there",
        "/\\127.0.0.1:{port}/there",
        "/\t/127.0.0.1:{port}/there",
        "http:\\\\127.0.0.1:{port}\\there",
        "http://{home}@127.0.0.1:{port}/there",
        "http://127.1:{port}/there",
        "http://0x7f000001:{port}/there",
        "http://localhost:{port}/there",
    ] {
        let (home, abroad, transport) = (Server::start().await, Server::start().await, transport());
        let location = location
            .replace("{port}", &abroad.port.to_string())
            .replace("{home}", &format!("127.0.0.1:{}", home.port));
        let moves = async {
            home.serve(redirect(302, &location)).await;
            abroad.serve(HELLO).await.0
        };
        let (_, received) = both(send(&*transport, get(home.url("/"))), moves).await;
        assert_eq!(received.line, "GET /there HTTP/1.1", "{location}");
        assert_eq!(received.header("authorization"), None, "{location}");
    }
}

#[tokio::test]
async fn the_sdk_key_is_not_sent_from_http_to_https() {
    let authority = Authority::new();
    let (file, identity) = (authority.file(), authority.sign("x", &["localhost"]));
    let (home, abroad) = (Server::start().await, Server::start().await);
    let transport = HttpConfig::new().ca_certs(file.path()).build().unwrap();
    let location = format!("https://localhost:{}/there", abroad.port);
    let moves = async {
        home.serve(redirect(307, &location)).await;
        let mut connection = identity.secure(abroad.accept().await).await.unwrap();
        let received = connection.request().await;
        connection.write(HELLO).await;
        received
    };
    let url = format!("http://localhost:{}/", home.port);
    let (response, received) = both(send(&*transport, get(url)), moves).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(received.line, "GET /there HTTP/1.1");
    assert_eq!(received.header("authorization"), None);
}

#[tokio::test]
async fn a_body_is_not_sent_to_another_origin() {
    crate::interest::always_interested();
    for status in [301, 302, 303, 307, 308] {
        let (home, abroad, transport) = (Server::start().await, Server::start().await, transport());
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.subscriber());
        for _ in 0..3 {
            let location = abroad
                .url("/bulk?token=secret")
                .replace("://", "://ada:secret@");
            let request = post(home.url("/bulk"), r#"[{"key": "ada@example.com"}]"#);
            let (outcome, _) = both(
                send(&*transport, request),
                home.serve(redirect(status, &location)),
            )
            .await;
            let error = outcome.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::Redirect);
            let shown = shown(&error);
            assert!(
                shown.contains(&format!("127.0.0.1:{}", abroad.port)),
                "{shown}"
            );
            assert!(
                !shown.contains("secret") && !shown.contains("ada"),
                "{shown}"
            );
        }
        one_refusal(&log, &format!("127.0.0.1:{}", abroad.port));
    }
}

/// Checks that one line for all attempts names the host, and that no line of any crate contains the
/// rest of the location.
#[track_caller]
fn one_refusal(log: &Log, host: &str) {
    let lines = log.lines();
    let refusals: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(" WARN vexil::"))
        .collect();
    assert_eq!(refusals.len(), 1, "{lines:#?}");
    assert!(
        refusals[0].contains("a redirect is refused") && refusals[0].contains(host),
        "{}",
        refusals[0]
    );
    assert!(
        !lines.iter().any(|line| line.contains("secret")),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn no_request_is_redirected_from_https_to_http() {
    crate::interest::always_interested();
    let authority = Authority::new();
    let file = authority.file();
    let acceptor = authority.sign("x", &["localhost"]).acceptor(None, &[]);
    for method in ["GET", "POST"] {
        let (home, abroad) = (Server::start().await, Server::start().await);
        let transport = HttpConfig::new().ca_certs(file.path()).build().unwrap();
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.subscriber());
        for location in [
            format!(
                "http://ada:secret@localhost:{}/all?token=secret",
                abroad.port
            ),
            format!("HTTP://LOCALHOST:{}/all", abroad.port),
        ] {
            let mut request = post(format!("https://localhost:{}/", home.port), "[1]");
            *request.method_mut() = method.parse().unwrap();
            let serve = async {
                let stream = acceptor.accept(home.accept().await.stream).await.unwrap();
                let mut connection = Connection::new(stream);
                connection.request().await;
                connection.write(redirect(307, &location)).await;
            };
            let (outcome, ()) = both(send(&*transport, request), serve).await;
            let error = outcome.unwrap_err();
            assert_eq!(error.kind, TransportErrorKind::Redirect);
            assert!(
                shown(&error).contains("from https to http"),
                "{}",
                shown(&error)
            );
        }
        one_refusal(&log, &format!("localhost:{}", abroad.port));
    }
}

#[tokio::test]
async fn credentials_in_a_location_are_neither_used_nor_logged() {
    crate::interest::always_interested();
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let (home, abroad, transport) = (Server::start().await, Server::start().await, transport());
    let moves = async {
        let location = abroad.url("/there").replace("http://", "//ada:secret@");
        home.serve(redirect(302, &location)).await;
        abroad.serve(HELLO).await.0
    };
    let (response, received) = both(send(&*transport, get(home.url("/"))), moves).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(
        (received.line.as_str(), received.header("authorization")),
        ("GET /there HTTP/1.1", None)
    );
    assert!(
        !log.lines().iter().any(|line| line.contains("secret")),
        "{:#?}",
        log.lines()
    );
}

#[tokio::test]
async fn at_most_ten_redirects_are_followed() {
    for (redirects, end) in [(10, None), (11, Some(TransportErrorKind::Redirect))] {
        let (server, transport) = (Server::start().await, transport());
        let moves = async {
            for _ in 0..redirects {
                server.serve(redirect(302, "/again")).await;
            }
            if end.is_none() {
                server.serve(HELLO).await;
            }
        };
        let (outcome, ()) = both(send(&*transport, get(server.url("/"))), moves).await;
        assert_eq!(outcome.err().map(|error| error.kind), end);
    }
}

#[tokio::test]
async fn an_invalid_location_is_an_error() {
    let without = "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n".to_owned();
    let bad = [
        "",
        " ",
        "ftp://example.com/",
        "http://",
        "http://[::1",
        "http://a b/",
        "mailto:ada@example.com",
    ];
    for answer in bad
        .map(|location| redirect(307, location))
        .into_iter()
        .chain([without])
    {
        let (server, transport) = (Server::start().await, transport());
        let (kind, _) = both(
            failure(&*transport, get(server.url("/"))),
            server.serve(&answer),
        )
        .await;
        assert_eq!(kind, TransportErrorKind::Redirect, "{answer}");
    }
}

#[tokio::test]
async fn the_next_request_starts_from_the_original_url() {
    let (server, transport) = (Server::start().await, transport());
    for _ in 0..2 {
        let moves = async {
            let (first, _) = server.serve(redirect(301, "/new")).await;
            let (second, connection) = server
                .serve(HELLO.replace("OK\r\n", "OK\r\nConnection: close\r\n"))
                .await;
            drop(connection);
            [first.line, second.line]
        };
        let client =
            async { text(send(&*transport, get(server.url("/old"))).await.unwrap()).await };
        let (_, lines) = both(client, moves).await;
        assert_eq!(lines, ["GET /old HTTP/1.1", "GET /new HTTP/1.1"]);
    }
}
