//! Sends requests, and runs them beside a server.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::timeout;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError, TransportErrorKind};

use super::TransportHarness;

/// A read timeout that expires only if something hangs.
const NEVER: Duration = Duration::from_secs(60);

#[expect(
    clippy::expect_used,
    reason = "the URL belongs to a server of the test"
)]
pub(super) fn get(url: impl AsRef<str>) -> Request<Bytes> {
    Request::get(url.as_ref())
        .header("authorization", "sdk-key")
        .body(Bytes::new())
        .expect("a valid request")
}

#[expect(
    clippy::expect_used,
    reason = "the URL belongs to a server of the test"
)]
pub(super) fn post(url: impl AsRef<str>, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(url.as_ref())
        .header("authorization", "sdk-key")
        .body(body.into())
        .expect("a valid request")
}

/// Sends a request with a long read timeout.
pub(super) async fn send(
    transport: &dyn HttpTransport,
    request: Request<Bytes>,
) -> Result<Response<Body>, TransportError> {
    transport.send(request, RequestOptions::new(NEVER)).await
}

/// Reads the whole body.
pub(super) async fn whole(response: Response<Body>) -> Result<Vec<u8>, TransportError> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Awaits both sides; panics if they do not complete.
pub(super) async fn both<A, B>(
    harness: &dyn TransportHarness,
    client: impl Future<Output = A>,
    server: impl Future<Output = B>,
) -> (A, B) {
    completes(harness, "the exchange", async {
        tokio::join!(client, server)
    })
    .await
}

/// Awaits a future; panics if it does not complete.
#[expect(clippy::panic, reason = "the end of a test that fails")]
pub(super) async fn completes<T>(
    harness: &dyn TransportHarness,
    what: &str,
    future: impl Future<Output = T>,
) -> T {
    let completed = timeout(harness.timeout(), future).await.ok();
    completed.unwrap_or_else(|| panic!("{what} does not complete"))
}

/// An expected success or failure of a request.
pub(super) trait Must<T> {
    /// Returns the value; panics if there is none.
    fn must(self, what: &str) -> T;

    /// Panics unless this is an error of this kind.
    fn must_fail(self, kind: TransportErrorKind, what: &str);
}

#[expect(clippy::panic, reason = "the end of a test that fails")]
impl<T> Must<T> for Result<T, TransportError> {
    fn must(self, what: &str) -> T {
        self.unwrap_or_else(|error| panic!("{what} fails: {error:?}"))
    }

    fn must_fail(self, kind: TransportErrorKind, what: &str) {
        match self {
            Ok(_) => panic!("{what} succeeds instead of failing with {kind:?}"),
            Err(error) => assert_eq!(error.kind, kind, "{what} fails with {error:?}"),
        }
    }
}
