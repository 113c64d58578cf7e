//! [`Request`]: a client's request as the service received it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};
use vexil_service::{Endpoint, Route, RouteError};

/// A request that the service has received in full. Cloning is cheap.
///
/// ```
/// use vexil::Client;
/// use vexil::config::{HttpConfig, ServiceEndpoints};
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::Endpoint;
///
/// let service = FakeService::start()?;
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .http(HttpConfig::new().header("X-Tenant", "blue"))
///     .without_events()
///     .start()?;
/// let request = service.next_request(Endpoint::Stream).wait()?;
/// assert_eq!((request.path(), request.query()), ("/all", None));
/// assert_eq!(request.header("authorization"), Some("sdk-key"));
/// assert_eq!(request.header("x-tenant"), Some("blue"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Request(Arc<Exchange>);

struct Exchange {
    number: u64,
    incoming: Incoming,
    connection: Arc<Connection>,
    /// Set when the answer begins.
    status: OnceLock<u16>,
}

/// A parsed request.
pub(super) struct Incoming {
    pub(super) endpoint: Endpoint,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the body could be decoded as its headers declare.
    pub(super) intact: bool,
    /// Whether the client speaks HTTP/1.1 rather than an older version.
    pub(super) modern: bool,
    pub(super) received_at: Instant,
}

/// A connection that requests arrived on.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    /// Set once, when the connection ends.
    closed: OnceLock<ClosedBy>,
}

/// The side that closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClosedBy {
    /// The client, by closing it or by disappearing.
    Client,
    /// The service, because of an answer or because it was stopped.
    Service,
}

impl Request {
    pub(super) fn new(number: u64, incoming: Incoming, connection: Arc<Connection>) -> Self {
        Self(Arc::new(Exchange {
            number,
            incoming,
            connection,
            status: OnceLock::new(),
        }))
    }

    /// Returns the endpoint.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.0.incoming.endpoint
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.0.incoming.method
    }

    /// Returns the path, including prefix and escapes.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.incoming.path
    }

    /// Returns the query, unparsed and without the `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.incoming.query.as_deref()
    }

    /// Returns the parameter `basis` of the query, decoded: the selector of the data that a client
    /// of the second protocol has. `None` if it has none.
    #[must_use]
    pub fn basis(&self) -> Option<String> {
        let route = self.route().ok()?;
        route.basis().map(str::to_owned)
    }

    /// Returns all headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.incoming.headers
    }

    /// Returns the first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Returns the body. It is decompressed if the headers declare compression and it is valid.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.incoming.body
    }

    /// Returns the body as JSON, if it is valid JSON.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        self.is_intact()
            .then(|| serde_json::from_slice(self.body()).ok())
            .flatten()
    }

    /// Returns the time at which the request was complete.
    #[must_use]
    pub fn received_at(&self) -> Instant {
        self.0.incoming.received_at
    }

    /// Returns the number of the connection, by which reused connections are recognized.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.0.connection.number
    }

    /// Returns the status of the answer once it has begun. `None` for an answer without a status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status.get().copied()
    }

    /// Returns which side closed the connection, or `None` if it is open.
    #[must_use]
    pub fn closed(&self) -> Option<ClosedBy> {
        self.0.connection.closed.get().copied()
    }

    /// Takes the path and the query apart.
    pub(super) fn route(&self) -> Result<Route, RouteError> {
        Route::find(self.method().as_str(), self.path(), self.query())
    }

    /// The request's position among all requests.
    pub(super) fn number(&self) -> u64 {
        self.0.number
    }

    pub(super) fn set_status(&self, status: u16) {
        // A request is answered only once, so this cannot fail.
        let _ = self.0.status.set(status);
    }

    /// Whether the body could be decoded as its headers declare.
    pub(super) fn is_intact(&self) -> bool {
        self.0.incoming.intact
    }

    pub(super) fn is_modern(&self) -> bool {
        self.0.incoming.modern
    }

    /// Whether the header's comma-separated values include this one.
    pub(super) fn lists(&self, name: &str, value: &str) -> bool {
        let values = self
            .headers()
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|list| list.split(','))
            .any(|listed| listed.trim().eq_ignore_ascii_case(value))
    }

    /// Whether the client accepts gzip: it lists gzip with a weight other than 0.
    pub(super) fn accepts_gzip(&self) -> bool {
        let values = self
            .headers()
            .get_all("accept-encoding")
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        values.flat_map(|list| list.split(',')).any(|listed| {
            let mut parts = listed.split(';').map(str::trim);
            let gzip = parts
                .next()
                .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            gzip && weight.is_none_or(|weight| weight > 0.0)
        })
    }
}

/// Omits header values, which include the SDK key, and the body, which has personal data.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method())
            .field("path", &self.path())
            .field("headers", &self.headers().keys().collect::<Vec<_>>())
            .field("body", &format_args!("{} bytes", self.body().len()))
            .field("connection", &self.connection())
            .field("status", &self.status())
            .field("closed", &self.closed())
            .finish()
    }
}

impl Connection {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            closed: OnceLock::new(),
        }
    }

    /// Only the first call has an effect.
    pub(super) fn close(&self, by: ClosedBy) {
        let _ = self.closed.set(by);
    }
}
