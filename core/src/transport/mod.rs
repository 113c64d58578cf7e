//! [`HttpTransport`]: how requests reach the service.
//!
//! One request, one answer: no retries, no pool of jobs, no knowledge of flags. Retrying, decoding
//! and the meaning of statuses are the callers'; proxies, certificates and sockets are the
//! transport's. Bodies arrive in pieces, since a stream's never ends.
//!
//! **Contract.** `send` resolves when the headers are there, whatever the status is: an answer of 500 is an answer.
//! Redirects are followed (up to ten, `Authorization` only to the same origin), but none from https to http, and no
//! `POST` to another origin, since the bodies of events hold personal data. Content encodings that the request accepts
//! are decoded. [`RequestOptions::read_timeout`] bounds every wait for more bytes, the headers
//! included. **Errors** say what kind of trouble it was, because a certificate that is not trusted is retried less
//! often than a broken connection. **Cancellation**: dropping the future or the body closes the connection.
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

pub(crate) mod backoff;
pub(crate) mod http_client;
pub(crate) mod sse;

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
pub use backoff::RetryPolicy;
use bytes::Bytes;
use thiserror::Error;

/// Carries requests to the service. See the [module documentation](self) for the contract.
#[async_trait]
pub trait HttpTransport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and waits for the head of the answer.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError>;
}

/// How one request is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestOptions {
    /// The longest time without a byte from the other side.
    pub read_timeout: Duration,
}

impl RequestOptions {
    /// Options with this time limit between bytes.
    #[must_use]
    pub fn new(read_timeout: Duration) -> Self {
        Self { read_timeout }
    }
}

/// The body of an answer, piece by piece.
pub struct Body(Box<dyn Chunks>);

/// Where the pieces of a body come from.
#[async_trait]
pub trait Chunks: Send + Sync {
    /// The next piece; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError>;
}

impl Body {
    /// A body of these pieces.
    #[must_use]
    pub fn new(chunks: impl Chunks + 'static) -> Self {
        Self(Box::new(chunks))
    }

    /// A body that is all there.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::new(VecDeque::from([bytes.into()]))
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// If the connection breaks or falls silent.
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

/// Why a request was not answered, or an answer broke off.
#[derive(Debug, Error)]
#[error("{}", self.kind.describe())]
#[non_exhaustive]
pub struct TransportError {
    /// The kind of trouble.
    pub kind: TransportErrorKind,
    /// What happened, in the words of the HTTP library.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl TransportError {
    /// Trouble of some kind.
    pub fn new(kind: TransportErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }
}

/// The kinds of trouble between here and the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The connection could not be made or broke.
    Connection,
    /// Nothing arrived in time.
    Timeout,
    /// The other side's certificate is not trusted.
    Certificate,
    /// A redirect led nowhere or is refused, or there were too many.
    Redirect,
    /// The request cannot be sent as it is, for instance because its URL is invalid.
    Request,
    /// What arrived is larger than allowed.
    TooLarge,
}

impl TransportErrorKind {
    fn describe(self) -> &'static str {
        match self {
            Self::Connection => "the connection could not be made or broke",
            Self::Timeout => "nothing arrived in time",
            Self::Certificate => "the certificate is not trusted",
            Self::Redirect => "a redirect was not followed",
            Self::Request => "the request cannot be sent",
            Self::TooLarge => "the answer is too large",
        }
    }
}
