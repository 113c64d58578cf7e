//! [`ReadThroughStore`]: a store that reads items from the database on demand, like the older
//! LaunchDarkly SDKs.
//!
//! It serves environments that are too large for memory, and parity with those SDKs. An item is
//! read in single flight and cached according to [`CacheMode`]; an item in use is refreshed before
//! it expires. While the database is unavailable or slow, the last known items are served, however
//! old they are.
//!
//! A slow database is not an unavailable one. An evaluation waits until its timeout and then uses
//! the last known item; the read continues, and its result serves later evaluations. Only two
//! things start an outage: an error of the database, or a read that exceeds `ANSWER_LIMIT` and is
//! followed by a failed probe. During an outage only probes are sent.
//!
//! The client holds no copy of the data. If the database may have lost data, because it was
//! unavailable or the marker is gone, the data source is asked for a complete data set.

mod cache;
mod refresher;
mod shared;
mod slot;
mod table;
mod view;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use cache::Cache;
pub use cache::CacheMode;
use refresher::Refresher;
pub(crate) use shared::Filled;
use shared::{Answer, Message, Shared};
use tokio::sync::{mpsc, watch};
use vexil_eval::Found;
use vexil_eval::model::{DataKind, DataSet, Item};
use view::View;

use super::WriteOutcome;
use super::access::{Reader, Writer};
use super::codec::{decode, encode};
use super::health::{Health, watch};
use super::write_order::encode_data_set;
use super::written::Written;
use crate::runtime::{Runtime, Task};
use crate::single_flight::SingleFlight;
use crate::status::DataStoreReporter;
use crate::store::arrival::Arrivals;
use crate::store::environment::Environment;
use crate::store::{DataStore, Snapshot, StoreError, Upserted};

#[derive(Debug)]
pub(crate) struct ReadThroughStore {
    shared: Arc<Shared>,
    /// The background task. `close` takes it.
    refresher: Mutex<Option<Task<()>>>,
}

impl ReadThroughStore {
    pub(crate) fn new(
        reader: Reader,
        filled: Filled,
        mode: CacheMode,
        evaluation_timeout: Duration,
        runtime: &Runtime,
        reporter: DataStoreReporter,
    ) -> Self {
        let (messages, inbox) = mpsc::unbounded_channel();
        let died = watch(&reporter);
        let health = Health::new(reporter, &reader);
        let shared = Arc::new(Shared {
            writer: (filled == Filled::ByThisClient).then(|| Writer::new(reader.clone())),
            filled,
            reader,
            cache: Cache::new(mode),
            arrivals: Arrivals::default(),
            all: ArcSwapOption::empty(),
            initialized: AtomicBool::new(filled == Filled::ByAnother),
            written: Mutex::default(),
            refresh: watch::Sender::new(false),
            away: AtomicBool::new(false),
            late: AtomicUsize::new(0),
            evaluation_timeout,
            runtime: runtime.clone(),
            reading: SingleFlight::new(),
            reading_all: SingleFlight::new(),
            messages,
        });
        let refresher = Refresher::new(&shared, inbox, health);
        let refresher = runtime.spawn_watched("refresher of the data store", refresher.run(), died);
        Self {
            shared,
            refresher: Mutex::new(Some(refresher)),
        }
    }

    /// Whether the database has the marker of a complete data set. Reads it until it is found.
    ///
    /// # Errors
    /// Returns an error if the marker could not be read.
    pub(super) async fn has_marker(&self) -> Result<bool, StoreError> {
        let shared = &self.shared;
        if shared.initialized.load(Ordering::Acquire) {
            return Ok(true);
        }
        let result = shared.reader.is_initialized().await;
        match &result {
            Ok(has_marker) => drop(shared.initialized.fetch_or(*has_marker, Ordering::AcqRel)),
            Err(error) => shared.send(Message::Failed(error.clone())),
        }
        result
    }

    /// Fetches one item.
    pub(super) async fn item(&self, kind: DataKind, key: &str) -> Answer {
        self.shared.fetch(kind, key.into()).await
    }
}

#[async_trait]
impl DataStore for ReadThroughStore {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        let slots = self.shared.cache.slots();
        reader(&View::new(&**slots, &*self.shared));
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        let slots = Arc::clone(&self.shared.cache.slots());
        Some(Arc::new(View::new(slots, Arc::clone(&self.shared))))
    }

    fn is_initialized(&self) -> bool {
        self.shared.initialized.load(Ordering::Acquire)
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        let shared = &self.shared;
        let writer = shared.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let (collections, refused) = encode_data_set(&data);
        for error in refused {
            shared.send(Message::Flawed(error));
        }
        let written = shared.unless_flawed(writer.init(&collections).await);
        if written.is_ok() {
            *shared.written() = Some(Written::of(&collections));
            shared.refresh.send_replace(false);
        }
        if written.is_ok() || shared.cache.mode() == CacheMode::Infinite {
            shared.remember_all(Environment::new(data.clone(), true));
            shared.cache.replace(data);
            shared.initialized.store(true, Ordering::Release);
        }
        written
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        let shared = &self.shared;
        let writer = shared.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let written = match encode(&item) {
            Ok(stored) => match writer.upsert(item.kind(), item.key(), &stored).await {
                // The stored item is identical: an earlier response was lost, or another process
                // writes the same data.
                Ok(WriteOutcome::Superseded(Some(other))) if other.body == stored.body => {
                    Ok(WriteOutcome::Written)
                }
                written => written,
            },
            Err(error) => Err(error),
        };
        match written {
            Ok(WriteOutcome::Written) => {}
            Ok(WriteOutcome::Superseded(stored)) => {
                match stored.and_then(|stored| decode(item.kind(), item.key(), &stored).ok()) {
                    Some(newer) => shared.remember(newer),
                    None => drop(shared.fetch(item.kind(), item.key().clone()).await),
                }
                return Ok(Upserted::Stale);
            }
            Err(error) => {
                // An item that the database cannot store is still served from the cache.
                if let Err(error) = shared.unless_flawed(Err(error)) {
                    shared.remember_for_ever(item);
                    return Err(error);
                }
            }
        }
        shared.remember(item);
        Ok(Upserted::Written)
    }

    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        self.item(kind, key).await
    }

    fn last_known(&self, kind: DataKind, key: &str) -> Found<Item> {
        match self.shared.last_known(kind, key) {
            Ok(Some(item)) => Found::Present(item),
            Ok(None) => Found::Absent,
            Err(_never_read) => Found::Unknown,
        }
    }

    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        let all = self.shared.fetch_all().await?;
        Ok(all)
    }

    async fn refresh_requested(&self) {
        let mut refresh = self.shared.refresh.subscribe();
        // The sender is a field of `self`, so the channel cannot be closed.
        let _ = refresh.wait_for(|is_requested| *is_requested).await;
        self.shared.refresh.send_replace(false);
    }

    fn keeps_json(&self) -> bool {
        self.shared.writer.is_some()
    }

    async fn close(&self) {
        drop(
            self.refresher
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        self.shared.reader.close().await;
    }
}

#[cfg(test)]
mod tests {
    use vexil_eval::model::ItemData;

    use super::super::tests::Database;
    use super::*;

    #[test]
    fn items_keep_their_json_only_for_a_client_that_writes_them() {
        let runtime = Runtime::shared().unwrap();
        for (filled, keeps_json) in [
            (Filled::ByThisClient, true),
            (Filled::ByAnother, false),
            (Filled::Before, false),
        ] {
            let store = ReadThroughStore::new(
                Reader::new(Arc::new(Database::default())),
                filled,
                CacheMode::Infinite,
                Duration::from_secs(5),
                &runtime,
                DataStoreReporter::new(),
            );
            assert_eq!(store.keeps_json(), keeps_json, "{filled:?}");
        }
    }

    #[tokio::test]
    async fn items_that_are_all_read_again_have_their_compiled_patterns() {
        let runtime = Runtime::shared().unwrap();
        let store = ReadThroughStore::new(
            Reader::new(Arc::new(Database::default())),
            Filled::Before,
            CacheMode::Off,
            Duration::from_secs(5),
            &runtime,
            DataStoreReporter::new(),
        );
        let pattern = async || {
            let all = store.fetch_all().await.unwrap();
            let flag = all.flags().next().unwrap();
            Arc::clone(flag.patterns().next().unwrap())
        };
        let first = pattern().await;
        assert!(!first.is_compiled());
        first.compile();
        let second = pattern().await;
        assert!(!Arc::ptr_eq(&first, &second) && second.is_compiled());
    }
}
