//! [`BigSegmentsConfig`]: a big-segment store, and how a client uses it.

use std::sync::Arc;
use std::time::Duration;

use super::{ClientContext, ConfigError, Configure};
use crate::big_segments::{BigSegmentReader, BigSegmentStore, Settings};
use crate::bounds;

const DEFAULT_STATUS_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// A big-segment store, and how a client uses it. The defaults are those of other SDKs (STO-4.4).
///
/// ```
/// use std::time::Duration;
/// use vexil::config::BigSegmentsConfig;
/// # use vexil::big_segments::{BigSegmentStore, StoreError};
/// # #[derive(Debug)] struct Database;
/// # #[vexil::async_trait]
/// # impl BigSegmentStore for Database {
/// #     async fn membership(&self, _: &str) -> Result<Option<vexil::eval::Membership>, StoreError> { Ok(None) }
/// #     async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> { Ok(None) }
/// # }
///
/// let segments = BigSegmentsConfig::new(Database).context_cache_time(Duration::from_secs(30));
/// let client = vexil::Client::builder("sdk-key").big_segments(segments).offline(true).start()?;
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct BigSegmentsConfig {
    store: Arc<dyn Configure<dyn BigSegmentStore>>,
    settings: Settings,
}

impl BigSegmentsConfig {
    /// Uses this store with the default settings.
    pub fn new(store: impl Configure<dyn BigSegmentStore>) -> Self {
        let settings = Settings {
            context_cache_size: 1000,
            context_cache_time: Duration::from_secs(5),
            status_poll_interval: DEFAULT_STATUS_POLL_INTERVAL,
            stale_after: Duration::from_secs(120),
        };
        Self {
            store: Arc::new(store),
            settings,
        }
    }

    /// Maximum number of contexts whose memberships are cached; the least recently used are
    /// evicted. Default: 1000. Zero means one. `usize::MAX`: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::BigSegmentsConfig;
    /// use vexil_testing::{MemoryBigSegmentStore, TestData};
    ///
    /// // For a service whose instances see 50,000 users within the time that memberships are cached.
    /// let segments = BigSegmentsConfig::new(MemoryBigSegmentStore::new())
    ///     .context_cache_size(50_000)
    ///     .context_cache_time(Duration::from_secs(60));
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).big_segments(segments).start()?;
    /// # assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn context_cache_size(mut self, contexts: usize) -> Self {
        self.settings.context_cache_size = contexts;
        self
    }

    /// How long a context's memberships are cached. Default: 5 s. Zero: every evaluation queries
    /// the store, unless a query for the same context is in progress. `Duration::MAX`: until the
    /// client is closed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::BigSegmentsConfig;
    /// use vexil_testing::{MemoryBigSegmentStore, StoreMethod, TestData};
    ///
    /// let store = MemoryBigSegmentStore::new();
    /// let config = BigSegmentsConfig::new(store.clone())
    ///     .context_cache_size(10_000)
    ///     .context_cache_time(Duration::from_secs(60));
    /// let flags = TestData::new();
    /// let builder = Client::builder("sdk-key").data_source(flags.clone()).big_segments(config);
    /// # let builder = builder.evaluation_timeout(Duration::from_secs(30));
    /// let client = builder.start()?;
    /// # let segment = r#"{"key": "vip", "version": 1, "unbounded": true, "generation": 1}"#;
    /// # flags.use_preconfigured_segment(segment)?;
    /// # let flag = r#"{"key": "lounge", "version": 1, "on": true, "variations": [false, true],
    /// #     "fallthrough": {"variation": 0},
    /// #     "rules": [{"clauses": [{"attribute": "", "op": "segmentMatch", "values": ["vip"]}], "variation": 1}]}"#;
    /// # flags.use_preconfigured_flag(flag)?;
    /// # store.database().set_membership("", "ada", ["vip.g1"], []);
    /// let ada = vexil::Context::new("ada")?;
    /// // The flag "lounge" is on for the big segment that this context belongs to.
    /// for _ in 0..3 {
    ///     assert!(client.bool_variation("lounge", &ada, false));
    /// }
    /// assert_eq!(store.calls().count(StoreMethod::Membership), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context_cache_time(mut self, time: Duration) -> Self {
        self.settings.context_cache_time = time;
        self
    }

    /// Interval between queries of the store's freshness, at most
    /// [`stale_after`](Self::stale_after). Default, and meaning of zero: 5 s. At least 100 ms.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::BigSegmentsConfig;
    /// use vexil_testing::{MemoryBigSegmentStore, StoreFault, TestData};
    ///
    /// let store = MemoryBigSegmentStore::new();
    /// let segments = BigSegmentsConfig::new(store.clone()).status_poll_interval(Duration::from_millis(100));
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).big_segments(segments).start()?;
    /// let provider = client.big_segment_store_status();
    /// # provider.blocking_status(Duration::from_secs(30));
    /// let mut statuses = provider.subscribe().expect("there is a store");
    ///
    /// // An outage is noticed after 100 ms, although no flag is evaluated.
    /// store.calls().fault_all(StoreFault::Fail);
    /// let status = statuses.blocking_next(Duration::from_secs(30)).expect("the store has failed");
    /// assert!(!status.available);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn status_poll_interval(mut self, interval: Duration) -> Self {
        self.settings.status_poll_interval = interval;
        self
    }

    /// Time since the last synchronisation with the service after which the store counts as stale.
    /// Default: 2 min. Zero: it is always stale. `Duration::MAX`: it is never stale once it was
    /// synchronised.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::BigSegmentsConfig;
    /// use vexil_testing::{MemoryBigSegmentStore, TestData};
    ///
    /// let store = MemoryBigSegmentStore::new();
    /// store.database().set_synchronized("", Some(1_000));
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new())
    ///     .big_segments(BigSegmentsConfig::new(store).stale_after(Duration::from_secs(60)))
    ///     .start()?;
    /// let status = client.big_segment_store_status().blocking_status(Duration::from_secs(30));
    /// assert!(status.is_some_and(|status| status.available && status.stale));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stale_after(mut self, time: Duration) -> Self {
        self.settings.stale_after = time;
        self
    }

    pub(crate) fn reader(&self, context: &ClientContext) -> Result<BigSegmentReader, ConfigError> {
        let Settings {
            status_poll_interval,
            stale_after,
            ..
        } = self.settings;
        let usual = bounds::interval(status_poll_interval, DEFAULT_STATUS_POLL_INTERVAL);
        let settings = Settings {
            status_poll_interval: bounds::interval(usual.min(stale_after), usual),
            ..self.settings
        };
        Ok(BigSegmentReader::new(
            Arc::clone(&self.store).configure(context)?,
            settings,
            context.runtime(),
        ))
    }
}

impl<S: Configure<dyn BigSegmentStore>> From<S> for BigSegmentsConfig {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}
