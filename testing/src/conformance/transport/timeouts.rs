//! Clauses on the read timeout. It is short where it must expire, and long where it must not.

use std::time::Duration;

use tokio::time::sleep;
use vexil::transport::{RequestOptions, TransportErrorKind};

use super::TransportHarness;
use super::exchange::{Must, both, get, whole};
use super::server::Server;

const SHORT: Duration = Duration::from_millis(300);

/// The timeout bounds the wait for the headers.
pub async fn silence_before_the_headers_is_a_timeout(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let request = transport.send(get(server.url("/")), RequestOptions::new(SHORT));
    let serves = async {
        let mut connection = server.accept().await;
        connection.request().await;
        connection.closed().await;
    };
    let (response, ()) = both(harness, request, serves).await;
    response.must_fail(TransportErrorKind::Timeout, "a request without an answer");
}

/// The timeout bounds every wait for more bytes.
pub async fn silence_within_a_body_is_a_timeout(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let client = async {
        let response = transport
            .send(get(server.url("/")), RequestOptions::new(SHORT))
            .await;
        whole(response.must("a request")).await
    };
    let serves = async {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
        let (_, connection) = server.serve(head).await;
        connection.closed().await;
    };
    let (body, ()) = both(harness, client, serves).await;
    body.must_fail(TransportErrorKind::Timeout, "a body that falls silent");
}

/// The timeout does not bound the whole response: a stream is open for days.
pub async fn a_slow_body_is_no_timeout(harness: &dyn TransportHarness) {
    const TIMEOUT: Duration = Duration::from_secs(3);
    const PAUSE: Duration = Duration::from_millis(1_100);
    let (server, transport) = (Server::start().await, harness.transport());
    let client = async {
        let options = RequestOptions::new(TIMEOUT);
        let response = transport.send(get(server.url("/")), options).await;
        whole(response.must("a request")).await.must("a slow body")
    };
    let serves = async {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n";
        let (_, mut connection) = server.serve(head).await;
        for _ in 0..3 {
            sleep(PAUSE).await;
            connection.write("hello").await;
        }
        connection
    };
    let (body, _) = both(harness, client, serves).await;
    assert_eq!(body, b"hellohellohello");
}
