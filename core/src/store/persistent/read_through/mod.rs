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
//! things start an outage: an error of the database, or a read that exceeds [`ANSWER_LIMIT`] and is
//! followed by a failed probe. During an outage only probes are sent.

mod cache;
mod refresher;
mod slot;
mod table;
mod view;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use cache::Cache;
pub use cache::CacheMode;
use refresher::{Message, Refresher};
use slot::Age;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Item};
use view::View;

use super::access::{ANSWER_LIMIT, Reader, Writer};
use super::codec::{decode, decode_all, encode};
use super::health::{Health, watch};
use super::write_order::collections;
use super::{Collection, StoredItem, WriteOutcome};
use crate::moment::Moment;
use crate::runtime::{Runtime, Task};
use crate::single_flight::SingleFlight;
use crate::status::DataStoreReporter;
use crate::store::arrival::Arrivals;
use crate::store::environment::Environment;
use crate::store::{DataStore, Snapshot, StoreError, Upserted};

/// The pause before a read is repeated whose timeout is shorter than that of an evaluation.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The fractions of the evaluation timeout after which a read counts as late, and after which the
/// last known item is used instead. The first is smaller, so that an evaluation of several items
/// waits only once: it finds the reads of the others late already.
const LATE: f64 = 0.8;
const TOO_LATE: f64 = 0.9;

/// The result of reading one key.
type Answer = Result<Option<Item>, StoreError>;

/// Who fills the database that a [`ReadThroughStore`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Another process, which may set no marker of a complete data set.
    ByAnother,
    /// The data source of this client. The marker is looked for until it is found.
    ByThisClient,
    /// Another process, or an earlier one, until the data source of this client delivers. The
    /// marker is looked for [on demand](ReadThroughStore::has_marker).
    Before,
}

#[derive(Debug)]
pub(crate) struct ReadThroughStore {
    shared: Arc<Shared>,
    /// The background task. `close` takes it.
    refresher: Mutex<Option<Task<()>>>,
}

#[derive(Debug)]
struct Shared {
    reader: Reader,
    filled: Filled,
    /// `None` if this client does not write.
    writer: Option<Writer>,
    cache: Cache,
    arrivals: Arrivals,
    /// All items and their expiry, once `fetch_all` was called.
    all: ArcSwapOption<All>,
    /// Whether the database holds a complete data set.
    initialized: AtomicBool,
    /// Whether the database is unavailable. While it is, only probes are sent.
    away: AtomicBool,
    /// The number of late reads that have not completed.
    late: AtomicUsize,
    /// The timeout of an evaluation.
    evaluation_timeout: Duration,
    /// Runs the reads, which continue after an evaluation has stopped waiting.
    runtime: Runtime,
    reading: Arc<SingleFlight<(DataKind, Text), Answer>>,
    reading_all: Arc<SingleFlight<(), Result<Arc<Environment>, StoreError>>>,
    /// Messages to the [`Refresher`].
    messages: mpsc::UnboundedSender<Message>,
}

#[derive(Debug)]
struct All {
    environment: Arc<Environment>,
    /// `None` if it never expires.
    expires: Option<Moment>,
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
            away: AtomicBool::new(false),
            late: AtomicUsize::new(0),
            evaluation_timeout,
            runtime: runtime.clone(),
            reading: SingleFlight::new(),
            reading_all: SingleFlight::new(),
            messages,
        });
        let refresher = Refresher {
            shared: Arc::downgrade(&shared),
            inbox,
            health,
        };
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
            Err(error) => shared.tell(Message::Failed(error.clone())),
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
        reader(&View {
            slots: &slots,
            now: Moment::now(),
            shared: &self.shared,
        });
    }

    fn is_initialized(&self) -> bool {
        self.shared.initialized.load(Ordering::Acquire)
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        let shared = &self.shared;
        let writer = shared.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let (collections, refused) = collections(&data);
        for error in refused {
            shared.tell(Message::Flawed(error));
        }
        let written = shared.unless_flawed(writer.init(&collections).await);
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

    async fn fetch_all(&self) -> Result<Arc<dyn Snapshot + Send + Sync>, StoreError> {
        let all = self.shared.fetch_all().await?;
        Ok(all)
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

impl Shared {
    /// Sends a message to the refresher. Sending fails only after the store was closed.
    fn tell(&self, message: Message) {
        drop(self.messages.send(message));
    }

    /// Caches all items and returns them.
    fn remember_all(&self, environment: Environment) -> Arc<Environment> {
        let environment = Arc::new(environment);
        let expires = match self.cache.mode() {
            // Expired at once, because it is used only during outages.
            CacheMode::Off => Some(Moment::now()),
            CacheMode::Ttl(ttl) => Some(Moment::now().after(ttl)),
            CacheMode::Infinite => None,
        };
        self.all.store(Some(Arc::new(All {
            environment: Arc::clone(&environment),
            expires,
        })));
        environment
    }

    /// Caches a newer item.
    fn remember(&self, item: Item) {
        if let Some(all) = &*self.all.load() {
            let changed = all.environment.with(item.clone());
            let next = changed.map(|environment| All {
                environment: Arc::new(environment),
                expires: all.expires,
            });
            if let Some(next) = next {
                self.all.store(Some(Arc::new(next)));
            }
        }
        self.cache.put(item);
    }

    /// Caches an item that could not be written, if cached items never expire: otherwise the
    /// database would be read again later anyway.
    fn remember_for_ever(&self, item: Item) {
        let known = self.last_known(item.kind(), item.key()).ok().flatten();
        let is_newer = known.is_none_or(|known| known.version() < item.version());
        if is_newer && self.cache.mode() == CacheMode::Infinite {
            self.remember(item);
        }
    }

    fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Reads one item in single flight. Returns the last known item while the database is
    /// unavailable or slow.
    async fn fetch(self: &Arc<Self>, kind: DataKind, key: Text) -> Answer {
        let known = self.last_known(kind, &key);
        let shared = Arc::clone(self);
        self.read_or(known, async move {
            shared
                .reading
                .join((kind, key.clone()), || shared.read_one(kind, &key))
                .await
        })
        .await
    }

    /// Awaits a read until the evaluation timeout, or a little less if there is a known value to
    /// return instead. The read itself continues, so that a late result serves later evaluations.
    async fn read_or<T: Send + 'static>(
        &self,
        known: Result<T, StoreError>,
        read: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.is_away() || (known.is_ok() && self.late.load(Ordering::Acquire) > 0) {
            return known;
        }
        let (sender, answer) = oneshot::channel();
        // The reader applies a timeout. Sending fails if the evaluation has stopped waiting, which
        // does not matter.
        self.runtime
            .spawn_detached(async move { drop(sender.send(read.await)) });
        let limit = if known.is_ok() {
            self.evaluation_timeout.mul_f64(TOO_LATE)
        } else {
            self.evaluation_timeout
        };
        match timeout(limit, answer).await {
            Ok(Ok(Ok(read))) => Ok(read),
            Ok(Ok(Err(error))) => known.or(Err(error)),
            Ok(Err(_panicked)) => known.or(Err(StoreError::unavailable("the data store panicked"))),
            Err(_elapsed) => known.or(Err(StoreError::Timeout)),
        }
    }

    /// Awaits a read of one item, and counts it as late if it exceeds its share of the timeout.
    async fn noting_delay<T>(&self, read: impl Future<Output = T>) -> T {
        let mut read = pin!(read);
        if let Ok(answer) = timeout(self.evaluation_timeout.mul_f64(LATE), read.as_mut()).await {
            return answer;
        }
        tracing::debug!(
            "the data store is slow to answer; using the last known items until it does"
        );
        self.late.fetch_add(1, Ordering::AcqRel);
        let answer = read.await;
        self.late.fetch_sub(1, Ordering::AcqRel);
        answer
    }

    /// Reads one item from the database. The read is repeated if the store times out earlier than
    /// an evaluation would.
    async fn get(&self, kind: DataKind, key: &Text) -> Result<Option<StoredItem>, StoreError> {
        let begun = Instant::now();
        loop {
            let read = self
                .reader
                .get(kind, key, self.evaluation_timeout.max(ANSWER_LIMIT))
                .await;
            if !matches!(read, Err(StoreError::Timeout))
                || begun.elapsed() + RETRY_PAUSE >= self.evaluation_timeout
            {
                return read;
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn read_one(&self, kind: DataKind, key: &Text) -> Answer {
        let read = match self.noting_delay(self.get(kind, key)).await {
            Ok(stored) => stored.map(|stored| decode(kind, key, &stored)).transpose(),
            Err(error) => Err(error),
        };
        match read {
            Ok(item) => {
                self.meet(item.as_ref());
                match item.clone() {
                    Some(item) => self.cache.put(item),
                    None => self.cache.put_missing(kind, key.clone()),
                }
                Ok(item)
            }
            Err(error) => {
                // A corrupt item counts as absent, and is reported.
                self.unless_flawed(Err(error)).map(|()| None)
            }
        }
    }

    /// Compares an item with its cached version.
    fn meet(&self, item: Option<&Item>) {
        let slots = self.cache.slots();
        match item {
            Some(Item::Flag(entry)) => {
                let known = || slots.flags.get(entry.key())?.entry()?.present();
                self.arrivals
                    .meet(DataKind::Flag, entry, || known().map(AsRef::as_ref));
            }
            Some(Item::Segment(entry)) => {
                let known = || slots.segments.get(entry.key())?.entry()?.present();
                self.arrivals
                    .meet(DataKind::Segment, entry, || known().map(AsRef::as_ref));
            }
            None => {}
        }
    }

    /// The last known version of an item.
    ///
    /// # Errors
    /// Returns an error if the item was never read.
    fn last_known(&self, kind: DataKind, key: &Text) -> Answer {
        let slots = self.cache.slots();
        let known = match kind {
            DataKind::Flag => slots
                .flags
                .get(key)
                .map(|slot| slot.entry().cloned().map(Item::Flag)),
            DataKind::Segment => slots
                .segments
                .get(key)
                .map(|slot| slot.entry().cloned().map(Item::Segment)),
        };
        known.ok_or_else(never_read)
    }

    async fn fetch_all(self: &Arc<Self>) -> Result<Arc<Environment>, StoreError> {
        let known = self.all.load_full();
        if let Some(all) = &known
            && all
                .expires
                .is_none_or(|expires| !Moment::now().has_reached(expires))
        {
            return Ok(Arc::clone(&all.environment));
        }
        let known = known
            .map(|all| Arc::clone(&all.environment))
            .ok_or_else(never_read);
        let shared = Arc::clone(self);
        self.read_or(known, async move {
            shared.reading_all.join((), || shared.read_all()).await
        })
        .await
    }

    async fn read_all(&self) -> Result<Arc<Environment>, StoreError> {
        let mut collections = Vec::new();
        for kind in DataKind::READ_ORDER {
            let items = self
                .reader
                .get_all(kind)
                .await
                .inspect_err(|error| self.tell(Message::Failed(error.clone())))?;
            collections.push(Collection::new(kind, items));
        }
        let (data, corrupt) = decode_all(&collections);
        for error in corrupt {
            self.tell(Message::Flawed(error));
        }
        Ok(self.remember_all(Environment::new(data, true)))
    }

    /// Reports an error. An error that affects a single item is not an error of the database and
    /// becomes `Ok`.
    fn unless_flawed(&self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        match result {
            Ok(()) => Ok(()),
            Err(error @ (StoreError::Corrupt { .. } | StoreError::TooLarge { .. })) => {
                self.tell(Message::Flawed(error));
                Ok(())
            }
            Err(error) => {
                // After a timeout, the refresher finds out whether the database is unavailable.
                self.away
                    .fetch_or(!matches!(error, StoreError::Timeout), Ordering::AcqRel);
                self.tell(Message::Failed(error.clone()));
                Err(error)
            }
        }
    }

    /// Whether a slot of this age may be used. Requests a refresh if it is due.
    fn counts(&self, age: Age, ask: impl FnOnce() -> (DataKind, Text)) -> bool {
        match age {
            Age::Fresh => true,
            Age::Due => {
                let (kind, key) = ask();
                self.tell(Message::Refresh(kind, key));
                true
            }
            Age::Expired => self.is_away(),
        }
    }
}

fn never_read() -> StoreError {
    StoreError::unavailable("the data store is unavailable and the data was never read from it")
}
