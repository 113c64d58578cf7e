//! [`Reader`] and [`Writer`]: the SDK's handles to a database.
//!
//! Every call has a timeout, and a panic of the store is contained. A reader has no method that
//! writes: a client that only reads gets nothing but a reader, so no bug elsewhere can make it
//! write.

use std::sync::Arc;
use std::time::Duration;

use vexil_eval::Text;
use vexil_eval::model::DataKind;

use super::{
    Changes, Collection, DEFAULT_REFRESH_INTERVAL, PersistentDataStore, StoreError, StoredDataSet,
    StoredItem, WriteOutcome,
};
use crate::bounds;
use crate::store_error::bounded;

/// Timeout for reading one item or the marker and for a probe, after which the database counts as
/// unavailable. It is longer than evaluations usually wait, because a slow database is not an
/// unavailable one.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Timeout for reading all data and for writing one item.
const EVERYTHING: Duration = Duration::from_secs(10);

/// Read-only access to a database.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<dyn PersistentDataStore>);

impl Reader {
    pub(crate) fn new(store: Arc<dyn PersistentDataStore>) -> Self {
        Self(store)
    }

    pub(crate) async fn get(
        &self,
        kind: DataKind,
        key: &str,
        limit: Duration,
    ) -> Result<Option<StoredItem>, StoreError> {
        bounded(limit, self.0.get(kind, key)).await
    }

    pub(crate) async fn get_all(
        &self,
        kind: DataKind,
    ) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        bounded(EVERYTHING, self.0.get_all(kind)).await
    }

    pub(crate) async fn is_initialized(&self) -> Result<bool, StoreError> {
        bounded(ANSWER_LIMIT, self.0.is_initialized()).await
    }

    pub(crate) async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        bounded(EVERYTHING, self.0.snapshot()).await
    }

    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        bounded(ANSWER_LIMIT, self.0.probe()).await
    }

    pub(crate) async fn close(&self) {
        // A failure is ignored: the store is not used any more.
        let closed = bounded(ANSWER_LIMIT, async {
            self.0.close().await;
            Ok(())
        });
        let _ = closed.await;
    }

    pub(crate) fn changes(&self) -> Option<Changes> {
        self.0.changes()
    }

    pub(crate) fn refresh_interval(&self) -> Duration {
        bounds::interval(self.0.refresh_interval(), DEFAULT_REFRESH_INTERVAL)
    }

    pub(crate) fn describe(&self) -> &'static str {
        self.0.describe()
    }
}

/// Write access to a database.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Reader);

impl Writer {
    pub(crate) fn new(reader: Reader) -> Self {
        Self(reader)
    }

    pub(crate) async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        // A longer timeout, because a store may write in batches and wait between them when the
        // database throttles it.
        bounded(EVERYTHING * 6, self.0.0.init(data)).await
    }

    pub(crate) async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        bounded(EVERYTHING, self.0.0.upsert(kind, key, item)).await
    }
}
