//! [`Health`]: reports the state of a database to the status and the log.
//!
//! The status changes with the first failure and with the end of the outage. The log is slower: a
//! temporary failure is logged at debug level, and an outage of a minute causes one warning. The
//! warning is logged at once if the database has never answered, because its address or credentials
//! may be wrong, and for an error that is not temporary.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::StoreError;
use super::access::Reader;
use crate::status::{DataStoreErrorInfo, DataStoreReporter, DataStoreStatus};
use crate::watchdog::Death;

/// How long an outage must last before a warning is logged.
const GRACE: Duration = Duration::from_secs(60);
/// The delay before the first probe of an outage, and the longest delay between two.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Returns a callback that reports the unexpected end of a store's background task in the status.
pub(crate) fn watch(reporter: &DataStoreReporter) -> impl FnOnce(Death) + Send + 'static + use<> {
    let reporter = reporter.clone();
    move |death| {
        let info = DataStoreErrorInfo::new(&StoreError::unavailable(death.describe()));
        reporter.update(|status| {
            (status.available, status.stale) = (false, true);
            status.error = Some(info);
        });
    }
}

#[derive(Debug)]
pub(crate) struct Health {
    reporter: DataStoreReporter,
    /// The kind of database, for the log.
    store: &'static str,
    /// Whether the database has ever answered.
    has_answered: bool,
    /// When the current outage began.
    since: Option<Instant>,
    /// Whether a warning was logged for the current outage.
    warned: bool,
    /// Whether an item was skipped since all data was last read or written.
    has_flaws: bool,
    /// The delay before the next probe.
    delay: Duration,
}

impl Health {
    pub(crate) fn new(reporter: DataStoreReporter, store: &Reader) -> Self {
        Self {
            reporter,
            store: store.describe(),
            has_answered: false,
            since: None,
            warned: false,
            has_flaws: false,
            delay: FIRST_DELAY,
        }
    }

    pub(crate) fn reporter(&self) -> &DataStoreReporter {
        &self.reporter
    }

    /// Whether no outage is reported, also not by an earlier user of the database.
    pub(crate) fn is_available(&self) -> bool {
        self.reporter.get().available
    }

    /// Reports a failed call. `stale` is whether evaluations may use data that is older than the
    /// database's.
    pub(crate) fn failed(&mut self, error: &StoreError, stale: bool) {
        let info = DataStoreErrorInfo::new(error);
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let is_lasting = !error.is_temporary() || now.duration_since(since) >= GRACE;
        let store = self.store;
        if self.warned || (self.has_answered && !is_lasting) {
            tracing::debug!(store, error = %info, "the data store does not answer");
        } else {
            self.warned = true;
            if self.has_answered {
                tracing::warn!(store, error = %info, "the data store does not answer; keeping the last known data");
            } else {
                tracing::warn!(store, error = %info, "the data store has never answered; still retrying");
            }
        }
        self.reporter.update(|status| {
            status.available = false;
            status.stale = stale;
            status.error = Some(info);
        });
    }

    /// Reports an error that affects a single item only.
    pub(crate) fn flawed(&mut self, error: &StoreError) {
        self.has_flaws = true;
        let info = DataStoreErrorInfo::new(error);
        tracing::error!(error = %info, "skipping an invalid item of the data store");
        self.reporter.update(|status| status.error = Some(info));
    }

    /// Reports that the database has answered.
    pub(crate) fn answered(&mut self) {
        if self.since.take().is_some() && self.warned {
            tracing::info!("the data store answers again");
        }
        (self.warned, self.delay, self.has_answered) = (false, FIRST_DELAY, true);
        self.reporter.update(DataStoreStatus::answer);
    }

    /// Reports that all data was read or written: `items` in total, of which `corrupt` could not be
    /// decoded.
    pub(crate) fn refreshed(
        &mut self,
        items: usize,
        corrupt: usize,
        initialized: bool,
        stale: bool,
    ) {
        let has_flaws = std::mem::take(&mut self.has_flaws) || corrupt > 0;
        self.reporter.update(|status| {
            if !has_flaws {
                status.end_item_error();
            }
            status.last_refresh = Some(SystemTime::now());
            (status.items, status.corrupt) = (items, corrupt);
            (status.initialized, status.stale) = (initialized, stale);
        });
    }

    /// Waits before the next probe. The delay doubles each time, up to a limit.
    pub(crate) async fn pause(&mut self) {
        // Jitter of up to a quarter, so that many processes do not probe at the same moment.
        sleep(self.delay.mul_f64(0.75 + fastrand::f64() / 4.0)).await;
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
    }

    /// Probes the database until it answers again.
    pub(crate) async fn recovered(&mut self, store: &Reader, stale: bool) {
        loop {
            self.pause().await;
            match store.probe().await {
                Ok(()) => return,
                Err(error) => self.failed(&error, stale),
            }
        }
    }
}
