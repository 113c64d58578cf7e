//! [`Environment`]: an immutable snapshot of all flags and segments, cheap to copy with one change.

use std::sync::Arc;

use vexil_eval::model::{DataKind, DataSet, Entry, Flag, Item, ItemData, Segment};
use vexil_eval::{Found, Lookup};

use super::Snapshot;
use super::arrival::take_over_patterns;
use crate::shards::Shards;

#[derive(Clone, Debug)]
pub(crate) struct Environment {
    flags: Shards<Entry<Flag>>,
    segments: Shards<Entry<Segment>>,
    initialized: bool,
}

impl Environment {
    pub(super) fn new(data: DataSet, initialized: bool) -> Self {
        Self {
            flags: Shards::new(data.flags),
            segments: Shards::new(data.segments),
            initialized,
        }
    }

    /// Whether this was built from a complete data set.
    pub(super) fn is_initialized(&self) -> bool {
        self.initialized
    }

    /// Reuses the compiled patterns of the previous version of each item.
    pub(super) fn take_over_patterns(&self, before: &Self) {
        for entry in self.flags.iter() {
            take_over_patterns(entry, || present(&before.flags, entry.key()));
        }
        for entry in self.segments.iter() {
            take_over_patterns(entry, || present(&before.segments, entry.key()));
        }
    }

    /// One item, or its tombstone.
    pub(super) fn item(&self, kind: DataKind, key: &str) -> Option<Item> {
        match kind {
            DataKind::Flag => self.flags.get(key).cloned().map(Item::Flag),
            DataKind::Segment => self.segments.get(key).cloned().map(Item::Segment),
        }
    }

    /// All items, including tombstones.
    pub(super) fn items(&self) -> impl Iterator<Item = Item> {
        let segments = self.segments.iter().cloned().map(Item::Segment);
        self.flags.iter().cloned().map(Item::Flag).chain(segments)
    }

    /// A copy with these items added or replaced, whatever the versions of the stored ones.
    pub(super) fn with_all(&self, items: Vec<Item>) -> Self {
        let DataSet {
            flags, segments, ..
        } = items.into_iter().collect();
        Self {
            flags: self.flags.with_all(flags),
            segments: self.segments.with_all(segments),
            initialized: self.initialized,
        }
    }

    /// A copy with one item added or replaced. Returns `None` if the item is not newer than the
    /// stored one.
    pub(super) fn with(&self, item: Item) -> Option<Self> {
        match item {
            Item::Flag(entry) => newer(&self.flags, entry).map(|flags| Self {
                flags,
                ..self.clone()
            }),
            Item::Segment(entry) => newer(&self.segments, entry).map(|segments| Self {
                segments,
                ..self.clone()
            }),
        }
    }
}

impl Lookup for Environment {
    #[inline]
    fn flag(&self, key: &str) -> Found<&Flag> {
        present(&self.flags, key).into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        present(&self.segments, key).into()
    }
}

impl Snapshot for Environment {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(self.flags.iter().filter_map(Entry::present))
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(self.segments.iter().filter_map(Entry::present))
    }
}

#[inline]
fn present<'s, T: ItemData>(shards: &'s Shards<Entry<T>>, key: &str) -> Option<&'s T> {
    shards.get(key)?.present().map(AsRef::as_ref)
}

fn newer<T: ItemData>(shards: &Shards<Entry<T>>, entry: Entry<T>) -> Option<Shards<Entry<T>>> {
    let is_newer = shards
        .get(entry.key())
        .is_none_or(|known| known.version() < entry.version());
    is_newer.then(|| shards.with(entry))
}
