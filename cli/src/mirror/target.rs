//! [`Target`]: the database that is written to.

use std::sync::Arc;

use vexil::Text;
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::{PersistentDataStore, StoreError, WriteOutcome, encode_data_set};

use super::plan::Plan;
use crate::snapshot::Snapshot;
use crate::source::stored_text;

/// The most items that are written one by one.
const FEW: usize = 100;

/// The database that is written to.
#[derive(Debug)]
pub(crate) struct Target {
    store: Arc<dyn PersistentDataStore>,
}

/// The result of a write.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The items that are too large for the database, which keeps its own.
    pub(crate) skipped: Vec<(DataKind, Text)>,
}

impl Target {
    pub(crate) fn new(store: Arc<dyn PersistentDataStore>) -> Self {
        Self { store }
    }

    /// Whether a data set is replaced in one transaction.
    pub(crate) fn is_atomic(&self) -> bool {
        self.store.describe() == "Redis"
    }

    /// Reads everything, with all writes that were acknowledged.
    pub(crate) async fn read(&self) -> Result<Snapshot, StoreError> {
        let mut snapshot = Snapshot::default();
        for kind in DataKind::READ_ORDER {
            let items = self.store.get_all(kind).await?.into_iter();
            let items = items.map(|(key, item)| (key, stored_text(item)));
            *snapshot.of_mut(kind) = items.collect();
        }
        snapshot.initialized = Some(self.store.is_initialized().await?);
        Ok(snapshot)
    }

    /// Replaces everything, whatever the versions.
    pub(crate) async fn replace(&self, plan: &Plan) -> Result<Written, StoreError> {
        match self.store.init(&plan.collections).await {
            Ok(()) => Ok(Written::default()),
            // All other items were written. The error names only the first one.
            Err(StoreError::TooLarge { .. }) => {
                let after = self.read().await?;
                let skipped = plan.changes(&after);
                Ok(Written {
                    skipped: skipped.map(|(kind, key, _)| (kind, key.clone())).collect(),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the database contain what is planned: item by item if a few are newer, else at once.
    /// `before` is what it contains.
    pub(crate) async fn update(
        &self,
        plan: &Plan,
        before: &Snapshot,
    ) -> Result<Written, StoreError> {
        let changes: Vec<_> = plan.changes(before).take(FEW + 1).collect();
        let all_newer = changes.iter().all(|(kind, key, item)| {
            let there = before.of(*kind).get(*key);
            there.is_none_or(|there| Some(there.version) < item.version)
        });
        let one_by_one = changes.len() <= FEW
            && all_newer
            && before.initialized == Some(true)
            && !plan.removes(before);
        if one_by_one {
            let mut written = true;
            for (kind, key, item) in &changes {
                match self.store.upsert(*kind, key, item).await {
                    Ok(outcome) => written &= outcome == WriteOutcome::Written,
                    Err(StoreError::TooLarge { .. }) => written = false,
                    Err(error) => return Err(error),
                }
            }
            if written {
                return Ok(Written::default());
            }
        }
        self.replace(plan).await
    }

    /// Writes one item if it is newer. Returns the version that is stored, if it is not.
    pub(crate) async fn upsert(&self, item: Item) -> Result<Option<Option<u64>>, StoreError> {
        let data: DataSet = [item].into_iter().collect();
        let (collections, refused) = encode_data_set(&data);
        if let Some(error) = refused.into_iter().next() {
            return Err(error);
        }
        for collection in &collections {
            for (key, item) in &collection.items {
                match self.store.upsert(collection.kind, key, item).await? {
                    WriteOutcome::Written => {}
                    WriteOutcome::Superseded(stored) => {
                        return Ok(Some(stored.map(|stored| stored_text(stored).version)));
                    }
                }
            }
        }
        Ok(None)
    }

    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}
