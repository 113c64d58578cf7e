//! [`PollingDataSource`]: fetches flag data at intervals: all of it, or in the second protocol what
//! has changed.
//!
//! Polls start at a fixed rate and never overlap; missed polls are skipped. A failed poll changes
//! only the status, and is not retried before the next poll is due. If the sink needs a complete
//! data set, it is fetched sooner. The rules are those of SRC-3, and with the second protocol those
//! of FDV2-3.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT_ENCODING, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode, Uri};
use tokio::select;
use tokio::time::{Instant, sleep_until, timeout};

use super::attempts::Attempts;
use super::basis::Target;
use super::endpoint::Endpoint;
use super::fetch_error::FetchError;
use super::outage::Outage;
use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::http::backoff::{PollBackoff, jitter};
use crate::http::transport::{
    Body, RetryPolicy, TransportError, TransportErrorKind, total_timeout,
};
use crate::http::wire::{BodyReader, Protocol, ReaderOptions, Update};

/// Fetches flag data at intervals.
#[derive(Clone, Debug)]
pub(crate) struct PollingDataSource {
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: Protocol,
    pub(crate) poll_interval: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) max_body_size: usize,
}

/// State that outlives a poll.
struct PollState {
    attempts: Attempts,
    /// The entity tag of the data that was stored last, and the URL it belongs to.
    etag: Option<(Uri, HeaderValue)>,
}

#[async_trait]
impl DataSource for PollingDataSource {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let mut backoff = PollBackoff::new(self.retry_policy, self.poll_interval, jitter);
        let mut outage = Outage::at_start();
        let mut state = PollState {
            attempts: Attempts::new(self.protocol),
            etag: None,
        };
        loop {
            let start = Instant::now();
            let target = state.attempts.target(&self.endpoint, &*sink).await?;
            let polled = outage.during(self.poll(&target, &*sink, &mut state)).await;
            // A service that fails is not asked sooner.
            let is_answered = matches!(polled, Ok(()) | Err(FetchError::NotStored(_)));
            let wait = match polled {
                Ok(()) => {
                    outage.ended();
                    let wait = backoff.succeeded();
                    Some(wait).filter(|_| !state.attempts.is_relieved)
                }
                Err(error) => {
                    let wait = backoff.failed(error.failure());
                    state.attempts.failed(error, wait, &mut outage, &*sink)?
                }
            };
            let Some(wait) = wait else {
                return Ok(());
            };
            let mut next = next_tick(start + wait, self.poll_interval, Instant::now());
            let requested = async {
                select! {
                    () = sleep_until(next) => false,
                    () = sink.refresh_requested() => true,
                }
            };
            if outage.during(requested).await {
                // The next poll must not get `304 Not Modified`.
                state.etag = None;
                if is_answered {
                    next = next.min(Instant::now() + backoff.out_of_turn());
                }
                outage.during(sleep_until(next)).await;
            }
        }
    }
}

impl PollingDataSource {
    /// Performs one poll and stores its data.
    async fn poll(
        &self,
        target: &Target,
        sink: &dyn DataSink,
        state: &mut PollState,
    ) -> Result<(), FetchError> {
        // The read timeout alone would let a body that trickles in hold up a poll for ever.
        let fetched = timeout(
            total_timeout(self.read_timeout),
            self.fetch(target, sink, state),
        );
        let (update, etag) = fetched.await.map_err(|_| FetchError::TooSlow)??;
        match update {
            Update::Changes(changes) => {
                // If storing fails, the next poll must not get `304 Not Modified`.
                state.etag = None;
                sink.apply(changes).await?;
                state.etag = etag.map(|etag| (target.uri.clone(), etag));
            }
            Update::Goodbye(goodbye) => {
                if let Some(seconds) = goodbye.fallback_seconds {
                    state.attempts.ordered(seconds, sink);
                }
            }
            // The body of a poll has no other meaning.
            _ => sink.update_status(DataSourceState::Valid, None),
        }
        Ok(())
    }

    /// Returns the meaning of the response, and its entity tag.
    async fn fetch(
        &self,
        target: &Target,
        sink: &dyn DataSink,
        state: &mut PollState,
    ) -> Result<(Update, Option<HeaderValue>), FetchError> {
        let etag = state
            .etag
            .as_ref()
            .filter(|(uri, _)| *uri == target.uri)
            .map(|(_, etag)| etag.clone());
        let had_etag = etag.is_some();
        let headers = [
            Some((ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
            etag.map(|etag| (IF_NONE_MATCH, etag)),
        ];
        let request = self.endpoint.get(&target.uri, headers, self.read_timeout);
        let mut response = request.await?;
        state.attempts.received(target, &response, sink)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if had_etag => return Ok((Update::Current, None)),
            status => return Err(FetchError::Status(status)),
        }
        let reader = BodyReader::new(ReaderOptions {
            protocol: self.protocol,
            keep_json: sink.keeps_json(),
            had_basis: target.has_basis,
            max_size: self.max_body_size,
        });
        sink.receiving();
        let update = self.read(response.body_mut(), reader).await?;
        let etag = response
            .headers_mut()
            .remove(ETAG)
            .filter(|etag| !etag.is_empty());
        Ok((update, etag))
    }

    async fn read(&self, body: &mut Body, mut reader: BodyReader) -> Result<Update, FetchError> {
        let limit = self.max_body_size;
        let mut length = 0;
        while let Some(piece) = body.next().await? {
            if piece.len() > limit - length {
                let message = format!("it has more than {limit} bytes");
                return Err(TransportError::new(TransportErrorKind::TooLarge, message).into());
            }
            length += piece.len();
            reader.push(&piece)?;
        }
        Ok(reader.finish()?)
    }
}

/// The first scheduled time, from `planned` on, that has not passed.
fn next_tick(planned: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(planned).as_nanos();
    let missed = late.div_ceil(interval.as_nanos().max(1));
    planned + interval.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    // SRC-3
    #[test]
    fn missed_polls_are_skipped() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let tick = |planned: Instant| next_tick(planned, 30 * second, now);
        assert_eq!(tick(now + 5 * second), now + 5 * second);
        assert_eq!(tick(now), now);
        assert_eq!(tick(now - second), now + 29 * second);
        assert_eq!(tick(now - 30 * second), now);
        assert_eq!(tick(now - 95 * second), now + 25 * second);
    }
}
