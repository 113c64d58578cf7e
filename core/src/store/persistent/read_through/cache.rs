//! [`Cache`]: the items that were read lately, or that were found missing.
//!
//! Readers take no lock: like the store in memory, the cache is a snapshot of which a copy with one
//! change is cheap.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Entry, Flag, Item, ItemData, Segment};

use super::table::Table;
use crate::deadline::NEVER;
use crate::moment::Moment;
use crate::store::shards::Shard;

/// How a client that does not hold everything in memory remembers what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheMode {
    /// Every evaluation reads the database. What was read last is kept, and used only while the
    /// database is unavailable or slow.
    Off,
    /// What was read counts for this long, in general 15 s. Zero: every evaluation reads the database, but what was read
    /// last is used while the database is away. `Duration::MAX`: like [`Infinite`](Self::Infinite).
    Ttl(Duration),
    /// What was read once counts for ever, unless this client's data source delivers something
    /// newer.
    Infinite,
}

/// An item, or that there is none, and how long that counts.
#[derive(Clone, Debug)]
pub(super) struct Slot<T> {
    key: Text,
    /// None if there is no such item.
    entry: Option<Entry<T>>,
    /// When it stops counting; none if never.
    expires: Option<Expiry>,
}

#[derive(Clone, Debug)]
struct Expiry {
    at: Moment,
    /// From when on a reader asks for a newer one.
    refresh_from: Moment,
    /// Whether somebody has asked.
    asked: Arc<AtomicBool>,
}

/// What a slot says at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// Fresh, and to be read anew: this is the first to notice.
    Due,
    Expired,
}

#[derive(Debug)]
pub(super) struct Cache {
    mode: CacheMode,
    slots: ArcSwap<Slots>,
    /// Held by whoever derives the next slots from the current ones. Readers never touch it.
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

    /// Caches that there is no such item. Without a cache, only a known item is worth replacing.
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

    /// Forgets everything and remembers these.
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

    /// When what is read now expires. Jitter only shortens the time: items that were read together
    /// need not expire together, and none may be served longer than the application wants.
    fn expiry(&self) -> Option<Expiry> {
        let ttl = match self.mode {
            CacheMode::Off => Duration::ZERO,
            CacheMode::Ttl(ttl) => ttl.min(NEVER),
            CacheMode::Infinite => return None,
        };
        let now = Moment::now();
        let at = now.after(ttl.mul_f64(0.85 + fastrand::f64() * 0.12));
        Some(Expiry {
            at,
            refresh_from: now.after(ttl.mul_f64(0.75)),
            asked: Arc::default(),
        })
    }
}

impl<T> Slot<T> {
    /// One that counts for ever.
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
