//! [`MemoryPersistentStore`]: a persistent store for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::model::DataKind;
use vexil::store::{
    Collection, PersistentDataStore, StoreError, StoredItem, StoredSnapshot, Upsert,
};
use vexil::{Text, async_trait};

use super::{MemoryDatabase, StoreCalls, StoreMethod};

/// A persistent store in memory that counts its calls, remembers its writes, and fails as a test
/// wants. Clones are the same store. See [`crate::stores`].
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

/// What somebody has tried to write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the seam has two methods that write"
)]
pub enum StoreWrite {
    /// Everything.
    Init(Vec<Collection>),
    /// One item, newer or not.
    Upsert {
        /// Its kind.
        kind: DataKind,
        /// Its key.
        key: Text,
        /// The item or tombstone.
        item: StoredItem,
    },
}

impl MemoryPersistentStore {
    /// A store with an empty database of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::attached(&MemoryDatabase::new(), "")
    }

    /// A store with what a database has under a prefix.
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

    /// Makes it a store that cannot write. What is tried is remembered all the same.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.reads_only = true;
        self
    }

    /// Makes it a store that tells of changes, as Redis does and DynamoDB does not.
    #[must_use]
    pub fn with_push(mut self) -> Self {
        self.pushes = true;
        self
    }

    /// How often everything should be read again. Default: that of the seam.
    #[must_use]
    pub fn with_refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = Some(interval);
        self
    }

    /// How often it was called, and what goes wrong then.
    #[must_use]
    pub fn calls(&self) -> &StoreCalls {
        &self.calls
    }

    /// What somebody has tried to write through this store so far, in order; with or without
    /// success.
    #[must_use]
    pub fn writes(&self) -> Vec<StoreWrite> {
        self.written().clone()
    }

    /// The database behind it.
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
    ) -> Result<Upsert, StoreError> {
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
                return Upsert::Superseded(Some(stored.clone()));
            }
            items.insert(key.into(), item.clone());
            Upsert::Written
        }))
    }

    async fn snapshot(&self) -> Result<StoredSnapshot, StoreError> {
        let answer = self.calls.enter(StoreMethod::Snapshot).await?;
        answer.give(self.database.look(&self.prefix, |environment| {
            let collections =
                DataKind::READ_ORDER.map(|kind| Collection::new(kind, environment.all(kind)));
            StoredSnapshot::new(collections.into(), environment.initialized)
        }))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.calls.enter(StoreMethod::Probe).await?.give(())
    }

    fn changes(&self) -> Option<watch::Receiver<()>> {
        self.pushes.then(|| self.database.changes())
    }

    fn describe(&self) -> &'static str {
        "memory"
    }

    fn refresh_interval(&self) -> Duration {
        self.refresh_interval.unwrap_or(Duration::from_secs(15))
    }

    async fn close(&self) {
        // There is no error to be given here.
        let _ = self.calls.enter(StoreMethod::Close).await;
    }
}

impl Configure<dyn PersistentDataStore> for MemoryPersistentStore {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

/// The version beside the text, or else the one in it; none if it cannot be told, which is older
/// than any.
fn version(item: &StoredItem) -> Option<u64> {
    let in_text = || {
        serde_json::from_slice::<Value>(&item.body)
            .ok()?
            .get("version")?
            .as_u64()
    };
    item.version.or_else(in_text)
}
