//! [`Fetched`]: data that an evaluation needed and the snapshot of the store did not have.

use std::collections::HashMap;
use std::sync::Arc;

use vexil_eval::model::{DataKind, Entry, Flag, Item, Segment};
use vexil_eval::{Found, Lookup, MembershipAnswer, Text};

use crate::store::Snapshot;

/// What was fetched for one evaluation, or for all evaluations of a scope. `None` means that there
/// is no such item.
#[derive(Clone, Default)]
pub(super) struct Fetched {
    flags: HashMap<Text, Option<Entry<Flag>>>,
    segments: HashMap<Text, Option<Entry<Segment>>>,
    memberships: HashMap<Text, MembershipAnswer>,
    /// Whether the store holds no complete data set.
    is_not_ready: bool,
}

/// The answer to one request.
pub(super) enum Fetch {
    Flag(Text, Option<Entry<Flag>>),
    Segment(Text, Option<Entry<Segment>>),
    /// By the key of the context.
    Membership(Text, MembershipAnswer),
    /// The store holds no complete data set.
    NotReady,
}

impl Fetch {
    /// What the store has under this key. Anything but an item of the kind counts as absent.
    pub(super) fn item(kind: DataKind, key: Text, item: Option<Item>) -> Self {
        match (kind, item) {
            (DataKind::Flag, Some(Item::Flag(entry))) => Self::Flag(key, Some(entry)),
            (DataKind::Flag, _) => Self::Flag(key, None),
            (DataKind::Segment, Some(Item::Segment(entry))) => Self::Segment(key, Some(entry)),
            (DataKind::Segment, _) => Self::Segment(key, None),
        }
    }
}

impl Fetched {
    /// Adds an answer, unless there is an earlier one.
    pub(super) fn add(&mut self, fetch: Fetch) {
        match fetch {
            Fetch::Flag(key, entry) => drop(self.flags.entry(key).or_insert(entry)),
            Fetch::Segment(key, entry) => drop(self.segments.entry(key).or_insert(entry)),
            Fetch::Membership(key, answer) => drop(self.memberships.entry(key).or_insert(answer)),
            Fetch::NotReady => self.is_not_ready = true,
        }
    }

    /// Whether the store holds no complete data set, so that nothing else can be fetched.
    pub(super) fn is_not_ready(&self) -> bool {
        self.is_not_ready
    }
}

/// An item that was fetched may be absent or deleted.
fn found<T>(fetched: Option<&Option<Entry<T>>>) -> Found<&T> {
    match fetched {
        Some(entry) => {
            let present = entry.as_ref().and_then(Entry::present);
            present.map(AsRef::as_ref).into()
        }
        None => Found::Unknown,
    }
}

impl Lookup for Fetched {
    fn flag(&self, key: &str) -> Found<&Flag> {
        found(self.flags.get(key))
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        found(self.segments.get(key))
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        match self.memberships.get(context_key) {
            Some(answer) => Found::Present(answer),
            None => Found::Unknown,
        }
    }
}

impl Snapshot for Fetched {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        Box::new(self.flags.values().flatten().filter_map(Entry::present))
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        Box::new(self.segments.values().flatten().filter_map(Entry::present))
    }

    fn is_complete(&self) -> bool {
        false
    }
}
