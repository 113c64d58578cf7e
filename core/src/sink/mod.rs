//! [`Updater`]: a client's data sink. Stores updates in the order of arrival, then notifies
//! listeners.

mod dependency_graph;
mod listeners;
mod patterns;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use dependency_graph::Dependents;
pub(crate) use listeners::ChangeHub;
pub use listeners::{FlagChange, ListenerId};
use patterns::compile_ahead;
use tokio::sync::{Mutex, watch};
use vexil_eval::model::{DataKind, DataSet, Entry, Flag, Item, ItemData, Segment, Upserted};
use vexil_eval::{Found, Text};

use crate::data_source::{DataSink, NotStoredError};
use crate::events::EventProcessor;
use crate::hooks::Hooks;
use crate::runtime::{Runtime, catch_panic};
use crate::status::{
    DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, DataSourceStatusCell,
};
use crate::store::arrival::Arrivals;
use crate::store::{DataStore, Snapshot, StoreError};

#[derive(Debug)]
pub(crate) struct Updater {
    runtime: Runtime,
    store: Arc<dyn DataStore>,
    pub(crate) status: DataSourceStatusCell,
    pub(crate) changes: Arc<ChangeHub>,
    /// Is notified of connection attempts, which diagnostics report.
    processor: Option<Arc<dyn EventProcessor>>,
    /// Receive the environment id.
    hooks: Arc<Hooks>,
    /// Whether the source has delivered to this client.
    refreshed: AtomicBool,
    /// Becomes true with `refreshed`; wakes the tasks that wait for the first data.
    first_data: watch::Sender<bool>,
    /// Whether the client is closed. Updates that arrive later are rejected.
    closed: AtomicBool,
    arrivals: Arrivals,
    /// Whether the last write failed: only the first failure of an outage is logged.
    outage: AtomicBool,
    /// Held while one update is stored and announced, across the store's awaits, so that updates
    /// take effect in the order of arrival. Readers never lock it. `None` until there are
    /// listeners.
    dependents: Mutex<Option<Dependents>>,
}

const PANICKED: &str = "the data store panicked";

/// Versions by key, for detecting what a new data set changes.
type Versions = HashMap<(DataKind, Text), u64>;

impl Updater {
    pub(crate) fn new(
        runtime: Runtime,
        store: Arc<dyn DataStore>,
        changes: Arc<ChangeHub>,
        processor: Option<Arc<dyn EventProcessor>>,
        hooks: Arc<Hooks>,
    ) -> Self {
        Self {
            runtime,
            store,
            processor,
            status: DataSourceStatusCell::new(),
            changes,
            hooks,
            refreshed: AtomicBool::new(false),
            first_data: watch::Sender::new(false),
            closed: AtomicBool::new(false),
            arrivals: Arrivals::default(),
            outage: AtomicBool::new(false),
            dependents: Mutex::default(),
        }
    }

    /// Rejects all later updates and sets the status to `Off` for good.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.status.update(DataSourceState::Off, None);
        self.changes.close();
    }

    /// Returns an error if the client is closed. Checked before each write.
    fn is_open(&self) -> Result<(), NotStoredError> {
        if self.closed.load(Ordering::Acquire) {
            Err(NotStoredError::new("the client is closed"))
        } else {
            Ok(())
        }
    }

    #[inline]
    pub(crate) fn is_refreshed(&self) -> bool {
        self.refreshed.load(Ordering::Acquire)
    }

    /// Completes once the data source has delivered to this client.
    pub(crate) async fn first_data(&self) {
        // The sender is a field of `self`, so the channel cannot be closed.
        let _ = self
            .first_data
            .subscribe()
            .wait_for(|delivered| *delivered)
            .await;
    }

    /// Runs `reader` on the current data of the store. Returns `None` if the store panics first or
    /// provides no data.
    fn read<R>(&self, reader: impl FnOnce(&dyn Snapshot) -> R) -> Option<R> {
        let (mut reader, mut result) = (Some(reader), None);
        let read = || {
            self.store
                .read(&mut |snapshot| result = reader.take().map(|reader| reader(snapshot)))
        };
        // The result is set only after the reader returns, so a panic leaves no partial state.
        let _ = catch_unwind(AssertUnwindSafe(read));
        result
    }

    fn versions(&self) -> Versions {
        let collect = |snapshot: &dyn Snapshot| {
            let flags = snapshot
                .flags()
                .map(|flag| ((DataKind::Flag, flag.key().clone()), flag.version()));
            let segments = snapshot.segments();
            let segments = segments.map(|segment| {
                (
                    (DataKind::Segment, segment.key().clone()),
                    segment.version(),
                )
            });
            flags.chain(segments).collect()
        };
        self.read(collect).unwrap_or_default()
    }

    /// Takes over compiled patterns, logs defects and compiles costly patterns, before items are
    /// stored.
    async fn prepare(&self, flags: &[Entry<Flag>], segments: &[Entry<Segment>]) {
        self.read(|before| {
            for entry in flags {
                self.arrivals
                    .meet(DataKind::Flag, entry, || present(before.flag(entry.key())));
            }
            for entry in segments {
                self.arrivals.meet(DataKind::Segment, entry, || {
                    present(before.segment(entry.key()))
                });
            }
        });
        let flags = flags
            .iter()
            .filter_map(Entry::present)
            .flat_map(|flag| flag.patterns());
        let segments = segments
            .iter()
            .filter_map(Entry::present)
            .flat_map(|segment| segment.patterns());
        compile_ahead(&self.runtime, flags.chain(segments)).await;
    }

    async fn store_all(&self, data: DataSet) -> Result<(), StoreError> {
        let data = if self.store.keeps_json() {
            data
        } else {
            data.without_json()
        };
        catch_panic(self.store.init(data))
            .await
            .unwrap_or_else(|| Err(StoreError::unavailable(PANICKED)))
    }

    async fn store_one(&self, item: Item) -> Result<Upserted, StoreError> {
        let item = if self.store.keeps_json() {
            item
        } else {
            item.without_json()
        };
        catch_panic(self.store.upsert(item))
            .await
            .unwrap_or_else(|| Err(StoreError::unavailable(PANICKED)))
    }

    /// Updates the status from the result of a write. A successful single write before the first
    /// data set leaves the status unchanged.
    fn report<T>(&self, stored: Result<T, StoreError>) -> Result<T, NotStoredError> {
        let outage = self.outage.swap(stored.is_err(), Ordering::Relaxed);
        match &stored {
            Ok(_) if self.is_refreshed() => self.status.update(DataSourceState::Valid, None),
            Ok(_) => {}
            Err(error) => {
                if !outage {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        "cannot store flag data"
                    );
                }
                let info =
                    DataSourceErrorInfo::new(DataSourceErrorKind::StoreError, error.to_string());
                self.status.update(DataSourceState::Interrupted, Some(info));
            }
        }
        stored.map_err(NotStoredError::new)
    }
}

#[async_trait]
impl DataSink for Updater {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        let mut dependents = self.dependents.lock().await;
        self.prepare(&data.flags, &data.segments).await;
        self.is_open()?;
        let before = self.changes.has_listeners().then(|| self.versions());
        let stored = self.store_all(data).await;
        if stored.is_ok() {
            self.refreshed.store(true, Ordering::Release);
            *dependents = before.and_then(|before| {
                let graph = self.read(Dependents::of)?;
                self.changes
                    .announce(graph.affected_flags(differences(before, self.versions())));
                Some(graph)
            });
        }
        let reported = self.report(stored);
        if reported.is_ok() {
            // Last, so that tasks woken by this see the updated status.
            self.first_data.send_replace(true);
        }
        reported
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        let mut dependents = self.dependents.lock().await;
        match &item {
            Item::Flag(entry) => self.prepare(from_ref(entry), &[]).await,
            Item::Segment(entry) => self.prepare(&[], from_ref(entry)).await,
        }
        self.is_open()?;
        if !self.changes.has_listeners() {
            *dependents = None;
            let stored = self.store_one(item).await;
            return self.report(stored);
        }
        let stored = self.store_one(item.clone()).await;
        if matches!(stored, Ok(Upserted::Written)) {
            let graph = match &mut *dependents {
                Some(graph) => {
                    graph.update(&item);
                    graph
                }
                none => none.insert(self.read(Dependents::of).unwrap_or_default()),
            };
            self.changes
                .announce(graph.affected_flags([(item.kind(), item.key().clone())]));
        }
        self.report(stored)
    }

    fn keeps_json(&self) -> bool {
        self.store.keeps_json()
    }

    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        if let Some(processor) = &self.processor {
            processor.connection_attempt(began, took, failed);
        }
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        self.status.update(state, error);
    }

    fn set_environment_id(&self, id: Text) {
        self.hooks.set_environment_id(&id);
    }
}

/// Returns the items that are in only one of the two, or in both with different versions.
fn differences(mut before: Versions, after: Versions) -> Vec<(DataKind, Text)> {
    let changed = after
        .into_iter()
        .filter(|(item, version)| before.remove(item) != Some(*version));
    let mut items: Vec<_> = changed.map(|(item, _)| item).collect();
    items.extend(before.into_keys());
    items
}

fn present<T>(found: Found<T>) -> Option<T> {
    match found {
        Found::Present(item) => Some(item),
        Found::Absent | Found::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
