//! Daemon mode: [`StoredData`] is the data source of a client whose flags are in a database that somebody else fills.
//!
//! The whole environment is kept in memory, so that an evaluation costs what it costs anywhere, and is read again at
//! intervals, and when the database says that something has changed. Nothing here can write. While the database is away,
//! spoilt or suspiciously empty, what was good stays. The rules are those of spec 04, sections 6, 9.4 and 10.

mod adoption;
mod guard;
mod store;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use adoption::Adopted;
use async_trait::async_trait;
use guard::{Guard, Loss};
pub(crate) use store::DaemonStore;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use crate::status::DataStoreReporter;
use crate::store::StoredSnapshot;
use crate::store::persistent::access::Reader;
use crate::store::persistent::health::Health;

/// So long at least is the database left alone between two readings, however often it says that something has changed.
const PAUSE: Duration = Duration::from_millis(20);
/// After so long it is asked again whether so much is really gone.
const CONFIRMATION: Duration = Duration::from_secs(2);

/// Reads everything that a database holds, again and again.
#[derive(Clone, Debug)]
pub(crate) struct StoredData {
    pub(crate) store: Reader,
    pub(crate) refresh_interval: Duration,
    /// Whether an environment that has become empty is taken to be meant.
    pub(crate) accept_empty: bool,
    pub(crate) reporter: DataStoreReporter,
}

/// What was read last, and what is known about how it is read.
struct Refresher<'a> {
    settings: &'a StoredData,
    sink: &'a dyn DataSink,
    health: Health,
    adopted: Adopted,
    guard: Guard,
    /// Whether there was a first read.
    loaded: bool,
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
        // There is nobody to wait for: what the database holds is what there is (spec 04, section 6).
        sink.update_status(DataSourceState::Valid, None);
        let mut refresher = Refresher {
            settings: self,
            sink: &*sink,
            health: Health::new(self.reporter.clone()),
            adopted: Adopted::default(),
            guard: Guard::new(self.accept_empty),
            loaded: false,
        };
        let mut changes = self.store.changes();
        loop {
            let again = refresher.refresh().await;
            wait(Instant::now() + PAUSE, again, changes.as_mut()).await;
        }
    }
}

impl Refresher<'_> {
    /// Reads everything, as often as it takes, and takes it over; gives when to read again at the latest.
    async fn refresh(&mut self) -> Instant {
        loop {
            match self.settings.store.snapshot().await {
                Ok(snapshot) => {
                    self.health.answered();
                    return Instant::now() + self.take_over(&snapshot).await;
                }
                Err(error) => {
                    self.health.failed(&error, self.loaded);
                    self.health.recovered(&self.settings.store, self.loaded).await;
                }
            }
        }
    }

    /// Takes over what was read, as far as it can be believed; gives how long it may stay.
    async fn take_over(&mut self, snapshot: &StoredSnapshot) -> Duration {
        let survey = self.adopted.survey(snapshot);
        let loss = self.guard.judge(&survey.sizes, snapshot.initialized, Instant::now());
        if loss == Loss::Unconfirmed {
            return CONFIRMATION;
        }
        let mut change = self.adopted.take_over(survey, loss.kept());
        for error in &change.spoilt {
            self.health.flawed(error);
        }
        if !self.loaded && snapshot.collections.iter().all(|collection| collection.items.is_empty()) {
            let store = self.settings.store.describe();
            tracing::warn!(store, "the data store holds nothing: is its prefix that of the writer?");
        }
        // First the status: whoever has waited for the data looks at it.
        let stale = !loss.kept().is_empty();
        self.health.refreshed(self.adopted.len(), self.adopted.corrupt(), snapshot.initialized, stale);
        if !change.is_none() || !self.loaded {
            let delivered = match change.only_update().filter(|_| self.loaded) {
                // Most changes are of one item, and need not replace all.
                Some(item) => self.sink.upsert(item).await.map(drop),
                None => self.sink.init(self.adopted.data()).await,
            };
            match delivered {
                Ok(()) => self.loaded = true,
                // It was told already; everything is delivered again with the next refresh.
                Err(_) => self.adopted = Adopted::default(),
            }
        }
        // Never later than the interval, and not all processes at once.
        self.settings.refresh_interval.mul_f64(0.85 + fastrand::f64() * 0.12)
    }
}

/// Ends at a time, or when the database says that something has changed, whichever is earlier; not before `earliest`.
async fn wait(earliest: Instant, latest: Instant, changes: Option<&mut watch::Receiver<()>>) {
    let changed = async {
        let Some(changes) = changes else { return pending().await };
        if changes.changed().await.is_err() {
            return pending().await;
        }
        sleep_until(earliest).await;
        // What has changed until now is about to be read.
        changes.mark_unchanged();
    };
    tokio::select! {
        () = changed => {}
        () = sleep_until(latest) => {}
    }
}
