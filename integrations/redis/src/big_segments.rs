//! [`RedisBigSegmentStore`]: big segments in Redis, two sets for each context, as written by a
//! Relay Proxy.

use redis::Value;
use thiserror::Error;
use vexil::async_trait;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;

use crate::builder::RedisStoreBuilder;
use crate::connection::StoreHandle;
use crate::error::{CommandError, store_error};
use crate::request::{Request, RequestClass};

/// Reads the big-segment memberships of contexts from Redis, where a Relay Proxy or LaunchDarkly's
/// own integration writes them.
///
/// ```
/// use vexil_redis::RedisBigSegmentStore;
///
/// let big_segments = RedisBigSegmentStore::builder().url("redis://cache.example.com").prefix("ld:shop").build()?;
/// assert!(format!("{big_segments:?}").contains("ld:shop"));
/// # Ok::<(), vexil_redis::RedisConfigError>(())
/// ```
#[derive(Debug)]
pub struct RedisBigSegmentStore {
    handle: StoreHandle,
    prefix: String,
}

impl RedisBigSegmentStore {
    /// Returns a builder with the defaults: the server at `redis://localhost:6379`, the prefix
    /// `launchdarkly`.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::config::BigSegmentsConfig;
    /// use vexil_redis::RedisBigSegmentStore;
    ///
    /// let big_segments = BigSegmentsConfig::new(RedisBigSegmentStore::builder());
    /// let client = Client::builder("sdk-key").offline(true).big_segments(big_segments).start();
    /// assert!(client.is_ok());
    /// ```
    pub fn builder() -> RedisStoreBuilder<Self> {
        RedisStoreBuilder::new()
    }

    pub(crate) fn new(handle: StoreHandle, prefix: String) -> Self {
        Self { handle, prefix }
    }

    pub(crate) fn handle(&self) -> &StoreHandle {
        &self.handle
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// The members of a set.
    async fn set(&self, key: &str) -> Result<Vec<String>, CommandError> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(key);
        let reply = self
            .handle
            .send_one(&Request::one(key, command, RequestClass::Read))
            .await?;
        redis::from_redis_value(reply).map_err(|_| CommandError::Unexpected)
    }
}

/// The synchronization key holds something other than a time.
#[derive(Debug, Error)]
#[error("\"{key}\" does not hold a number of milliseconds")]
struct NotATime {
    key: String,
}

// STO-4.1 and STO-4.2
#[async_trait]
impl BigSegmentStore for RedisBigSegmentStore {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        let included = self.key(&format!("big_segment_include:{context_hash}"));
        let excluded = self.key(&format!("big_segment_exclude:{context_hash}"));
        // Concurrently, not in one request: in a cluster the two sets are on different nodes.
        let (included, excluded) =
            tokio::try_join!(self.set(&included), self.set(&excluded)).map_err(store_error)?;
        if included.is_empty() && excluded.is_empty() {
            return Ok(None);
        }
        Ok(Some(Membership::new(
            included.iter().map(String::as_str),
            excluded.iter().map(String::as_str),
        )))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let key = self.key("big_segments_synchronized_on");
        let mut command = redis::cmd("GET");
        command.arg(&key);
        let reply = self
            .handle
            .send_one(&Request::one(&key, command, RequestClass::Probe))
            .await
            .map_err(store_error)?;
        match reply {
            Value::Nil => Ok(None),
            Value::BulkString(text) if text.is_empty() => Ok(None),
            reply => match redis::from_redis_value::<u64>(reply) {
                Ok(milliseconds) => Ok(Some(milliseconds)),
                Err(_) => Err(StoreError::unavailable(NotATime { key })),
            },
        }
    }

    async fn close(&self) {
        self.handle.release();
    }
}
