//! [`KnownItems`]: what was read and taken over, so that the next reading costs only what has changed.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};
use vexil_eval::Text;
use vexil_eval::model::{DataKind, DataSet, Item};

use super::loss_guard::Sizes;
use crate::store::persistent::codec::decode;
use crate::store::{Collection, StoreError, StoredItem, StoredSnapshot};

/// Items by kind and key, with what they were read from.
#[derive(Debug, Default)]
pub(super) struct KnownItems {
    items: HashMap<DataKind, HashMap<Text, Known, RandomState>>,
    /// How often everything was read.
    readings: u64,
}

/// An item that was read.
#[derive(Debug)]
struct Known {
    /// A hash of what the database held, to tell whether that has changed.
    hash: u64,
    /// What it says; if that cannot be read, what it said before; none if it said nothing.
    item: Option<Item>,
    corrupt: bool,
    /// The last reading that found it.
    seen: u64,
}

/// How what was read compares to what there is.
pub(super) struct Survey<'s> {
    pub(super) sizes: Vec<(DataKind, Sizes)>,
    /// What is new or not what it was, with its hash.
    news: Vec<(DataKind, &'s Text, &'s StoredItem, u64)>,
}

/// What taking over has come to.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The items that are new or different.
    pub(super) items: Vec<Item>,
    /// How many are not there any more.
    removed: usize,
    /// How many have changed without a higher version.
    not_newer: usize,
    /// The items that have become unreadable.
    pub(super) spoilt: Vec<StoreError>,
}

impl Change {
    pub(super) fn is_none(&self) -> bool {
        self.items.is_empty() && self.removed == 0
    }

    /// The only item that is different, if it can take its place as an update does.
    pub(super) fn only_update(&mut self) -> Option<Item> {
        let is_update = self.items.len() == 1 && self.removed == 0 && self.not_newer == 0;
        if is_update { self.items.pop() } else { None }
    }
}

impl KnownItems {
    /// Compares what was read to what there is.
    pub(super) fn survey<'s>(&mut self, snapshot: &'s StoredSnapshot) -> Survey<'s> {
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

    /// Takes over what is new or changed, and with `remove` removes what is missing. An item that
    /// cannot be parsed keeps its last good version.
    pub(super) fn take_over(&mut self, survey: Survey<'_>, remove: bool) -> Change {
        let mut change = Change::default();
        for (kind, key, stored, hash) in survey.news {
            let known = self.items.entry(kind).or_default();
            let before = known.remove(key).and_then(|known| known.item);
            // Nobody writes these items anywhere, so their text is let go of while nobody shares
            // them yet.
            let (item, corrupt) = match decode(kind, key, stored).map(Item::without_json) {
                Ok(item) => {
                    change.not_newer += usize::from(
                        before.is_some_and(|before| before.version() >= item.version()),
                    );
                    change.items.push(item.clone());
                    (Some(item), false)
                }
                Err(error) => {
                    change.spoilt.push(error);
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
            if remove && missing > 0 {
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
                "items of the data store have changed without a higher version; they are used"
            );
        }
        change
    }

    /// Everything that was taken over.
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

/// A hash of what a database holds. That two texts share one by chance is as good as impossible;
/// that somebody makes two that do is his own loss.
fn hash(stored: &StoredItem) -> u64 {
    FixedState::default().hash_one((&stored.body[..], stored.version, stored.deleted))
}
