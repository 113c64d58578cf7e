//! [`HandOver`]: a database that evaluations read item by item until the data source has delivered.
//!
//! Before the first complete data set, items are read through a cache, provided that the database
//! has the marker of a complete data set. From then on memory is all that evaluations read, and the
//! database is only written. The rules are those of FDV2-8.2 and FDV2-8.3.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use vexil_eval::model::{
    ChangeSet, ChangeSetKind, DataKind, DataSet, Flag, Item, Segment, Upserted,
};
use vexil_eval::{Found, Lookup};

use super::access::Reader;
use super::read_through::{CacheMode, Filled, ReadThroughStore};
use super::write_behind::{WriteBehind, WriteBehindOptions};
use crate::bounds::NEVER;
use crate::moment::Moment;
use crate::runtime::Runtime;
use crate::status::DataStoreReporter;
use crate::store::{DataStore, MemoryStore, Snapshot, StoreError};

/// A store that is read through a cache first, and from memory later. Clones share the same data.
#[derive(Clone, Debug)]
pub(crate) struct HandOver(Arc<Stores>);

#[derive(Debug)]
struct Stores {
    /// `None` once the data source has delivered.
    before: ArcSwapOption<ReadThroughStore>,
    after: WriteBehind,
    mode: CacheMode,
    /// Until when the marker is assumed to be missing. Locked only to copy or set it.
    missing_until: Mutex<Option<Moment>>,
}

impl HandOver {
    pub(crate) fn new(
        reader: Reader,
        mode: CacheMode,
        options: WriteBehindOptions,
        evaluation_timeout: Duration,
        runtime: &Runtime,
        reporter: &DataStoreReporter,
    ) -> Self {
        let before = ReadThroughStore::new(
            reader.clone(),
            Filled::Before,
            mode,
            evaluation_timeout,
            runtime,
            reporter.clone(),
        );
        Self(Arc::new(Stores {
            before: ArcSwapOption::from_pointee(before),
            after: WriteBehind::new(reader, options, runtime, reporter.clone()),
            mode,
            missing_until: Mutex::default(),
        }))
    }

    /// The store in memory, once it is all that evaluations read.
    pub(crate) fn memory(&self) -> Option<&MemoryStore> {
        let is_handed_over = self.0.before.load().is_none();
        is_handed_over.then(|| self.0.after.memory())
    }

    /// Returns an error if the database is not known to hold a complete data set. The answer that
    /// it does not is remembered as the cache mode says (FDV2-8.3).
    async fn check_marker(&self, before: &ReadThroughStore) -> Result<(), StoreError> {
        let is_assumed_missing = {
            let until = *self.missing_until();
            until.is_some_and(|until| !Moment::now().has_reached(until))
        };
        if is_assumed_missing {
            return Err(StoreError::NotInitialized);
        }
        if before.has_marker().await? {
            return Ok(());
        }
        let ttl = self.0.mode.ttl().unwrap_or(NEVER);
        *self.missing_until() = Some(Moment::now().after(ttl));
        Err(StoreError::NotInitialized)
    }

    fn missing_until(&self) -> MutexGuard<'_, Option<Moment>> {
        self.0
            .missing_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DataStore for HandOver {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        match &*self.0.before.load() {
            None => self.0.after.read(reader),
            Some(before) if before.is_initialized() => before.read(reader),
            Some(_) => reader(&NothingKnown),
        }
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        match &*self.0.before.load() {
            None => self.0.after.snapshot(),
            Some(before) if before.is_initialized() => before.snapshot(),
            Some(_) => Some(Arc::new(NothingKnown)),
        }
    }

    fn is_initialized(&self) -> bool {
        match &*self.0.before.load() {
            None => true,
            Some(before) => before.is_initialized(),
        }
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.0.after.upsert(item).await
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        let is_full = matches!(changes.kind, ChangeSetKind::Full(_));
        self.0.after.apply(changes).await?;
        if is_full {
            // Dropping it ends its background task. The other store closes the database.
            self.0.before.store(None);
        }
        Ok(())
    }

    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        match self.0.before.load_full() {
            Some(before) => {
                self.check_marker(&before).await?;
                before.item(kind, key).await
            }
            // The data source has delivered since the evaluation began.
            None => Ok(self.0.after.memory().load().item(kind, key)),
        }
    }

    fn last_known(&self, kind: DataKind, key: &str) -> Found<Item> {
        match &*self.0.before.load() {
            Some(before) if before.is_initialized() => before.last_known(kind, key),
            Some(_) => Found::Unknown,
            None => match self.0.after.memory().load().item(kind, key) {
                Some(item) => Found::Present(item),
                None => Found::Absent,
            },
        }
    }

    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        match self.0.before.load_full() {
            Some(before) => {
                self.check_marker(&before).await?;
                before.fetch_all().await
            }
            None => {
                let memory = self.0.after.memory().pin();
                Ok(memory as Arc<dyn Snapshot + Send + Sync>)
            }
        }
    }

    fn keeps_json(&self) -> bool {
        self.0.after.keeps_json()
    }

    async fn close(&self) {
        self.0.before.store(None);
        self.0.after.close().await;
    }
}

/// A snapshot of a database that has not been read.
struct NothingKnown;

impl Lookup for NothingKnown {
    fn flag(&self, _: &str) -> Found<&Flag> {
        Found::Unknown
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        Found::Unknown
    }
}

impl Snapshot for NothingKnown {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::tests::Database;
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn hand_over() -> (HandOver, Arc<Database>) {
        let database = Arc::new(Database::default());
        (hand_over_of(&database), database)
    }

    /// The store's background task reads the database from the start.
    fn hand_over_of(database: &Arc<Database>) -> HandOver {
        let reader = Reader::new(Arc::clone(database) as _);
        let options = WriteBehindOptions {
            is_read_only: true,
            fills_memory: false,
            reconcile_interval: None,
        };
        let runtime = Runtime::shared().unwrap();
        let reporter = DataStoreReporter::new();
        let mode = CacheMode::Infinite;
        HandOver::new(reader, mode, options, SOON, &runtime, &reporter)
    }

    /// What a snapshot knows of the flag, and whether it is complete.
    fn seen(store: &HandOver) -> (Option<bool>, bool) {
        let mut seen = (None, false);
        store.read(&mut |snapshot| {
            let is_present = match snapshot.flag("flag") {
                Found::Present(_) => Some(true),
                Found::Absent => Some(false),
                Found::Unknown => None,
            };
            seen = (is_present, snapshot.is_complete());
        });
        seen
    }

    #[tokio::test]
    async fn an_item_is_unknown_until_it_was_fetched_and_then_read_from_the_cache() {
        let (store, database) = hand_over();
        assert_eq!(seen(&store), (None, false));
        for _ in 0..2 {
            assert!(store.fetch(DataKind::Flag, "flag").await.unwrap().is_some());
            assert_eq!(seen(&store), (Some(true), false));
        }
        assert!(database.reads.load(Ordering::Relaxed) > 0);
        assert!(store.is_initialized());
    }

    #[tokio::test]
    async fn without_the_marker_nothing_is_read() {
        let database = Arc::new(Database::default());
        database.lacks_marker.store(true, Ordering::Relaxed);
        let store = hand_over_of(&database);
        let fetched = store.fetch(DataKind::Flag, "flag").await;
        assert!(matches!(fetched, Err(StoreError::NotInitialized)));
        assert_eq!(seen(&store), (None, false));
        assert_eq!(database.reads.load(Ordering::Relaxed), 0);
        assert!(!store.is_initialized());
    }

    #[tokio::test]
    async fn the_last_known_item_is_that_of_the_database_before_and_of_memory_after() {
        let (store, _) = hand_over();
        let known = || match store.last_known(DataKind::Flag, "flag") {
            Found::Present(item) => Some(item.version()),
            Found::Absent => Some(0),
            Found::Unknown => None,
        };
        assert_eq!(known(), None);
        store.fetch(DataKind::Flag, "flag").await.unwrap();
        assert_eq!(known(), Some(5));
        let flag = |version| {
            let json = format!(r#"{{"version": {version}}}"#);
            Item::from_json(DataKind::Flag, "flag", json.as_bytes()).unwrap()
        };
        store.init([flag(2)].into_iter().collect()).await.unwrap();
        assert_eq!(known(), Some(2));
        assert_eq!(seen(&store), (Some(true), true));
        store.init(DataSet::default()).await.unwrap();
        assert_eq!(known(), Some(0));
        assert_eq!(seen(&store), (Some(false), true));
    }

    #[tokio::test]
    async fn closing_closes_the_database() {
        let (store, database) = hand_over();
        store.close().await;
        assert!(database.is_closed.load(Ordering::Relaxed));
    }
}
