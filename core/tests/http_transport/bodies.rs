//! Responses and their bodies.

use vexil::transport::TransportErrorKind;

use crate::server::{HELLO, Server};
use crate::{both, get, post, send, text, transport};

/// "hello", compressed.
const HELLO_GZIP: [u8; 25] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07,
    0x00, 0x86, 0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
];

fn gzip(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        let response = send(
            &*transport,
            post(server.url("/endpoints/7/bulk?a=b"), "[1]"),
        )
        .await
        .unwrap();
        text(response).await.unwrap()
    };
    let (text, (received, _)) = both(client, server.serve(HELLO)).await;
    assert_eq!(text, "hello");
    assert_eq!(
        (received.line.as_str(), received.body.as_str()),
        ("POST /endpoints/7/bulk?a=b HTTP/1.1", "[1]")
    );
    assert_eq!(received.header("authorization"), Some("sdk-key"));
    assert_eq!(
        received.header("user-agent"),
        None,
        "the caller sets this header"
    );
}

#[tokio::test]
async fn a_response_of_any_status_is_returned() {
    for status in [204, 300, 304, 400, 401, 404, 429, 500, 503] {
        let (server, transport) = (Server::start().await, transport());
        let answer =
            format!("HTTP/1.1 {status} Some\r\nX-LD-EnvID: env\r\nContent-Length: 0\r\n\r\n");
        let (response, _) = both(
            send(&*transport, get(server.url("/"))),
            server.serve(answer),
        )
        .await;
        let response = response.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-ld-envid"], "env");
    }
}

#[tokio::test]
async fn a_chunk_of_a_body_is_returned_before_the_next_arrives() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        send(&*transport, get(server.url("/all")))
            .await
            .unwrap()
            .into_body()
    };
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut body, (_, mut connection)) = both(client, server.serve(head)).await;
    for piece in ["5\r\nfirst\r\n", "6\r\nsecond\r\n"] {
        let (read, ()) = both(body.next(), connection.write(piece)).await;
        assert!(
            piece.as_bytes().windows(5).any(|part| read
                .as_ref()
                .unwrap()
                .as_ref()
                .unwrap()
                .starts_with(part))
        );
    }
    let (end, ()) = both(body.next(), connection.write("0\r\n\r\n")).await;
    assert_eq!(end.unwrap(), None);
}

// SRC-F1
#[tokio::test]
async fn a_truncated_body_is_a_connection_error() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    ] {
        let (server, transport) = (Server::start().await, transport());
        let client = async {
            text(send(&*transport, get(server.url("/"))).await.unwrap())
                .await
                .unwrap_err()
        };
        let (error, ()) = both(client, async { drop(server.serve(answer).await) }).await;
        assert_eq!(error.kind, TransportErrorKind::Connection, "{answer}");
    }
}

// SRC-1.4: Accept-Encoding
#[tokio::test]
async fn gzip_is_requested_only_if_the_caller_requests_it() {
    let (server, transport) = (Server::start().await, transport());
    let (_, (received, _)) =
        both(send(&*transport, get(server.url("/"))), server.serve(HELLO)).await;
    assert_eq!(received.header("accept-encoding"), Some("identity"));
    let mut request = get(server.url("/"));
    request
        .headers_mut()
        .insert("accept-encoding", "gzip".parse().unwrap());
    let client = async {
        let response = send(&*transport, request).await.unwrap();
        assert!(
            !response.headers().contains_key("content-encoding"),
            "the body is decoded"
        );
        text(response).await.unwrap()
    };
    let (text, (received, _)) = both(client, server.serve(gzip(&HELLO_GZIP))).await;
    assert_eq!(text, "hello");
    assert_eq!(received.header("accept-encoding"), Some("gzip"));
}

// SRC-F36
#[tokio::test]
async fn unrequested_gzip_is_decoded() {
    let (server, transport) = (Server::start().await, transport());
    let client = async {
        text(send(&*transport, get(server.url("/"))).await.unwrap())
            .await
            .unwrap()
    };
    let (text, _) = both(client, server.serve(gzip(&HELLO_GZIP))).await;
    assert_eq!(text, "hello");
}

// SRC-F56
#[tokio::test]
async fn corrupt_gzip_is_a_connection_error() {
    let mut wrong = HELLO_GZIP;
    wrong[17] ^= 1;
    for body in [&wrong[..], &HELLO_GZIP[..12], b"plain"] {
        let (server, transport) = (Server::start().await, transport());
        let client = async {
            text(send(&*transport, get(server.url("/"))).await.unwrap())
                .await
                .unwrap_err()
        };
        let (error, _) = both(client, server.serve(gzip(body))).await;
        assert_eq!(error.kind, TransportErrorKind::Connection);
    }
}
