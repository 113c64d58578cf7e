//! [`Table`]: the slots of one kind of item, with a memory bound for absent items.
//!
//! The keys of absent flags may come from outside the application, in any number and length. The
//! number of items that exist, or once did, is bounded by the database.

use super::slot::Slot;
use crate::shards::{Shard, Shards};

/// Memory bound for the slots of absent items. When it is reached, they are all dropped, and the
/// database is read again for those that are still requested.
const ABSENT_BYTES: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    known: Shards<Slot<T>>,
    /// Items that were absent when they were first read.
    absent: Shards<Slot<T>>,
    absent_bytes: usize,
}

impl<T: Clone> Table<T> {
    pub(super) fn new(slots: Vec<Slot<T>>) -> Self {
        Self {
            known: Shards::new(slots),
            absent: Shards::new(Vec::new()),
            absent_bytes: 0,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Slot<T>> {
        self.known.get(key).or_else(|| self.absent.get(key))
    }

    /// The slots of items that exist or once did.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<T>> {
        self.known.iter()
    }

    /// A copy with one slot added or replaced.
    #[must_use]
    pub(super) fn with(&self, slot: Slot<T>) -> Self {
        if slot.entry().is_some() || self.known.get(slot.key()).is_some() {
            return Self {
                known: self.known.with(slot),
                ..self.clone()
            };
        }
        let bytes = match self.absent.get(slot.key()) {
            Some(_) => 0,
            None => size_of::<Slot<T>>() + slot.key().len(),
        };
        let Some(room) = ABSENT_BYTES.checked_sub(bytes) else {
            return self.clone();
        };
        let (absent, used) = match self.absent_bytes <= room {
            true => (self.absent.clone(), self.absent_bytes),
            false => (Shards::new(Vec::new()), 0),
        };
        Self {
            known: self.known.clone(),
            absent: absent.with(slot),
            absent_bytes: used + bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vexil_eval::model::{Entry, Flag};

    fn absent(key: &str) -> Slot<Flag> {
        Slot::new(key.into(), None, None)
    }

    fn present(key: &str) -> Slot<Flag> {
        let flag: Flag =
            serde_json::from_value(serde_json::json!({"key": key, "version": 1})).unwrap();
        Slot::new(key.into(), Some(Entry::from(flag)), None)
    }

    /// The memory used by the keys of absent flags.
    fn key_bytes(table: &Table<Flag>) -> usize {
        table.absent.iter().map(|slot| slot.key().len()).sum()
    }

    #[test]
    fn absent_flags_use_bounded_memory_and_existing_flags_are_kept() {
        let mut table = Table::new(vec![present("flag")]);
        for n in 0..10_000 {
            let key = format!("{}{n}", "x".repeat(1_000));
            table = table.with(absent(&key));
            assert!(table.get(&key).is_some(), "the newest slot is kept");
            assert!(key_bytes(&table) <= ABSENT_BYTES);
        }
        assert!(table.get("flag").unwrap().entry().is_some());
        let huge = "x".repeat(ABSENT_BYTES);
        assert!(table.with(absent(&huge)).get(&huge).is_none());
    }

    #[test]
    fn thousands_of_absent_flags_with_short_keys_have_room() {
        let key = |n| format!("flag-{n}");
        let table = (0..5_000).fold(Table::new(Vec::new()), |table, n| {
            table.with(absent(&key(n)))
        });
        assert!((0..5_000).all(|n| table.get(&key(n)).is_some()));
    }

    #[test]
    fn replacing_a_slot_uses_no_more_memory() {
        let mut table = Table::new(Vec::new());
        for _ in 0..10_000 {
            table = table.with(absent(&"x".repeat(1_000)));
        }
        table = table.with(absent("other"));
        assert_eq!(table.absent.iter().count(), 2);
    }

    #[test]
    fn only_items_that_exist_or_once_did_are_listed() {
        let table = Table::new(vec![present("a")])
            .with(present("b"))
            .with(present("gone"))
            .with(absent("gone"))
            .with(absent("never"));
        let mut keys: Vec<_> = table.iter().map(Shard::key).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["a", "b", "gone"]);
    }

    #[test]
    fn a_flag_that_appears_or_disappears_is_found_accordingly() {
        let table = Table::new(Vec::new())
            .with(absent("flag"))
            .with(present("flag"));
        assert!(table.get("flag").unwrap().entry().is_some());
        let table = table.with(absent("flag"));
        assert!(table.get("flag").unwrap().entry().is_none());
    }
}
