//! [`View`]: a snapshot of a read-through store's cache.

use std::ops::Deref;
use std::sync::Arc;

use vexil_eval::model::{DataKind, Entry, Flag, Segment};
use vexil_eval::{Found, Lookup, Text};

use super::cache::Slots;
use super::shared::{Message, Shared};
use super::slot::{Age, Slot};
use super::table::Table;
use crate::moment::Moment;
use crate::store::Snapshot;

/// The cache at one moment. Borrows its parts for one evaluation, or keeps them.
pub(super) struct View<C, S> {
    slots: C,
    shared: S,
    /// `None` if no slot ever expires.
    now: Option<Moment>,
    /// Whether the database was unavailable.
    is_away: bool,
}

impl<C: Deref<Target = Slots>, S: Deref<Target = Shared>> View<C, S> {
    pub(super) fn new(slots: C, shared: S) -> Self {
        let is_away = shared.is_away();
        let now = shared.cache.now();
        Self {
            slots,
            shared,
            now,
            is_away,
        }
    }

    fn look_up<'s, T: Clone>(
        &self,
        slots: &'s Table<T>,
        kind: DataKind,
        key: &str,
    ) -> Found<&'s T> {
        match slots.get(key) {
            Some(slot) if self.counts(slot.age(self.now), || (kind, key.into())) => slot
                .entry()
                .and_then(Entry::present)
                .map(AsRef::as_ref)
                .into(),
            _ => Found::Unknown,
        }
    }

    /// Whether a slot of this age may be used. Requests a refresh if it is due.
    fn counts(&self, age: Age, ask: impl FnOnce() -> (DataKind, Text)) -> bool {
        match age {
            Age::Fresh => true,
            Age::Due => {
                let (kind, key) = ask();
                self.shared.send(Message::Refresh(kind, key));
                true
            }
            Age::Expired => self.is_away,
        }
    }

    /// The items that lookups find, without requesting a refresh.
    fn listed<'s, T: Clone>(&'s self, slots: &'s Table<T>) -> impl Iterator<Item = &'s Arc<T>> {
        let usable = |slot: &&Slot<T>| self.is_away || !slot.has_expired(self.now);
        slots
            .iter()
            .filter(usable)
            .filter_map(|slot| slot.entry()?.present())
    }
}

impl<C: Deref<Target = Slots>, S: Deref<Target = Shared>> Lookup for View<C, S> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.look_up(&self.slots.flags, DataKind::Flag, key)
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.look_up(&self.slots.segments, DataKind::Segment, key)
    }
}

impl<C: Deref<Target = Slots>, S: Deref<Target = Shared>> Snapshot for View<C, S> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(self.listed(&self.slots.flags))
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(self.listed(&self.slots.segments))
    }

    fn is_complete(&self) -> bool {
        false
    }
}
