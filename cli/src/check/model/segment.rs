//! [`Segment`]: a segment and its parts.

use super::{Clause, kind_of};
use crate::check::item::{Item, Spot};

/// A segment that can be read.
#[derive(Debug)]
pub(in crate::check) struct Segment<'t> {
    pub(in crate::check) item: &'t Item,
    pub(in crate::check) included: Vec<KeyList<'t>>,
    pub(in crate::check) excluded: Vec<KeyList<'t>>,
    pub(in crate::check) rules: Vec<SegmentRule<'t>>,
    /// Whether its lists are kept in a store of their own.
    pub(in crate::check) is_big: bool,
    pub(in crate::check) salt: &'t str,
}

/// Keys of one kind.
#[derive(Debug)]
pub(in crate::check) struct KeyList<'t> {
    /// The property of the segment that contains the list.
    pub(in crate::check) property: &'static str,
    pub(in crate::check) kind: &'t str,
    pub(in crate::check) keys: Vec<Spot<'t>>,
}

#[derive(Debug)]
pub(in crate::check) struct SegmentRule<'t> {
    pub(in crate::check) spot: Spot<'t>,
    pub(in crate::check) clauses: Vec<Clause<'t>>,
    pub(in crate::check) weight: Option<Spot<'t>>,
}

impl<'t> Segment<'t> {
    pub(in crate::check) fn new(item: &'t Item) -> Self {
        let root = item.root();
        Self {
            item,
            included: lists(&root, "included", "includedContexts"),
            excluded: lists(&root, "excluded", "excludedContexts"),
            rules: root
                .list("rules")
                .into_iter()
                .map(SegmentRule::new)
                .collect(),
            is_big: root.flag("unbounded"),
            salt: root.text("salt"),
        }
    }

    /// Whether no context is in the segment.
    pub(in crate::check) fn is_empty(&self) -> bool {
        !self.is_big
            && self.rules.is_empty()
            && self.included.iter().all(|list| list.keys.is_empty())
    }

    pub(in crate::check) fn has_lists(&self) -> bool {
        let mut lists = self.included.iter().chain(&self.excluded);
        lists.any(|list| !list.keys.is_empty())
    }
}

impl<'t> SegmentRule<'t> {
    fn new(spot: Spot<'t>) -> Self {
        Self {
            clauses: Clause::all(&spot),
            weight: spot.member("weight"),
            spot,
        }
    }
}

fn lists<'t>(root: &Spot<'t>, users: &'static str, contexts: &'static str) -> Vec<KeyList<'t>> {
    let users = KeyList {
        property: users,
        kind: super::USER,
        keys: root.list(users),
    };
    let contexts = root.list(contexts).into_iter().map(|list| KeyList {
        property: contexts,
        kind: kind_of(&list, "contextKind"),
        keys: list.list("values"),
    });
    std::iter::once(users).chain(contexts).collect()
}
