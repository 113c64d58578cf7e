//! [`View`]: a snapshot of a read-through store's cache.

use std::sync::Arc;

use vexil_eval::model::{DataKind, Entry, Flag, Segment};
use vexil_eval::{Found, Lookup};

use super::cache::Slots;
use super::shared::Shared;
use super::table::Table;
use crate::moment::Moment;
use crate::store::Snapshot;

pub(super) struct View<'a> {
    pub(super) slots: &'a Slots,
    pub(super) now: Moment,
    pub(super) shared: &'a Shared,
}

impl View<'_> {
    fn look_up<'s, T: Clone>(
        &self,
        slots: &'s Table<T>,
        kind: DataKind,
        key: &str,
    ) -> Found<&'s T> {
        match slots.get(key) {
            Some(slot)
                if self
                    .shared
                    .counts(slot.age(self.now), || (kind, key.into())) =>
            {
                slot.entry()
                    .and_then(Entry::present)
                    .map(AsRef::as_ref)
                    .into()
            }
            _ => Found::Unknown,
        }
    }
}

impl Lookup for View<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.look_up(&self.slots.flags, DataKind::Flag, key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.look_up(&self.slots.segments, DataKind::Segment, key)
    }
}

impl Snapshot for View<'_> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(
            self.slots
                .flags
                .iter()
                .filter_map(|slot| slot.entry()?.present()),
        )
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(
            self.slots
                .segments
                .iter()
                .filter_map(|slot| slot.entry()?.present()),
        )
    }

    fn is_complete(&self) -> bool {
        false
    }
}
