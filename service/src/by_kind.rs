//! [`ByKind`]: values by kind and key.

use std::collections::BTreeMap;

use vexil_eval::model::DataKind;

/// A map for each kind of item, in the order of its keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ByKind<T> {
    flags: BTreeMap<String, T>,
    segments: BTreeMap<String, T>,
}

impl<T> Default for ByKind<T> {
    fn default() -> Self {
        Self {
            flags: BTreeMap::new(),
            segments: BTreeMap::new(),
        }
    }
}

impl<T> ByKind<T> {
    pub(crate) fn of(&self, kind: DataKind) -> &BTreeMap<String, T> {
        match kind {
            DataKind::Flag => &self.flags,
            DataKind::Segment => &self.segments,
        }
    }

    pub(crate) fn of_mut(&mut self, kind: DataKind) -> &mut BTreeMap<String, T> {
        match kind {
            DataKind::Flag => &mut self.flags,
            DataKind::Segment => &mut self.segments,
        }
    }

    /// Returns all values: those of flags, then those of segments.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (DataKind, &str, &T)> {
        DataKind::READ_ORDER.into_iter().flat_map(|kind| {
            let values = self.of(kind).iter();
            values.map(move |(key, value)| (kind, &**key, value))
        })
    }
}
