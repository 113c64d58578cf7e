//! Stores that are controlled by a test, around an in-memory store.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value as Json;
use vexil::async_trait;
use vexil::eval::{Found, Lookup};
use vexil::model::{DataKind, DataSet, Entry, Flag, Item, Segment};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};

use super::data_set;

/// The behaviour of a fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fetch {
    AtOnce,
    /// The response comes from another task.
    FromATask,
    /// The response waits for a timer.
    AfterATimer,
    Fails,
    Never,
    Panics,
}

/// Holds data of an earlier process that its snapshots do not contain: everything has to be
/// fetched.
#[derive(Debug)]
pub(crate) struct Lazy {
    inner: MemoryStore,
    fetch: Fetch,
    /// The keys that were fetched, in order.
    fetched: Mutex<Vec<String>>,
}

impl Lazy {
    pub(crate) fn new(fetch: Fetch, data: &Json) -> Arc<Self> {
        let inner = MemoryStore::new();
        pollster::block_on(inner.init(data_set(data))).unwrap();
        Arc::new(Self {
            inner,
            fetch,
            fetched: Mutex::default(),
        })
    }

    /// The keys that were fetched since the last call.
    pub(crate) fn take_fetched(&self) -> Vec<String> {
        std::mem::take(&mut *self.fetched.lock().unwrap())
    }

    fn item(&self, kind: DataKind, key: &str) -> Option<Item> {
        let mut item = None;
        self.inner.read(&mut |data| {
            item = match kind {
                DataKind::Flag => data
                    .flags()
                    .find(|flag| flag.key() == key)
                    .cloned()
                    .map(present)
                    .map(Item::Flag),
                _ => data
                    .segments()
                    .find(|segment| segment.key() == key)
                    .cloned()
                    .map(present)
                    .map(Item::Segment),
            };
        });
        item
    }
}

fn present<T>(item: Arc<T>) -> Entry<T> {
    Entry::Present(item)
}

#[async_trait]
impl DataStore for Lazy {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.inner.read(&mut |data| reader(&Hidden(data)));
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.inner.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.inner.upsert(item).await
    }

    async fn fetch(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        self.fetched.lock().unwrap().push(format!("{kind} {key}"));
        match self.fetch {
            Fetch::AtOnce => {}
            Fetch::FromATask => {
                let (answer, answered) = tokio::sync::oneshot::channel();
                std::thread::spawn(move || answer.send(()));
                answered.await.unwrap();
            }
            Fetch::AfterATimer => tokio::time::sleep(Duration::from_millis(1)).await,
            Fetch::Fails => return Err(StoreError::unavailable("the cellar is flooded")),
            Fetch::Never => pending().await,
            Fetch::Panics => panic!("this store panics when something is fetched"),
        }
        Ok(self.item(kind, key))
    }

    async fn close(&self) {}
}

/// Lists the flags, but finds none by its key.
struct Hidden<'a>(&'a dyn Snapshot);

impl Lookup for Hidden<'_> {
    fn flag(&self, _: &str) -> Found<&Flag> {
        Found::Unknown
    }

    fn segment(&self, _: &str) -> Found<&Segment> {
        Found::Unknown
    }
}

impl Snapshot for Hidden<'_> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        self.0.flags()
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        self.0.segments()
    }
}

/// Rejects writes while the test wants it to.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    inner: MemoryStore,
    pub(crate) fails: AtomicBool,
}

impl Failing {
    pub(crate) fn set(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), StoreError> {
        let fails = self.fails.load(Ordering::SeqCst);
        if fails {
            Err(StoreError::unavailable("the attic is locked"))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl DataStore for Failing {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.inner.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.check()?;
        self.inner.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.check()?;
        self.inner.upsert(item).await
    }

    async fn close(&self) {}
}

/// Where a store panics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PanicsIn {
    Read,
    IsInitialized,
    Write,
    Close,
}

/// Panics in one of its methods.
#[derive(Debug)]
pub(crate) struct Panicking(pub(crate) PanicsIn, pub(crate) MemoryStore);

impl Panicking {
    fn check(&self, place: PanicsIn) {
        assert!(self.0 != place, "this store panics in {place:?}");
    }
}

#[async_trait]
impl DataStore for Panicking {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.check(PanicsIn::Read);
        self.1.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.check(PanicsIn::IsInitialized);
        self.1.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.check(PanicsIn::Write);
        self.1.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.check(PanicsIn::Write);
        self.1.upsert(item).await
    }

    async fn close(&self) {
        self.check(PanicsIn::Close);
    }
}
