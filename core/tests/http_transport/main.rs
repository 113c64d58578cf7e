//! The default HTTP transport against servers on this machine: bodies, connections, redirects,
//! timeouts, proxies and certificates.

#![cfg(test)]
#![cfg(feature = "http")]

mod bodies;
mod certificates;
mod connections;
mod framing;
mod headers;
mod http2;
#[path = "../support/interest.rs"]
mod interest;
#[path = "../support/log.rs"]
mod log;
mod proxies;
mod redirects;
mod server;
mod time_limits;
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use vexil::config::HttpConfig;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError, TransportErrorKind};

/// A timeout that expires only if something hangs.
const SOON: Duration = Duration::from_secs(60);

fn transport() -> Arc<dyn HttpTransport> {
    HttpConfig::new().build().unwrap()
}

fn get(url: impl AsRef<str>) -> Request<Bytes> {
    Request::get(url.as_ref())
        .header("Authorization", "sdk-key")
        .body(Bytes::new())
        .unwrap()
}

fn post(url: impl AsRef<str>, body: &'static str) -> Request<Bytes> {
    Request::post(url.as_ref())
        .header("Authorization", "sdk-key")
        .body(Bytes::from(body))
        .unwrap()
}

/// Sends a request with a long read timeout.
async fn send(
    transport: &dyn HttpTransport,
    request: Request<Bytes>,
) -> Result<Response<Body>, TransportError> {
    transport.send(request, RequestOptions::new(SOON)).await
}

/// The kind of error that a request fails with.
async fn failure(transport: &dyn HttpTransport, request: Request<Bytes>) -> TransportErrorKind {
    send(transport, request).await.unwrap_err().kind
}

/// The whole body.
async fn text(response: Response<Body>) -> Result<String, TransportError> {
    let mut body = response.into_body();
    let mut all = Vec::new();
    while let Some(piece) = body.next().await? {
        all.extend_from_slice(&piece);
    }
    Ok(String::from_utf8(all).unwrap())
}

/// Runs both sides to completion.
async fn both<A, B>(client: impl Future<Output = A>, server: impl Future<Output = B>) -> (A, B) {
    tokio::time::timeout(SOON, async { tokio::join!(client, server) })
        .await
        .expect("one side hangs")
}

/// The error with all its causes, as a log might show it.
fn shown(error: &TransportError) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        shown = format!("{shown} {cause} {cause:?}");
        source = cause.source();
    }
    shown
}
