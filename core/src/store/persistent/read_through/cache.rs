//! [`Cache`]: items that were read recently, or were found to be absent.
//!
//! Readers take no lock: like the memory store, the cache is an immutable snapshot that is cheap to
//! copy with one change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Entry, Flag, Item, ItemData, Segment};

use super::slot::Slot;
use super::table::Table;
use crate::bounds::NEVER;
use crate::moment::{Clock, Moment};
use crate::store::arrival::take_over_patterns;

/// How a client that does not hold all data in memory caches the items it reads.
///
/// ```
/// use std::time::Duration;
/// use vexil::config::PersistentStoreConfig;
/// use vexil::store::CacheMode;
/// use vexil::{Client, Context};
/// use vexil_testing::{MemoryPersistentStore, StoreMethod, TestData};
///
/// # let database = MemoryPersistentStore::new();
/// # let flag = r#"{"key": "banner", "version": 1, "offVariation": 0, "variations": ["hello"]}"#;
/// # let stored = vexil::store::StoredItem::new(flag);
/// # database.database().put("", vexil::model::DataKind::Flag, "banner", stored);
/// # database.database().set_initialized("", true);
/// let store = PersistentStoreConfig::new(database.clone()).cache(CacheMode::Ttl(Duration::from_secs(60)));
/// let builder = Client::builder("sdk-key").daemon_mode(store).without_events();
/// # let builder = builder.evaluation_timeout(Duration::from_secs(30));
/// let client = builder.start()?;
/// let ada = Context::new("ada")?;
/// for _ in 0..3 {
///     assert_eq!(client.str_variation("banner", &ada, ""), "hello");
/// }
/// assert_eq!(database.calls().count(StoreMethod::Get), 1, "read once in 60 s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

impl CacheMode {
    /// How long an answer of the database is cached; `None` if it never expires.
    pub(in crate::store::persistent) fn ttl(self) -> Option<Duration> {
        match self {
            Self::Off => Some(Duration::ZERO),
            Self::Ttl(ttl) => Some(ttl.min(NEVER)),
            Self::Infinite => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Cache {
    mode: CacheMode,
    clock: Clock,
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
            clock: Clock::new(),
            slots: ArcSwap::from_pointee(Slots::empty()),
            writer: Mutex::default(),
        }
    }

    pub(super) fn mode(&self) -> CacheMode {
        self.mode
    }

    /// The time for comparisons with the expiry of slots; `None` if none of them expires.
    pub(super) fn now(&self) -> Option<Moment> {
        (self.mode != CacheMode::Infinite).then(|| self.clock.recent())
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
        let slot = Slot::new(key, entry, self.mode.ttl());
        self.change(|slots| Slots {
            flags: with(&slots.flags, slot),
            ..slots.clone()
        });
    }

    fn put_segment(&self, key: Text, entry: Option<Entry<Segment>>) {
        let slot = Slot::new(key, entry, self.mode.ttl());
        self.change(|slots| Slots {
            segments: with(&slots.segments, slot),
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
        self.change(|before| Slots {
            flags: self.table(data.flags, &before.flags),
            segments: self.table(data.segments, &before.segments),
        });
    }

    fn table<T: ItemData>(&self, entries: Vec<Entry<T>>, before: &Table<T>) -> Table<T> {
        let slots = entries.into_iter().map(|entry| {
            let slot = Slot::new(entry.key().clone(), Some(entry), self.mode.ttl());
            take_over(&slot, before);
            slot
        });
        Table::new(slots.collect())
    }

    fn change(&self, next: impl FnOnce(&Slots) -> Slots) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.slots.store(Arc::new(next(&self.slots.load())));
    }
}

/// A copy with one slot added or replaced.
fn with<T: ItemData>(table: &Table<T>, slot: Slot<T>) -> Table<T> {
    take_over(&slot, table);
    table.with(slot)
}

/// Reuses the compiled patterns of the last known version of an item, also an expired one.
fn take_over<T: ItemData>(slot: &Slot<T>, before: &Table<T>) {
    if let Some(entry) = slot.entry() {
        take_over_patterns(entry, || {
            let known = before.get(entry.key())?.entry()?;
            known.present().map(AsRef::as_ref)
        });
    }
}

#[cfg(test)]
mod tests {
    use vexil_eval::model::Pattern;

    use super::*;

    /// Whether the cache has a slot for the item, and whether the item exists.
    fn slot(cache: &Cache, kind: DataKind) -> Option<bool> {
        let slots = cache.slots();
        match kind {
            DataKind::Flag => slots.flags.get("k").map(|slot| slot.entry().is_some()),
            DataKind::Segment => slots.segments.get("k").map(|slot| slot.entry().is_some()),
        }
    }

    #[test]
    fn the_absence_of_an_item_is_cached_unless_there_is_no_cache_and_it_was_never_there() {
        for kind in [DataKind::Flag, DataKind::Segment] {
            for (mode, expected) in [
                (CacheMode::Off, None),
                (CacheMode::Ttl(Duration::from_secs(1)), Some(false)),
                (CacheMode::Infinite, Some(false)),
            ] {
                let cache = Cache::new(mode);
                cache.put_missing(kind, "k".into());
                assert_eq!(slot(&cache, kind), expected, "{kind} {mode:?}");
                cache.put(Item::from_json(kind, "k", br#"{"version": 1}"#).unwrap());
                assert_eq!(slot(&cache, kind), Some(true), "{kind} {mode:?}");
                cache.put_missing(kind, "k".into());
                assert_eq!(slot(&cache, kind), Some(false), "{kind} {mode:?}");
            }
        }
    }

    fn pattern(cache: &Cache, kind: DataKind) -> Arc<Pattern> {
        fn of<T: ItemData>(table: &Table<T>) -> Arc<Pattern> {
            let item = table.get("k").unwrap().entry().unwrap().present().unwrap();
            let mut patterns = item.patterns();
            Arc::clone(patterns.next().unwrap())
        }
        let slots = cache.slots();
        match kind {
            DataKind::Flag => of(&slots.flags),
            DataKind::Segment => of(&slots.segments),
        }
    }

    #[test]
    fn a_newer_version_has_the_compiled_patterns_of_the_last_known_one() {
        let modes = [
            CacheMode::Off,
            CacheMode::Ttl(Duration::from_secs(1)),
            CacheMode::Infinite,
        ];
        for (kind, mode) in DataKind::WRITE_ORDER
            .into_iter()
            .flat_map(|kind| modes.map(|mode| (kind, mode)))
        {
            let item = |version| {
                let json = format!(
                    r#"{{"version": {version}, "rules": [{{"variation": 0, "clauses": [
                        {{"attribute": "a", "op": "matches", "values": ["a+"]}}]}}]}}"#
                );
                Item::from_json(kind, "k", json.as_bytes()).unwrap()
            };
            let cache = Cache::new(mode);
            cache.put(item(1));
            assert!(!pattern(&cache, kind).is_compiled());
            pattern(&cache, kind).compile();
            cache.put(item(2));
            assert!(pattern(&cache, kind).is_compiled(), "{kind} {mode:?}");
            cache.replace([item(3)].into_iter().collect());
            assert!(pattern(&cache, kind).is_compiled(), "{kind} {mode:?}");
        }
    }
}
