//! [`HttpTransport`] sends HTTP requests to the service.
//!
//! A transport sends one request and returns one response. It handles proxies, certificates and
//! sockets. The callers handle retries, decoding and the meaning of statuses. Bodies arrive in
//! chunks, because a stream's body never ends.
//!
//! **Contract.** `send` resolves when the headers have arrived, whatever the status: a response of
//! 500 is not an error. Redirects are followed (up to ten, `Authorization` only to the same
//! origin), but none from https to http, and no `POST` to another origin, because the bodies of
//! events hold personal data. Content encodings that the request accepts are decoded.
//! [`RequestOptions::read_timeout`] bounds every wait for more bytes, including the headers.
//! **Errors** have a kind, because an untrusted certificate is retried less often than a broken
//! connection. **Cancellation**: dropping the future or the body closes the connection.
//!
//! ```
//! use bytes::Bytes;
//! use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
//!
//! /// Answers every request with an empty environment.
//! #[derive(Debug)]
//! struct Nothing;
//!
//! #[vexil::async_trait]
//! impl HttpTransport for Nothing {
//!     async fn send(
//!         &self,
//!         _: http::Request<Bytes>,
//!         _: RequestOptions,
//!     ) -> Result<http::Response<Body>, TransportError> {
//!         Ok(http::Response::new(Body::full(r#"{"flags": {}}"#)))
//!     }
//! }
//! ```

pub(crate) mod http_client;

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

pub use super::backoff::RetryPolicy;

/// Sends HTTP requests to the service. See the [module documentation](self) for the contract.
#[async_trait]
pub trait HttpTransport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and waits for the headers of the response.
    ///
    /// # Errors
    /// Returns an error if no response arrived. A response is `Ok` whatever its status.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError>;
}

/// Options of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestOptions {
    /// The longest time to wait for the headers or for more bytes of the body.
    pub read_timeout: Duration,
}

impl RequestOptions {
    /// Creates options with this read timeout.
    #[must_use]
    pub fn new(read_timeout: Duration) -> Self {
        Self { read_timeout }
    }
}

/// Bounds a whole request whose waits for bytes are bounded by `read_timeout`.
pub(crate) fn total_timeout(read_timeout: Duration) -> Duration {
    read_timeout.saturating_mul(4).max(Duration::from_secs(60))
}

/// The body of a response, read in chunks.
pub struct Body(Box<dyn Chunks>);

/// The source of a body's chunks.
#[async_trait]
pub trait Chunks: Send + Sync {
    /// Returns the next chunk, or `None` at the end of the body.
    ///
    /// # Errors
    /// Returns an error if the connection broke or the read timeout expired.
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError>;
}

impl Body {
    /// Creates a body from a source of chunks.
    #[must_use]
    pub fn new(chunks: impl Chunks + 'static) -> Self {
        Self(Box::new(chunks))
    }

    /// Creates a body from bytes that are already in memory.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::new(VecDeque::from([bytes.into()]))
    }

    /// Returns the next chunk, or `None` at the end of the body.
    ///
    /// # Errors
    /// Returns an error if the connection broke or the read timeout expired.
    pub async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        self.0.next().await
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(…)")
    }
}

#[async_trait]
impl Chunks for VecDeque<Bytes> {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.pop_front())
    }
}

/// A request failed, or its response broke off.
#[derive(Debug, Error)]
#[error("{}", self.kind.describe())]
#[non_exhaustive]
pub struct TransportError {
    /// The kind of error.
    pub kind: TransportErrorKind,
    /// The error of the HTTP library.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl TransportError {
    /// Creates an error of this kind.
    pub fn new(kind: TransportErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }
}

/// The kinds of transport errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The connection could not be established, or it broke.
    Connection,
    /// A timeout expired before data arrived.
    Timeout,
    /// The server's certificate is not trusted.
    Certificate,
    /// A redirect is invalid or refused, or there were too many.
    Redirect,
    /// The request cannot be sent, for example because its URL is invalid.
    Request,
    /// The response is larger than allowed.
    TooLarge,
}

impl TransportErrorKind {
    fn describe(self) -> &'static str {
        match self {
            Self::Connection => "the connection could not be made or broke",
            Self::Timeout => "no data arrived in time",
            Self::Certificate => "the certificate is not trusted",
            Self::Redirect => "a redirect was not followed",
            Self::Request => "the request cannot be sent",
            Self::TooLarge => "the response is too large",
        }
    }
}
