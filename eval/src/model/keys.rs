//! [`KeyMap`] and [`KeySet`]: long lists of keys become hash tables when a flag or segment is read.
//!
//! A few keys are faster to scan than to hash; beyond that, a hash table keeps the cost constant.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::text::Text;

const FEW: usize = 16;

/// Maps keys to values. Of duplicate keys the first wins.
#[derive(Clone, Debug)]
#[expect(
    clippy::box_collection,
    reason = "few lists are long, and a flag should be small"
)]
pub(crate) enum KeyMap<V> {
    Few(Box<[(Text, V)]>),
    Many(Box<HashMap<Text, V, RandomState>>),
}

impl<V> KeyMap<V> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        match self {
            Self::Few(entries) => entries
                .iter()
                .find(|(entry, _)| *entry == *key)
                .map(|(_, value)| value),
            Self::Many(entries) => entries.get(key),
        }
    }
}

impl<V> FromIterator<(Text, V)> for KeyMap<V> {
    fn from_iter<I: IntoIterator<Item = (Text, V)>>(entries: I) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        if entries.len() <= FEW {
            return Self::Few(entries.into());
        }
        let mut many = HashMap::with_capacity_and_hasher(entries.len(), RandomState::default());
        for (key, value) in entries {
            many.entry(key).or_insert(value);
        }
        Self::Many(Box::new(many))
    }
}

/// A set of keys.
#[derive(Clone, Debug)]
#[expect(
    clippy::box_collection,
    reason = "few lists are long, and a flag should be small"
)]
pub(crate) enum KeySet {
    Few(Box<[Text]>),
    Many(Box<HashSet<Text, RandomState>>),
}

impl KeySet {
    pub(crate) fn contains(&self, key: &str) -> bool {
        match self {
            Self::Few(keys) => keys.iter().any(|entry| *entry == *key),
            Self::Many(keys) => keys.contains(key),
        }
    }
}

impl From<Vec<Text>> for KeySet {
    fn from(keys: Vec<Text>) -> Self {
        if keys.len() <= FEW {
            Self::Few(keys.into())
        } else {
            Self::Many(Box::new(keys.into_iter().collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_duplicate_keys_wins_in_maps_of_all_sizes() {
        for extra in [0, 100] {
            let pairs = [("a", 1), ("b", 2), ("a", 3)].map(|(key, value)| (Text::from(key), value));
            let more = (0..extra).map(|n| (Text::from(format!("x{n}")), 0));
            let map: KeyMap<i32> = pairs.into_iter().chain(more).collect();
            assert_eq!(
                (map.get("a"), map.get("b"), map.get("c")),
                (Some(&1), Some(&2), None)
            );
        }
    }

    #[test]
    fn only_many_keys_are_hashed() {
        for (size, few) in [(FEW, true), (FEW + 1, false)] {
            let keys: Vec<_> = (0..size).map(|n| Text::from(format!("key-{n}"))).collect();
            let map: KeyMap<()> = keys.iter().cloned().map(|key| (key, ())).collect();
            assert_eq!(matches!(map, KeyMap::Few(_)), few, "{size} keys");
            assert_eq!(
                matches!(KeySet::from(keys), KeySet::Few(_)),
                few,
                "{size} keys"
            );
        }
    }

    #[test]
    fn sets_of_all_sizes_find_their_keys() {
        for size in [0, 1, FEW, FEW + 1, 1_000] {
            let set = KeySet::from(
                (0..size)
                    .map(|n| Text::from(format!("key-{n}")))
                    .collect::<Vec<_>>(),
            );
            assert!((0..size).all(|n| set.contains(&format!("key-{n}"))));
            assert!(!set.contains("key-x"));
        }
    }
}
