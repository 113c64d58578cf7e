//! Clauses on responses.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Response, StatusCode};
use tokio::sync::oneshot;
use vexil::transport::{Body, TransportErrorKind};

use super::TransportHarness;
use super::exchange::{Must, both, get, send, whole};
use super::server::{HELLO, Server};

/// The callers handle the meaning of statuses.
pub async fn the_status_is_returned(harness: &dyn TransportHarness) {
    for status in [200, 202, 304] {
        let response = answered(harness, &empty(status)).await;
        assert_eq!(response.status().as_u16(), status);
    }
}

/// A response of 500 is not an error.
pub async fn an_error_status_is_a_response(harness: &dyn TransportHarness) {
    for status in [400, 401, 404, 429, 500, 503] {
        let response = answered(harness, &empty(status)).await;
        assert_eq!(response.status().as_u16(), status);
    }
}

/// The headers carry the time of the service and validators.
pub async fn headers_are_returned(harness: &dyn TransportHarness) {
    let answer = "HTTP/1.1 200 OK\r\nETag: \"a: b\"\r\nX-LD-EnvID: env\r\nX-Two: 1\r\nX-Two: 2\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n";
    let response = answered(harness, answer).await;
    let headers = response.headers();
    assert_eq!(
        headers.get("etag"),
        Some(&HeaderValue::from_static("\"a: b\""))
    );
    assert_eq!(
        headers.get("x-ld-envid"),
        Some(&HeaderValue::from_static("env"))
    );
    let both: Vec<_> = headers.get_all("x-two").iter().collect();
    assert_eq!(both, ["1", "2"], "a header that occurs twice");
}

/// A stream's body never ends.
pub async fn a_response_is_returned_before_its_body(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let (sender, returned) = oneshot::channel();
    let client = async {
        let response = send(&*transport, get(server.url("/"))).await;
        let response = response.must("a request");
        // An error means that the server has stopped waiting.
        let _ = sender.send(());
        whole(response).await.must("the body")
    };
    let serves = async {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let (_, mut connection) = server.serve(head).await;
        let _ = returned.await;
        connection.write("hello").await;
        connection
    };
    let (body, _) = both(harness, client, serves).await;
    assert_eq!(body, b"hello");
}

/// Events of a stream take effect at once.
pub async fn a_piece_of_a_body_arrives_before_the_next_is_sent(harness: &dyn TransportHarness) {
    const PIECES: [&str; 3] = ["data: 1\n\n", ":\n", "data: 2\n\n"];
    let (server, transport) = (Server::start().await, harness.transport());
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let client = async {
        let response = send(&*transport, get(server.url("/"))).await;
        let mut body = response.must("a request").into_body();
        for expected in PIECES {
            let mut piece: Vec<u8> = Vec::new();
            while piece.len() < expected.len() {
                let more = body.next().await.must("a piece");
                assert!(more.is_some(), "the body has ended");
                piece.extend(more.iter().flatten());
            }
            assert_eq!(piece, expected.as_bytes(), "a piece of the body");
            let _ = sender.send(());
        }
        let end = body.next().await.must("the end");
        assert_eq!(end, None, "after the last piece");
    };
    let serves = async {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (_, mut connection) = server.serve(head).await;
        for piece in PIECES {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            connection.write(chunk).await;
            // The next piece is sent when this one has arrived.
            seen.recv().await;
        }
        connection.write("0\r\n\r\n").await;
        connection
    };
    both(harness, client, serves).await;
}

/// An environment may be large.
pub async fn a_large_response_arrives_whole(harness: &dyn TransportHarness) {
    let body: Vec<u8> = (0..4_000_000_u32).map(|number| number as u8).collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), &body].concat();
    let received = read(harness, answer).await.must("a large body");
    assert_eq!(received.len(), body.len(), "the length of the body");
    assert!(received == body, "the body has changed");
}

/// The end of a body is not an error.
pub async fn an_empty_response_ends(harness: &dyn TransportHarness) {
    let body = read(harness, empty(200)).await.must("an empty body");
    assert_eq!(body, b"");
}

/// HTTP/1.0 servers and some proxies send no length.
pub async fn a_response_without_a_length_ends_with_its_connection(harness: &dyn TransportHarness) {
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
    let body = read(harness, answer).await.must("a body without length");
    assert_eq!(body, b"hello");
}

/// Truncated data is never taken for complete.
pub async fn a_truncated_response_is_an_error_of_the_connection(harness: &dyn TransportHarness) {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let body = read(harness, answer).await;
        body.must_fail(TransportErrorKind::Connection, "a truncated body");
    }
}

/// The callers read decoded bytes.
pub async fn an_accepted_encoding_is_decoded(harness: &dyn TransportHarness) {
    let text = "hello ".repeat(1000);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(text.as_bytes());
    assert!(written.is_ok(), "compression in memory");
    let body = encoder.finish().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let (server, transport) = (Server::start().await, harness.transport());
    let mut request = get(server.url("/"));
    let gzip = HeaderValue::from_static("gzip");
    request.headers_mut().insert("accept-encoding", gzip);
    let client = async {
        let response = send(&*transport, request).await.must("a request");
        whole(response).await.must("the body")
    };
    let answer = [head.as_bytes(), &body].concat();
    let (received, _) = both(harness, client, server.serve(answer)).await;
    assert!(
        received == text.as_bytes(),
        "the body is not decoded: it has {} bytes instead of {}",
        received.len(),
        text.len()
    );
}

/// Returns a response without a body.
fn empty(status: u16) -> String {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    format!("HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Sends a request that gets this answer.
async fn answered(harness: &dyn TransportHarness, answer: &str) -> Response<Body> {
    let (server, transport) = (Server::start().await, harness.transport());
    let request = send(&*transport, get(server.url("/")));
    let (response, _) = both(harness, request, server.serve(answer)).await;
    response.must("a request")
}

/// Sends a request that gets this answer, and reads the body.
async fn read(
    harness: &dyn TransportHarness,
    answer: impl AsRef<[u8]>,
) -> Result<Vec<u8>, vexil::transport::TransportError> {
    let (server, transport) = (Server::start().await, harness.transport());
    let client = async {
        let response = send(&*transport, get(server.url("/"))).await;
        whole(response.must("a request")).await
    };
    let serves = async { drop(server.serve(answer).await) };
    let (body, ()) = both(harness, client, serves).await;
    // The transport is still usable.
    let again = send(&*transport, get(server.url("/")));
    let (response, _) = both(harness, again, server.serve(HELLO)).await;
    response.must("the next request");
    body
}
