//! [`Delivery`]: sends payloads to the service, with one retry.
//!
//! A payload is dropped and counted if both attempts fail, so that memory does not grow during an
//! outage. Both attempts send the same bytes under the same id, so that the service can detect
//! duplicates. The rules are those of EVT-1.1, EVT-1.2 and EVT-3.6.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::error_chain::error_chain;
use crate::http::backoff::Failure;
use crate::http::transport::{Body, HttpTransport, RequestOptions, TransportError, total_timeout};
use crate::http::wire;
use crate::runtime::Runtime;
use crate::sync::atomic::AtomicU64;

const EVENTS_PATH: &str = "/bulk";
const DIAGNOSTIC_PATH: &str = "/diagnostic";

const EVENT_SCHEMA: HeaderName = HeaderName::from_static("x-launchdarkly-event-schema");
const PAYLOAD_ID: HeaderName = HeaderName::from_static("x-launchdarkly-payload-id");

const ATTEMPTS: u64 = 2;
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Reading a longer or slower response costs more than the new connection it would save.
const LONGEST_ANSWER: usize = 64 * 1024;
const LONGEST_READ: Duration = Duration::from_secs(1);

/// Sends payloads to the service.
pub(crate) struct Delivery {
    transport: Arc<dyn HttpTransport>,
    headers: HeaderMap,
    /// `None` if the base is not a valid URL.
    events: Option<Uri>,
    diagnostic: Option<Uri>,
    read_timeout: Duration,
    gzip: bool,
    stats: Arc<DeliveryStats>,
}

/// The outcome of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The service accepted the payload. `server_time` is its clock, in milliseconds since 1970, if
    /// the response has it.
    Ok { server_time: Option<u64> },
    /// The payload is lost. The next one may be delivered.
    Dropped,
    /// The payload is lost, and the service accepts no more.
    Refused,
}

/// Statistics of event deliveries so far. Diagnostics are not counted.
#[derive(Debug, Default)]
pub(super) struct DeliveryStats {
    /// As sent: compressed, and counted for each attempt.
    pub(super) bytes: AtomicU64,
    pub(super) attempts: AtomicU64,
    /// Number of second attempts.
    pub(super) retries: AtomicU64,
    /// Number of events that the application's filter dropped.
    pub(super) filtered: AtomicU64,
    /// Number of payloads lost.
    pub(super) dropped: AtomicU64,
    /// Number of events that the service accepted.
    pub(super) events: AtomicU64,
}

impl Delivery {
    /// `headers` are sent with every request; `base` is the base URL for events.
    pub(crate) fn new(
        transport: Arc<dyn HttpTransport>,
        headers: HeaderMap,
        base: &str,
        read_timeout: Duration,
        gzip: bool,
    ) -> Self {
        Self {
            transport,
            headers,
            events: wire::uri(base, EVENTS_PATH, None),
            diagnostic: wire::uri(base, DIAGNOSTIC_PATH, None),
            read_timeout,
            gzip,
            stats: Arc::default(),
        }
    }

    pub(super) fn stats(&self) -> &Arc<DeliveryStats> {
        &self.stats
    }

    /// Sends `count` events as a JSON array.
    pub(super) async fn send_events(&self, count: usize, body: Vec<u8>) -> Delivered {
        let mut request = self.request(self.events.as_ref(), body).await;
        request
            .headers_mut()
            .insert(EVENT_SCHEMA, HeaderValue::from_static("4"));
        // A UUID is always a valid header value.
        if let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
            request.headers_mut().insert(PAYLOAD_ID, id);
        }
        let FailedDelivery { error, attempts } = match self.send(&request, Some(&self.stats)).await
        {
            Ok(server_time) => {
                self.stats
                    .events
                    .fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
                return Delivered::Ok { server_time };
            }
            Err(failed) => failed,
        };
        self.stats.dropped.fetch_add(1, Ordering::Relaxed);
        let (is_refusal, status) = (error.is_refusal(), error.status());
        let (error, bytes) = (error_chain(&error), request.body().len());
        if is_refusal {
            tracing::error!(
                error,
                status,
                bytes,
                attempts,
                "the service rejects events, sending no more"
            );
            return Delivered::Refused;
        }
        tracing::warn!(
            error,
            status,
            count,
            bytes,
            attempts,
            "cannot deliver events, payload dropped"
        );
        Delivered::Dropped
    }

    /// Sends diagnostics, a JSON object. Failures are logged at debug level and otherwise ignored.
    pub(super) async fn send_diagnostic(&self, body: Vec<u8>) {
        let request = self.request(self.diagnostic.as_ref(), body).await;
        if let Err(FailedDelivery { error, attempts }) = self.send(&request, None).await {
            let (error, status) = (error_chain(&error), error.status());
            tracing::debug!(
                error,
                status,
                attempts,
                "cannot deliver diagnostics, payload dropped"
            );
        }
    }

    /// Builds the request that both attempts send.
    async fn request(&self, uri: Option<&Uri>, body: Vec<u8>) -> Request<Bytes> {
        let plain = Bytes::from(body);
        let gzip = if self.gzip {
            compressed(plain.clone()).await
        } else {
            None
        };
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if gzip.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut request = Request::new(gzip.unwrap_or(plain));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.cloned().unwrap_or_default();
        *request.headers_mut() = headers;
        request
    }

    /// Sends a request, with one retry, and returns the service's clock.
    async fn send(
        &self,
        request: &Request<Bytes>,
        stats: Option<&DeliveryStats>,
    ) -> Result<Option<u64>, FailedDelivery> {
        if request.uri().host().is_none() {
            return Err(FailedDelivery {
                error: DeliveryError::NoUrl,
                attempts: 0,
            });
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            if let Some(stats) = stats {
                stats.count(attempts, request.body().len());
            }
            let error = match self.attempt(request.clone()).await {
                Ok(server_time) => return Ok(server_time),
                Err(error) => error,
            };
            if attempts == ATTEMPTS || !error.is_transient() {
                return Err(FailedDelivery { error, attempts });
            }
            let (error, status) = (error_chain(&error), error.status());
            tracing::debug!(error, status, attempts, delay = ?RETRY_DELAY, "delivery attempt failed, retrying");
            sleep(RETRY_DELAY).await;
        }
    }

    async fn attempt(&self, request: Request<Bytes>) -> Result<Option<u64>, DeliveryError> {
        // A transport that ignores its timeout must not block a delivery for ever.
        let sent = self
            .transport
            .send(request, RequestOptions::new(self.read_timeout));
        let (head, body) = timeout(total_timeout(self.read_timeout), sent)
            .await
            .map_err(|_| DeliveryError::TooSlow)??
            .into_parts();
        read_to_end(body).await;
        match head.status.is_success() {
            true => Ok(server_time(&head.headers)),
            false => Err(DeliveryError::Status(head.status)),
        }
    }
}

impl DeliveryStats {
    pub(super) fn count(&self, attempt: u64, bytes: usize) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.retries
            .fetch_add(u64::from(attempt > 1), Ordering::Relaxed);
        self.bytes
            .fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A delivery that failed: the last error and the number of attempts.
struct FailedDelivery {
    error: DeliveryError,
    attempts: u64,
}

/// Why an attempt failed.
#[derive(Debug, Error)]
enum DeliveryError {
    #[error("the base URL for events is not a valid http or https URL")]
    NoUrl,
    #[error("the service answered with status {}", .0.as_u16())]
    Status(StatusCode),
    #[error("the service did not answer in time")]
    TooSlow,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl DeliveryError {
    /// Whether a retry may succeed. A payload that is too large stays too large.
    fn is_transient(&self) -> bool {
        match self {
            Self::Status(status) => Failure::of_status(*status) == Failure::Transient,
            Self::TooSlow | Self::Transport(_) => true,
            Self::NoUrl => false,
        }
    }

    /// Whether the service rejects all payloads.
    fn is_refusal(&self) -> bool {
        match self {
            Self::Status(StatusCode::PAYLOAD_TOO_LARGE) => false,
            _ => !self.is_transient(),
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status.as_u16()),
            _ => None,
        }
    }
}

/// Compresses the bytes on the blocking pool. Returns `None` if that fails.
async fn compressed(body: Bytes) -> Option<Bytes> {
    Runtime::of(Handle::current())
        .spawn_blocking(move || gzip(&body))
        .finish()
        .await?
        .ok()
}

fn gzip(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}

/// Reads the rest of a response, so that its connection can be reused.
async fn read_to_end(mut body: Body) {
    let read = async {
        let mut left = LONGEST_ANSWER;
        while let Ok(Some(piece)) = body.next().await {
            let Some(less) = left.checked_sub(piece.len()) else {
                return;
            };
            left = less;
        }
    };
    // The body is dropped now, even if it is incomplete.
    let _ = timeout(LONGEST_READ, read).await;
}

/// Returns the service's clock, in milliseconds since 1970.
fn server_time(headers: &HeaderMap) -> Option<u64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    u64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests;
