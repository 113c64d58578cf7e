//! [`Cache`]: items that were read recently, or were found to be absent.
//!
//! Readers take no lock: like the memory store, the cache is an immutable snapshot that is cheap to
//! copy with one change.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Entry, Flag, Item, ItemData, Segment};

use super::table::Table;
use crate::bounds::{NEVER, spread};
use crate::moment::Moment;
use crate::store::shards::Shard;

/// How a client that does not hold all data in memory caches the items it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheMode {
    /// Every evaluation reads the database. The last known items are kept, but used only while the
    /// database is unavailable or slow.
    Off,
    /// Cached items expire after this time; 15 s suits most applications. Zero: every evaluation
    /// reads the database, and the last known items are used only while it is unavailable or slow.
    /// `Duration::MAX`: like [`Infinite`](Self::Infinite).
    Ttl(Duration),
    /// Cached items never expire. They change only when this client's data source delivers a newer
    /// version.
    Infinite,
}

/// A cached item or its absence, with its expiry.
#[derive(Clone, Debug)]
pub(super) struct Slot<T> {
    key: Text,
    /// `None` if there is no such item.
    entry: Option<Entry<T>>,
    /// `None` if the slot never expires.
    expires: Option<Expiry>,
}

#[derive(Clone, Debug)]
struct Expiry {
    at: Moment,
    /// From when on a reader requests a refresh.
    refresh_from: Moment,
    /// Whether a refresh was requested.
    asked: Arc<AtomicBool>,
}

/// The age of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Fresh, but due for a refresh. Returned only to the first reader that notices.
    Due,
    Expired,
}

#[derive(Debug)]
pub(super) struct Cache {
    mode: CacheMode,
    slots: ArcSwap<Slots>,
    /// Held while the next slots are derived from the current ones. Readers never take it.
    writer: Mutex<()>,
}

#[derive(Clone, Debug)]
pub(super) struct Slots {
    pub(super) flags: Table<Flag>,
    pub(super) segments: Table<Segment>,
}

impl Slots {
    fn empty() -> Self {
        Self {
            flags: Table::new(Vec::new()),
            segments: Table::new(Vec::new()),
        }
    }
}

impl Cache {
    pub(super) fn new(mode: CacheMode) -> Self {
        Self {
            mode,
            slots: ArcSwap::from_pointee(Slots::empty()),
            writer: Mutex::default(),
        }
    }

    pub(super) fn mode(&self) -> CacheMode {
        self.mode
    }

    pub(super) fn slots(&self) -> Guard<Arc<Slots>> {
        self.slots.load()
    }

    /// Caches the absence of an item. With [`CacheMode::Off`], only if the cache has a slot for it.
    pub(super) fn put_missing(&self, kind: DataKind, key: Text) {
        let slots = self.slots.load();
        let is_known = match kind {
            DataKind::Flag => slots.flags.get(&key).is_some(),
            DataKind::Segment => slots.segments.get(&key).is_some(),
        };
        match kind {
            _ if self.mode == CacheMode::Off && !is_known => {}
            DataKind::Flag => self.put_flag(key, None),
            DataKind::Segment => self.put_segment(key, None),
        }
    }

    fn put_flag(&self, key: Text, entry: Option<Entry<Flag>>) {
        let slot = Slot {
            key,
            entry,
            expires: self.expiry(),
        };
        self.change(|slots| Slots {
            flags: slots.flags.with(slot),
            ..slots.clone()
        });
    }

    fn put_segment(&self, key: Text, entry: Option<Entry<Segment>>) {
        let slot = Slot {
            key,
            entry,
            expires: self.expiry(),
        };
        self.change(|slots| Slots {
            segments: slots.segments.with(slot),
            ..slots.clone()
        });
    }

    pub(super) fn put(&self, item: Item) {
        match item {
            Item::Flag(entry) => self.put_flag(entry.key().clone(), Some(entry)),
            Item::Segment(entry) => self.put_segment(entry.key().clone(), Some(entry)),
        }
    }

    /// Replaces all slots.
    pub(super) fn replace(&self, data: DataSet) {
        let flags = data
            .flags
            .into_iter()
            .map(|entry| self.slot(entry))
            .collect();
        let segments = data
            .segments
            .into_iter()
            .map(|entry| self.slot(entry))
            .collect();
        self.change(|_| Slots {
            flags: Table::new(flags),
            segments: Table::new(segments),
        });
    }

    fn slot<T: ItemData>(&self, entry: Entry<T>) -> Slot<T> {
        Slot {
            key: entry.key().clone(),
            entry: Some(entry),
            expires: self.expiry(),
        }
    }

    fn change(&self, next: impl FnOnce(&Slots) -> Slots) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.slots.store(Arc::new(next(&self.slots.load())));
    }

    /// The expiry of an item that is cached now. Jitter keeps items that were read together from
    /// expiring together. It only shortens the time, because no item may be served longer than the
    /// application allows.
    fn expiry(&self) -> Option<Expiry> {
        let ttl = match self.mode {
            CacheMode::Off => Duration::ZERO,
            CacheMode::Ttl(ttl) => ttl.min(NEVER),
            CacheMode::Infinite => return None,
        };
        let now = Moment::now();
        let at = now.after(spread(ttl));
        Some(Expiry {
            at,
            refresh_from: now.after(ttl.mul_f64(0.75)),
            asked: Arc::default(),
        })
    }
}

impl<T> Slot<T> {
    /// A slot that never expires.
    #[cfg(test)]
    pub(super) fn lasting(key: Text, entry: Option<Entry<T>>) -> Self {
        Self {
            key,
            entry,
            expires: None,
        }
    }

    pub(super) fn entry(&self) -> Option<&Entry<T>> {
        self.entry.as_ref()
    }

    pub(super) fn age(&self, now: Moment) -> Age {
        match &self.expires {
            Some(expiry) if now.has_reached(expiry.at) => Age::Expired,
            Some(expiry)
                if now.has_reached(expiry.refresh_from)
                    && !expiry.asked.swap(true, Ordering::Relaxed) =>
            {
                Age::Due
            }
            _ => Age::Fresh,
        }
    }
}

impl<T: Clone> Shard for Slot<T> {
    fn key(&self) -> &str {
        &self.key
    }
}
