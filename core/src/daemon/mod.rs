//! Daemon mode: [`StoredData`] is the data source of a client whose flags are in a database that
//! another process fills.
//!
//! The whole environment is kept in memory, so an evaluation costs the same as with any other
//! source. The database is read again at intervals and after each change notification, and never
//! written. While it is unavailable, holds corrupt items or has lost data, the last good data stays
//! in use.

mod diff;
mod loss_guard;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diff::KnownItems;
use loss_guard::{Guard, Verdict};
use tokio::time::{Instant, sleep_until};

use crate::bounds::spread;
use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::status::DataStoreReporter;
use crate::store::persistent::access::Reader;
use crate::store::persistent::health::Health;
use crate::store::{Changes, StoredDataSet};

/// Minimum time between two refreshes, however many change notifications arrive.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads the whole database at intervals and delivers the changes.
#[derive(Clone, Debug)]
pub(crate) struct StoredData {
    pub(crate) store: Reader,
    pub(crate) refresh_interval: Duration,
    /// Whether missing items count as deleted at once, without the loss guard.
    pub(crate) accept_empty: bool,
    pub(crate) reporter: DataStoreReporter,
}

/// The state of a running [`StoredData`].
struct Refresher<'a> {
    settings: &'a StoredData,
    sink: &'a dyn DataSink,
    health: Health,
    adopted: KnownItems,
    guard: Guard,
    /// Whether a snapshot was delivered, so that evaluations use its data.
    loaded: bool,
    /// Whether the sink lacks adopted items, because it failed to store an update.
    is_behind: bool,
}

/// The data source of a client whose store reads the database itself. It delivers nothing.
#[derive(Clone, Debug)]
pub(crate) struct ExternalUpdates;

#[async_trait]
impl DataSource for ExternalUpdates {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        sink.update_status(DataSourceState::Valid, None);
        pending().await
    }
}

#[async_trait]
impl DataSource for StoredData {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        // Valid from the start: the state of the database is reported as the status of the data
        // store.
        sink.update_status(DataSourceState::Valid, None);
        let mut refresher = Refresher {
            settings: self,
            sink: &*sink,
            health: Health::new(self.reporter.clone(), &self.store),
            adopted: KnownItems::default(),
            guard: Guard::new(self.accept_empty),
            loaded: false,
            is_behind: true,
        };
        let mut changes = self.store.changes();
        loop {
            let again = refresher.refresh().await;
            wait(Instant::now() + PAUSE, again, changes.as_mut()).await;
        }
    }
}

impl Refresher<'_> {
    /// Reads a snapshot, retrying until that succeeds, and applies it. Returns the deadline of the
    /// next refresh.
    async fn refresh(&mut self) -> Instant {
        loop {
            match self.settings.store.snapshot().await {
                Ok(snapshot) => {
                    self.health.answered();
                    return self.take_over(&snapshot).await;
                }
                Err(error) => {
                    self.health.failed(&error, self.loaded);
                    self.health
                        .recovered(&self.settings.store, self.loaded)
                        .await;
                }
            }
        }
    }

    /// Applies a snapshot, as far as the loss guard accepts it. Returns the deadline of the next
    /// refresh.
    async fn take_over(&mut self, snapshot: &StoredDataSet) -> Instant {
        if !self.loaded {
            self.warn_of_what_is_incomplete(snapshot);
        }
        let now = Instant::now();
        let survey = self.adopted.survey(snapshot);
        let verdict = self.guard.judge(&survey.sizes, snapshot.initialized, now);
        let mut change = self.adopted.take_over(survey, verdict == Verdict::Deleted);
        for error in &change.corrupt {
            self.health.flawed(error);
        }
        // The status is updated first, because a caller that waited for the data may read it.
        let stale = verdict != Verdict::Deleted;
        self.health.refreshed(
            self.adopted.len(),
            self.adopted.corrupt(),
            snapshot.initialized,
            stale,
        );
        if self.is_behind || !change.is_none() {
            let delivered = match change.only_update().filter(|_| !self.is_behind) {
                // Most changes concern a single item, which an upsert delivers without replacing
                // the rest.
                Some(item) => self.sink.upsert(item).await.map(drop),
                None => self.sink.init(self.adopted.data()).await,
            };
            // The sink reports its own failures. The next refresh then delivers everything.
            self.is_behind = delivered.is_err();
            self.loaded |= delivered.is_ok();
        }
        let interval = spread(self.settings.refresh_interval);
        match verdict {
            Verdict::Kept { until: Some(until) } => until.min(now + interval),
            Verdict::Kept { until: None } | Verdict::Deleted => now + interval,
        }
    }

    /// Warns if the first snapshot is empty or lacks the marker of a complete data set.
    fn warn_of_what_is_incomplete(&self, snapshot: &StoredDataSet) {
        let store = self.settings.store.describe();
        let items: usize = snapshot
            .collections
            .iter()
            .map(|collection| collection.items.len())
            .sum();
        if items == 0 {
            tracing::warn!(
                store,
                "the data store is empty; does its prefix match that of the writer?"
            );
        } else if !snapshot.initialized {
            tracing::warn!(
                store,
                items,
                "the data store has no marker of a complete data set; it may have lost data or is being filled"
            );
        }
    }
}

/// Waits until `latest` or until the database notifies of a change, but never returns before
/// `earliest`.
async fn wait(earliest: Instant, latest: Instant, changes: Option<&mut Changes>) {
    let changed = async {
        let Some(changes) = changes else {
            return pending().await;
        };
        changes.changed().await;
        sleep_until(earliest).await;
        // The next refresh sees all changes so far.
        changes.mark_unchanged();
    };
    tokio::select! {
        () = changed => {}
        () = sleep_until(latest.max(earliest)) => {}
    }
}
