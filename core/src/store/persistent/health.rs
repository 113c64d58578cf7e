//! [`Health`]: what is said of a database while it answers and while it does not.
//!
//! The status changes with the first failure and with the end of the outage. The log is slower: a fault that passes is
//! a debugger's business; that the database has not answered for a minute is worth one warning, and so is at once what
//! time alone will not change.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::StoreError;
use super::access::Reader;
use crate::status::{DataStoreErrorInfo, DataStoreReporter};

/// So long may a database be away before that is worth a warning.
const GRACE: Duration = Duration::from_secs(60);
/// How soon it is asked again at first, and how rarely at last (spec 04, sections 5.3 and 10).
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Health {
    reporter: DataStoreReporter,
    /// Since when the database does not answer.
    since: Option<Instant>,
    /// Whether that was worth a warning already.
    warned: bool,
    /// How long to wait before it is asked again.
    delay: Duration,
}

impl Health {
    pub(crate) fn new(reporter: DataStoreReporter) -> Self {
        Self { reporter, since: None, warned: false, delay: FIRST_DELAY }
    }

    pub(crate) fn reporter(&self) -> &DataStoreReporter {
        &self.reporter
    }

    /// A call failed. `stale` tells whether evaluations may use data that is older than the database's.
    pub(crate) fn failed(&mut self, error: &StoreError, stale: bool) {
        let info = DataStoreErrorInfo::new(error);
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let lasting = !error.is_temporary() || now.duration_since(since) >= GRACE;
        if lasting && !self.warned {
            self.warned = true;
            tracing::warn!(error = %info, "the data store does not answer; what is known goes on being used");
        } else {
            tracing::debug!(error = %info, "the data store does not answer");
        }
        self.reporter.update(|status| {
            status.available = false;
            status.stale = stale;
            status.error = Some(info);
        });
    }

    /// Something is wrong with an item and with nothing else.
    pub(crate) fn flawed(&self, error: &StoreError) {
        let info = DataStoreErrorInfo::new(error);
        tracing::error!(error = %info, "an item of the data store is left out");
        self.reporter.update(|status| status.error = Some(info));
    }

    /// The database has answered, so it is there.
    pub(crate) fn answered(&mut self) {
        if self.since.take().is_some() && self.warned {
            tracing::info!("the data store answers again");
        }
        (self.warned, self.delay) = (false, FIRST_DELAY);
        self.reporter.update(|status| status.available = true);
    }

    /// So many items were read or written without an error.
    pub(crate) fn refreshed(&self, items: usize, corrupt: usize, initialized: bool, stale: bool) {
        self.reporter.update(|status| {
            status.last_refresh = Some(SystemTime::now());
            (status.items, status.corrupt) = (items, corrupt);
            (status.initialized, status.stale) = (initialized, stale);
        });
    }

    /// Waits before the database is asked again; longer from time to time.
    pub(crate) async fn pause(&mut self) {
        // Chance takes away up to a quarter, so that many processes do not ask at the same moment.
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
