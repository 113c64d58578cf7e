//! Clauses on connections, and on requests that are dropped.

use bytes::Bytes;
use http::Request;
use vexil::transport::TransportErrorKind;

use super::TransportHarness;
use super::exchange::{Must, both, completes, get, send, whole};
use super::server::{HELLO, Server};

/// A stream is open while events are sent.
pub async fn concurrent_requests_do_not_wait_for_one_another(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let first = {
        let (transport, request) = (transport.clone(), get(server.url("/first")));
        tokio::spawn(async move { send(&*transport, request).await })
    };
    let mut silent = completes(harness, "the first request", server.accept()).await;
    completes(harness, "the first request", silent.request()).await;
    // The first request is still open.
    let second = send(&*transport, get(server.url("/second")));
    let (response, _) = both(harness, second, server.serve(HELLO)).await;
    response.must("a second request");
    silent.write(HELLO).await;
    let first = completes(harness, "the first request", first).await;
    assert!(
        matches!(first, Ok(Ok(_))),
        "the first request fails: {first:?}"
    );
}

/// A client that is closed leaves no connection behind.
pub async fn a_dropped_request_closes_its_connection(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let request = {
        let (transport, request) = (transport.clone(), get(server.url("/")));
        tokio::spawn(async move { send(&*transport, request).await.map(drop) })
    };
    let mut connection = completes(harness, "the connection", server.accept()).await;
    completes(harness, "the request", connection.request()).await;
    request.abort();
    completes(harness, "the end of the connection", connection.closed()).await;
}

/// A stream that is stopped is not received any further.
pub async fn a_dropped_body_closes_its_connection(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let client = async {
        let response = send(&*transport, get(server.url("/"))).await;
        let mut body = response.must("a request").into_body();
        let piece = body.next().await.must("a piece");
        assert!(piece.is_some(), "the body has ended");
        drop(body);
    };
    let serves = async {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
        let (_, connection) = server.serve(answer).await;
        connection.closed().await;
    };
    both(harness, client, serves).await;
}

/// The service may be away.
pub async fn a_refused_connection_is_an_error_of_the_connection(harness: &dyn TransportHarness) {
    let (server, transport) = (Server::start().await, harness.transport());
    let url = server.url("/");
    // Closes the port.
    drop(server);
    let response = completes(harness, "the request", send(&*transport, get(url))).await;
    response.must_fail(TransportErrorKind::Connection, "a request to a closed port");
}

/// A server may close a connection instead of an answer, or in the middle of the headers.
pub async fn a_connection_that_breaks_is_an_error_of_the_connection(
    harness: &dyn TransportHarness,
) {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let (server, transport) = (Server::start().await, harness.transport());
        let request = send(&*transport, get(server.url("/")));
        let serves = async { drop(server.serve(answer).await) };
        let (response, ()) = both(harness, request, serves).await;
        let response = match response {
            Ok(response) => whole(response).await,
            Err(error) => Err(error),
        };
        response.must_fail(TransportErrorKind::Connection, "a broken connection");
    }
}

/// Such a request will never succeed.
pub async fn an_invalid_url_is_an_error_of_the_request(harness: &dyn TransportHarness) {
    let transport = harness.transport();
    let request = Request::get("/without-a-host").body(Bytes::new());
    assert!(request.is_ok(), "a request without a host can be built");
    if let Ok(request) = request {
        let response = completes(harness, "the request", send(&*transport, request)).await;
        response.must_fail(TransportErrorKind::Request, "a request without a host");
    }
}
