//! [`Shards`]: an immutable map by key, cheap to copy with one change.
//!
//! The items are spread over about as many tables as each table has items. A changed copy shares
//! all tables but one, so a patch costs about the square root of a full copy. A look-up takes one
//! step more than in a single table.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use vexil_eval::model::{Entry, ItemData};
use vexil_eval::short_str_eq;

/// With more tables than this, copying the list of tables would dominate the cost of a change.
const MAX_SHARDS: usize = 1024;

/// An entry of a [`Shards`] map.
pub(super) trait Shard: Clone {
    fn key(&self) -> &str;
}

impl<T: ItemData> Shard for Entry<T> {
    #[inline]
    fn key(&self) -> &str {
        Self::key(self)
    }
}

#[derive(Debug)]
pub(super) struct Shards<T> {
    hasher: RandomState,
    /// Their number is a power of two.
    tables: Box<[Arc<HashTable<T>>]>,
    len: usize,
}

impl<T> Clone for Shards<T> {
    fn clone(&self) -> Self {
        Self {
            hasher: self.hasher.clone(),
            tables: self.tables.clone(),
            len: self.len,
        }
    }
}

impl<T: Shard> Shards<T> {
    /// Builds a map. Of several entries with the same key, the last one wins.
    pub(super) fn new(entries: Vec<T>) -> Self {
        let hasher = RandomState::default();
        let count = shard_count(entries.len());
        let each = entries.len().div_ceil(count);
        let mut tables: Vec<HashTable<T>> =
            (0..count).map(|_| HashTable::with_capacity(each)).collect();
        let mut len = 0;
        for entry in entries {
            let hash = hasher.hash_one(entry.key());
            // The index is below the count by construction.
            if let Some(table) = tables.get_mut(shard_of(hash, count)) {
                len += usize::from(insert(table, &hasher, hash, entry));
            }
        }
        Self {
            hasher,
            tables: tables.into_iter().map(Arc::new).collect(),
            len,
        }
    }

    #[inline]
    pub(super) fn get(&self, key: &str) -> Option<&T> {
        let hash = self.hasher.hash_one(key);
        let table = self.tables.get(shard_of(hash, self.tables.len()))?;
        table.find(hash, |entry| short_str_eq(entry.key(), key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.tables.iter().flat_map(|table| table.iter())
    }

    /// A copy with one entry added or replaced.
    #[must_use]
    pub(super) fn with(&self, entry: T) -> Self {
        self.with_all([entry])
    }

    /// A copy with these entries added or replaced, in this order. Each table is copied at most
    /// once.
    #[must_use]
    pub(super) fn with_all(&self, entries: impl IntoIterator<Item = T>) -> Self {
        let mut changed = self.clone();
        let count = changed.tables.len();
        for entry in entries {
            let hash = self.hasher.hash_one(entry.key());
            if let Some(table) = changed.tables.get_mut(shard_of(hash, count)) {
                changed.len += usize::from(insert(Arc::make_mut(table), &self.hasher, hash, entry));
            }
        }
        // The map has outgrown its number of tables, so redistribute the entries.
        if shard_count(changed.len) > count * 2 {
            return Self::new(changed.iter().cloned().collect());
        }
        changed
    }
}

/// Inserts or replaces an entry. Returns whether the key is new.
fn insert<T: Shard>(table: &mut HashTable<T>, hasher: &RandomState, hash: u64, entry: T) -> bool {
    match table.find_mut(hash, |known| short_str_eq(known.key(), entry.key())) {
        Some(known) => {
            *known = entry;
            false
        }
        None => {
            table.insert_unique(hash, entry, |entry| hasher.hash_one(entry.key()));
            true
        }
    }
}

fn shard_count(len: usize) -> usize {
    len.isqrt().next_power_of_two().min(MAX_SHARDS)
}

/// The tables themselves use the lowest and the highest bits of the hash, so this uses bits in
/// between.
#[expect(clippy::as_conversions, reason = "only the lower bits are wanted")]
fn shard_of(hash: u64, count: usize) -> usize {
    (hash >> 32) as usize & (count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vexil_eval::Text;
    use vexil_eval::model::Flag;

    fn flag(key: &str, version: u64) -> Entry<Flag> {
        Flag::with_version(
            serde_json::from_value(serde_json::json!({"key": key})).unwrap(),
            version,
        )
        .into()
    }

    #[test]
    fn a_changed_copy_does_not_change_the_original() {
        let one = Shards::new(vec![flag("a", 1), flag("b", 1)]);
        let two = one
            .with(flag("a", 2))
            .with(Entry::Deleted {
                key: "b".into(),
                version: 5,
            })
            .with(flag("c", 1));
        let version = |shards: &Shards<Entry<Flag>>, key: &str| shards.get(key).map(Entry::version);
        assert_eq!(
            [version(&one, "a"), version(&one, "b"), version(&one, "c")],
            [Some(1), Some(1), None]
        );
        assert_eq!(
            [version(&two, "a"), version(&two, "b"), version(&two, "c")],
            [Some(2), Some(5), Some(1)]
        );
        assert!(two.get("b").unwrap().present().is_none());
        assert_eq!((one.len, two.len), (2, 3));
    }

    #[test]
    fn the_number_of_tables_follows_the_number_of_items() {
        let key = |n: usize| format!("flag-{n}");
        let mut grown = Shards::new(Vec::new());
        for n in 0..5_000 {
            grown = grown.with(flag(&key(n), 1));
        }
        let loaded = Shards::new((0..5_000).map(|n| flag(&key(n), 1)).collect());
        for shards in [&grown, &loaded] {
            assert!(
                (32..=128).contains(&shards.tables.len()),
                "{}",
                shards.tables.len()
            );
            assert!((0..5_000).all(|n| shards.get(&key(n)).is_some()));
            assert_eq!((shards.iter().count(), shards.len), (5_000, 5_000));
        }
    }

    #[test]
    fn a_map_that_grows_is_rarely_copied_as_a_whole() {
        let mut counts = Vec::new();
        let mut grown = Shards::new(Vec::new());
        for n in 0..5_000 {
            grown = grown.with(flag(&format!("flag-{n}"), 1));
            counts.push(grown.tables.len());
        }
        counts.dedup();
        assert!(counts.len() <= 4, "{counts:?}");
    }

    #[test]
    fn the_number_of_tables_follows_many_items_that_are_added_at_once() {
        let empty = Shards::new(Vec::new());
        let filled = empty.with_all((0..5_000).map(|n| flag(&format!("flag-{n}"), 1)));
        assert!(filled.tables.len() >= 32, "{}", filled.tables.len());
    }

    #[test]
    fn the_items_are_spread_over_all_tables() {
        let items = (0..5_000).map(|n| flag(&format!("flag-{n}"), 1)).collect();
        let shards = Shards::new(items);
        let fair = 5_000 / shards.tables.len();
        let lengths = shards.tables.iter().map(|table| table.len());
        let largest = lengths.max().unwrap();
        assert!(largest < fair * 4, "{largest} items in one table");
    }

    #[test]
    fn of_two_entries_with_the_same_key_the_last_one_wins() {
        let shards = Shards::new(vec![flag("a", 1), flag("a", 7)]);
        assert_eq!(
            (shards.get("a").map(Entry::version), shards.len),
            (Some(7), 1)
        );
        assert_eq!(shards.get("a").unwrap().key(), &Text::from("a"));
    }
}
