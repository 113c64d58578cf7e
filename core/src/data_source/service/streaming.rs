//! [`StreamingDataSource`]: receives changes from the service as they happen.
//!
//! There is one connection at a time. Every failure, including invalid data and a failure to store,
//! is handled alike: the connection is closed, the status reports the error, and a new connection
//! is opened after a delay. It starts with the complete data, or in the second protocol with what
//! has changed; until then the last known data stays in use. If the sink needs a complete data set,
//! the connection is replaced as well. The rules are those of SRC-2, and with the second protocol
//! those of FDV2-2.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::select;
use tokio::time::{Instant, sleep};

use super::attempts::Attempts;
use super::basis::Target;
use super::endpoint::Endpoint;
use super::fetch_error::FetchError;
use super::outage::Outage;
use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::http::backoff::{StreamBackoff, jitter};
use crate::http::sse::{EventStream, Part};
use crate::http::transport::RetryPolicy;
use crate::http::wire::{Goodbye, Protocol, ReaderOptions, StreamReader, Update};

/// Receives flag data as a stream.
#[derive(Clone, Debug)]
pub(crate) struct StreamingDataSource {
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: Protocol,
    pub(crate) initial_reconnect_delay: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) max_event_size: usize,
}

/// State that outlives a connection.
struct ConnectionState {
    backoff: StreamBackoff,
    attempts: Attempts,
    outage: Outage,
    last_event_id: Option<HeaderValue>,
    /// When the current attempt to connect began. `None` once it has delivered data or failed.
    attempt: Option<(SystemTime, Instant)>,
}

impl ConnectionState {
    fn attempt_ends(&mut self, sink: &dyn DataSink, failed: bool) {
        if let Some((began, since)) = self.attempt.take() {
            sink.connection_attempt(began, since.elapsed(), failed);
        }
    }

    /// Records that the data is current.
    fn is_current(&mut self, sink: &dyn DataSink) {
        self.backoff.delivered_all();
        self.attempt_ends(sink, false);
        self.outage.ended();
    }
}

/// Why a connection ended without a failure.
enum End {
    /// Another one is to follow: the service asked for it, or the sink needs all data.
    Reconnect,
    /// The sink follows an order to use another protocol.
    Relieved,
}

#[async_trait]
impl DataSource for StreamingDataSource {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let mut state = ConnectionState {
            backoff: StreamBackoff::new(self.retry_policy, self.initial_reconnect_delay, jitter),
            attempts: Attempts::new(self.protocol),
            outage: Outage::at_start(),
            last_event_id: None,
            attempt: None,
        };
        loop {
            let target = state.attempts.target(&self.endpoint, &*sink).await?;
            state.attempt = Some((SystemTime::now(), Instant::now()));
            let end = self.connection(&target, &*sink, &mut state).await;
            state.attempt_ends(&*sink, true);
            let delay = match end {
                Ok(End::Relieved) => return Ok(()),
                Ok(End::Reconnect) => {
                    sink.reconnecting();
                    state.backoff.pause()
                }
                Err(error) => {
                    let now = Instant::now().into_std();
                    let delay = state.backoff.failed(error.failure(), now);
                    let outage = &mut state.outage;
                    match state.attempts.failed(error, delay, outage, &*sink)? {
                        Some(delay) => delay,
                        None => return Ok(()),
                    }
                }
            };
            state.outage.during(sleep(delay)).await;
        }
    }
}

impl StreamingDataSource {
    /// Opens one connection and processes its events until it ends. The connection is closed when
    /// this returns.
    async fn connection(
        &self,
        target: &Target,
        sink: &dyn DataSink,
        state: &mut ConnectionState,
    ) -> Result<End, FetchError> {
        let headers = [
            Some((ACCEPT, HeaderValue::from_static("text/event-stream"))),
            Some((CACHE_CONTROL, HeaderValue::from_static("no-cache"))),
            state
                .last_event_id
                .clone()
                .map(|id| (HeaderName::from_static("last-event-id"), id)),
        ];
        let request = self.endpoint.get(&target.uri, headers, self.read_timeout);
        let response = state.outage.during(request).await?;
        state.attempts.received(target, &response, sink)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        if !is_event_stream(response.headers()) {
            return Err(FetchError::NoEventStream);
        }
        let mut events = EventStream::new(response.into_body(), self.max_event_size);
        let mut reader = StreamReader::new(ReaderOptions {
            protocol: self.protocol,
            keep_json: sink.keeps_json(),
            had_basis: target.has_basis,
            max_size: self.max_event_size,
        });
        loop {
            // Before that, all data is still to come.
            let is_current = state.attempt.is_none();
            let next = async {
                select! {
                    biased;
                    () = sink.refresh_requested(), if is_current => None,
                    next = next_update(&mut events, &mut reader, sink) => Some(next),
                }
            };
            let next = state.outage.during(next).await;
            let advice = events.take_advice();
            if let Some(delay) = advice.retry {
                state.backoff.set_base(delay);
            }
            if let Some(id) = advice.last_event_id {
                state.last_event_id = HeaderValue::from_bytes(&id)
                    .ok()
                    .filter(|id| !id.is_empty());
            }
            let Some(next) = next else {
                // A service may send only what follows this event.
                state.last_event_id = None;
                return Ok(End::Reconnect);
            };
            let (name, update) = next?.ok_or(FetchError::Ended)?;
            match update {
                Update::Changes(changes) => {
                    state.backoff.delivered(Instant::now().into_std());
                    sink.apply(changes).await?;
                    state.is_current(sink);
                }
                Update::Current => {
                    state.backoff.delivered(Instant::now().into_std());
                    sink.update_status(DataSourceState::Valid, None);
                    state.is_current(sink);
                }
                Update::Item(item) => {
                    state.backoff.delivered(Instant::now().into_std());
                    sink.upsert(item).await?;
                }
                Update::Goodbye(goodbye) => return Ok(leave(&goodbye, &mut state.attempts, sink)),
                Update::Dropped { reason } => {
                    tracing::warn!(reason, "the service dropped an incomplete update");
                    if state.attempts.is_relieved {
                        return Ok(End::Relieved);
                    }
                }
                Update::Partial => {}
                Update::Ignored => {
                    tracing::debug!(event = name, "ignoring an unknown event")
                }
            }
            if state.attempts.is_relieved && state.attempt.is_none() {
                return Ok(End::Relieved);
            }
        }
    }
}

/// Acts on the announcement that the service closes the connection (FDV2-6.4).
fn leave(goodbye: &Goodbye, attempts: &mut Attempts, sink: &dyn DataSink) -> End {
    let reason = goodbye.reason.as_deref();
    if goodbye.is_silent {
        tracing::debug!(reason, "the service closes the stream");
    } else {
        tracing::info!(reason, "the service closes the stream");
    }
    if let Some(seconds) = goodbye.fallback_seconds {
        attempts.ordered(seconds, sink);
    }
    if attempts.is_relieved {
        End::Relieved
    } else {
        End::Reconnect
    }
}

/// Reads events up to the end of one that completes an update, and returns its name. Returns `None`
/// if the body has ended.
async fn next_update(
    events: &mut EventStream,
    reader: &mut StreamReader,
    sink: &dyn DataSink,
) -> Result<Option<(String, Update)>, FetchError> {
    while let Some(part) = events.next().await? {
        let update = match part {
            Part::Data(data) => {
                reader.push(&events.name(), &data)?;
                None
            }
            Part::End(name) => Some((reader.finish(&name)?, name)),
        };
        if reader.is_receiving() {
            sink.receiving();
        }
        match update {
            // An object of a payload, of which there may be thousands.
            None | Some((Update::Partial, _)) => {}
            Some((update, name)) => return Ok(Some((name, update))),
        }
    }
    Ok(None)
}

/// Whether a response is an unencoded event stream in UTF-8 (SRC-2.1, rule 16; SRC-F34 to SRC-F36).
fn is_event_stream(headers: &HeaderMap) -> bool {
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return false;
    }
    let Some(content_type) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|media_type| media_type.eq_ignore_ascii_case("text/event-stream"))
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .all(|(name, value)| {
                !name.trim().eq_ignore_ascii_case("charset")
                    || value.trim_matches(['"', ' ']).eq_ignore_ascii_case("utf-8")
            })
}
