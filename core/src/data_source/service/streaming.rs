//! [`StreamingDataSource`]: receives changes from the service as they happen.
//!
//! There is one connection at a time. Every failure, including invalid data and a failure to store,
//! is handled alike: the connection is closed, the status reports the error, and a new connection
//! is opened after a delay. It starts with the complete data; until then the last known data stays
//! in use. The rules are those of SRC-2.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use tokio::time::{Instant, sleep};

use super::endpoint::{Endpoint, pass_environment_id};
use super::fetch_error::FetchError;
use super::outage::Outage;
use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::http::backoff::{StreamBackoff, jitter};
use crate::http::sse::{EventStream, Part};
use crate::http::transport::RetryPolicy;
use crate::http::wire::change::{Change, EventReader};

/// Receives flag data as a stream.
#[derive(Clone, Debug)]
pub(crate) struct StreamingDataSource {
    pub(crate) endpoint: Endpoint,
    pub(crate) initial_reconnect_delay: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) max_event_size: usize,
}

/// State that outlives a connection.
struct ConnectionState {
    backoff: StreamBackoff,
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
}

#[async_trait]
impl DataSource for StreamingDataSource {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let uri = self.endpoint.uri()?;
        let mut state = ConnectionState {
            backoff: StreamBackoff::new(self.retry_policy, self.initial_reconnect_delay, jitter),
            outage: Outage::at_start(),
            last_event_id: None,
            attempt: None,
        };
        loop {
            state.attempt = Some((SystemTime::now(), Instant::now()));
            let Err(error) = self.connection(uri, &*sink, &mut state).await;
            state.attempt_ends(&*sink, true);
            let delay = state
                .backoff
                .failed(error.failure(), Instant::now().into_std());
            state.outage.failed(&error, delay);
            let Some(delay) = delay else {
                sink.update_status(DataSourceState::Off, error.info());
                return Err(error.into());
            };
            if let Some(info) = error.info() {
                sink.update_status(DataSourceState::Interrupted, Some(info));
            }
            state.outage.during(sleep(delay)).await;
        }
    }
}

impl StreamingDataSource {
    /// Opens one connection and processes its events until it fails. The connection is closed when
    /// this returns.
    async fn connection(
        &self,
        uri: &Uri,
        sink: &dyn DataSink,
        state: &mut ConnectionState,
    ) -> Result<Infallible, FetchError> {
        let headers = [
            Some((ACCEPT, HeaderValue::from_static("text/event-stream"))),
            Some((CACHE_CONTROL, HeaderValue::from_static("no-cache"))),
            state
                .last_event_id
                .clone()
                .map(|id| (HeaderName::from_static("last-event-id"), id)),
        ];
        let request = self.endpoint.get(uri, headers, self.read_timeout);
        let response = state.outage.during(request).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        if !is_event_stream(response.headers()) {
            return Err(FetchError::NoEventStream);
        }
        pass_environment_id(response.headers(), sink);
        let mut events = EventStream::new(response.into_body(), self.max_event_size);
        let mut reader = EventReader::new(sink.keeps_json());
        loop {
            let next = state
                .outage
                .during(next_event(&mut events, &mut reader))
                .await;
            let advice = events.take_advice();
            if let Some(delay) = advice.retry {
                state.backoff.set_base(delay);
            }
            if let Some(id) = advice.last_event_id {
                state.last_event_id = HeaderValue::from_bytes(&id)
                    .ok()
                    .filter(|id| !id.is_empty());
            }
            let name = next?.ok_or(FetchError::Ended)?;
            state.backoff.delivered(Instant::now().into_std());
            match reader.finish(&name)? {
                Change::All(data) => {
                    sink.init(data).await?;
                    state.backoff.delivered_all();
                    state.attempt_ends(sink, false);
                    state.outage.ended();
                }
                Change::Item(item) => drop(sink.upsert(item).await?),
                Change::Ignored => {
                    tracing::debug!(event = name, "ignoring an unknown event")
                }
            }
        }
    }
}

/// Reads the next event to its end and returns its name, or `None` if the body has ended.
async fn next_event(
    events: &mut EventStream,
    reader: &mut EventReader,
) -> Result<Option<String>, FetchError> {
    while let Some(part) = events.next().await? {
        match part {
            Part::Data(data) => reader.push(&events.name(), &data)?,
            Part::End(name) => return Ok(Some(name)),
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
