//! [`Shards`]: an immutable map by key, cheap to copy with one change.
//!
//! The items are spread over tables. A changed copy shares all tables but one. Up to 16,384 items there
//! are about as many tables as each table has items, so a patch costs about the square root of a full
//! copy, and a look-up takes one step more than in a single table. With more items the tables stay
//! small and are the leaves of a tree, so a patch costs about the logarithm of a full copy.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::{mem, slice};

use foldhash::fast::RandomState;
use hashbrown::{HashTable, hash_table};
use vexil_eval::model::{Entry, ItemData};
use vexil_eval::short_str_eq;

/// The largest number of items whose tables are all in one list.
const FLAT: usize = 1 << 14;
/// The items of a table, about, and the children of a fork, in a map that is larger.
const WIDTH_BITS: u32 = 4;
/// The tables themselves use the lowest and the highest bits of the hash, so forks use those from here
/// on.
const FIRST_BIT: u32 = 32;

/// An entry of a [`Shards`] map.
pub(crate) trait Shard: Clone {
    fn key(&self) -> &str;
}

impl<T: ItemData> Shard for Entry<T> {
    #[inline]
    fn key(&self) -> &str {
        Self::key(self)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Shards<T> {
    hasher: RandomState,
    root: Fork<T>,
    /// The binary logarithm of the number of tables.
    bits: u32,
    len: usize,
}

#[derive(Clone, Debug)]
struct Fork<T> {
    /// Their number is a power of two.
    children: Box<[Arc<Node<T>>]>,
    /// The first bit of the hash that selects a child.
    shift: u32,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Table(HashTable<T>),
    Fork(Fork<T>),
}

impl<T> Fork<T> {
    /// A tree of empty tables, with room for `each` entries, that divides by `bits` bits of the hash.
    fn new(bits: u32, shift: u32, each: usize) -> Self {
        let own = own_bits(bits);
        let child = || match bits - own {
            0 => Node::Table(HashTable::with_capacity(each)),
            rest => Node::Fork(Self::new(rest, shift + own, each)),
        };
        Self {
            children: (0..1_u32 << own).map(|_| Arc::new(child())).collect(),
            shift,
        }
    }

    #[expect(clippy::as_conversions, reason = "only the lower bits are wanted")]
    #[inline]
    fn index(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize & (self.children.len() - 1)
    }

    #[inline]
    fn table(&self, hash: u64) -> Option<&HashTable<T>> {
        let mut fork = self;
        loop {
            match &**fork.children.get(fork.index(hash))? {
                Node::Table(table) => return Some(table),
                Node::Fork(next) => fork = next,
            }
        }
    }
}

impl<T: Clone> Fork<T> {
    /// Copies what other maps share on the way to the table.
    fn table_mut(&mut self, hash: u64) -> Option<&mut HashTable<T>> {
        let mut fork = self;
        loop {
            let index = fork.index(hash);
            match Arc::make_mut(fork.children.get_mut(index)?) {
                Node::Table(table) => return Some(table),
                Node::Fork(next) => fork = next,
            }
        }
    }
}

/// The entries of a map.
struct Iter<'s, T> {
    table: Option<hash_table::Iter<'s, T>>,
    children: slice::Iter<'s, Arc<Node<T>>>,
    /// The rest of the forks above.
    above: Vec<slice::Iter<'s, Arc<Node<T>>>>,
}

impl<'s, T> Iterator for Iter<'s, T> {
    type Item = &'s T;

    fn next(&mut self) -> Option<&'s T> {
        loop {
            if let Some(entry) = self.table.as_mut().and_then(Iterator::next) {
                return Some(entry);
            }
            match self.children.next().map(AsRef::as_ref) {
                Some(Node::Table(table)) => self.table = Some(table.iter()),
                Some(Node::Fork(fork)) => {
                    let rest = mem::replace(&mut self.children, fork.children.iter());
                    self.above.push(rest);
                }
                None => self.children = self.above.pop()?,
            }
        }
    }
}

impl<T: Shard> Shards<T> {
    /// Builds a map. Of several entries with the same key, the last one wins.
    pub(crate) fn new(entries: Vec<T>) -> Self {
        let bits = table_bits(entries.len());
        let each = entries.len().div_ceil(1 << bits);
        let mut shards = Self {
            hasher: RandomState::default(),
            root: Fork::new(bits, FIRST_BIT, each),
            bits,
            len: 0,
        };
        for entry in entries {
            shards.insert(entry);
        }
        shards
    }

    #[inline]
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        let hash = self.hasher.hash_one(key);
        let table = self.root.table(hash)?;
        table.find(hash, |entry| short_str_eq(entry.key(), key))
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        Iter {
            table: None,
            children: self.root.children.iter(),
            above: Vec::new(),
        }
    }

    /// A copy with one entry added or replaced.
    #[must_use]
    pub(crate) fn with(&self, entry: T) -> Self {
        self.with_all([entry])
    }

    /// A copy without the entry of this key.
    #[must_use]
    pub(crate) fn without(&self, key: &str) -> Self {
        let mut changed = self.clone();
        let hash = changed.hasher.hash_one(key);
        let is_key = |entry: &T| short_str_eq(entry.key(), key);
        if let Some(table) = changed.root.table_mut(hash)
            && let Ok(entry) = table.find_entry(hash, is_key)
        {
            entry.remove();
            changed.len -= 1;
        }
        changed
    }

    /// A copy with these entries added or replaced, in this order. Each table is copied at most
    /// once.
    #[must_use]
    pub(crate) fn with_all(&self, entries: impl IntoIterator<Item = T>) -> Self {
        let mut changed = self.clone();
        for entry in entries {
            changed.insert(entry);
        }
        // The map has outgrown its number of tables, so redistribute the entries.
        if table_bits(changed.len) > changed.bits + 1 {
            return Self::new(changed.iter().cloned().collect());
        }
        changed
    }

    fn insert(&mut self, entry: T) {
        let hash = self.hasher.hash_one(entry.key());
        // There is a table for every hash.
        let Some(table) = self.root.table_mut(hash) else {
            return;
        };
        match table.find_mut(hash, |known| short_str_eq(known.key(), entry.key())) {
            Some(known) => *known = entry,
            None => {
                let hasher = &self.hasher;
                table.insert_unique(hash, entry, |entry| hasher.hash_one(entry.key()));
                self.len += 1;
            }
        }
    }
}

/// The binary logarithm of the number of tables for this many entries.
fn table_bits(len: usize) -> u32 {
    let tables = match len {
        0..=FLAT => len.isqrt(),
        _ => len >> WIDTH_BITS,
    };
    tables.next_power_of_two().trailing_zeros()
}

/// How many of the remaining bits the children of a fork divide by: all of them in a small map.
fn own_bits(bits: u32) -> u32 {
    let flat = table_bits(FLAT);
    if bits <= flat {
        bits
    } else {
        WIDTH_BITS + bits % WIDTH_BITS
    }
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
            .with(Entry::deleted("b", 5))
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

    fn tables<T>(node: &Node<T>) -> Vec<usize> {
        match node {
            Node::Table(table) => vec![table.len()],
            Node::Fork(fork) => lengths(fork),
        }
    }

    /// The number of items in each table.
    fn lengths<T>(fork: &Fork<T>) -> Vec<usize> {
        fork.children.iter().flat_map(|node| tables(node)).collect()
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
                (32..=128).contains(&lengths(&shards.root).len()),
                "{}",
                lengths(&shards.root).len()
            );
            assert!((0..5_000).all(|n| shards.get(&key(n)).is_some()));
            assert_eq!((shards.iter().count(), shards.len()), (5_000, 5_000));
        }
    }

    #[test]
    fn a_map_that_grows_is_rarely_copied_as_a_whole() {
        let mut counts = Vec::new();
        let mut grown = Shards::new(Vec::new());
        for n in 0..5_000 {
            grown = grown.with(flag(&format!("flag-{n}"), 1));
            counts.push(grown.bits);
        }
        counts.dedup();
        assert!(counts.len() <= 4, "{counts:?}");
    }

    #[test]
    fn the_number_of_tables_follows_many_items_that_are_added_at_once() {
        let empty = Shards::new(Vec::new());
        let filled = empty.with_all((0..5_000).map(|n| flag(&format!("flag-{n}"), 1)));
        assert!(filled.bits >= 5, "{}", filled.bits);
    }

    #[test]
    fn the_items_are_spread_over_all_tables() {
        let items = (0..5_000).map(|n| flag(&format!("flag-{n}"), 1)).collect();
        let shards = Shards::new(items);
        let lengths = lengths(&shards.root);
        let fair = 5_000 / lengths.len();
        let largest = lengths.into_iter().max().unwrap();
        assert!(largest < fair * 4, "{largest} items in one table");
    }

    /// The references that a copy of the map with one change counts.
    fn copied<T>(shards: &Shards<T>, hash: u64) -> usize {
        let (mut fork, mut copied) = (&shards.root, 0);
        loop {
            copied += fork.children.len();
            match &*fork.children[fork.index(hash)] {
                Node::Table(table) => return copied + table.len(),
                Node::Fork(next) => fork = next,
            }
        }
    }

    #[test]
    fn a_change_of_a_large_map_copies_hardly_more_than_one_of_a_small_map() {
        let keys = |len: usize| (0..len).map(|n| format!("flag-{n}"));
        let small = Shards::new(keys(10_000).map(|key| flag(&key, 1)).collect());
        let large = Shards::new(keys(200_000).map(|key| flag(&key, 1)).collect());
        let hashes = (0..100).map(|n| small.hasher.hash_one(n));
        for hash in hashes {
            let (small, large) = (copied(&small, hash), copied(&large, hash));
            assert!(large <= small, "{large} references, {small} in a small map");
        }
        assert!(keys(200_000).all(|key| large.get(&key).is_some()));
        assert_eq!((large.iter().count(), large.len()), (200_000, 200_000));
    }

    #[test]
    fn a_large_map_is_changed_by_key_without_changing_the_original() {
        let one = Shards::new((0..40_000).map(|n| flag(&format!("flag-{n}"), 1)).collect());
        let two = one
            .with(flag("flag-7", 2))
            .without("flag-8")
            .without("none");
        let version = |shards: &Shards<Entry<Flag>>, key| shards.get(key).map(Entry::version);
        assert_eq!(
            [version(&one, "flag-7"), version(&one, "flag-8")],
            [Some(1); 2]
        );
        assert_eq!(
            [version(&two, "flag-7"), version(&two, "flag-8")],
            [Some(2), None]
        );
        assert_eq!(
            (one.len(), two.len(), two.iter().count()),
            (40_000, 39_999, 39_999)
        );
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
