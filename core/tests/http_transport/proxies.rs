//! Proxies: which one is used, and what it receives. SRC-9.

use std::error::Error;
use std::process::Command;

use vexil::config::HttpConfig;
use vexil::transport::TransportErrorKind;

use crate::certificates::Authority;
use crate::server::{HELLO, Server};
use crate::{SOON, both, get, send, shown, text};

/// "ada:se cret", as a proxy receives it.
const CREDENTIALS: &str = "Basic YWRhOnNlIGNyZXQ=";

fn through(proxy: &Server) -> HttpConfig {
    HttpConfig::new().http_proxy(format!("http://ada:se%20cret@127.0.0.1:{}", proxy.port))
}

// SRC-9: H2/H3 "http proxy"
#[tokio::test]
async fn a_proxy_receives_the_whole_url_and_resolves_the_host() {
    let proxy = Server::start().await;
    let transport = through(&proxy).build().unwrap();
    let client = async {
        text(
            send(
                &*transport,
                get("http://not.valid.local/endpoints/7/all?filter=x"),
            )
            .await
            .unwrap(),
        )
        .await
        .unwrap()
    };
    let (text, (received, mut connection)) = both(client, proxy.serve(HELLO)).await;
    assert_eq!(text, "hello");
    assert_eq!(
        received.line,
        "GET http://not.valid.local/endpoints/7/all?filter=x HTTP/1.1"
    );
    assert_eq!(received.header("host"), Some("not.valid.local"));
    assert_eq!(received.header("proxy-authorization"), Some(CREDENTIALS));
    assert_eq!(received.header("authorization"), Some("sdk-key"));
    // The second request uses the same connection.
    let again = async {
        let received = connection.request().await;
        connection.write(HELLO).await;
        received
    };
    let (_, received) = both(
        send(&*transport, get("http://not.valid.local/again")),
        again,
    )
    .await;
    assert_eq!(received.header("proxy-authorization"), Some(CREDENTIALS));
}

#[tokio::test]
async fn a_proxy_tunnels_https_and_does_not_see_the_request() {
    let (proxy, authority) = (Server::start().await, Authority::new());
    let identity = authority.sign("x", &["not.valid.local"]);
    let file = authority.file();
    let transport = through(&proxy).ca_certs(file.path()).build().unwrap();
    let client = async {
        text(
            send(&*transport, get("https://not.valid.local/all"))
                .await
                .unwrap(),
        )
        .await
        .unwrap()
    };
    let tunnel = async {
        let (connect, connection) = proxy
            .serve("HTTP/1.1 200 Connection established\r\n\r\n")
            .await;
        let mut connection = identity.secure(connection).await.unwrap();
        let received = connection.request().await;
        connection.write(HELLO).await;
        (connect, received)
    };
    let (text, (connect, received)) = both(client, tunnel).await;
    assert_eq!(text, "hello");
    assert_eq!(connect.line, "CONNECT not.valid.local:443 HTTP/1.1");
    assert_eq!(connect.header("proxy-authorization"), Some(CREDENTIALS));
    assert_eq!(connect.header("authorization"), None);
    assert_eq!(received.line, "GET /all HTTP/1.1");
    assert_eq!(received.header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_a_connection_error() {
    for status in [
        "407 Proxy Authentication Required",
        "502 Bad Gateway",
        "403 Forbidden",
    ] {
        let proxy = Server::start().await;
        let transport = through(&proxy).build().unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let (outcome, _) = both(
            send(&*transport, get("https://not.valid.local/all")),
            proxy.serve(answer),
        )
        .await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connection);
        let shown = shown(&error);
        assert!(
            !shown.contains("cret") && !shown.contains("YWRh"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_proxy_can_be_set_without_a_scheme() {
    let proxy = Server::start().await;
    let transport = HttpConfig::new()
        .http_proxy(format!("127.0.0.1:{}", proxy.port))
        .build()
        .unwrap();
    let (response, (received, _)) = both(
        send(&*transport, get("http://not.valid.local/")),
        proxy.serve(HELLO),
    )
    .await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(received.header("proxy-authorization"), None);
}

#[tokio::test]
async fn of_no_proxy_and_a_configured_one_the_last_takes_effect() {
    let (server, proxy) = (Server::start().await, Server::start().await);
    let direct = through(&proxy).without_proxy().build().unwrap();
    let ((), received) = both(
        async { drop(send(&*direct, get(server.url("/all"))).await.unwrap()) },
        server.serve(HELLO),
    )
    .await;
    assert_eq!(received.0.line, "GET /all HTTP/1.1");

    let proxied = HttpConfig::new()
        .without_proxy()
        .http_proxy(proxy.url(""))
        .build()
        .unwrap();
    let ((), received) = both(
        async { drop(send(&*proxied, get(server.url("/all"))).await.unwrap()) },
        proxy.serve(HELLO),
    )
    .await;
    assert_eq!(
        received.0.line,
        format!("GET {} HTTP/1.1", server.url("/all"))
    );
}

#[test]
fn the_error_of_an_invalid_proxy_does_not_contain_its_url() {
    for uri in [
        "socks5://ada:secret@host:1",
        "http://",
        "http://ada:secret@host:port",
        "",
    ] {
        let error = HttpConfig::new().http_proxy(uri).build().unwrap_err();
        let shown = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(
            shown.contains("proxy") && !shown.contains("secret"),
            "{shown}"
        );
    }
}

/// The variable that names the proxy which the process of [`in_a_separate_process`] configures;
/// empty for none.
const CONFIGURED: &str = "VEXIL_TEST_PROXY";

/// Sends a request for `http://not.valid.local/` in a process with these variables.
async fn in_environment(variables: &[(&str, &str)], configured: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "proxies::in_a_separate_process", "--ignored"])
        .env(CONFIGURED, configured);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        child.env_remove(name).env_remove(name.to_uppercase());
    }
    child
        .env_remove("REQUEST_METHOD")
        .envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || child.output().unwrap())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[tokio::test]
#[ignore = "run by other tests in a separate process, with a different environment"]
async fn in_a_separate_process() {
    let configured = std::env::var(CONFIGURED).unwrap();
    let config = HttpConfig::new();
    let config = if configured.is_empty() {
        config
    } else {
        config.http_proxy(configured)
    };
    let sending = async {
        let response = send(&*config.build().unwrap(), get("http://not.valid.local/"))
            .await
            .unwrap();
        text(response).await.unwrap()
    };
    assert_eq!(tokio::time::timeout(SOON, sending).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used() {
    let proxy = Server::start().await;
    let uri = format!("http://ada:se%20cret@127.0.0.1:{}", proxy.port);
    let variables = [("http_proxy", uri.as_str()), ("no_proxy", "example.com")];
    let ((), (received, _)) = both(in_environment(&variables, ""), proxy.serve(HELLO)).await;
    assert_eq!(received.line, "GET http://not.valid.local/ HTTP/1.1");
    assert_eq!(received.header("proxy-authorization"), Some(CREDENTIALS));
}

#[tokio::test]
async fn a_configured_proxy_takes_precedence_over_the_environment() {
    let proxy = Server::start().await;
    // No server listens on this port.
    let variables = [("http_proxy", "http://127.0.0.1:1"), ("no_proxy", "*")];
    let ((), (received, _)) = both(
        in_environment(&variables, &proxy.url("")),
        proxy.serve(HELLO),
    )
    .await;
    assert_eq!(received.line, "GET http://not.valid.local/ HTTP/1.1");
}
