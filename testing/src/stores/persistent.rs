//! [`MemoryPersistentStore`]: an in-memory persistent store for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use vexil::model::DataKind;
use vexil::store::{
    Changes, Collection, PersistentDataStore, StoreError, StoredDataSet, StoredItem, WriteOutcome,
};
use vexil::{Text, async_trait};

use super::{MemoryDatabase, StoreCalls, StoreMethod};

/// An in-memory persistent store that counts its calls, records its writes and has injectable
/// faults. Clones share the same store. See [`crate::stores`].
#[derive(Clone, Debug)]
pub struct MemoryPersistentStore {
    calls: Arc<StoreCalls>,
    writes: Arc<Mutex<Vec<StoreWrite>>>,
    database: MemoryDatabase,
    prefix: String,
    reads_only: bool,
    pushes: bool,
    refresh_interval: Option<Duration>,
}

/// An attempted write.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::PersistentStoreConfig;
/// use vexil_testing::{MemoryPersistentStore, StoreWrite, TestData};
///
/// let (flags, database) = (TestData::new().with("banner", "hello"), MemoryPersistentStore::new());
/// let client = Client::builder("sdk-key")
///     .data_source(flags)
///     .data_store(PersistentStoreConfig::new(database.clone()))
///     .start()?;
/// assert!(client.blocking_close(Duration::from_secs(30)));
/// let writes = database.writes();
/// assert!(matches!(&writes[..], [StoreWrite::Init(_), ..]), "{writes:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the trait has two methods that write"
)]
pub enum StoreWrite {
    /// A complete data set.
    Init(Vec<Collection>),
    /// One item, whether newer than the stored one or not.
    Upsert {
        /// The kind of the item.
        kind: DataKind,
        /// The key of the item.
        key: Text,
        /// The item or tombstone.
        item: StoredItem,
    },
}

impl MemoryPersistentStore {
    /// Creates a store with its own empty database.
    #[must_use]
    pub fn new() -> Self {
        Self::attached(&MemoryDatabase::new(), "")
    }

    /// Creates a store for one prefix of an existing database.
    #[must_use]
    pub fn attached(database: &MemoryDatabase, prefix: impl Into<String>) -> Self {
        Self {
            calls: Arc::new(StoreCalls::new()),
            writes: Arc::default(),
            database: database.clone(),
            prefix: prefix.into(),
            reads_only: false,
            pushes: false,
            refresh_interval: None,
        }
    }

    /// Makes the store read-only. Attempted writes are still recorded.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.reads_only = true;
        self
    }

    /// Makes the store send change notifications, as Redis does and DynamoDB does not.
    #[must_use]
    pub fn with_push(mut self) -> Self {
        self.pushes = true;
        self
    }

    /// Sets how often all data should be read again. Default: that of [`PersistentDataStore`].
    #[must_use]
    pub fn with_refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = Some(interval);
        self
    }

    /// Returns the store's call counters and faults.
    #[must_use]
    pub fn calls(&self) -> &StoreCalls {
        &self.calls
    }

    /// Returns all writes attempted through this store, in order, successful or not.
    #[must_use]
    pub fn writes(&self) -> Vec<StoreWrite> {
        self.written().clone()
    }

    /// Returns the underlying database.
    #[must_use]
    pub fn database(&self) -> &MemoryDatabase {
        &self.database
    }

    fn written(&self) -> MutexGuard<'_, Vec<StoreWrite>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_write(&self) -> Result<(), StoreError> {
        if self.reads_only {
            Err(StoreError::ReadOnly)
        } else {
            Ok(())
        }
    }
}

impl Default for MemoryPersistentStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl PersistentDataStore for MemoryPersistentStore {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        let answer = self.calls.enter(StoreMethod::Get).await?;
        answer.give(self.database.item(&self.prefix, kind, key))
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        let answer = self.calls.enter(StoreMethod::GetAll).await?;
        answer.give(
            self.database
                .look(&self.prefix, |environment| environment.all(kind)),
        )
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        let answer = self.calls.enter(StoreMethod::IsInitialized).await?;
        answer.give(
            self.database
                .look(&self.prefix, |environment| environment.initialized),
        )
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        self.written().push(StoreWrite::Init(data.to_vec()));
        let answer = self.calls.enter(StoreMethod::Init).await?;
        self.may_write()?;
        self.database.change(&self.prefix, |environment| {
            for collection in data {
                environment
                    .items
                    .insert(collection.kind, collection.items.iter().cloned().collect());
            }
            environment.initialized = true;
        });
        answer.give(())
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        self.written().push(StoreWrite::Upsert {
            kind,
            key: key.into(),
            item: item.clone(),
        });
        let answer = self.calls.enter(StoreMethod::Upsert).await?;
        self.may_write()?;
        answer.give(self.database.change(&self.prefix, |environment| {
            let items = environment.items.entry(kind).or_default();
            if let Some(stored) = items.get(key)
                && version(stored) >= version(item)
            {
                return WriteOutcome::Superseded(Some(stored.clone()));
            }
            items.insert(key.into(), item.clone());
            WriteOutcome::Written
        }))
    }

    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        let answer = self.calls.enter(StoreMethod::Snapshot).await?;
        answer.give(self.database.look(&self.prefix, |environment| {
            let collections =
                DataKind::READ_ORDER.map(|kind| Collection::new(kind, environment.all(kind)));
            StoredDataSet::new(collections.into(), environment.initialized)
        }))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.calls.enter(StoreMethod::Probe).await?.give(())
    }

    fn changes(&self) -> Option<Changes> {
        self.pushes.then(|| self.database.changes())
    }

    fn describe(&self) -> &'static str {
        "memory"
    }

    fn refresh_interval(&self) -> Duration {
        self.refresh_interval.unwrap_or(Duration::from_secs(15))
    }

    async fn close(&self) {
        // `close` returns no error.
        let _ = self.calls.enter(StoreMethod::Close).await;
    }
}

/// Returns the version stored beside the text, or else the one in the text. `None` if neither is
/// readable, which counts as older than any version.
fn version(item: &StoredItem) -> Option<u64> {
    let in_text = || {
        serde_json::from_slice::<Value>(&item.body)
            .ok()?
            .get("version")?
            .as_u64()
    };
    item.version.or_else(in_text)
}
