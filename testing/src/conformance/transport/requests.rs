//! Clauses on requests, as the server receives them.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::TransportHarness;
use super::exchange::{Must, both, get, post, send};
use super::server::{HELLO, Received, Server};

/// The SDK uses `GET` and `POST`.
pub async fn the_method_arrives(harness: &dyn TransportHarness) {
    let received = arrived(harness, |url| get(url("/"))).await;
    assert_eq!(received.method, "GET");
    let received = arrived(harness, |url| post(url("/"), "body")).await;
    assert_eq!(received.method, "POST");
}

/// Encoded characters are neither decoded nor encoded again.
pub async fn the_path_and_the_query_arrive_unchanged(harness: &dyn TransportHarness) {
    for target in ["/", "/sdk/latest-all", "/a%20b/c%2Fd?e=f%26g&h=1+2&i"] {
        let received = arrived(harness, |url| get(url(target))).await;
        assert_eq!(received.target, target, "the target of the request");
    }
}

/// The headers carry the SDK key, tags and conditions.
pub async fn headers_arrive_unchanged(harness: &dyn TransportHarness) {
    let headers = [
        ("x-launchdarkly-tags", "application-id/shop"),
        ("if-none-match", "\"etag: 1\""),
        ("accept", "text/event-stream"),
    ];
    let received = arrived(harness, |url| {
        let mut request = get(url("/"));
        for (name, value) in headers {
            request.headers_mut().insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        request
    })
    .await;
    assert_eq!(received.header("authorization"), Some("sdk-key"));
    for (name, value) in headers {
        assert_eq!(received.header(name), Some(value), "the header {name}");
    }
}

/// Events may be many.
pub async fn a_large_body_arrives_whole(harness: &dyn TransportHarness) {
    let body: Vec<u8> = (0..2_000_000_u32).map(|number| number as u8).collect();
    let sent = Bytes::from(body.clone());
    let received = arrived(harness, |url| post(url("/"), sent)).await;
    assert_eq!(received.body.len(), body.len(), "the length of the body");
    assert!(received.body == body, "the body has changed");
}

/// Some servers reject a `GET` with a body.
pub async fn a_request_without_a_body_has_none(harness: &dyn TransportHarness) {
    let received = arrived(harness, |url| get(url("/"))).await;
    assert_eq!(
        received.header("transfer-encoding"),
        None,
        "the transfer encoding of a request without body"
    );
    let length = received.header("content-length");
    assert!(
        length.is_none_or(|length| length == "0"),
        "the length of a request without body is {length:?}"
    );
}

/// Sends a request and returns it as it arrived.
async fn arrived(
    harness: &dyn TransportHarness,
    request: impl FnOnce(&dyn Fn(&str) -> String) -> http::Request<Bytes>,
) -> Received {
    let (server, transport) = (Server::start().await, harness.transport());
    let request = request(&|path| server.url(path));
    let (response, (received, _)) =
        both(harness, send(&*transport, request), server.serve(HELLO)).await;
    response.must("a request");
    received
}
