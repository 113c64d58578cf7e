//! [`WriteBehind`]: a memory store that keeps a database up to date in the background.
//!
//! Evaluations read memory. An update is in memory when its delivery returns, and is written to the
//! database later in the background. Pending items collapse to the newest version of each key.
//! After an outage all data is written from memory, which alone is known to be complete. Before the
//! first delivery, memory is filled from the database. The rules are those of STO-9.3 and STO-10.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use vexil_eval::Text;
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataKind, DataSet, Item};

use super::StoredDataSet;
use super::access::{Reader, Writer};
use super::codec::{decode_all, encode};
use super::health::{Health, watch};
use super::write_order::{self, encode_data_set};
use super::written::{CHECK_INTERVAL, Written};
use crate::bounds::NEVER;
use crate::runtime::{Runtime, Task};
use crate::status::DataStoreReporter;
use crate::store::environment::Environment;
use crate::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};

/// How long `close` waits for pending writes.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// How a [`WriteBehind`] store uses its database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteBehindOptions {
    /// Whether nothing is written.
    pub(crate) is_read_only: bool,
    /// Whether memory is filled from the database before the data source has delivered.
    pub(crate) fills_memory: bool,
    /// If set, the database is read that often, and items that are older there than in memory are
    /// written again.
    pub(crate) reconcile_interval: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct WriteBehind {
    shared: Arc<Shared>,
    /// The background task. `close` takes it.
    driver: Mutex<Option<Task<()>>>,
}

#[derive(Debug)]
struct Shared {
    memory: MemoryStore,
    reader: Reader,
    writer: Writer,
    /// Keeps the order of updates in memory and of pending writes the same. Held for a few
    /// instructions and for a write to memory, never across an `await`.
    queue: Mutex<Queue>,
    /// Notified when there is something to write.
    wake: Notify,
    /// Whether there are no pending writes.
    settled: watch::Sender<bool>,
    options: WriteBehindOptions,
}

#[derive(Debug, Default)]
struct Queue {
    origin: Origin,
    pending: Pending,
}

/// Where the data in memory comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    /// From the database, or there is none yet.
    #[default]
    Database,
    /// At least partly from a source whose data is not written to the database, or the database is
    /// read only.
    Transient,
    /// From a source whose data the database is to hold. Memory is the source of truth.
    Persistent,
}

/// The writes that are still to be done.
#[derive(Debug, Default)]
enum Pending {
    #[default]
    Nothing,
    /// These items, the newest of each key.
    Items(HashMap<(DataKind, Text), Item>),
    /// All data in memory.
    Everything,
}

impl Pending {
    fn and(self, item: Item) -> Self {
        let mut items = match self {
            Self::Everything => return Self::Everything,
            Self::Nothing => HashMap::new(),
            Self::Items(items) => items,
        };
        items.insert((item.kind(), item.key().clone()), item);
        Self::Items(items)
    }
}

impl WriteBehind {
    pub(crate) fn new(
        reader: Reader,
        options: WriteBehindOptions,
        runtime: &Runtime,
        reporter: DataStoreReporter,
    ) -> Self {
        let died = watch(&reporter);
        let health = Health::new(reporter, &reader);
        let shared = Arc::new(Shared {
            memory: MemoryStore::new(),
            writer: Writer::new(reader.clone()),
            reader,
            queue: Mutex::default(),
            wake: Notify::new(),
            settled: watch::Sender::new(true),
            options,
        });
        let driver = Driver {
            shared: Arc::clone(&shared),
            health,
            written: None,
        };
        let driver = runtime.spawn_watched("writer of the data store", driver.run(), died);
        Self {
            shared,
            driver: Mutex::new(Some(driver)),
        }
    }

    /// The store that holds the data, for reading it directly.
    pub(crate) fn memory(&self) -> &MemoryStore {
        &self.shared.memory
    }
}

#[async_trait]
impl DataStore for WriteBehind {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.shared.memory.read(reader);
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        self.shared.memory.snapshot()
    }

    fn is_initialized(&self) -> bool {
        self.shared.memory.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        let mut queue = self.shared.queue();
        let upserted = self.shared.memory.insert_if_newer(item.clone());
        if upserted == Upserted::Written {
            let pending = std::mem::take(&mut queue.pending).and(item);
            self.shared.put(&mut queue, pending);
        }
        Ok(upserted)
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let mut queue = self.shared.queue();
        let pending = match &changes.kind {
            ChangeSetKind::Full(_) => {
                queue.origin = if changes.is_persistent && !self.shared.options.is_read_only {
                    Origin::Persistent
                } else {
                    Origin::Transient
                };
                Pending::Everything
            }
            ChangeSetKind::Delta(items) if changes.is_persistent => items
                .iter()
                .cloned()
                .fold(std::mem::take(&mut queue.pending), Pending::and),
            ChangeSetKind::Delta(_) => {
                // What memory holds from now on is not for the database.
                if queue.origin == Origin::Persistent {
                    queue.origin = Origin::Transient;
                }
                Pending::Nothing
            }
        };
        self.shared.memory.change(changes.kind);
        self.shared.put(&mut queue, pending);
        Ok(())
    }

    fn keeps_json(&self) -> bool {
        true
    }

    async fn close(&self) {
        let mut settled = self.shared.settled.subscribe();
        if timeout(LAST_WRITES, settled.wait_for(|settled| *settled))
            .await
            .is_err()
        {
            let left = match &self.shared.queue().pending {
                Pending::Nothing => "a write in progress".to_owned(),
                Pending::Items(items) => format!("{} items", items.len()),
                Pending::Everything => "everything".to_owned(),
            };
            tracing::warn!(
                left,
                "the data store was closed before all data was written to it"
            );
        }
        drop(
            self.driver
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        self.shared.reader.close().await;
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the database is to hold what memory holds.
    fn is_authoritative(&self) -> bool {
        self.queue().origin == Origin::Persistent
    }

    /// Schedules writes. Only data of a persistent origin is written.
    fn put(&self, queue: &mut Queue, pending: Pending) {
        queue.pending = match queue.origin {
            Origin::Persistent => pending,
            Origin::Database | Origin::Transient => Pending::Nothing,
        };
        self.settled.send_replace(false);
        self.wake.notify_one();
    }

    /// The items that the database lacks or holds in an older version. A tombstone that it lacks
    /// does not count.
    fn newer_than(&self, snapshot: &StoredDataSet) -> Vec<Item> {
        let held = Environment::new(decode_all(&snapshot.collections).0, true);
        let place = |item: &Item| (item.kind(), item.key().clone());
        let versions: HashMap<_, _> = held
            .items()
            .map(|item| (place(&item), item.version()))
            .collect();
        let is_behind = |item: &Item| match versions.get(&place(item)) {
            Some(version) => *version < item.version(),
            None => !item.is_deleted(),
        };
        self.memory.load().items().filter(is_behind).collect()
    }

    /// All data in memory, without tombstones.
    fn everything(&self) -> DataSet {
        self.memory
            .load()
            .items()
            .filter(|item| !item.is_deleted())
            .collect()
    }
}

/// The background task of a [`WriteBehind`] store.
struct Driver {
    shared: Arc<Shared>,
    health: Health,
    /// `None` before everything was written once.
    written: Option<Written>,
}

impl Driver {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            biased;
            () = shared.wake.notified() => {}
            () = self.fill_memory(), if shared.options.fills_memory => {
                shared.wake.notified().await;
            }

        }
        let reconcile_interval = shared
            .options
            .reconcile_interval
            .unwrap_or(NEVER)
            .clamp(CHECK_INTERVAL, NEVER);
        let (mut check_at, mut reconcile_at) = (
            Instant::now() + CHECK_INTERVAL,
            Instant::now() + reconcile_interval,
        );
        loop {
            self.write_all().await;
            // Timeout and wake-up are handled alike: the checks below decide what is due.
            let _ = timeout_at(check_at.min(reconcile_at), shared.wake.notified()).await;
            if Instant::now() >= check_at {
                self.check().await;
                check_at = Instant::now() + CHECK_INTERVAL;
            }
            if Instant::now() >= reconcile_at {
                self.reconcile().await;
                reconcile_at = Instant::now() + reconcile_interval;
            }
        }
    }

    /// Fills memory from the database as soon as it holds a complete data set.
    async fn fill_memory(&mut self) {
        loop {
            match self.shared.reader.snapshot().await {
                Ok(snapshot) if snapshot.initialized => {
                    self.health.answered();
                    return self.adopt(&snapshot);
                }
                Ok(_) => {
                    self.health.answered();
                    sleep(self.shared.reader.refresh_interval()).await;
                }
                Err(error) => {
                    self.health.failed(&error, false);
                    self.health.recovered(&self.shared.reader, false).await;
                }
            }
        }
    }

    fn adopt(&mut self, snapshot: &StoredDataSet) {
        let (data, corrupt) = decode_all(&snapshot.collections);
        for error in &corrupt {
            self.health.flawed(error);
        }
        let items = data.flags.len() + data.segments.len();
        let adopted = {
            let queue = self.shared.queue();
            let is_first = queue.origin == Origin::Database;
            if is_first {
                self.shared.memory.replace(data);
            }
            is_first
        };
        // This wakes listeners of the status, so the lock must be released first.
        if adopted {
            self.health.refreshed(items, corrupt.len(), true, false);
        }
    }

    /// Performs pending writes until there are none left, and waits for the end of an outage.
    async fn write_all(&mut self) {
        loop {
            let pending = {
                let mut queue = self.shared.queue();
                let pending = std::mem::take(&mut queue.pending);
                if matches!(pending, Pending::Nothing) {
                    self.shared.settled.send_replace(true);
                }
                pending
            };
            if matches!(pending, Pending::Nothing) {
                if self.health.is_available() {
                    return;
                }
                // An outage that began with a read of the database, or a write of data that was
                // replaced. Nothing is written that would prove that it is over.
                self.health.recovered(&self.shared.reader, false).await;
                self.health.answered();
                // Evaluations do not read the database any more.
                self.health.reporter().update(|status| status.stale = false);
                continue;
            }
            let Err(error) = self.write(pending).await else {
                self.health.answered();
                continue;
            };
            // A failed write leaves the database in an unknown state, so rewrite everything.
            self.shared
                .put(&mut self.shared.queue(), Pending::Everything);
            self.health.failed(&error, false);
            self.health.recovered(&self.shared.reader, false).await;
        }
    }

    async fn write(&mut self, pending: Pending) -> Result<(), StoreError> {
        match pending {
            Pending::Nothing => Ok(()),
            Pending::Everything => self.write_everything().await,
            Pending::Items(items) => {
                for item in write_order::items(&items.into_values().collect()) {
                    let written = match encode(&item) {
                        Ok(stored) => {
                            let upsert =
                                self.shared.writer.upsert(item.kind(), item.key(), &stored);
                            upsert.await.map(drop)
                        }
                        Err(error) => Err(error),
                    };
                    self.unless_flawed(written)?;
                }
                Ok(())
            }
        }
    }

    async fn write_everything(&mut self) -> Result<(), StoreError> {
        let (collections, refused) = encode_data_set(&self.shared.everything());
        for error in &refused {
            self.health.flawed(error);
        }
        let written = self.shared.writer.init(&collections).await;
        self.unless_flawed(written)?;
        self.written = Some(Written::of(&collections));
        let items = collections
            .iter()
            .map(|collection| collection.items.len())
            .sum();
        self.health.refreshed(items, 0, true, false);
        Ok(())
    }

    /// Reports an item that cannot be written and skips it. This does not start an outage.
    fn unless_flawed(&mut self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        match written {
            Err(error @ (StoreError::TooLarge { .. } | StoreError::Corrupt { .. })) => {
                self.health.flawed(&error);
                Ok(())
            }
            other => other,
        }
    }

    /// Checks whether the database has lost data, and writes everything again if so.
    async fn check(&mut self) {
        let Some(written) = self.written.as_ref() else {
            return;
        };
        if !self.shared.is_authoritative() {
            return;
        }
        match written.is_lost(&self.shared.reader).await {
            Ok(lost) => {
                self.health.answered();
                if lost {
                    self.write_again();
                }
            }
            Err(error) => self.outlast(&error).await,
        }
    }

    /// Waits until the database answers again, and then schedules a full write, because its
    /// contents are unknown after an outage.
    async fn outlast(&mut self, error: &StoreError) {
        self.health.failed(error, false);
        self.health.recovered(&self.shared.reader, false).await;
        self.health.answered();
        self.write_again();
    }

    fn write_again(&self) {
        tracing::info!("writing all data to the data store again, because it may have lost data");
        let mut queue = self.shared.queue();
        self.shared.put(&mut queue, Pending::Everything);
    }

    /// Writes the items again that the database lacks or holds in an older version than memory. If
    /// several clients write, one that is behind may have written all its data after another one
    /// wrote something newer.
    async fn reconcile(&mut self) {
        if !self.shared.is_authoritative() {
            return;
        }
        let snapshot = match self.shared.reader.snapshot().await {
            Ok(snapshot) => snapshot,
            Err(error) => return self.outlast(&error).await,
        };
        self.health.answered();
        let behind = self.shared.newer_than(&snapshot);
        if !behind.is_empty() {
            tracing::info!(
                items = behind.len(),
                "the data store holds older versions; writing the newer ones again"
            );
            let mut queue = self.shared.queue();
            let pending = behind
                .into_iter()
                .fold(std::mem::take(&mut queue.pending), Pending::and);
            self.shared.put(&mut queue, pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Database;
    use super::*;
    use crate::runtime::park;

    #[test]
    fn a_data_set_is_in_memory_when_its_delivery_returns() {
        let options = WriteBehindOptions {
            is_read_only: true,
            fills_memory: false,
            reconcile_interval: None,
        };
        let reader = Reader::new(Arc::new(Database::default()));
        let runtime = Runtime::shared().unwrap();
        let store = WriteBehind::new(reader, options, &runtime, DataStoreReporter::new());
        assert!(!store.is_initialized());
        let item = Item::from_json(DataKind::Flag, "flag", br#"{"version": 1}"#).unwrap();
        let data = [item].into_iter().collect();
        park(Duration::from_secs(60), store.init(data))
            .unwrap()
            .unwrap();
        assert!(store.is_initialized());
        assert_eq!(store.memory().load().items().count(), 1);
    }
}
