//! [`Faulty`]: an in-memory data store with one fault.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::task::yield_now;
use vexil::async_trait;
use vexil::eval::{Found, Lookup};
use vexil::model::{ChangeSet, ChangeSetKind, DataKind, DataSet, Entry, Flag, Item, Segment};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};

/// A fault of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Not a fault: a store whose items are fetched.
    Fetches,
    // Contents.
    AlwaysInitialized,
    ReadsTwice,
    EmptyInitDoesNothing,
    InitStoresOnePage,
    InitMerges,
    InitComparesVersions,
    UpsertOnlyReplaces,
    UpsertInitializes,
    VersionsAreText,
    UpsertIgnoresVersions,
    EqualIsNewer,
    UpsertRemovesOthers,
    DeletionDoesNothing,
    DeletionIgnoresVersions,
    DeletesOnlyExistingItems,
    TombstonesHaveNoVersion,
    DeletionIsFinal,
    KindsShareKeys,
    KeysIgnoreCase,
    ClaimsToBeComplete,
    FetchesOldItems,
    FetchesIncompleteSnapshots,
    CloseRemovesItems,
    KeepsItself,
    // Concurrency.
    WritesLater,
    LendsLiveData,
    KeepsLiveData,
    KeepsFirstSnapshot,
    InitIsNotAtomic,
    ComparesAndThenWrites,
    ReplacesACopy,
    DroppedWritesBlock,
    // Change sets.
    DeltaComparesVersions,
    DeltaNeverDeletes,
    DeltaRemovesWithoutTombstone,
    DeltaRemovesOthers,
    DeltaIsNotAtomic,
    // Failures and JSON.
    FailuresAreSuccess,
    FailuresAreAbsence,
    DropsJson,
    InitChangesJson,
    UpsertChangesJson,
}

/// The text of each item, as written by the store.
pub(crate) type Backend = Mutex<HashMap<(DataKind, String), Bytes>>;

type Items = HashMap<(DataKind, String), Item>;

pub(crate) struct Faulty {
    fault: Fault,
    backend: Arc<Backend>,
    reachable: bool,
    /// What readers see.
    memory: Arc<MemoryStore>,
    /// Data that readers will see with the next write.
    later: Mutex<Option<DataSet>>,
    /// The first snapshot to keep.
    first: Mutex<Option<Arc<dyn Snapshot + Send + Sync>>>,
    /// What writers compare with: all items and tombstones.
    items: Arc<Mutex<Items>>,
    initialized: AtomicBool,
    /// Whether a write is in progress.
    writing: AtomicBool,
    /// Keeps writes in order.
    order: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faulty").field(&self.fault).finish()
    }
}

impl Faulty {
    pub(crate) fn new(fault: Fault, backend: &Arc<Backend>, reachable: bool) -> Self {
        Self {
            fault,
            backend: Arc::clone(backend),
            reachable,
            memory: Arc::default(),
            later: Mutex::default(),
            first: Mutex::default(),
            items: Arc::default(),
            initialized: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            order: tokio::sync::Mutex::default(),
        }
    }

    fn fetches(&self) -> bool {
        matches!(
            self.fault,
            Fault::Fetches | Fault::FetchesOldItems | Fault::FetchesIncompleteSnapshots
        )
    }

    fn reach(&self) -> Result<(), StoreError> {
        if self.reachable {
            Ok(())
        } else {
            Err(StoreError::unavailable("the backend is unreachable"))
        }
    }

    /// Waits once, as a write over the network would. Fails if an earlier write was dropped
    /// meanwhile and the fault depends on it.
    async fn transfer(&self) -> Result<(), StoreError> {
        if self.writing.swap(true, Ordering::SeqCst) && self.fault == Fault::DroppedWritesBlock {
            return Err(StoreError::Timeout);
        }
        yield_now().await;
        self.writing.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn place(&self, item: &Item) -> (DataKind, String) {
        let key = item.key().to_string();
        match self.fault {
            Fault::KindsShareKeys => (DataKind::Flag, key),
            Fault::KeysIgnoreCase => (item.kind(), key.to_lowercase()),
            _ => (item.kind(), key),
        }
    }

    fn write_json(&self, item: &Item, changed: Fault) {
        let Some(json) = item.json() else { return };
        let json = if self.fault == changed {
            let mut value: serde_json::Value = serde_json::from_slice(&json).unwrap();
            value.as_object_mut().unwrap().remove("unknown");
            value.to_string().into()
        } else {
            json
        };
        let place = (item.kind(), item.key().to_string());
        self.backend.lock().unwrap().insert(place, json);
    }

    /// Whether the item replaces the known one.
    fn is_newer(&self, known: Option<&Item>, item: &Item) -> bool {
        let Some(known) = known else {
            return match self.fault {
                Fault::UpsertOnlyReplaces => false,
                Fault::DeletesOnlyExistingItems => !item.is_deleted(),
                _ => true,
            };
        };
        let newer = known.version() < item.version();
        match self.fault {
            Fault::UpsertIgnoresVersions => true,
            Fault::DeletionIgnoresVersions if item.is_deleted() => true,
            Fault::EqualIsNewer => known.version() <= item.version(),
            Fault::VersionsAreText => known.version().to_string() < item.version().to_string(),
            Fault::DeletionIsFinal if known.is_deleted() => false,
            Fault::TombstonesHaveNoVersion if known.is_deleted() => true,
            Fault::DeletionDoesNothing if item.is_deleted() => false,
            _ => newer,
        }
    }

    /// Makes the items visible to readers.
    async fn publish(&self, items: Items) {
        let memory = Arc::clone(&self.memory);
        let data: DataSet = items.into_values().collect();
        match self.fault {
            // A write is visible with the next one.
            Fault::WritesLater => {
                let earlier = self.later.lock().unwrap().replace(data);
                memory.init(earlier.unwrap_or_default()).await.unwrap();
            }
            _ => memory.init(data).await.unwrap(),
        }
    }
}

#[async_trait]
impl DataStore for Faulty {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.memory.read(&mut |snapshot| {
            if self.fetches() {
                reader(&Unfetched);
            } else if self.fault == Fault::LendsLiveData {
                reader(&Live(Arc::clone(&self.memory)));
            } else if self.fault == Fault::ClaimsToBeComplete {
                reader(&Unlisted(snapshot));
            } else {
                reader(snapshot);
            }
            if self.fault == Fault::ReadsTwice {
                reader(snapshot);
            }
        });
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        match self.fault {
            Fault::KeepsLiveData => Some(Arc::new(Live(Arc::clone(&self.memory)))),
            Fault::KeepsFirstSnapshot => {
                let mut first = self.first.lock().unwrap();
                let first = first.get_or_insert_with(|| self.memory.snapshot().unwrap());
                Some(Arc::clone(first))
            }
            _ if self.fetches() => Some(Arc::new(Unfetched)),
            _ => self.memory.snapshot(),
        }
    }

    fn is_initialized(&self) -> bool {
        self.initialized.load(Ordering::SeqCst) || self.fault == Fault::AlwaysInitialized
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        if let Err(error) = self.reach() {
            return if self.fault == Fault::FailuresAreSuccess {
                Ok(())
            } else {
                Err(error)
            };
        }
        self.transfer().await?;
        let flags = data.flags.into_iter().map(Item::Flag);
        let segments = data.segments.into_iter().map(Item::Segment);
        let mut new: Vec<Item> = flags.chain(segments).collect();
        if new.is_empty() && self.fault == Fault::EmptyInitDoesNothing {
            return Ok(());
        }
        if self.fault == Fault::InitStoresOnePage {
            new.truncate(100);
        }
        let _in_order = self.order.lock().await;
        let mut items = self.items.lock().unwrap().clone();
        if !matches!(self.fault, Fault::InitMerges | Fault::InitComparesVersions) {
            items.clear();
        }
        for item in new {
            self.write_json(&item, Fault::InitChangesJson);
            let place = self.place(&item);
            let keeps = self.fault == Fault::InitComparesVersions
                && items
                    .get(&place)
                    .is_some_and(|known| known.version() > item.version());
            if !keeps {
                items.insert(place, item);
            }
        }
        if self.fault == Fault::InitIsNotAtomic {
            for item in items.values() {
                // Stays in memory until the next write, if this one is dropped.
                let _ = self.memory.upsert(item.clone()).await;
                yield_now().await;
            }
        }
        *self.items.lock().unwrap() = items.clone();
        self.publish(items).await;
        self.initialized.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        if let Err(error) = self.reach() {
            return if self.fault == Fault::FailuresAreSuccess {
                Ok(Upserted::Written)
            } else {
                Err(error)
            };
        }
        self.transfer().await?;
        let place = self.place(&item);
        if self.fault == Fault::ReplacesACopy {
            let mut copy = self.items.lock().unwrap().clone();
            copy.insert(place, item);
            yield_now().await;
            *self.items.lock().unwrap() = copy.clone();
            self.publish(copy).await;
            return Ok(Upserted::Written);
        }
        let known = self.items.lock().unwrap().get(&place).cloned();
        let races = self.fault == Fault::ComparesAndThenWrites;
        if races && !self.is_newer(known.as_ref(), &item) {
            return Ok(Upserted::Stale);
        }
        yield_now().await;
        let _in_order = self.order.lock().await;
        let items = {
            let mut items = self.items.lock().unwrap();
            if !races && !self.is_newer(items.get(&place), &item) {
                return Ok(Upserted::Stale);
            }
            self.write_json(&item, Fault::UpsertChangesJson);
            if self.fault == Fault::UpsertRemovesOthers {
                items.clear();
            }
            items.insert(place, item);
            items.clone()
        };
        if self.fault == Fault::UpsertInitializes {
            self.initialized.store(true, Ordering::SeqCst);
        }
        self.publish(items).await;
        Ok(Upserted::Written)
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let new = match changes.kind {
            ChangeSetKind::Full(data) => return self.init(data).await,
            ChangeSetKind::Delta(new) => new,
        };
        self.reach()?;
        self.transfer().await?;
        let _in_order = self.order.lock().await;
        let mut items = self.items.lock().unwrap().clone();
        if self.fault == Fault::DeltaRemovesOthers {
            items.clear();
        }
        for item in new {
            let place = self.place(&item);
            let is_older = items
                .get(&place)
                .is_some_and(|known| known.version() > item.version());
            match self.fault {
                Fault::DeltaComparesVersions if is_older => continue,
                Fault::DeltaNeverDeletes if item.is_deleted() => continue,
                Fault::DeltaRemovesWithoutTombstone if item.is_deleted() => {
                    items.remove(&place);
                    continue;
                }
                Fault::DeltaIsNotAtomic => {
                    // Stays in memory until the next write, if this one is dropped.
                    self.memory.upsert(item.clone()).await?;
                    yield_now().await;
                }
                _ => {}
            }
            items.insert(place, item);
        }
        *self.items.lock().unwrap() = items.clone();
        self.publish(items).await;
        Ok(())
    }

    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        if self.fault != Fault::FailuresAreAbsence {
            self.reach()?;
        }
        let item = self
            .items
            .lock()
            .unwrap()
            .get(&(kind, key.to_owned()))
            .cloned();
        Ok(match (self.fault, item) {
            (Fault::FetchesOldItems, Some(item)) => {
                let before = item.version() - 1;
                Some(item.with_version(before))
            }
            (_, item) => item,
        })
    }

    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        self.reach()?;
        if self.fault == Fault::FetchesIncompleteSnapshots {
            return Ok(Arc::new(Unfetched));
        }
        Ok(Arc::new(Copied::of(&self.items.lock().unwrap())))
    }

    fn keeps_json(&self) -> bool {
        self.fault != Fault::DropsJson
    }

    async fn close(&self) {
        if self.fault == Fault::CloseRemovesItems {
            self.publish(Items::new()).await;
        }
    }
}

/// Holds no item.
struct Unfetched;

impl Lookup for Unfetched {
    fn flag(&self, _: &str) -> Found<&Flag> {
        Found::Unknown
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        Found::Unknown
    }
}

impl Snapshot for Unfetched {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(std::iter::empty())
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(std::iter::empty())
    }

    fn is_complete(&self) -> bool {
        false
    }
}

/// Finds items and lists none, although it is complete.
struct Unlisted<'a>(&'a dyn Snapshot);

impl Lookup for Unlisted<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.0.flag(key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.0.segment(key)
    }
}

impl Snapshot for Unlisted<'_> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(std::iter::empty())
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(std::iter::empty())
    }
}

/// Reads the current data at each lookup. Leaks what it finds.
struct Live(Arc<MemoryStore>);

impl Live {
    fn all<T>(&self, list: impl Fn(&dyn Snapshot) -> Vec<Arc<T>>) -> &[Arc<T>] {
        let mut all = Vec::new();
        self.0.read(&mut |snapshot| all = list(snapshot));
        Box::leak(all.into_boxed_slice())
    }

    fn all_flags(&self) -> &[Arc<Flag>] {
        self.all(|snapshot| snapshot.flags().cloned().collect())
    }

    fn all_segments(&self) -> &[Arc<Segment>] {
        self.all(|snapshot| snapshot.segments().cloned().collect())
    }
}

impl Lookup for Live {
    fn flag(&self, key: &str) -> Found<&Flag> {
        let mut flags = self.all_flags().iter();
        flags
            .find(|flag| flag.key() == key)
            .map(|flag| &**flag)
            .into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        let mut segments = self.all_segments().iter();
        let segment = segments.find(|segment| segment.key() == key);
        segment.map(|segment| &**segment).into()
    }
}

impl Snapshot for Live {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(self.all_flags().iter())
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(self.all_segments().iter())
    }
}

/// A copy of all items that are not deleted.
struct Copied {
    flags: HashMap<String, Arc<Flag>>,
    segments: HashMap<String, Arc<Segment>>,
}

impl Copied {
    fn of(items: &Items) -> Self {
        let (mut flags, mut segments) = (HashMap::new(), HashMap::new());
        for item in items.values() {
            match item {
                Item::Flag(Entry::Present(flag)) => {
                    flags.insert(flag.key().to_string(), Arc::clone(flag));
                }
                Item::Segment(Entry::Present(segment)) => {
                    segments.insert(segment.key().to_string(), Arc::clone(segment));
                }
                Item::Flag(_) | Item::Segment(_) => {}
            }
        }
        Self { flags, segments }
    }
}

impl Lookup for Copied {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.flags.get(key).map(|flag| &**flag).into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.segments.get(key).map(|segment| &**segment).into()
    }
}

impl Snapshot for Copied {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(self.flags.values())
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(self.segments.values())
    }
}
