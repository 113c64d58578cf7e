//! [`MemoryStore`]: the default store, immutable snapshots that are swapped whole.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::shards::Shards;
use super::{DataStore, Snapshot, StoreError, Upserted};
use crate::eval::{Found, Lookup};
use crate::model::{DataSet, Entry, Flag, Item, Keyed, Segment};

/// Keeps everything in memory. Readers take no lock and never wait for a writer.
#[derive(Debug)]
pub struct MemoryStore {
    current: ArcSwap<Environment>,
    /// Held by whoever derives the next environment from the current one, so that no update is lost. Readers never
    /// touch it.
    writer: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Environment {
    flags: Shards<Flag>,
    segments: Shards<Segment>,
    initialized: bool,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let empty = DataSet::default();
        Self { current: ArcSwap::from_pointee(Environment::new(empty, false)), writer: Mutex::default() }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DataStore for MemoryStore {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        reader(&**self.current.load());
    }

    fn is_initialized(&self) -> bool {
        self.current.load().initialized
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        let next = Arc::new(Environment::new(data, true));
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.current.store(next);
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load();
        let next = match item {
            Item::Flag(entry) => newer(&current.flags, entry).map(|flags| Environment { flags, ..(**current).clone() }),
            Item::Segment(entry) => {
                newer(&current.segments, entry).map(|segments| Environment { segments, ..(**current).clone() })
            }
        };
        let Some(next) = next else {
            return Ok(Upserted::Stale);
        };
        self.current.store(Arc::new(next));
        Ok(Upserted::Written)
    }

    async fn close(&self) {}
}

fn newer<T: Keyed>(shards: &Shards<T>, entry: Entry<T>) -> Option<Shards<T>> {
    let is_newer = shards.get(entry.key()).is_none_or(|known| known.version() < entry.version());
    is_newer.then(|| shards.with(entry))
}

impl Environment {
    fn new(data: DataSet, initialized: bool) -> Self {
        Self { flags: Shards::new(data.flags), segments: Shards::new(data.segments), initialized }
    }
}

impl Lookup for Environment {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.flags.get(key).and_then(Entry::present).map(AsRef::as_ref).into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.segments.get(key).and_then(Entry::present).map(AsRef::as_ref).into()
    }
}

impl Snapshot for Environment {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(self.flags.iter().filter_map(Entry::present))
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(self.segments.iter().filter_map(Entry::present))
    }
}
