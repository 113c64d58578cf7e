//! [`Layered`]: a snapshot that is laid over another one.

use std::sync::Arc;

use vexil_eval::model::{Flag, Segment};
use vexil_eval::{Found, Lookup, MembershipAnswer};

use crate::store::Snapshot;

/// What `upper` does not know is looked up in `lower`. An item that `upper` knows to be absent is
/// absent.
pub(super) struct Layered<'a, U: ?Sized, L: ?Sized> {
    pub(super) upper: &'a U,
    pub(super) lower: &'a L,
}

impl<U: Lookup + ?Sized, L: Lookup + ?Sized> Lookup for Layered<'_, U, L> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        match self.upper.flag(key) {
            Found::Unknown => self.lower.flag(key),
            known => known,
        }
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        match self.upper.segment(key) {
            Found::Unknown => self.lower.segment(key),
            known => known,
        }
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        match self.upper.membership(context_key) {
            Found::Unknown => self.lower.membership(context_key),
            known => known,
        }
    }
}

impl<U: Snapshot + ?Sized, L: Snapshot + ?Sized> Snapshot for Layered<'_, U, L> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        let is_unknown = |flag: &&Arc<Flag>| matches!(self.upper.flag(flag.key()), Found::Unknown);
        Box::new(
            self.upper
                .flags()
                .chain(self.lower.flags().filter(is_unknown)),
        )
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        let is_unknown =
            |segment: &&Arc<Segment>| matches!(self.upper.segment(segment.key()), Found::Unknown);
        Box::new(
            self.upper
                .segments()
                .chain(self.lower.segments().filter(is_unknown)),
        )
    }

    fn is_complete(&self) -> bool {
        self.upper.is_complete() || self.lower.is_complete()
    }
}
