//! [`Shared`]: the state of a read-through store, which its snapshots and its background task use.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, Item};

use super::cache::{Cache, CacheMode};
use crate::moment::Moment;
use crate::runtime::Runtime;
use crate::single_flight::SingleFlight;
use crate::store::StoreError;
use crate::store::arrival::Arrivals;
use crate::store::environment::Environment;
use crate::store::persistent::access::{ANSWER_LIMIT, Reader, Writer};
use crate::store::persistent::codec::{decode, decode_all};
use crate::store::persistent::written::Written;
use crate::store::persistent::{Collection, StoredItem};

/// The pause before a read is repeated whose timeout is shorter than that of an evaluation.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The fractions of the evaluation timeout after which a read counts as late, and after which the
/// last known item is used instead. The first is smaller, so that an evaluation of several items
/// waits only once: it finds the reads of the others late already.
const LATE: f64 = 0.8;
const TOO_LATE: f64 = 0.9;

/// The result of reading one key.
pub(super) type Answer = Result<Option<Item>, StoreError>;

/// The writer of the database that a [`ReadThroughStore`](super::ReadThroughStore) reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Another process, which may set no marker of a complete data set.
    ByAnother,
    /// The data source of this client. The marker is looked for until it is found.
    ByThisClient,
    /// Another process, or an earlier one, until the data source of this client delivers. The
    /// marker is looked for [on demand](super::ReadThroughStore::has_marker).
    Before,
}

/// A message to the [`Refresher`](super::refresher::Refresher).
#[derive(Debug)]
pub(super) enum Message {
    /// An item is in use and expires soon.
    Refresh(DataKind, Text),
    /// A call failed or timed out.
    Failed(StoreError),
    /// An item is corrupt, or cannot be written.
    Flawed(StoreError),
}

/// The state of a read-through store.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) reader: Reader,
    pub(super) filled: Filled,
    /// `None` if this client does not write.
    pub(super) writer: Option<Writer>,
    pub(super) cache: Cache,
    pub(super) arrivals: Arrivals,
    /// All items and their expiry, once `fetch_all` was called.
    pub(super) all: ArcSwapOption<All>,
    /// Whether the database holds a complete data set.
    pub(super) initialized: AtomicBool,
    /// What this client has written; `None` before the first complete data set. Locked only to copy
    /// or set it.
    pub(super) written: Mutex<Option<Written>>,
    /// Whether the data source is to deliver a complete data set.
    pub(super) refresh: watch::Sender<bool>,
    /// Whether the database is unavailable. While it is, only probes are sent.
    pub(super) away: AtomicBool,
    /// The number of late reads that have not completed.
    pub(super) late: AtomicUsize,
    /// The timeout of an evaluation.
    pub(super) evaluation_timeout: Duration,
    /// Runs the reads, which continue after an evaluation has stopped waiting.
    pub(super) runtime: Runtime,
    pub(super) reading: Arc<SingleFlight<(DataKind, Text), Answer>>,
    pub(super) reading_all: Arc<SingleFlight<(), Result<Arc<Environment>, StoreError>>>,
    /// Messages to the [`Refresher`](super::refresher::Refresher).
    pub(super) messages: mpsc::UnboundedSender<Message>,
}

/// All items, as read at once.
#[derive(Debug)]
pub(super) struct All {
    environment: Arc<Environment>,
    /// `None` if it never expires.
    expires: Option<Moment>,
}

impl Shared {
    /// Sends a message to the refresher. Sending fails only after the store was closed.
    pub(super) fn send(&self, message: Message) {
        drop(self.messages.send(message));
    }

    pub(super) fn written(&self) -> MutexGuard<'_, Option<Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Caches all items and returns them.
    pub(super) fn remember_all(&self, environment: Environment) -> Arc<Environment> {
        if let Some(before) = &*self.all.load() {
            environment.take_over_patterns(&before.environment);
        }
        let environment = Arc::new(environment);
        // Without a cache it is expired at once, because it is used only during outages.
        let ttl = self.cache.mode().ttl();
        let expires = ttl.map(|ttl| Moment::now().after(ttl));
        self.all.store(Some(Arc::new(All {
            environment: Arc::clone(&environment),
            expires,
        })));
        environment
    }

    /// Caches a newer item.
    pub(super) fn remember(&self, item: Item) {
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
    pub(super) fn remember_for_ever(&self, item: Item) {
        let known = self.last_known(item.kind(), item.key()).ok().flatten();
        let is_newer = known.is_none_or(|known| known.version() < item.version());
        if is_newer && self.cache.mode() == CacheMode::Infinite {
            self.remember(item);
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Reads one item in single flight. Returns the last known item while the database is
    /// unavailable or slow.
    pub(super) async fn fetch(self: &Arc<Self>, kind: DataKind, key: Text) -> Answer {
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

    /// Logs the problems of an item.
    fn meet(&self, item: Option<&Item>) {
        match item {
            Some(Item::Flag(entry)) => self.arrivals.meet(DataKind::Flag, entry, || None),
            Some(Item::Segment(entry)) => self.arrivals.meet(DataKind::Segment, entry, || None),
            None => {}
        }
    }

    /// The last known version of an item.
    ///
    /// # Errors
    /// Returns an error if the item was never read.
    pub(super) fn last_known(&self, kind: DataKind, key: &str) -> Answer {
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

    pub(super) async fn fetch_all(self: &Arc<Self>) -> Result<Arc<Environment>, StoreError> {
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
                .inspect_err(|error| self.send(Message::Failed(error.clone())))?;
            collections.push(Collection::new(kind, items));
        }
        let (data, corrupt) = decode_all(&collections);
        for error in corrupt {
            self.send(Message::Flawed(error));
        }
        Ok(self.remember_all(Environment::new(data, true)))
    }

    /// Reports an error. An error that affects a single item is not an error of the database and
    /// becomes `Ok`.
    pub(super) fn unless_flawed(&self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        match result {
            Ok(()) => Ok(()),
            Err(error @ (StoreError::Corrupt { .. } | StoreError::TooLarge { .. })) => {
                self.send(Message::Flawed(error));
                Ok(())
            }
            Err(error) => {
                // After a timeout, the refresher finds out whether the database is unavailable.
                self.away
                    .fetch_or(!matches!(error, StoreError::Timeout), Ordering::AcqRel);
                self.send(Message::Failed(error.clone()));
                Err(error)
            }
        }
    }
}

fn never_read() -> StoreError {
    StoreError::unavailable("the data store is unavailable and the data was never read from it")
}
