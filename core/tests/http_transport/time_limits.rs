//! Timeouts. They are short here, and end operations that would otherwise never end.

use std::time::{Duration, Instant};

use vexil::config::HttpConfig;
use vexil::transport::{RequestOptions, TransportErrorKind};

use crate::server::{HELLO, Server};
use crate::{SOON, both, get, post, send, text, transport};

/// Long enough for the rest of a test on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

// SRC-F32
#[tokio::test]
async fn a_request_without_response_headers_times_out() {
    let (server, transport) = (Server::start().await, transport());
    let start = Instant::now();
    let client = transport.send(get(server.url("/")), RequestOptions::new(SHORT));
    let silent = async {
        let mut connection = server.accept().await;
        connection.request().await;
        connection.closed().await;
    };
    let (outcome, ()) = both(client, silent).await;
    assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Timeout);
    assert!(start.elapsed() >= SHORT);
}

// SRC-F33
#[tokio::test]
async fn a_silent_body_times_out() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        let response = transport
            .send(get(server.url("/")), RequestOptions::new(SHORT))
            .await
            .unwrap();
        let mut body = response.into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), ":");
        body.next().await.unwrap_err().kind
    };
    let silent = async {
        let (_, connection) = server
            .serve("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n:")
            .await;
        connection.closed().await;
    };
    let (kind, ()) = both(client, silent).await;
    assert_eq!(kind, TransportErrorKind::Timeout);
}

// SRC-2.8: connect timeout
#[tokio::test]
async fn a_tls_handshake_that_does_not_end_times_out() {
    let server = Server::start().await;
    let transport = HttpConfig::new().connect_timeout(SHORT).build().unwrap();
    let url = format!("https://127.0.0.1:{}/", server.port);
    let silent = async { server.accept().await.closed().await };
    let (outcome, ()) = both(send(&*transport, get(url)), silent).await;
    assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_times_out() {
    let proxy = Server::start().await;
    let config = HttpConfig::new()
        .connect_timeout(SHORT)
        .http_proxy(proxy.url(""));
    let transport = config.build().unwrap();
    let silent = async {
        let mut connection = proxy.accept().await;
        let request = connection.request().await;
        connection.closed().await;
        request
    };
    let (outcome, received) = both(
        send(&*transport, get("https://not.valid.local/all")),
        silent,
    )
    .await;
    assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Timeout);
    assert_eq!(received.line, "CONNECT not.valid.local:443 HTTP/1.1");
}

#[tokio::test]
async fn the_connection_of_a_timed_out_request_is_not_reused() {
    let (server, transport) = (Server::start().await, transport());
    let late = async {
        let mut connection = server.accept().await;
        connection.request().await;
        connection
    };
    let client = transport.send(post(server.url("/"), "[]"), RequestOptions::new(SHORT));
    let (outcome, connection) = both(client, late).await;
    assert_eq!(outcome.unwrap_err().kind, TransportErrorKind::Timeout);
    let client = async {
        let response = transport
            .send(get(server.url("/")), RequestOptions::new(SOON))
            .await
            .unwrap();
        text(response).await.unwrap()
    };
    let (text, _) = both(client, server.serve(HELLO)).await;
    assert_eq!(text, "hello");
    both(async {}, connection.closed()).await;
}
