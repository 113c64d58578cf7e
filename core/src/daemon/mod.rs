//! Daemon mode: [`StoredData`] is the data source of a client whose flags are in a database that
//! another process fills.
//!
//! The whole environment is kept in memory, so that an evaluation costs what it costs with any
//! other source. It is read again at intervals, and when the database notifies of a change. Nothing
//! here can write. While the database is unavailable, holds corrupt items or has lost data, the
//! last good data stays in use.

mod diff;
mod loss_guard;
mod store;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diff::KnownItems;
use loss_guard::{Guard, Verdict};
pub(crate) use store::DaemonStore;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::deadline::NEVER;
use crate::status::DataStoreReporter;
use crate::store::StoredSnapshot;
use crate::store::persistent::access::Reader;
use crate::store::persistent::health::Health;

/// The shortest time between two readings, however often the database notifies of changes.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads everything that a database holds, again and again.
#[derive(Clone, Debug)]
pub(crate) struct StoredData {
    pub(crate) store: Reader,
    pub(crate) refresh_interval: Duration,
    /// Whether items that are missing from the database always count as deleted.
    pub(crate) accept_empty: bool,
    pub(crate) reporter: DataStoreReporter,
}

/// What was read last, and what is known about how it is read.
struct Refresher<'a> {
    settings: &'a StoredData,
    sink: &'a dyn DataSink,
    health: Health,
    adopted: KnownItems,
    guard: Guard,
    /// Whether the database was read once, and evaluations use what it held.
    loaded: bool,
    /// Whether the sink lacks something that was adopted, because it refused an update.
    is_behind: bool,
}

/// The source of a client whose evaluations read the database: it has nothing to deliver.
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
        // Valid from the start: how the database is doing is the status of the data store.
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
    /// Reads everything, as often as it takes, and takes it over. Returns when to read again at the
    /// latest.
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

    /// Takes over what was read, as far as it can be believed. Returns when to read again at the
    /// latest.
    async fn take_over(&mut self, snapshot: &StoredSnapshot) -> Instant {
        if !self.loaded {
            self.warn_of_what_is_incomplete(snapshot);
        }
        let now = Instant::now();
        let survey = self.adopted.survey(snapshot);
        let verdict = self.guard.judge(&survey.sizes, snapshot.initialized, now);
        let mut change = self.adopted.take_over(survey, verdict == Verdict::Deleted);
        for error in &change.spoilt {
            self.health.flawed(error);
        }
        // First the status: a caller that waited for the data may look at it.
        let stale = verdict != Verdict::Deleted;
        self.health.refreshed(
            self.adopted.len(),
            self.adopted.corrupt(),
            snapshot.initialized,
            stale,
        );
        if self.is_behind || !change.is_none() {
            let delivered = match change.only_update().filter(|_| !self.is_behind) {
                // Most changes are of one item, and need not replace all.
                Some(item) => self.sink.upsert(item).await.map(drop),
                None => self.sink.init(self.adopted.data()).await,
            };
            // The sink reports its failure itself. The next refresh delivers everything.
            self.is_behind = delivered.is_err();
            self.loaded |= delivered.is_ok();
        }
        // Jitter only shortens the interval, which bounds how old the data may be, and spreads the
        // load of many processes.
        let interval = self
            .settings
            .refresh_interval
            .min(NEVER)
            .mul_f64(0.85 + fastrand::f64() * 0.12);
        match verdict {
            Verdict::Kept { until: Some(until) } => until.min(now + interval),
            Verdict::Kept { until: None } | Verdict::Deleted => now + interval,
        }
    }

    /// Warns if the first reading found nothing, or items without the marker of a complete data
    /// set.
    fn warn_of_what_is_incomplete(&self, snapshot: &StoredSnapshot) {
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
                "the data store has no marker of a complete data set; it may have lost data, or is being filled"
            );
        }
    }
}

/// Waits until `latest`, or until the database notifies of a change, but not for less than until
/// `earliest`.
async fn wait(earliest: Instant, latest: Instant, changes: Option<&mut watch::Receiver<()>>) {
    let changed = async {
        let Some(changes) = changes else {
            return pending().await;
        };
        if changes.changed().await.is_err() {
            return pending().await;
        }
        sleep_until(earliest).await;
        // The next reading sees all changes so far.
        changes.mark_unchanged();
    };
    tokio::select! {
        () = changed => {}
        () = sleep_until(latest.max(earliest)) => {}
    }
}
