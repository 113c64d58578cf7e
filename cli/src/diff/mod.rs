//! Compares what two sources contain.
//!
//! [`compare`] takes two snapshots and returns the [`Differences`]; it reads and prints nothing.
//! Items belong together by kind and key. A tombstone equals an absent item. What is equal inside an
//! item is decided by the meaning of its members, which [`crate::schema`] lists.

mod align;
mod edit;
mod item;
mod options;

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use vexil::Text;
use vexil::json::replace_lone_surrogates;
use vexil::model::DataKind;

pub(crate) use self::edit::{Change, Edit, Edits};
pub(crate) use self::options::{Aspect, Options};
use crate::snapshot::{Snapshot, StoredText};

/// How two sources differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Differences {
    /// Flags first, by key.
    pub(crate) items: Vec<Difference>,
    /// How many flags were compared.
    pub(crate) flags: usize,
    /// How many segments were compared.
    pub(crate) segments: usize,
}

/// An item that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) kind: DataKind,
    pub(crate) key: Text,
    pub(crate) presence: Presence,
    /// The versions on the left and on the right; `None` if the side has none.
    pub(crate) versions: [Option<u64>; 2],
    /// The differences inside, if both sides have the item.
    pub(crate) edits: Edits,
}

/// Which sides have an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    OnlyLeft,
    OnlyRight,
    Both,
}

impl Differences {
    /// Returns the differences of a later comparison that this one has found, too.
    pub(crate) fn that_remain(&self, mut later: Self) -> Self {
        let of = |item: &Difference| (item.kind, item.key.clone());
        let known: HashSet<_> = self.items.iter().map(of).collect();
        later.items.retain(|item| known.contains(&of(item)));
        later
    }

    pub(crate) fn count(&self, presence: Presence) -> usize {
        let items = self.items.iter();
        items.filter(|item| item.presence == presence).count()
    }
}

/// Compares what two sources contain.
pub(crate) fn compare(left: &Snapshot, right: &Snapshot, options: &Options) -> Differences {
    let mut differences = Differences::default();
    for kind in DataKind::READ_ORDER {
        let (on_left, on_right) = (left.of(kind), right.of(kind));
        let keys: BTreeSet<&Text> = on_left.keys().chain(on_right.keys()).collect();
        for key in keys {
            if !options.includes(kind, key) {
                continue;
            }
            let side = |snapshot| Side::of(snapshot, kind, key, options.exact);
            let (one, other) = match (side(left), side(right)) {
                (None, None) => continue,
                sides => sides,
            };
            match kind {
                DataKind::Flag => differences.flags += 1,
                DataKind::Segment => differences.segments += 1,
            }
            differences
                .items
                .extend(difference(kind, key, one.as_ref(), other.as_ref(), options));
        }
    }
    differences
}

/// Whether an item has a version. Items of files may have none; programs that read them choose one.
pub(crate) fn has_version(snapshot: &Snapshot, stored: &StoredText) -> bool {
    snapshot.initialized.is_some() || parse(stored).get("version").is_some()
}

/// Whether two versions of an item differ in nothing but the version.
pub(crate) fn is_same(kind: DataKind, left: &StoredText, right: &StoredText) -> bool {
    edits(kind, left, right, &Options::default()).is_empty()
}

/// An item that one side has.
struct Side<'s> {
    text: &'s StoredText,
    /// `None` if the source has no versions of its own for the item.
    version: Option<u64>,
}

impl<'s> Side<'s> {
    fn of(snapshot: &'s Snapshot, kind: DataKind, key: &Text, exact: bool) -> Option<Self> {
        let text = snapshot.of(kind).get(key)?;
        if text.deleted && !exact {
            return None;
        }
        Some(Self {
            text,
            version: has_version(snapshot, text).then_some(text.version),
        })
    }
}

fn difference(
    kind: DataKind,
    key: &Text,
    left: Option<&Side<'_>>,
    right: Option<&Side<'_>>,
    options: &Options,
) -> Option<Difference> {
    let versions = [
        left.and_then(|side| side.version),
        right.and_then(|side| side.version),
    ];
    let (presence, edits) = match (left, right) {
        (None, None) => return None,
        (Some(_), None) => (Presence::OnlyLeft, Edits::default()),
        (None, Some(_)) => (Presence::OnlyRight, Edits::default()),
        (Some(left), Some(right)) => {
            let edits = edits(kind, left.text, right.text, options);
            let other_version = match versions {
                [Some(left), Some(right)] => left != right && !options.ignored.version,
                _ => false,
            };
            if edits.is_empty() && !other_version {
                return None;
            }
            (Presence::Both, edits)
        }
    };
    Some(Difference {
        kind,
        key: key.clone(),
        presence,
        versions,
        edits,
    })
}

fn edits(kind: DataKind, left: &StoredText, right: &StoredText, options: &Options) -> Edits {
    if left.json == right.json {
        return Edits::default();
    }
    let (left, right) = (parse(left), parse(right));
    if options.exact {
        item::compare_exactly(&left, &right)
    } else {
        item::compare(kind, &left, &right, options.ignored)
    }
}

/// Returns the JSON of an item. Text that is no JSON is compared as text.
fn parse(stored: &StoredText) -> Value {
    let text = stored.text();
    let parsed = serde_json::from_str(&text).or_else(|error| {
        let repaired = replace_lone_surrogates(&text).ok_or(error)?;
        serde_json::from_str(&repaired)
    });
    parsed.unwrap_or_else(|_| Value::from(text.into_owned()))
}

#[cfg(test)]
mod tests;
