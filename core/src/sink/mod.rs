//! [`Updater`]: a client's data sink. Stores updates in the order of arrival, then notifies
//! listeners.

mod dependency_graph;
mod listeners;
mod patterns;

use std::collections::HashMap;
use std::future::pending;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::from_ref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use dependency_graph::{Dependents, affected_flags};
pub(crate) use listeners::ChangeHub;
pub use listeners::{FlagChange, ListenerId};
use patterns::compile_ahead;
use tokio::sync::{Mutex, watch};
use vexil_eval::model::{
    ChangeSet, ChangeSetKind, DataKind, DataSet, Entry, Flag, Item, ItemData, Segment, Selector,
    Upserted,
};
use vexil_eval::{Found, Text};

use crate::data_source::{DataSink, NotStoredError};
use crate::events::EventProcessor;
use crate::hooks::Hooks;
use crate::meter::Meter;
use crate::runtime::{Runtime, catch_panic};
use crate::status::{
    DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, DataSourceStatusCell,
};
use crate::store::arrival::Arrivals;
use crate::store::overrides::Overrides;
use crate::store::{DataStore, Snapshot, StoreError, contained_snapshot};
use crate::sync::atomic::AtomicBool;

#[derive(Debug)]
pub(crate) struct Updater {
    runtime: Runtime,
    store: Arc<dyn DataStore>,
    /// Whether stored items keep the JSON they were read from.
    keeps_json: bool,
    layer: Layer,
    pub(crate) status: DataSourceStatusCell,
    pub(crate) changes: Arc<ChangeHub>,
    /// Is notified of connection attempts, which diagnostics report.
    processor: Option<Arc<dyn EventProcessor>>,
    /// Receive the environment id.
    hooks: Arc<Hooks>,
    meter: Meter,
    /// Whether the source has delivered to this client.
    refreshed: AtomicBool,
    /// Whether there is only [provisional](ChangeSet::is_provisional) data, with which the client
    /// is not ready.
    is_held: AtomicBool,
    /// Becomes true with the first data that makes the client ready; wakes the tasks that wait for
    /// it.
    first_data: watch::Sender<bool>,
    /// The state of the environment that the last change set led to. Held for one read or write.
    selector: std::sync::Mutex<Option<Selector>>,
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

/// Whether there are flag overrides, and on which side of them an updater is. Flags may depend on
/// flags and segments of the other side.
#[derive(Debug)]
enum Layer {
    /// There are no overrides.
    Single,
    /// The store holds the data over which these overrides are laid.
    Under(Overrides),
    /// The store holds the overrides that are laid over this data.
    Over(Arc<dyn DataStore>),
}

impl Layer {
    /// The store of the other side.
    fn other(&self) -> Option<&dyn DataStore> {
        match self {
            Self::Single => None,
            Self::Under(overrides) => Some(overrides),
            Self::Over(base) => Some(&**base),
        }
    }
}

/// Versions by key, for detecting what a new data set changes.
type Versions = HashMap<(DataKind, Text), u64>;

/// What is recorded before changes are stored, to announce them afterwards. It is recorded even if
/// there are no listeners, because one may be added while the store is written.
enum Observed {
    /// The data that a new data set replaces.
    Snapshot(Arc<dyn Snapshot + Send + Sync>),
    /// The versions of that data, of a store that hands out no snapshot.
    Versions(Versions),
    /// The items that a delta changes.
    Items(Vec<Item>),
}

impl Updater {
    /// The sink of the data that `overrides` are laid over, if there are any.
    pub(crate) fn new(
        runtime: Runtime,
        store: Arc<dyn DataStore>,
        overrides: Option<Overrides>,
        changes: Arc<ChangeHub>,
        processor: Option<Arc<dyn EventProcessor>>,
        hooks: Arc<Hooks>,
    ) -> Self {
        Self {
            runtime,
            keeps_json: store.keeps_json(),
            store,
            layer: overrides.map_or(Layer::Single, Layer::Under),
            processor,
            status: DataSourceStatusCell::new(),
            changes,
            hooks,
            meter: Meter::default(),
            refreshed: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            selector: std::sync::Mutex::default(),
            first_data: watch::Sender::new(false),
            closed: AtomicBool::new(false),
            arrivals: Arrivals::default(),
            outage: AtomicBool::new(false),
            dependents: Mutex::default(),
        }
    }

    /// The sink of overrides. It announces changes like that of a data source, also of flags in
    /// `base`. Its status, and the environment id of its data, are used nowhere.
    pub(crate) fn of_overrides(
        runtime: Runtime,
        overrides: Overrides,
        base: Arc<dyn DataStore>,
        changes: Arc<ChangeHub>,
    ) -> Self {
        let no_hooks = Arc::new(Hooks::new(Vec::new()));
        Self {
            layer: Layer::Over(base),
            ..Self::new(runtime, Arc::new(overrides), None, changes, None, no_hooks)
        }
    }

    /// Whether stored items keep the JSON they were read from, even if the store does not need it.
    pub(crate) fn keep_json(mut self, on: bool) -> Self {
        self.keeps_json |= on;
        self
    }

    /// Counts updates and errors for the metrics of a client.
    pub(crate) fn metered(mut self, meter: &Meter) -> Self {
        self.meter = meter.clone();
        self
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

    /// Whether there is only provisional data, with which the client is not ready.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
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

    /// Whether there is data that needs no confirmation, of this source or of the database.
    fn has_data(&self) -> bool {
        let is_initialized = catch_unwind(AssertUnwindSafe(|| self.store.is_initialized()));
        !self.is_held() && is_initialized.unwrap_or(false)
    }

    /// Runs `reader` on the current data of the store. Returns `None` if the store panics first or
    /// provides no data.
    fn read<R>(&self, reader: impl FnOnce(&dyn Snapshot) -> R) -> Option<R> {
        read(&*self.store, reader)
    }

    /// The versions of the items in the store. They are empty if the store panics.
    fn versions(&self) -> Versions {
        self.read(versions).unwrap_or_default()
    }

    /// Takes over compiled patterns, logs defects and compiles costly patterns, before items are
    /// stored.
    async fn prepare<'a>(
        &self,
        flags: impl Iterator<Item = &'a Entry<Flag>> + Clone,
        segments: impl Iterator<Item = &'a Entry<Segment>> + Clone,
    ) {
        self.read(|before| {
            for entry in flags.clone() {
                self.arrivals
                    .meet(DataKind::Flag, entry, || present(before.flag(entry.key())));
            }
            for entry in segments.clone() {
                self.arrivals.meet(DataKind::Segment, entry, || {
                    present(before.segment(entry.key()))
                });
            }
        });
        let flags = flags
            .filter_map(Entry::present)
            .flat_map(|flag| flag.patterns());
        let segments = segments
            .filter_map(Entry::present)
            .flat_map(|segment| segment.patterns());
        compile_ahead(&self.runtime, flags.chain(segments)).await;
    }

    async fn prepare_items(&self, items: &[Item]) {
        let flags = items.iter().filter_map(|item| match item {
            Item::Flag(entry) => Some(entry),
            Item::Segment(_) => None,
        });
        let segments = items.iter().filter_map(|item| match item {
            Item::Flag(_) => None,
            Item::Segment(entry) => Some(entry),
        });
        self.prepare(flags, segments).await;
    }

    /// Records what is needed to announce the changes, before they are stored.
    fn observe(&self, changes: &ChangeSetKind) -> Observed {
        match changes {
            ChangeSetKind::Full(_) => match contained_snapshot(&*self.store) {
                Some(snapshot) => Observed::Snapshot(snapshot),
                None => Observed::Versions(self.versions()),
            },
            ChangeSetKind::Delta(items) => {
                let change = |snapshot: &dyn Snapshot| {
                    let changed = items.iter().filter(|item| !is_stored(item, snapshot));
                    changed.cloned().collect()
                };
                Observed::Items(self.read(change).unwrap_or_default())
            }
        }
    }

    /// Announces changes to the listeners that there were when they had been stored.
    fn announce(
        &self,
        observed: Observed,
        listeners: Option<Range<ListenerId>>,
        dependents: &mut Option<Dependents>,
    ) {
        let Some(listeners) = listeners else {
            *dependents = None;
            return;
        };
        let changed = match observed {
            Observed::Snapshot(before) => {
                *dependents = None;
                let before = catch_unwind(AssertUnwindSafe(|| versions(&*before)));
                self.replaced(before.unwrap_or_default())
            }
            Observed::Versions(before) => {
                *dependents = None;
                self.replaced(before)
            }
            Observed::Items(items) => {
                if let Some(graph) = dependents {
                    items.iter().for_each(|item| graph.update(item));
                }
                items
                    .iter()
                    .map(|item| (item.kind(), item.key().clone()))
                    .collect()
            }
        };
        let graph = dependents.get_or_insert_with(|| self.read(Dependents::of).unwrap_or_default());
        let other = self
            .layer
            .other()
            .and_then(|store| read(store, Dependents::of));
        let graphs: Vec<&Dependents> = other.iter().chain([&*graph]).collect();
        let affected = affected_flags(&graphs, changed);
        self.changes.announce(affected, listeners);
    }

    /// The items that changed when the data of these versions was replaced.
    fn replaced(&self, before: Versions) -> Vec<(DataKind, Text)> {
        let after = self.versions();
        if self.is_for_overrides() {
            before.into_keys().chain(after.into_keys()).collect()
        } else {
            differences(before, after)
        }
    }

    fn set_selector(&self, selector: Option<Selector>) {
        *self.selector.lock().unwrap_or_else(PoisonError::into_inner) = selector;
    }

    fn set_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        if let Some(error) = &error {
            self.meter.source_failed(error.kind);
        }
        self.status.update(state, error);
    }

    /// Updates the status from the result of a write. `is_valid` is whether the source is valid
    /// after a success.
    fn report<T>(
        &self,
        stored: Result<T, StoreError>,
        is_valid: bool,
    ) -> Result<T, NotStoredError> {
        let outage = self.outage.swap(stored.is_err(), Ordering::Relaxed);
        match &stored {
            Ok(_) if is_valid => self.status.update(DataSourceState::Valid, None),
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
                self.set_status(DataSourceState::Interrupted, Some(info));
            }
        }
        stored.map_err(NotStoredError::new)
    }
}

#[async_trait]
impl DataSink for Updater {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), NotStoredError> {
        let mut dependents = self.dependents.lock().await;
        match &changes.kind {
            ChangeSetKind::Full(data) => {
                self.prepare(data.flags.iter(), data.segments.iter()).await
            }
            ChangeSetKind::Delta(items) => self.prepare_items(items).await,
        }
        self.is_open()?;
        let (selector, is_provisional) = (changes.selector.clone(), changes.is_provisional);
        let changes = if self.keeps_json {
            changes
        } else {
            changes.without_json()
        };
        let observed = self.observe(&changes.kind);
        let is_full = matches!(changes.kind, ChangeSetKind::Full(_));
        let is_first = !self.has_data();
        let stored = contained(self.store.apply(changes)).await;
        // A listener that is added from here on finds the new data. Asked before the client is ready, so
        // that a listener of a client that is ready is not notified of its first data.
        let listeners = self.changes.listeners();
        if stored.is_ok() {
            self.meter.updated();
            self.set_selector(selector);
            if !is_provisional {
                self.refreshed.store(true, Ordering::Release);
                self.is_held.store(false, Ordering::Release);
            } else if is_full && is_first {
                self.is_held.store(true, Ordering::Release);
            }
        }
        self.report(stored, !is_provisional)?;
        if !is_provisional {
            // After the status, so that tasks woken by this see it.
            self.first_data.send_replace(true);
        }
        self.announce(observed, listeners, &mut dependents);
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        let mut dependents = self.dependents.lock().await;
        self.prepare_items(from_ref(&item)).await;
        self.is_open()?;
        let item = if self.keeps_json {
            item
        } else {
            item.without_json()
        };
        let observed = Observed::Items(vec![item.clone()]);
        let stored = contained(self.store.upsert(item)).await;
        let listeners = self.changes.listeners();
        if matches!(stored, Ok(Upserted::Written)) {
            self.meter.updated();
            self.set_selector(None);
            self.announce(observed, listeners, &mut dependents);
        }
        // A single write before the first data set leaves the status unchanged.
        self.report(stored, self.is_refreshed())
    }

    fn selector(&self) -> Option<Selector> {
        self.selector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn refresh_requested(&self) {
        if catch_panic(self.store.refresh_requested()).await.is_none() {
            return pending().await;
        }
        self.set_selector(None);
    }

    fn keeps_json(&self) -> bool {
        self.keeps_json
    }

    fn is_for_overrides(&self) -> bool {
        matches!(self.layer, Layer::Over(_))
    }

    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        if let Some(processor) = &self.processor {
            processor.connection_attempt(began, took, failed);
        }
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        let is_confirmed =
            state == DataSourceState::Valid && self.is_held.swap(false, Ordering::AcqRel);
        self.set_status(state, error);
        if is_confirmed {
            self.first_data.send_replace(true);
        }
    }

    fn set_environment_id(&self, id: Text) {
        self.hooks.set_environment_id(&id);
    }
}

/// The result of a write. A panic of the store is an error.
async fn contained<T>(write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    catch_panic(write)
        .await
        .unwrap_or_else(|| Err(StoreError::unavailable("the data store panicked")))
}

/// Runs `reader` on the current data of a store. Returns `None` if the store panics first or
/// provides no data.
fn read<R>(store: &dyn DataStore, reader: impl FnOnce(&dyn Snapshot) -> R) -> Option<R> {
    let (mut reader, mut result) = (Some(reader), None);
    let read = || store.read(&mut |snapshot| result = reader.take().map(|reader| reader(snapshot)));
    // The result is set only after the reader returns, so a panic leaves no partial state.
    let _ = catch_unwind(AssertUnwindSafe(read));
    result
}

fn versions(snapshot: &dyn Snapshot) -> Versions {
    let flags = snapshot
        .flags()
        .map(|flag| ((DataKind::Flag, flag.key().clone()), flag.version()));
    let segments = snapshot.segments().map(|segment| {
        let item = (DataKind::Segment, segment.key().clone());
        (item, segment.version())
    });
    flags.chain(segments).collect()
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

/// Whether a change of this item has no effect: the stored one has the same version and JSON text,
/// or there is nothing to delete. Without its text an item counts as changed.
fn is_stored(item: &Item, snapshot: &dyn Snapshot) -> bool {
    fn is_same<T: ItemData>(entry: &Entry<T>, stored: Found<&T>) -> bool {
        match (entry, stored) {
            (Entry::Present(item), Found::Present(stored)) => {
                item.version() == stored.version()
                    && item.json().is_some()
                    && item.json() == stored.json()
            }
            (Entry::Deleted(_), Found::Absent) => true,
            _ => false,
        }
    }
    match item {
        Item::Flag(entry) => is_same(entry, snapshot.flag(entry.key())),
        Item::Segment(entry) => is_same(entry, snapshot.segment(entry.key())),
    }
}

fn present<T>(found: Found<T>) -> Option<T> {
    match found {
        Found::Present(item) => Some(item),
        Found::Absent | Found::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
