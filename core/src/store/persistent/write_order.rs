//! The order in which a data set is written if that is not atomic. Every item comes after the items
//! it refers to, so that a concurrent reader finds them (SRC-5.2).

use std::collections::{HashMap, HashSet};

use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Entry, Flag, Item};

use super::codec::encode;
use super::{Collection, StoreError};

/// Encodes a data set as [`init`](super::PersistentDataStore::init) writes it, for programs that
/// fill a database without a client.
///
/// The items are in write order: segments before flags, and flags after their prerequisites. Each
/// has the JSON that it was read from, with the properties that readers without defaults require;
/// tombstones have the form that all readers know. Also returns the errors of the items that cannot
/// be written, because they have no JSON.
///
/// ```
/// use vexil::model::DataSet;
/// use vexil::store::encode_data_set;
///
/// let json = br#"{"flags": {
///     "sale": {"version": 1, "prerequisites": [{"key": "shop", "variation": 0}]},
///     "shop": {"version": 2, "on": true}}}"#;
/// let (collections, refused) = encode_data_set(&DataSet::from_json(json)?);
/// let flags: Vec<_> = collections[1].items.iter().map(|(key, _)| key.as_str()).collect();
/// assert_eq!(flags, ["shop", "sale"]);
/// assert!(collections[0].items.is_empty() && refused.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn encode_data_set(data: &DataSet) -> (Vec<Collection>, Vec<StoreError>) {
    let mut refused = Vec::new();
    let mut collection = |kind, items: Vec<Item>| {
        let stored = items.into_iter().filter_map(|item| match encode(&item) {
            Ok(stored) => Some((item.key().clone(), stored)),
            Err(error) => {
                refused.push(error);
                None
            }
        });
        Collection::new(kind, stored.collect())
    };
    let segments = collection(DataKind::Segment, segments(data));
    let flags = collection(DataKind::Flag, flags(data));
    (vec![segments, flags], refused)
}

/// All items in write order.
pub(crate) fn items(data: &DataSet) -> impl Iterator<Item = Item> {
    segments(data).into_iter().chain(flags(data))
}

fn segments(data: &DataSet) -> Vec<Item> {
    let segments = by_key(&data.segments, Entry::key);
    segments.into_iter().cloned().map(Item::Segment).collect()
}

fn flags(data: &DataSet) -> Vec<Item> {
    let flags = in_order(&by_key(&data.flags, Entry::key));
    flags.into_iter().cloned().map(Item::Flag).collect()
}

/// Sorts entries by key, so that the same data is always written in the same order.
fn by_key<T>(entries: &[T], key: impl Fn(&T) -> &Text) -> Vec<&T> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_unstable_by(|one, other| key(one).cmp(key(other)));
    entries
}

/// Sorts flags so that each comes after its prerequisites. Flags in a cycle come in any order.
fn in_order<'a>(flags: &[&'a Entry<Flag>]) -> Vec<&'a Entry<Flag>> {
    let by_key: HashMap<&Text, &Entry<Flag>> =
        flags.iter().map(|entry| (entry.key(), *entry)).collect();
    let (mut ordered, mut seen) = (Vec::with_capacity(flags.len()), HashSet::new());
    for entry in flags {
        // The stack of the depth-first search: flags with their unvisited prerequisites.
        let mut path = Vec::new();
        let mut next = by_key.get(entry.key()).copied();
        loop {
            if let Some(entry) = next.filter(|entry| seen.insert(entry.key())) {
                path.push((entry, entry.present().map(|flag| flag.prerequisites())));
            }
            let Some((entry, prerequisites)) = path.last_mut() else {
                break;
            };
            next = match prerequisites.as_mut().and_then(Iterator::next) {
                Some(key) => by_key.get(key).copied(),
                None => {
                    ordered.push(*entry);
                    path.pop();
                    None
                }
            };
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(data: &serde_json::Value) -> Vec<(DataKind, Vec<String>)> {
        let data = DataSet::from_json(data.to_string().as_bytes()).unwrap();
        let (collections, refused) = encode_data_set(&data);
        assert!(refused.is_empty(), "{refused:?}");
        let keys = |collection: Collection| {
            collection
                .items
                .into_iter()
                .map(|(key, _)| key.to_string())
                .collect()
        };
        collections
            .into_iter()
            .map(|collection| (collection.kind, keys(collection)))
            .collect()
    }

    fn needs(keys: &[&str]) -> serde_json::Value {
        json!({"prerequisites": keys.iter().map(|key| json!({"key": key, "variation": 0})).collect::<Vec<_>>()})
    }

    #[test]
    fn segments_come_first_and_each_flag_after_its_prerequisites() {
        let data = json!({
            "flags": {"a": needs(&["b", "c"]), "b": needs(&["d", "gone"]), "c": needs(&["d"]), "d": {}, "e": needs(&["a"])},
            "segments": {"s": {}},
        });
        let written = written(&data);
        assert_eq!(written[0], (DataKind::Segment, vec!["s".to_owned()]));
        let (kind, keys) = &written[1];
        assert_eq!((*kind, keys.len()), (DataKind::Flag, 5));
        let place = |key: &str| keys.iter().position(|known| known == key).unwrap();
        for (flag, needed) in [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("e", "a")] {
            assert!(place(needed) < place(flag), "{keys:?}");
        }
    }

    #[test]
    fn flags_in_a_cycle_are_written_once_each() {
        let data = json!({"flags": {"a": needs(&["b"]), "b": needs(&["a"]), "c": needs(&["c"])}});
        let mut keys = written(&data)[1].1.clone();
        keys.sort();
        assert_eq!(keys, ["a", "b", "c"]);
    }
}
