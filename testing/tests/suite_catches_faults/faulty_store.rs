//! [`Faulty`]: an in-memory persistent store with one fault.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::task::{spawn_blocking, yield_now};
use vexil::model::DataKind;
use vexil::store::{
    ChangeNotifier, Changes, Collection, PersistentDataStore, StoreError, StoredDataSet,
    StoredItem, WriteOutcome,
};
use vexil::{Text, async_trait};
use vexil_testing::conformance::Meanwhile;
use vexil_testing::{MemoryDatabase, MemoryPersistentStore};

/// A fault of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    // Reads.
    EmptinessIsAnError,
    SpellsTextAnew,
    GivesARowTwice,
    StopsAfterAPage,
    MixesKinds,
    ReadsOtherPrefixes,
    TakesKeysFromTheText,
    IgnoresCase,
    UnreadableRowSpoilsAll,
    HidesKeyless,
    HidesTombstones,
    TakesWholeObjectsForLive,
    HidesKeyDeleted,
    HidesNull,
    RowsCountAsMarker,
    SnapshotForgetsTheMarker,
    ProbeWantsTheMarker,
    Caches,
    TroubleIsAbsence,
    AnswersGoToTheNextCall,
    // Writes.
    InitForgetsTheMarker,
    InitWritesOneRequest,
    InitRemovesNothing,
    InitKeepsTombstones,
    InitLooksAtVersions,
    InitOfNothingDoesNothing,
    InitRemovesAllKinds,
    InitsOnce,
    WritesTextAnew,
    WritesIgnoreCase,
    InitRemovesOtherPrefixes,
    KeepsItAll,
    UpsertOnlyReplaces,
    VersionsAreText,
    UpsertIgnoresVersions,
    EqualIsNewer,
    UpsertWritesBothKinds,
    UpsertSetsTheMarker,
    UnknownIsNewest,
    RespectsOnlyItself,
    DeletesForGood,
    DeletionIgnoresVersions,
    EqualDeletionIsNewer,
    DeletesOnlyWhatIsThere,
    TombstonesHaveNoVersion,
    TombstonesAreForEver,
    LooksAndThenWrites,
    TroubleIsSuccess,
    DroppedWritesBlock,
    DroppedInitsComeLate,
    // Other groups.
    WritesAllTheSame,
    NeverTells,
    TellsOnce,
    GivesUpWhenOvertaken,
}

#[derive(Debug)]
pub(crate) struct Faulty {
    fault: Fault,
    database: MemoryDatabase,
    prefix: String,
    inner: MemoryPersistentStore,
    cache: Mutex<HashMap<(DataKind, String), Option<StoredItem>>>,
    /// The result of a call that was dropped.
    left_over: Mutex<Option<Option<StoredItem>>>,
    writing: AtomicBool,
    inits: Arc<Inits>,
}

/// Writes on blocking threads, in parallel if several are available.
#[derive(Debug, Default)]
struct Inits {
    /// The number of calls, and the number of the last write.
    numbers: Mutex<(usize, usize)>,
    written: Condvar,
}

impl Inits {
    fn call(&self) -> usize {
        let mut numbers = self.numbers.lock().unwrap();
        numbers.0 += 1;
        numbers.0
    }

    /// Writes, but lets a later concurrent write finish first.
    fn write(&self, number: usize, write: impl FnOnce()) {
        let overtaken =
            |(called, written): &mut (usize, usize)| number < *called && written < called;
        let numbers = self.numbers.lock().unwrap();
        let (mut numbers, _) = self
            .written
            .wait_timeout_while(numbers, Duration::from_secs(10), overtaken)
            .unwrap();
        write();
        numbers.1 = numbers.1.max(number);
        self.written.notify_all();
    }
}

impl Faulty {
    pub(crate) fn new(fault: Fault, database: &MemoryDatabase, prefix: &str) -> Self {
        Self {
            fault,
            database: database.clone(),
            prefix: prefix.to_owned(),
            inner: MemoryPersistentStore::attached(database, prefix).with_push(),
            cache: Mutex::default(),
            left_over: Mutex::default(),
            writing: AtomicBool::new(false),
            inits: Arc::default(),
        }
    }

    /// Returns a row as it is read, or `None` if the fault hides it.
    fn seen(&self, item: StoredItem) -> Option<StoredItem> {
        let json: Option<Value> = serde_json::from_slice(&item.body).ok();
        let property = |name: &str| json.as_ref().and_then(|json| json.get(name)).cloned();
        let is_deleted = property("deleted") == Some(true.into());
        let hidden = match self.fault {
            Fault::HidesTombstones => is_deleted,
            Fault::HidesKeyless => is_deleted && property("key").is_none(),
            Fault::HidesKeyDeleted => property("key") == Some("$deleted".into()),
            Fault::HidesNull => json == Some(Value::Null),
            _ => false,
        };
        if hidden {
            return None;
        }
        Some(match (self.fault, json) {
            (Fault::SpellsTextAnew, Some(json)) => spelled_anew(item, &json),
            (Fault::TakesWholeObjectsForLive, Some(json)) if json.get("rules").is_some() => {
                item.with_deleted(false)
            }
            _ => item,
        })
    }

    async fn rows(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        let mut rows = self.inner.get_all(kind).await?;
        match self.fault {
            Fault::EmptinessIsAnError if rows.is_empty() => {
                return Err(StoreError::unavailable("no item"));
            }
            Fault::GivesARowTwice => rows.extend(rows.first().cloned()),
            Fault::MixesKinds => {
                let other = if kind == DataKind::Flag {
                    DataKind::Segment
                } else {
                    DataKind::Flag
                };
                rows.extend(self.inner.get_all(other).await?);
            }
            Fault::StopsAfterAPage => {
                let mut bytes = 0;
                rows.retain(|(_, item)| {
                    bytes += item.body.len();
                    bytes < 1 << 20
                });
            }
            Fault::ReadsOtherPrefixes => {
                let other = MemoryPersistentStore::attached(
                    &self.database,
                    format!("{}:other", self.prefix),
                );
                rows.extend(other.get_all(kind).await?);
            }
            Fault::TakesKeysFromTheText => {
                for (key, item) in &mut rows {
                    let json: Option<Value> = serde_json::from_slice(&item.body).ok();
                    *key = json
                        .as_ref()
                        .and_then(|json| json.get("key")?.as_str())
                        .unwrap_or_default()
                        .into();
                }
            }
            Fault::IgnoresCase => rows
                .iter_mut()
                .for_each(|(key, _)| *key = key.to_lowercase().into()),
            Fault::UnreadableRowSpoilsAll => {
                for (_, item) in &rows {
                    serde_json::from_slice::<Value>(&item.body).map_err(StoreError::unavailable)?;
                }
            }
            _ => {}
        }
        Ok(rows)
    }

    /// Whether an item replaces the stored one.
    fn wins(&self, stored: &StoredItem, item: &StoredItem) -> bool {
        let is_deleted = |item: &StoredItem| {
            let json: Option<Value> = serde_json::from_slice(&item.body).ok();
            json.is_some_and(|json| json.get("deleted") == Some(&true.into()))
        };
        let version = |item: &StoredItem| {
            let json: Option<Value> = serde_json::from_slice(&item.body).ok();
            item.version
                .or_else(|| json.as_ref()?.get("version")?.as_u64())
        };
        let (old, new) = (version(stored), version(item));
        match self.fault {
            Fault::UpsertIgnoresVersions => true,
            Fault::VersionsAreText => {
                old.map(|old| old.to_string()) < new.map(|new| new.to_string())
            }
            Fault::EqualIsNewer => old <= new,
            Fault::UnknownIsNewest => old.is_some_and(|old| Some(old) < new),
            Fault::RespectsOnlyItself => stored.version < new,
            Fault::DeletionIgnoresVersions if is_deleted(item) => true,
            Fault::EqualDeletionIsNewer if is_deleted(item) => old <= new,
            Fault::TombstonesHaveNoVersion if is_deleted(stored) => true,
            Fault::TombstonesAreForEver if is_deleted(stored) => false,
            _ => old < new,
        }
    }

    fn written(&self, item: &StoredItem) -> StoredItem {
        match serde_json::from_slice::<Value>(&item.body) {
            Ok(json) if self.fault == Fault::WritesTextAnew => spelled_anew(item.clone(), &json),
            _ => item.clone(),
        }
    }

    fn written_key(&self, key: &str) -> String {
        if self.fault == Fault::WritesIgnoreCase {
            key.to_lowercase()
        } else {
            key.to_owned()
        }
    }

    fn put(&self, kind: DataKind, key: &str, item: &StoredItem) {
        self.database.put(
            &self.prefix,
            kind,
            self.written_key(key),
            self.written(item),
        );
    }

    async fn write_all(&self, data: &[Collection]) -> Result<(), StoreError> {
        let nothing = data.iter().all(|collection| collection.items.is_empty());
        if (self.fault == Fault::InitOfNothingDoesNothing && nothing)
            || (self.fault == Fault::InitsOnce && self.inner.is_initialized().await?)
        {
            return Ok(());
        }
        if self.fault == Fault::InitRemovesOtherPrefixes {
            self.database.clear(&format!("{}-other", self.prefix));
        }
        for kind in DataKind::WRITE_ORDER {
            let collection = data.iter().find(|collection| collection.kind == kind);
            let items = collection.map(|collection| collection.items.as_slice());
            if items.is_none() && self.fault != Fault::InitRemovesAllKinds {
                continue;
            }
            let items = items.unwrap_or_default();
            for (key, stored) in self.inner.get_all(kind).await? {
                let kept = items.iter().any(|(new, _)| self.written_key(new) == *key)
                    || self.fault == Fault::InitRemovesNothing
                    || (self.fault == Fault::InitKeepsTombstones
                        && stored.body.ends_with(b"\"deleted\":true}"));
                if !kept {
                    self.database.remove(&self.prefix, kind, &key);
                }
            }
            let limit = if self.fault == Fault::InitWritesOneRequest {
                25
            } else {
                usize::MAX
            };
            for (key, item) in items.iter().take(limit) {
                let stored = self.inner.get(kind, key).await?;
                if self.fault == Fault::InitLooksAtVersions
                    && stored.is_some_and(|stored| !self.wins(&stored, item))
                {
                    continue;
                }
                self.put(kind, key, item);
            }
        }
        if self.fault != Fault::InitForgetsTheMarker {
            self.database.set_initialized(&self.prefix, true);
        }
        Ok(())
    }

    async fn write_one(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        // All stores share this lock, so that a read and a write without an await in between are
        // atomic.
        static ALONE: Mutex<()> = Mutex::new(());
        if self.fault == Fault::LooksAndThenWrites {
            let stored = self.inner.get(kind, key).await?;
            for _ in 0..20 {
                yield_now().await;
            }
            return Ok(self.write_over(stored, kind, key, item));
        }
        let _alone = ALONE.lock().unwrap();
        let stored = self
            .database
            .item(&self.prefix, kind, &self.written_key(key));
        Ok(self.write_over(stored, kind, key, item))
    }

    pub(crate) fn write_over(
        &self,
        stored: Option<StoredItem>,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> WriteOutcome {
        let is_deletion = item.deleted == Some(true);
        match (&stored, self.fault) {
            (None, Fault::UpsertOnlyReplaces) => return WriteOutcome::Superseded(None),
            (None, Fault::DeletesOnlyWhatIsThere) if is_deletion => return WriteOutcome::Written,
            (Some(stored), _) if !self.wins(stored, item) => {
                return WriteOutcome::Superseded(Some(stored.clone()));
            }
            _ => {}
        }
        if self.fault == Fault::DeletesForGood && is_deletion {
            self.database.remove(&self.prefix, kind, key);
            return WriteOutcome::Written;
        }
        self.put(kind, key, item);
        if self.fault == Fault::UpsertWritesBothKinds {
            self.put(DataKind::Flag, key, item);
            self.put(DataKind::Segment, key, item);
        }
        if self.fault == Fault::UpsertSetsTheMarker {
            self.database.set_initialized(&self.prefix, true);
        }
        WriteOutcome::Written
    }

    /// Starts a write, which takes some time. Fails if an earlier write was dropped and the fault
    /// depends on it.
    async fn begin_write(&self) -> Result<(), StoreError> {
        if self.writing.swap(true, Ordering::SeqCst) && self.fault == Fault::DroppedWritesBlock {
            return Err(StoreError::Timeout);
        }
        yield_now().await;
        Ok(())
    }
}

#[async_trait]
impl PersistentDataStore for Faulty {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        if self.fault == Fault::Caches
            && let Some(found) = self.cache.lock().unwrap().get(&(kind, key.to_owned()))
        {
            return Ok(found.clone());
        }
        let found = self
            .inner
            .get(kind, key)
            .await?
            .and_then(|item| self.seen(item));
        self.cache
            .lock()
            .unwrap()
            .insert((kind, key.to_owned()), found.clone());
        if self.fault == Fault::AnswersGoToTheNextCall {
            if let Some(left_over) = self.left_over.lock().unwrap().take() {
                return Ok(left_over);
            }
            *self.left_over.lock().unwrap() = Some(found.clone());
            yield_now().await;
            self.left_over.lock().unwrap().take();
        }
        Ok(found)
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        let rows = self.rows(kind).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(key, item)| Some((key, self.seen(item)?)))
            .collect())
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        let rows_count = self.fault == Fault::RowsCountAsMarker
            && !self.inner.get_all(DataKind::Flag).await?.is_empty();
        Ok(rows_count || self.inner.is_initialized().await?)
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        if self.fault == Fault::DroppedInitsComeLate {
            let (number, inits) = (self.inits.call(), Arc::clone(&self.inits));
            let (store, data) = (self.inner.clone(), data.to_vec());
            let write = move || pollster::block_on(store.init(&data)).unwrap();
            return spawn_blocking(move || inits.write(number, write))
                .await
                .map_err(StoreError::unavailable);
        }
        self.begin_write().await?;
        self.write_all(data).await?;
        self.writing.store(false, Ordering::SeqCst);
        Ok(())
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        self.begin_write().await?;
        let upsert = self.write_one(kind, key, item).await?;
        self.writing.store(false, Ordering::SeqCst);
        Ok(upsert)
    }

    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        let snapshot = self.inner.snapshot().await?;
        let initialized = snapshot.initialized && self.fault != Fault::SnapshotForgetsTheMarker;
        Ok(StoredDataSet::new(snapshot.collections, initialized))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        if self.fault == Fault::ProbeWantsTheMarker && !self.inner.is_initialized().await? {
            return Err(StoreError::unavailable("no marker"));
        }
        self.inner.probe().await
    }

    fn changes(&self) -> Option<Changes> {
        let mut changes = self.inner.changes()?;
        match self.fault {
            Fault::NeverTells | Fault::TellsOnce => {
                let notifier = ChangeNotifier::new();
                let notified = notifier.subscribe();
                let times = usize::from(self.fault == Fault::TellsOnce);
                tokio::spawn(async move {
                    for _ in 0..times {
                        changes.changed().await;
                        notifier.notify();
                    }
                });
                Some(notified)
            }
            _ => Some(changes),
        }
    }
}

fn spelled_anew(mut item: StoredItem, json: &Value) -> StoredItem {
    item.body = json.to_string().into();
    item
}

/// A store that reads before it writes, and retries if it was overtaken.
pub(crate) struct Optimistic {
    pub(crate) store: Faulty,
    /// Called after the first read.
    pub(crate) meanwhile: Mutex<Option<Arc<Meanwhile>>>,
}

impl std::fmt::Debug for Optimistic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl PersistentDataStore for Optimistic {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        self.store.get(kind, key).await
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.store.get_all(kind).await
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.store.is_initialized().await
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        loop {
            let looked = self.store.get(kind, key).await?;
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(meanwhile) = meanwhile {
                meanwhile().await;
            }
            let overtaken = self.store.get(kind, key).await? != looked;
            match self.store.fault {
                Fault::GivesUpWhenOvertaken if overtaken => {
                    return Ok(WriteOutcome::Superseded(None));
                }
                Fault::LooksAndThenWrites => {
                    return Ok(self.store.write_over(looked, kind, key, item));
                }
                _ if overtaken => {}
                _ => return Ok(self.store.write_over(looked, kind, key, item)),
            }
        }
    }
}
