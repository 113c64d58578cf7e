//! [`KnownItems`]: the items taken from the database so far, so that a refresh applies only the
//! differences.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Item};

use super::loss_guard::Sizes;
use crate::store::persistent::codec::decode;
use crate::store::{Collection, StoreError, StoredDataSet, StoredItem};

/// Items by kind and key, each with a hash of the stored item it was read from.
#[derive(Debug, Default)]
pub(super) struct KnownItems {
    items: HashMap<DataKind, HashMap<Text, Known, RandomState>>,
    /// How many snapshots were surveyed.
    readings: u64,
}

/// An item that the database held in at least one snapshot.
#[derive(Debug)]
struct Known {
    /// A hash of the stored item, to detect changes.
    hash: u64,
    /// The last version that could be decoded. `None` if there was none.
    item: Option<Item>,
    corrupt: bool,
    /// The number of the last snapshot that held it.
    seen: u64,
}

/// The differences between a snapshot and the known items.
pub(super) struct Survey<'s> {
    pub(super) sizes: Vec<(DataKind, Sizes)>,
    /// New and changed items, each with its hash.
    news: Vec<(DataKind, &'s Text, &'s StoredItem, u64)>,
}

/// The result of [`KnownItems::take_over`].
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The new and changed items.
    pub(super) items: Vec<Item>,
    /// How many items were removed.
    removed: usize,
    /// How many items changed without a higher version.
    not_newer: usize,
    /// The new and changed items that cannot be decoded.
    pub(super) corrupt: Vec<StoreError>,
}

impl Change {
    pub(super) fn is_none(&self) -> bool {
        self.items.is_empty() && self.removed == 0
    }

    /// The changed item, if it is the only difference and an upsert can deliver it.
    pub(super) fn only_update(&mut self) -> Option<Item> {
        let is_update = self.items.len() == 1 && self.removed == 0 && self.not_newer == 0;
        if is_update { self.items.pop() } else { None }
    }
}

impl KnownItems {
    /// Compares a snapshot with the known items.
    pub(super) fn survey<'s>(&mut self, snapshot: &'s StoredDataSet) -> Survey<'s> {
        self.readings += 1;
        let mut survey = Survey {
            sizes: Vec::new(),
            news: Vec::new(),
        };
        for Collection { kind, items, .. } in &snapshot.collections {
            let known = self.items.entry(*kind).or_default();
            let mut sizes = Sizes {
                known: known.len(),
                read: items.len(),
                missing: known.len(),
                returned: 0,
            };
            for (key, stored) in items {
                let hash = hash(stored);
                let same = known.get_mut(key).is_some_and(|known| {
                    sizes.missing -= usize::from(known.seen < self.readings);
                    sizes.returned += usize::from(known.seen + 1 < self.readings);
                    known.seen = self.readings;
                    known.hash == hash
                });
                if !same {
                    survey.news.push((*kind, key, stored, hash));
                }
            }
            survey.sizes.push((*kind, sizes));
        }
        survey
    }

    /// Applies new and changed items, and removes missing ones if `remove` is set. An item that
    /// cannot be decoded keeps its last good version.
    pub(super) fn take_over(&mut self, survey: Survey<'_>, remove: bool) -> Change {
        let mut change = Change::default();
        for (kind, key, stored, hash) in survey.news {
            let known = self.items.entry(kind).or_default();
            let before = known.remove(key).and_then(|known| known.item);
            // These items are never written anywhere, so their JSON is dropped while they are not
            // shared yet.
            let (item, corrupt) = match decode(kind, key, stored).map(Item::without_json) {
                Ok(item) => {
                    change.not_newer += usize::from(
                        before.is_some_and(|before| before.version() >= item.version()),
                    );
                    change.items.push(item.clone());
                    (Some(item), false)
                }
                Err(error) => {
                    change.corrupt.push(error);
                    (before, true)
                }
            };
            known.insert(
                key.clone(),
                Known {
                    hash,
                    item,
                    corrupt,
                    seen: self.readings,
                },
            );
        }
        for (kind, Sizes { missing, .. }) in survey.sizes {
            if remove && missing != 0 {
                change.removed += missing;
                self.items
                    .entry(kind)
                    .or_default()
                    .retain(|_, known| known.seen == self.readings);
            }
        }
        if change.not_newer > 0 {
            tracing::info!(
                items = change.not_newer,
                "items of the data store changed without a higher version; the changes were applied"
            );
        }
        change
    }

    /// All known items.
    pub(super) fn data(&self) -> DataSet {
        self.items
            .values()
            .flat_map(HashMap::values)
            .filter_map(|known| known.item.clone())
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.items.values().map(HashMap::len).sum()
    }

    pub(super) fn corrupt(&self) -> usize {
        self.items
            .values()
            .flat_map(HashMap::values)
            .filter(|known| known.corrupt)
            .count()
    }
}

/// A 64-bit hash of the stored item. It is not collision-resistant, which is fine: only a writer of
/// the database could exploit a collision.
fn hash(stored: &StoredItem) -> u64 {
    FixedState::default().hash_one((&stored.body[..], stored.version, stored.deleted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a snapshot of flags with these keys and versions changes.
    fn change(known: &mut KnownItems, flags: &[(&str, u64)]) -> Change {
        let flag = |(key, version): &(&str, u64)| {
            let body = format!(r#"{{"version": {version}}}"#);
            (Text::from(*key), StoredItem::new(body))
        };
        let flags = Collection::new(DataKind::Flag, flags.iter().map(flag).collect());
        let snapshot = StoredDataSet::new(vec![flags], true);
        let survey = known.survey(&snapshot);
        known.take_over(survey, true)
    }

    #[test]
    fn a_snapshot_that_is_read_again_is_no_change() {
        let mut known = KnownItems::default();
        assert!(!change(&mut known, &[("a", 1), ("b", 1)]).is_none());
        assert!(change(&mut known, &[("a", 1), ("b", 1)]).is_none());
        assert!(!change(&mut known, &[("a", 1)]).is_none());
        assert!(change(&mut known, &[("a", 1)]).is_none());
    }

    #[test]
    fn only_a_single_newer_item_can_be_delivered_by_an_upsert() {
        for (after, update) in [
            (&[("a", 2), ("b", 2)][..], Some("a")),
            (&[("a", 2), ("b", 3)], None),
            (&[("a", 0), ("b", 2)], None),
            (&[("a", 2)], None),
            (&[("b", 2)], None),
            (&[("a", 1), ("b", 2), ("c", 1)], Some("c")),
        ] {
            let mut known = KnownItems::default();
            change(&mut known, &[("a", 1), ("b", 2)]);
            let only = change(&mut known, after).only_update();
            let key = only.as_ref().map(|item| item.key().as_str());
            assert_eq!(key, update, "{after:?}");
        }
    }

    #[test]
    fn an_item_is_missing_from_the_first_snapshot_that_lacks_it_until_it_returns() {
        let mut known = KnownItems::default();
        let mut sizes = |flags: &[&str]| {
            let flag = |key: &&str| (Text::from(*key), StoredItem::new(r#"{"version": 1}"#));
            let flags = Collection::new(DataKind::Flag, flags.iter().map(flag).collect());
            let snapshot = StoredDataSet::new(vec![flags], true);
            let survey = known.survey(&snapshot);
            let [(_, sizes)] = survey.sizes[..] else {
                panic!("one kind")
            };
            known.take_over(survey, false);
            (sizes.known, sizes.read, sizes.missing, sizes.returned)
        };
        assert_eq!(sizes(&["a", "b", "c"]), (0, 3, 0, 0));
        assert_eq!(sizes(&["a", "b", "c"]), (3, 3, 0, 0));
        assert_eq!(sizes(&["a"]), (3, 1, 2, 0));
        assert_eq!(sizes(&["a"]), (3, 1, 2, 0));
        assert_eq!(sizes(&["a", "b"]), (3, 2, 1, 1));
        assert_eq!(sizes(&["a", "b", "c", "d"]), (3, 4, 0, 1));
        assert_eq!(sizes(&["a", "b", "c", "d"]), (4, 4, 0, 0));
        // An item that is read twice is not missing twice.
        assert_eq!(sizes(&["a", "a", "b", "c"]), (4, 4, 1, 0));
    }
}
