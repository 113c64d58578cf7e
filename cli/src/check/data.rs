//! [`Data`]: all flags and segments that can be read, by key.

use std::collections::{BTreeMap, BTreeSet};

use vexil::model::DataKind;

use super::item::Item;
use super::model::{Flag, Segment};

/// The flags and segments, and the time they are compared with.
#[derive(Debug)]
pub(super) struct Data<'t> {
    /// The flags that can be read and are not deleted.
    pub(super) flags: BTreeMap<&'t str, Flag<'t>>,
    /// The segments that can be read and are not deleted.
    pub(super) segments: BTreeMap<&'t str, Segment<'t>>,
    /// Items that exist but cannot be read.
    unreadable: BTreeSet<(bool, &'t str)>,
    /// The current time, in milliseconds since 1970.
    pub(super) now: f64,
}

impl<'t> Data<'t> {
    /// Collects the items. `readable` are those that the reader of flags accepts.
    pub(super) fn new(items: &'t [Item], readable: impl Fn(usize) -> bool, now: f64) -> Self {
        let mut data = Self {
            flags: BTreeMap::new(),
            segments: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            now,
        };
        for (index, item) in items.iter().enumerate() {
            if item.is_deleted() {
                continue;
            }
            let key = item.key.as_str();
            if !readable(index) {
                data.unreadable.insert((is_flag(item.kind), key));
                continue;
            }
            match item.kind {
                DataKind::Flag => drop(data.flags.insert(key, Flag::new(item))),
                DataKind::Segment => drop(data.segments.insert(key, Segment::new(item))),
            }
        }
        data
    }

    /// Adds an item that exists but cannot even be parsed.
    pub(super) fn add_unreadable(&mut self, kind: DataKind, key: &'t str) {
        self.unreadable.insert((is_flag(kind), key));
    }

    /// Whether the item exists, maybe unreadable.
    pub(super) fn exists(&self, kind: DataKind, key: &str) -> bool {
        let is_readable = match kind {
            DataKind::Flag => self.flags.contains_key(key),
            DataKind::Segment => self.segments.contains_key(key),
        };
        is_readable || self.unreadable.contains(&(is_flag(kind), key))
    }

    /// Whether a segment certainly contains no context: it does not exist, or is empty.
    pub(super) fn is_empty_segment(&self, key: &str) -> bool {
        match self.segments.get(key) {
            Some(segment) => segment.is_empty(),
            None => !self.exists(DataKind::Segment, key),
        }
    }
}

fn is_flag(kind: DataKind) -> bool {
    kind == DataKind::Flag
}
