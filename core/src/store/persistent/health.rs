//! [`Health`]: what is reported of a database while it answers and while it does not.
//!
//! The status changes with the first failure and with the end of the outage. The log is slower: a
//! fault that passes is logged at debug level, and an outage of a minute is worth one warning. A
//! database that has never answered is worth it at once, as its address or its credentials may be
//! wrong, and so is an error that time alone will not change.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::StoreError;
use super::access::Reader;
use crate::status::{DataStoreErrorInfo, DataStoreReporter, DataStoreStatus};
use crate::watchdog::Death;

/// How long an outage lasts before it is worth a warning.
const GRACE: Duration = Duration::from_secs(60);
/// The delay before the first probe of an outage, and the longest delay between two.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// What the unexpected end of the task that watches a database means for its status.
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
    /// Since when the database does not answer.
    since: Option<Instant>,
    /// Whether that was worth a warning already.
    warned: bool,
    /// Whether an item was left out since everything was last read or written.
    has_flaws: bool,
    /// How long to wait before it is asked again.
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

    /// A call failed. `stale` tells whether evaluations may use data that is older than the
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
                tracing::warn!(store, error = %info, "the data store does not answer; the last known data stays in use");
            } else {
                tracing::warn!(store, error = %info, "the data store has not answered yet; attempts go on");
            }
        }
        self.reporter.update(|status| {
            status.available = false;
            status.stale = stale;
            status.error = Some(info);
        });
    }

    /// Something is wrong with an item and with nothing else.
    pub(crate) fn flawed(&mut self, error: &StoreError) {
        self.has_flaws = true;
        let info = DataStoreErrorInfo::new(error);
        tracing::error!(error = %info, "an item of the data store is left out");
        self.reporter.update(|status| status.error = Some(info));
    }

    /// The database has answered, so it is there.
    pub(crate) fn answered(&mut self) {
        if self.since.take().is_some() && self.warned {
            tracing::info!("the data store answers again");
        }
        (self.warned, self.delay, self.has_answered) = (false, FIRST_DELAY, true);
        self.reporter.update(DataStoreStatus::answer);
    }

    /// Everything was read or written: so many items, of which `corrupt` could not be read.
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

    /// Waits before the next probe, longer each time.
    pub(crate) async fn pause(&mut self) {
        // Jitter of up to a quarter, so that many processes do not probe at the same moment.
        sleep(self.delay.mul_f64(0.75 + fastrand::f64() / 4.0)).await;
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
    }

    /// Ends when the database answers again.
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
