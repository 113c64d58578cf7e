//! [`Watched`]: turns what a source reports into changes of items.

use std::collections::HashSet;

use vexil::Text;
use vexil::model::{DataKind, Item, ItemReader};

use crate::diff::{self, Presence};
use crate::snapshot::{Snapshot, StoredText};

/// What a source contains, and how that changes.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) snapshot: Snapshot,
}

/// A change of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) kind: DataKind,
    pub(crate) key: Text,
    pub(crate) change: Sort,
    /// The versions before and afterwards.
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    /// The flags that use the segment, also through other segments. Empty for a flag.
    pub(crate) touches: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Added,
    Updated,
    Deleted,
}

impl Watched {
    /// Replaces everything. Returns the items that have changed.
    pub(crate) fn replace(&mut self, snapshot: Snapshot) -> Vec<Changed> {
        let differences = diff::compare(&self.snapshot, &snapshot, &diff::Options::default());
        self.snapshot = snapshot;
        let items = differences.items.into_iter();
        items
            .map(|item| {
                let change = match item.presence {
                    Presence::OnlyLeft => Sort::Deleted,
                    Presence::OnlyRight => Sort::Added,
                    Presence::Both => Sort::Updated,
                };
                self.changed(item.kind, item.key, change, item.versions)
            })
            .collect()
    }

    /// Replaces one item. Returns the change, if it is one.
    pub(crate) fn update(
        &mut self,
        kind: DataKind,
        key: Text,
        item: StoredText,
    ) -> Option<Changed> {
        let items = self.snapshot.of_mut(kind);
        let there = items.insert(key.clone(), item.clone());
        let there = there.filter(|there| !there.deleted);
        let versions = [
            there.as_ref().map(|there| there.version),
            Some(item.version),
        ];
        let change = match (&there, item.deleted) {
            (None, true) => return None,
            (None, false) => Sort::Added,
            (Some(_), true) => Sort::Deleted,
            (Some(there), false) if *there == item => return None,
            (Some(_), false) => Sort::Updated,
        };
        Some(self.changed(kind, key, change, versions))
    }

    fn changed(
        &self,
        kind: DataKind,
        key: Text,
        change: Sort,
        [from, to]: [Option<u64>; 2],
    ) -> Changed {
        let touches = match kind {
            DataKind::Flag => Vec::new(),
            DataKind::Segment => users(&self.snapshot, &key),
        };
        Changed {
            kind,
            key,
            change,
            from,
            to,
            touches,
        }
    }
}

/// Returns the flags that use a segment, also through other segments.
fn users(snapshot: &Snapshot, segment: &Text) -> Vec<Text> {
    let mut reader = ItemReader::new(false);
    let items: Vec<Item> = snapshot
        .items()
        .filter_map(|(kind, key, stored)| stored.item(kind, key, &mut reader).ok())
        .collect();
    let mut reached = HashSet::from([segment.clone()]);
    // Each round adds the segments that refer to those of the last one.
    loop {
        let more: Vec<Text> = items
            .iter()
            .filter_map(|item| match item {
                Item::Segment(entry) => entry.present(),
                Item::Flag(_) => None,
            })
            .filter(|other| !reached.contains(other.key()))
            .filter(|other| other.segments().any(|key| reached.contains(key)))
            .map(|other| other.key().clone())
            .collect();
        if more.is_empty() {
            break;
        }
        reached.extend(more);
    }
    let flags = items.iter().filter_map(|item| match item {
        Item::Flag(entry) => entry.present(),
        Item::Segment(_) => None,
    });
    flags
        .filter(|flag| flag.segments().any(|key| reached.contains(key)))
        .map(|flag| flag.key().clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn stored(item: &Value) -> StoredText {
        StoredText {
            json: item.to_string().into(),
            version: item["version"].as_u64().unwrap_or(1),
            deleted: item["deleted"] == true,
        }
    }

    fn snapshot(data: &Value) -> Snapshot {
        let items = |section: &str| {
            let items = data[section].as_object().into_iter().flatten();
            items
                .map(|(key, item)| (key.as_str().into(), stored(item)))
                .collect()
        };
        Snapshot {
            flags: items("flags"),
            segments: items("segments"),
            initialized: None,
        }
    }

    fn using(segment: &str) -> Value {
        json!({"version": 1, "rules": [{"variation": 0, "clauses": [{"op": "segmentMatch", "values": [segment]}]}]})
    }

    #[test]
    fn a_whole_set_is_compared_with_the_one_before() {
        let mut watched = Watched::default();
        watched.replace(snapshot(
            &json!({"flags": {"a": {"version": 1}, "b": {"version": 1}, "c": {"version": 2}}}),
        ));
        let changes = watched.replace(snapshot(
            &json!({"flags": {"a": {"version": 1}, "b": {"version": 3, "on": true}, "d": {"version": 1}}}),
        ));
        let shown: Vec<_> = changes
            .iter()
            .map(|change| (change.key.as_str(), change.change, change.from, change.to))
            .collect();
        let expected = [
            ("b", Sort::Updated, Some(1), Some(3)),
            ("c", Sort::Deleted, Some(2), None),
            ("d", Sort::Added, None, Some(1)),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_single_item_is_compared_with_the_one_before() {
        let mut watched = Watched::default();
        let mut update = |item: Value| {
            let changed = watched.update(DataKind::Flag, "a".into(), stored(&item));
            changed.map(|changed| (changed.change, changed.from, changed.to))
        };
        assert_eq!(update(json!({"version": 1, "deleted": true})), None);
        assert_eq!(
            update(json!({"version": 2})),
            Some((Sort::Added, None, Some(2)))
        );
        assert_eq!(update(json!({"version": 2})), None);
        assert_eq!(
            update(json!({"version": 3})),
            Some((Sort::Updated, Some(2), Some(3)))
        );
        let deleted = update(json!({"version": 4, "deleted": true}));
        assert_eq!(deleted, Some((Sort::Deleted, Some(3), Some(4))));
    }

    #[test]
    fn a_change_of_a_segment_names_the_flags_it_touches() {
        let mut watched = Watched::default();
        watched.replace(snapshot(&json!({
            "flags": {"direct": using("s"), "indirect": using("t"), "other": using("u")},
            "segments": {"s": {"version": 1}, "t": using("s"), "u": {"version": 1}},
        })));
        let segment = stored(&json!({"version": 2, "included": ["ada"]}));
        let changed = watched
            .update(DataKind::Segment, "s".into(), segment)
            .unwrap();
        assert_eq!(changed.touches, ["direct", "indirect"]);
        let flag = watched.update(
            DataKind::Flag,
            "direct".into(),
            stored(&json!({"version": 2})),
        );
        assert!(flag.unwrap().touches.is_empty());
    }
}
