//! [`Adopted`]: what was read and taken over, so that the next read costs only what has changed.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::guard::Sizes;
use crate::model::{DataKind, DataSet, Item};
use crate::store::persistent::stored_form::decode;
use crate::store::{Collection, StoreError, StoredItem, StoredSnapshot};
use crate::text::Text;

/// Items by kind and key, with what they were read from.
#[derive(Debug, Default)]
pub(super) struct Adopted(HashMap<DataKind, HashMap<Text, Known>>);

/// An item that was read.
#[derive(Debug)]
struct Known {
    /// A hash of what the database held, to tell whether that has changed.
    hash: u64,
    /// What it says; if that cannot be read, what it said before; none if it said nothing.
    item: Option<Item>,
    corrupt: bool,
}

/// What taking over has come to.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Whether anything is different now.
    pub(super) is_change: bool,
    /// The items that have become unreadable.
    pub(super) spoilt: Vec<StoreError>,
}

impl Adopted {
    /// How what was read compares to what there is.
    pub(super) fn compare(&self, snapshot: &StoredSnapshot) -> Vec<Sizes> {
        let compare = |collection: &Collection| {
            let known = self.0.get(&collection.kind);
            let still = collection.items.iter().filter(|(key, _)| known.is_some_and(|known| known.contains_key(key)));
            let before = known.map_or(0, HashMap::len);
            let vanished = before.saturating_sub(still.count());
            Sizes { kind: collection.kind, before, now: collection.items.len(), vanished }
        };
        snapshot.collections.iter().map(compare).collect()
    }

    /// Takes over what was read, but for the kinds to be kept as they are. What has not changed is not read again; what
    /// cannot be read stays as it was.
    pub(super) fn take_over(&mut self, snapshot: &StoredSnapshot, kept: &[DataKind]) -> Change {
        let mut change = Change::default();
        let mut regressed = 0;
        for Collection { kind, items, .. } in &snapshot.collections {
            if kept.contains(kind) {
                continue;
            }
            let known = self.0.entry(*kind).or_default();
            let mut next = HashMap::with_capacity(items.len());
            for (key, stored) in items {
                let hash = hash(stored);
                let before = match known.remove(key) {
                    Some(same) if same.hash == hash => {
                        next.insert(key.clone(), same);
                        continue;
                    }
                    before => before.and_then(|before| before.item),
                };
                // Nobody writes these items anywhere, so their text is let go of while nobody shares them yet.
                let known = match decode(*kind, key, stored).map(Item::without_json) {
                    Ok(item) => {
                        regressed += usize::from(before.is_some_and(|before| before.version() > item.version()));
                        change.is_change = true;
                        Known { hash, item: Some(item), corrupt: false }
                    }
                    Err(error) => {
                        change.spoilt.push(error);
                        Known { hash, item: before, corrupt: true }
                    }
                };
                next.insert(key.clone(), known);
            }
            // Whatever is left was not read.
            change.is_change |= !known.is_empty();
            *known = next;
        }
        if regressed > 0 {
            tracing::info!(items = regressed, "the data store has older versions than before; they are used");
        }
        change
    }

    /// Everything that was taken over.
    pub(super) fn data(&self) -> DataSet {
        self.0.values().flat_map(HashMap::values).filter_map(|known| known.item.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    pub(super) fn corrupt(&self) -> usize {
        self.0.values().flat_map(HashMap::values).filter(|known| known.corrupt).count()
    }
}

/// A hash of what a database holds. That two texts share one by chance is as good as impossible; that somebody makes
/// two that do is his own loss.
fn hash(stored: &StoredItem) -> u64 {
    FixedState::default().hash_one((&stored.body[..], stored.version, stored.deleted))
}
