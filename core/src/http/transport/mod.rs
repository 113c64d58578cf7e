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
//! The macro `transport_conformance!` of `vexil-testing` tests a transport against this contract.
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
//!
//! let client = vexil::Client::builder("sdk-key")
//!     .http(vexil::config::HttpConfig::new().transport(Nothing))
//!     .data_source(vexil::config::PollingConfig::new())
//!     .without_events()
//!     .start()?;
//! client.blocking_wait_until_ready(std::time::Duration::from_secs(30))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
///
/// ```
/// use bytes::Bytes;
/// use vexil::transport::{
///     Body, HttpTransport, RequestOptions, TransportError, TransportErrorKind,
/// };
///
/// /// A network that is down.
/// #[derive(Debug)]
/// struct Down;
///
/// #[vexil::async_trait]
/// impl HttpTransport for Down {
///     async fn send(
///         &self,
///         _: http::Request<Bytes>,
///         _: RequestOptions,
///     ) -> Result<http::Response<Body>, TransportError> {
///         Err(TransportError::new(TransportErrorKind::Connection, "network unreachable"))
///     }
/// }
///
/// use vexil::Client;
/// use vexil::config::HttpConfig;
/// let http = HttpConfig::new().transport(Down);
/// let client = Client::builder("sdk-key").http(http).without_events().start()?;
/// let error = client.blocking_wait_until_ready(std::time::Duration::from_millis(50)).unwrap_err();
/// assert!(error.to_string().starts_with("the client has no data yet"), "{error}");
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
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
///
/// ```
/// use std::time::Duration;
/// use vexil::transport::RequestOptions;
///
/// let options = RequestOptions::new(Duration::from_secs(5));
/// assert_eq!(options.read_timeout, Duration::from_secs(5));
/// ```
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
///
/// ```
/// use vexil::transport::{Body, TransportError};
///
/// /// Reads a body that must be small.
/// async fn text(mut body: Body, limit: usize) -> Result<Option<String>, TransportError> {
///     let mut bytes = Vec::new();
///     while let Some(chunk) = body.next().await? {
///         bytes.extend_from_slice(&chunk);
///         if bytes.len() > limit {
///             return Ok(None);
///         }
///     }
///     Ok(String::from_utf8(bytes).ok())
/// }
///
/// # pollster::block_on(async {
/// assert_eq!(text(Body::full("{}"), 100).await?.as_deref(), Some("{}"));
/// assert_eq!(text(Body::full("{\"flags\": {}}"), 4).await?, None);
/// # Ok::<(), TransportError>(())
/// # }).unwrap();
/// ```
pub struct Body(Box<dyn Chunks>);

/// The source of a body's chunks.
///
/// ```
/// use bytes::Bytes;
/// use vexil::transport::{Body, Chunks, TransportError, TransportErrorKind};
///
/// /// A body that breaks off after its first chunk.
/// #[derive(Debug)]
/// struct Broken(Option<Bytes>);
///
/// #[vexil::async_trait]
/// impl Chunks for Broken {
///     async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
///         match self.0.take() {
///             Some(chunk) => Ok(Some(chunk)),
///             None => Err(TransportError::new(TransportErrorKind::Connection, "reset by peer")),
///         }
///     }
/// }
///
/// # pollster::block_on(async {
/// let mut body = Body::new(Broken(Some(Bytes::from("event: put"))));
/// assert_eq!(body.next().await?, Some(Bytes::from("event: put")));
/// let error = body.next().await.unwrap_err();
/// assert_eq!(error.kind, TransportErrorKind::Connection);
/// # Ok::<(), TransportError>(())
/// # }).unwrap();
/// ```
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
    ///
    /// ```
    /// use bytes::Bytes;
    /// use vexil::transport::Body;
    ///
    /// # pollster::block_on(async {
    /// let mut body = Body::full("{}");
    /// assert_eq!(body.next().await?, Some(Bytes::from("{}")));
    /// assert_eq!(body.next().await?, None);
    /// # Ok::<(), vexil::transport::TransportError>(())
    /// # }).unwrap();
    /// ```
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
///
/// ```
/// use std::error::Error;
/// use vexil::transport::{TransportError, TransportErrorKind};
///
/// let error = TransportError::new(TransportErrorKind::Certificate, "it has expired");
/// assert_eq!(error.to_string(), "the certificate is not trusted");
/// assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("it has expired"));
/// ```
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
///
/// ```
/// use bytes::Bytes;
/// use vexil::config::HttpConfig;
/// use vexil::transport::{RequestOptions, TransportErrorKind};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let transport = HttpConfig::new().build()?;
/// let request = http::Request::get("/no-host").body(Bytes::new())?;
/// let options = RequestOptions::new(std::time::Duration::from_secs(5));
/// let error = transport.send(request, options).await.unwrap_err();
/// assert_eq!(error.kind, TransportErrorKind::Request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
