//! [`PollingDataSource`]: fetches all flag data at intervals.
//!
//! Polls start at a fixed rate and never overlap; missed polls are skipped. A failed poll changes
//! only the status, and is not retried before the next poll is due. The rules are those of SRC-3.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT_ENCODING, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode, Uri};
use tokio::time::{Instant, sleep_until, timeout};
use vexil_eval::model::DataSet;

use super::endpoint::{Endpoint, pass_environment_id};
use super::fetch_error::FetchError;
use super::outage::Outage;
use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::http::backoff::{PollBackoff, jitter};
use crate::http::transport::{
    Body, RetryPolicy, TransportError, TransportErrorKind, total_timeout,
};
use crate::http::wire::change::PollReader;

/// Fetches all flag data at intervals.
#[derive(Clone, Debug)]
pub(crate) struct PollingDataSource {
    pub(crate) endpoint: Endpoint,
    pub(crate) poll_interval: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) max_body_size: usize,
}

/// The result of a poll.
enum Fetched {
    Unchanged,
    Data(DataSet, Option<HeaderValue>),
}

#[async_trait]
impl DataSource for PollingDataSource {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let uri = self.endpoint.uri()?;
        tracing::warn!(
            "polling is enabled; streaming is faster and cheaper, so poll only if LaunchDarkly support advised it"
        );
        let mut backoff = PollBackoff::new(self.retry_policy, self.poll_interval, jitter);
        let mut outage = Outage::at_start();
        let mut etag = None;
        loop {
            let start = Instant::now();
            let wait = match outage.during(self.poll(uri, &*sink, &mut etag)).await {
                Ok(()) => {
                    outage.ended();
                    backoff.succeeded()
                }
                Err(error) => {
                    let wait = backoff.failed(error.failure());
                    outage.failed(&error, wait);
                    let Some(wait) = wait else {
                        sink.update_status(DataSourceState::Off, error.info());
                        return Err(error.into());
                    };
                    if let Some(info) = error.info() {
                        sink.update_status(DataSourceState::Interrupted, Some(info));
                    }
                    wait
                }
            };
            let next = next_tick(start + wait, self.poll_interval, Instant::now());
            outage.during(sleep_until(next)).await;
        }
    }
}

impl PollingDataSource {
    /// Performs one poll and stores its data.
    async fn poll(
        &self,
        uri: &Uri,
        sink: &dyn DataSink,
        etag: &mut Option<HeaderValue>,
    ) -> Result<(), FetchError> {
        // The read timeout alone would let a body that trickles in hold up a poll for ever.
        let fetched = timeout(
            total_timeout(self.read_timeout),
            self.fetch(uri, sink, etag.as_ref()),
        );
        match fetched.await.map_err(|_| FetchError::TooSlow)?? {
            Fetched::Unchanged => sink.update_status(DataSourceState::Valid, None),
            Fetched::Data(data, new_etag) => {
                // If storing fails, the next poll must not get `304 Not Modified`.
                *etag = None;
                sink.init(data).await?;
                *etag = new_etag;
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        uri: &Uri,
        sink: &dyn DataSink,
        etag: Option<&HeaderValue>,
    ) -> Result<Fetched, FetchError> {
        let headers = [
            Some((ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
            etag.map(|etag| (IF_NONE_MATCH, etag.clone())),
        ];
        let mut response = self.endpoint.get(uri, headers, self.read_timeout).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if etag.is_some() => {
                pass_environment_id(response.headers(), sink);
                return Ok(Fetched::Unchanged);
            }
            status => return Err(FetchError::Status(status)),
        }
        let data = self.read(response.body_mut(), sink.keeps_json()).await?;
        pass_environment_id(response.headers(), sink);
        let etag = response
            .headers_mut()
            .remove(ETAG)
            .filter(|etag| !etag.is_empty());
        Ok(Fetched::Data(data, etag))
    }

    async fn read(&self, body: &mut Body, keep_json: bool) -> Result<DataSet, FetchError> {
        let limit = self.max_body_size;
        let (mut reader, mut length) = (PollReader::new(keep_json), 0);
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
