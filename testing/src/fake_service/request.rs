//! [`Request`]: what a client has asked, as the service saw it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::endpoint::Endpoint;

/// A request that the service has received in full. Clones are cheap and the same request.
#[derive(Clone)]
pub struct Request(Arc<Exchange>);

struct Exchange {
    number: u64,
    incoming: Incoming,
    connection: Arc<Connection>,
    /// Set when the answer begins.
    status: OnceLock<u16>,
}

/// A request as it was read.
pub(super) struct Incoming {
    pub(super) endpoint: Endpoint,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the body is what the headers say of its coding.
    pub(super) intact: bool,
    /// Whether the client speaks HTTP/1.1, and not an older one.
    pub(super) modern: bool,
    pub(super) received_at: Instant,
}

/// A connection on which requests have come.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    /// Set once, when it ends.
    closed: OnceLock<ClosedBy>,
}

/// Who has closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClosedBy {
    /// The client: it has closed it, or gone away.
    Client,
    /// The service: its answer was meant to end so, or it was stopped.
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

    /// What it is about.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.0.incoming.endpoint
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.0.incoming.method
    }

    /// The path, prefix and escapes included.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.incoming.path
    }

    /// What follows the path after the `?`, as it came.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.incoming.query.as_deref()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.incoming.headers
    }

    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The body: decompressed, if the headers say that it is compressed and it is.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.incoming.body
    }

    /// The body as JSON, if it is that.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        self.0
            .incoming
            .intact
            .then(|| serde_json::from_slice(self.body()).ok())
            .flatten()
    }

    /// When all of it was there.
    #[must_use]
    pub fn received_at(&self) -> Instant {
        self.0.incoming.received_at
    }

    /// The number of the connection it came on, to see whether connections are used again.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.0.connection.number
    }

    /// The status of the answer, as soon as that has begun. None of an answer without status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status.get().copied()
    }

    /// Whether its connection is closed, and by whom.
    #[must_use]
    pub fn closed(&self) -> Option<ClosedBy> {
        self.0.connection.closed.get().copied()
    }

    /// Its place among all requests.
    pub(super) fn number(&self) -> u64 {
        self.0.number
    }

    pub(super) fn set_status(&self, status: u16) {
        // A request is answered once.
        let _ = self.0.status.set(status);
    }

    pub(super) fn is_modern(&self) -> bool {
        self.0.incoming.modern
    }

    /// Whether one of a header's comma-separated values is this.
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

    /// Whether the client understands gzip: it names it, and does not rule it out by a weight of 0.
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

/// Without the values of headers, among which is the SDK key, and without the body, which tells of
/// persons.
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

    /// The first who says so has done it.
    pub(super) fn close(&self, by: ClosedBy) {
        let _ = self.closed.set(by);
    }
}
