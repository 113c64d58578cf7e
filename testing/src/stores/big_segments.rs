//! [`MemoryBigSegmentStore`]: an in-memory big-segment store for tests.

use std::sync::Arc;

use vexil::async_trait;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;

use super::{MemoryDatabase, StoreCalls, StoreMethod};

/// An in-memory big-segment store that counts its calls and has injectable faults. Clones share the
/// same store.
///
/// ```
/// use vexil::big_segments::BigSegmentStore;
/// use vexil_testing::{MemoryDatabase, MemoryBigSegmentStore};
///
/// # pollster::block_on(async {
/// let database = MemoryDatabase::new();
/// database.set_membership("prefix", "user-key", ["vip.g1"], []);
///
/// let store = MemoryBigSegmentStore::attached(&database, "prefix");
/// let membership = store.membership("CEXjZY7cHJG/ydFy7q4+YEFwVrG3/pkJwA4FAjrbfx0=").await?;
/// assert_eq!(membership.and_then(|membership| membership.is_included("vip.g1")), Some(true));
/// # Ok::<(), vexil::store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryBigSegmentStore {
    calls: Arc<StoreCalls>,
    database: MemoryDatabase,
    prefix: String,
}

impl MemoryBigSegmentStore {
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
            database: database.clone(),
            prefix: prefix.into(),
        }
    }

    /// Returns the store's call counters and faults.
    #[must_use]
    pub fn calls(&self) -> &StoreCalls {
        &self.calls
    }

    /// Returns the underlying database.
    #[must_use]
    pub fn database(&self) -> &MemoryDatabase {
        &self.database
    }
}

impl Default for MemoryBigSegmentStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl BigSegmentStore for MemoryBigSegmentStore {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        let answer = self.calls.enter(StoreMethod::Membership).await?;
        answer.give(self.database.look(&self.prefix, |environment| {
            environment.memberships.get(context_hash).cloned()
        }))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let answer = self.calls.enter(StoreMethod::LastSynchronized).await?;
        answer.give(
            self.database
                .look(&self.prefix, |environment| environment.synchronized),
        )
    }

    async fn close(&self) {
        // `close` returns no error.
        let _ = self.calls.enter(StoreMethod::Close).await;
    }
}
