//! [`Events`]: the events that SDKs post.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use vexil_service::{Endpoint, EventLog, PayloadIds, Posted, Route, SeenContexts, SummaryCounts};

use super::environment::Environment;
use super::handler::text;
use super::sdk::Refusal;
use super::sdks::agent;
use crate::output::milliseconds_since_1970;

/// The largest body as it is sent, and unpacked.
const MAX_SENT: usize = 10 << 20;
const MAX_UNPACKED: usize = 64 << 20;
/// How many events are kept, and how many bytes of them.
const MAX_EVENTS: usize = 10_000;
const MAX_EVENT_BYTES: usize = 64 << 20;
const MAX_CONTEXTS: usize = 200;
/// How many payloads are recognized if they are posted again.
const MAX_PAYLOAD_IDS: usize = 1000;
/// The number of SDKs whose evaluations are counted.
const MAX_COUNTED: usize = 1000;
/// A transparent GIF of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// The events that SDKs have posted to an environment.
#[derive(Debug)]
pub(super) struct Events(Mutex<Received>);

/// What was received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) log: EventLog,
    pub(super) contexts: SeenContexts,
    /// The sums of all summaries, by SDK.
    pub(super) counts: BTreeMap<String, SummaryCounts>,
    payload_ids: PayloadIds,
}

impl Default for Events {
    fn default() -> Self {
        Self(Mutex::new(Received {
            log: EventLog::new(MAX_EVENTS, MAX_EVENT_BYTES),
            contexts: SeenContexts::new(MAX_CONTEXTS),
            counts: BTreeMap::new(),
            payload_ids: PayloadIds::new(MAX_PAYLOAD_IDS),
        }))
    }
}

impl Events {
    pub(super) fn received(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    fn add(&mut self, path: &str, sdk: &str, events: &[Value]) {
        let at = milliseconds_since_1970();
        for event in events {
            self.log.push(at, sdk, path, event);
            self.contexts.add_event(at, sdk, event);
        }
        let is_counted = self.counts.contains_key(sdk) || self.counts.len() < MAX_COUNTED;
        let mut summaries = events
            .iter()
            .filter(|event| event["kind"] == "summary")
            .peekable();
        if is_counted && summaries.peek().is_some() {
            let counts = self.counts.entry(sdk.to_owned()).or_default();
            summaries.for_each(|summary| counts.count(summary));
        }
    }

    pub(super) fn clear(&mut self) {
        self.log.clear();
        self.counts.clear();
    }
}

impl Environment {
    /// Accepts the events of a request.
    pub(super) async fn take_events(
        self: &Arc<Self>,
        route: Route,
        head: Parts,
        body: Body,
    ) -> Result<Response, Refusal> {
        let body = to_bytes(body, MAX_SENT).await.map_err(|_| {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the events are larger than 10 MiB, or did not arrive",
            )
        })?;
        let environment = Arc::clone(self);
        // Large bodies take longer to unpack and parse than a task should hold its thread.
        let taken =
            tokio::task::spawn_blocking(move || environment.add_events(&route, &head, &body));
        taken.await.map_err(|error| Refusal::defect(&error))?
    }

    fn add_events(&self, route: &Route, head: &Parts, body: &Bytes) -> Result<Response, Refusal> {
        self.request(route, head, None);
        let is_pixel = route.endpoint() == Endpoint::Pixel;
        let body = match is_pixel {
            true => in_query(route)?,
            false => unpacked(head, body)?,
        };
        let posted = Posted::read(route, &body).ok_or_else(|| {
            Refusal::new(StatusCode::BAD_REQUEST, "the body is not JSON with events")
        })?;
        let events = match posted {
            Posted::Events(events) => events,
            Posted::Diagnostic(event) => vec![event],
            _ => Vec::new(),
        };
        let mut received = self.events.received();
        let id = text(
            &head.headers,
            &HeaderName::from_static("x-launchdarkly-payload-id"),
        );
        if id.is_none_or(|id| received.payload_ids.insert(id)) {
            received.add(endpoint_path(route, head), agent(head), &events);
            drop(received);
            self.news.announce(&self.news.events);
        }
        Ok(match is_pixel {
            true => ([(header::CONTENT_TYPE, "image/gif")], PIXEL).into_response(),
            false => StatusCode::ACCEPTED.into_response(),
        })
    }
}

/// Returns the path that events were posted to, without events in its query.
fn endpoint_path<'h>(route: &Route, head: &'h Parts) -> &'h str {
    let path = head.uri.path();
    path.strip_prefix(route.prefix()).unwrap_or(path)
}

/// Returns the events in the query of a pixel.
fn in_query(route: &Route) -> Result<Bytes, Refusal> {
    let events = route.events().unwrap_or_default().trim_end_matches('=');
    let decoded = URL_SAFE_NO_PAD.decode(events);
    decoded.map(Bytes::from).map_err(|_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "the events are not base64 with the alphabet of URLs",
        )
    })
}

/// Returns a body as it was before it was compressed.
fn unpacked(head: &Parts, body: &Bytes) -> Result<Bytes, Refusal> {
    match text(&head.headers, &header::CONTENT_ENCODING) {
        None | Some("identity") => return Ok(body.clone()),
        Some("gzip") => {}
        Some(_) => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be compressed with gzip, or not at all",
            ));
        }
    }
    let limit = u64::try_from(MAX_UNPACKED)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(&**body)
        .take(limit)
        .read_to_end(&mut unpacked);
    if read.is_err() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the body is not gzip",
        ));
    }
    if unpacked.len() > MAX_UNPACKED {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the events are larger than 64 MiB",
        ));
    }
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixel_is_a_gif_of_the_size_that_browsers_expect() {
        assert_eq!(PIXEL.len(), 43);
        assert!(PIXEL.starts_with(b"GIF89a") && PIXEL.ends_with(b";"));
    }
}
