//! [`Plan`]: what the target is to contain.

use std::collections::HashSet;

use vexil::Text;
use vexil::model::{DataKind, DataSet, Item, ItemReader};
use vexil::store::{Collection, StoredItem, encode_data_set};
use vexil_service::complete;

use crate::diff;
use crate::snapshot::{Snapshot, StoredText, Unreadable};

/// How the contents of the target are decided.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Whether items stay that are only in the target.
    pub(crate) keep_missing: bool,
}

/// What the target is to contain.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The keys of the source.
    source: HashSet<(DataKind, Text)>,
    /// All items in write order.
    pub(crate) collections: Vec<Collection>,
    /// What the target contains once it is written.
    pub(crate) contents: Snapshot,
    pub(crate) flags: Counts,
    pub(crate) segments: Counts,
    /// The size of the items' texts.
    pub(crate) bytes: usize,
    /// The items of the source that cannot be read. The target keeps its own.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Whether there are segments whose members are stored elsewhere.
    pub(crate) has_big_segments: bool,
}

/// Numbers of items that are not deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// In the source.
    pub(crate) source: usize,
    /// In the target before.
    pub(crate) before: usize,
    /// In the target afterwards.
    pub(crate) after: usize,
    /// In the target before, and not afterwards.
    pub(crate) removed: usize,
}

impl Plan {
    /// Plans to make the target contain what the source contains.
    pub(crate) fn new(from: &Snapshot, to: &Snapshot, rules: Rules) -> Self {
        let mut reader = ItemReader::new(true);
        let mut unreadable = Vec::new();
        let mut items = Vec::new();
        for (kind, key, stored) in from.items() {
            let version = version(from, kind, key, stored, to);
            match item(kind, key, stored, version, &mut reader) {
                Ok(item) => items.push(item),
                Err(error) => unreadable.push(error),
            }
        }
        for kind in DataKind::READ_ORDER {
            // A tombstone that stays has the form that all readers know, whatever it had.
            let kept = kept(kind, from, to, &unreadable, rules).filter(|(_, there)| there.deleted);
            items.extend(kept.map(|(key, there)| Item::deleted(kind, key.clone(), there.version)));
        }
        let data: DataSet = items.into_iter().collect();
        let has_big_segments = data
            .segments
            .iter()
            .filter_map(|segment| segment.present())
            .any(|segment| segment.is_big());
        let (mut collections, refused) = encode_data_set(&data);
        // All items have JSON that was parsed, so none is refused.
        unreadable.extend(refused.into_iter().filter_map(|error| match error {
            vexil::store::StoreError::Corrupt { kind, key, source } => Some(Unreadable {
                kind,
                key,
                error: source.to_string(),
            }),
            _ => None,
        }));
        for Collection { kind, items, .. } in &mut collections {
            let kept =
                kept(*kind, from, to, &unreadable, rules).filter(|(_, there)| !there.deleted);
            items.extend(kept.map(|(key, there)| {
                let item = StoredItem::new(there.json.clone()).with_version(there.version);
                (key.clone(), item.with_deleted(false))
            }));
        }
        let contents = contents(&collections);
        let counts = |kind| Counts {
            source: live(from, kind).count(),
            before: live(to, kind).count(),
            after: live(&contents, kind).count(),
            removed: live(to, kind)
                .filter(|key| contents.of(kind).get(*key).is_none_or(|item| item.deleted))
                .count(),
        };
        Self {
            flags: counts(DataKind::Flag),
            segments: counts(DataKind::Segment),
            bytes: contents.items().map(|(_, _, item)| item.json.len()).sum(),
            source: from
                .items()
                .map(|(kind, key, _)| (kind, key.clone()))
                .collect(),
            collections,
            contents,
            unreadable,
            has_big_segments,
        }
    }

    /// Whether the source has an item of this key.
    pub(crate) fn has_in_source(&self, kind: DataKind, key: &Text) -> bool {
        self.source.contains(&(kind, key.clone()))
    }

    pub(crate) fn counts(&self, kind: DataKind) -> Counts {
        match kind {
            DataKind::Flag => self.flags,
            DataKind::Segment => self.segments,
        }
    }

    /// Returns the items that differ from those of the target, in write order.
    pub(crate) fn changes<'p>(
        &'p self,
        to: &'p Snapshot,
    ) -> impl Iterator<Item = (DataKind, &'p Text, &'p StoredItem)> {
        self.items().filter(move |(kind, key, _)| {
            let (is, planned) = (to.of(*kind).get(*key), self.contents.of(*kind).get(*key));
            is != planned
        })
    }

    fn items(&self) -> impl Iterator<Item = (DataKind, &Text, &StoredItem)> {
        self.collections.iter().flat_map(|collection| {
            let items = collection.items.iter();
            items.map(|(key, item)| (collection.kind, key, item))
        })
    }

    /// Whether the target has items that the plan removes.
    pub(crate) fn removes(&self, to: &Snapshot) -> bool {
        to.items()
            .any(|(kind, key, _)| !self.contents.of(kind).contains_key(key))
    }
}

/// Returns an item with all members that other SDKs require, as it is written.
pub(super) fn item(
    kind: DataKind,
    key: &Text,
    stored: &StoredText,
    version: u64,
    reader: &mut ItemReader,
) -> Result<Item, Unreadable> {
    if stored.deleted {
        return Ok(Item::deleted(kind, key.clone(), version));
    }
    let unreadable = |error: &dyn std::fmt::Display| Unreadable {
        kind,
        key: key.clone(),
        error: error.to_string(),
    };
    let text = std::str::from_utf8(&stored.json).map_err(|error| unreadable(&error))?;
    let complete = complete(kind, key, version, text).map_err(|error| unreadable(&error))?;
    match reader.read(kind, key.clone(), &complete) {
        Ok(item) => Ok(item.with_version(version)),
        Err(error) => Err(unreadable(&error.source)),
    }
}

/// Returns the version of an item. Files may have none: then it is the next one if the item differs
/// from that of the target.
fn version(from: &Snapshot, kind: DataKind, key: &Text, stored: &StoredText, to: &Snapshot) -> u64 {
    if diff::has_version(from, stored) {
        return stored.version;
    }
    match to.of(kind).get(key) {
        None => 1,
        Some(there) if !there.deleted && diff::is_same(kind, stored, there) => there.version,
        Some(there) => there.version.saturating_add(1),
    }
}

/// Returns the items of the target that stay although the source does not have them, or not
/// readable.
fn kept<'t>(
    kind: DataKind,
    from: &'t Snapshot,
    to: &'t Snapshot,
    unreadable: &'t [Unreadable],
    rules: Rules,
) -> impl Iterator<Item = (&'t Text, &'t StoredText)> {
    to.of(kind).iter().filter(move |(key, _)| {
        let is_unreadable = || {
            let mut unreadable = unreadable.iter();
            unreadable.any(|item| item.kind == kind && item.key == **key)
        };
        is_unreadable() || (rules.keep_missing && !from.of(kind).contains_key(*key))
    })
}

/// Returns what a database contains once the collections are written.
fn contents(collections: &[Collection]) -> Snapshot {
    let mut contents = Snapshot {
        initialized: Some(true),
        ..Snapshot::default()
    };
    for Collection { kind, items, .. } in collections {
        let items = items.iter().map(|(key, item)| (key.clone(), text(item)));
        contents.of_mut(*kind).extend(items);
    }
    contents
}

/// Returns an item as it is read once it is written.
pub(super) fn text(item: &StoredItem) -> StoredText {
    StoredText {
        json: item.body.clone(),
        version: item.version.unwrap_or_default(),
        deleted: item.deleted.unwrap_or_default(),
    }
}

/// Returns the keys of the items that are not deleted.
fn live(snapshot: &Snapshot, kind: DataKind) -> impl Iterator<Item = &Text> {
    let items = snapshot.of(kind).iter();
    items.filter(|(_, item)| !item.deleted).map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn snapshot(data: &Value, initialized: Option<bool>) -> Snapshot {
        let items = |section: &str| {
            let items = data[section].as_object().into_iter().flatten();
            items
                .map(|(key, item)| {
                    let text = StoredText {
                        json: item.to_string().into(),
                        version: item["version"].as_u64().unwrap_or(1),
                        deleted: item["deleted"] == true,
                    };
                    (key.as_str().into(), text)
                })
                .collect()
        };
        Snapshot {
            flags: items("flags"),
            segments: items("segments"),
            initialized,
        }
    }

    fn planned(from: &Value, to: &Value, rules: Rules) -> Plan {
        Plan::new(&snapshot(from, None), &snapshot(to, Some(true)), rules)
    }

    fn keys(plan: &Plan, kind: DataKind) -> Vec<&str> {
        let collections = plan.collections.iter();
        let mut of_kind = collections.filter(|collection| collection.kind == kind);
        let items = of_kind.next().into_iter().flat_map(|it| &it.items);
        items.map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn items_are_complete_and_in_write_order() {
        let from = json!({
            "flags": {"a": {"on": true, "prerequisites": [{"key": "b", "variation": 0}]}, "b": {"x": 1}},
            "segments": {"s": {"included": ["ada"], "unbounded": true}},
        });
        let plan = planned(&from, &json!({}), Rules::default());
        assert_eq!(plan.collections[0].kind, DataKind::Segment);
        assert_eq!(keys(&plan, DataKind::Flag), ["b", "a"]);
        let body = &plan.contents.flags["b"].json;
        assert!(
            body.starts_with(br#"{"x":1,"key":"b","version":1,"#),
            "{body:?}"
        );
        assert!(plan.has_big_segments && plan.unreadable.is_empty());
        let counts = Counts {
            source: 2,
            before: 0,
            after: 2,
            removed: 0,
        };
        assert_eq!((plan.flags, plan.segments.after), (counts, 1));
        // What was written needs no other write.
        let again = Plan::new(&snapshot(&from, None), &plan.contents, Rules::default());
        assert_eq!(again.changes(&plan.contents).count(), 0);
        assert!(!again.removes(&plan.contents));
    }

    #[test]
    fn an_item_of_a_file_has_the_next_version_if_it_differs() {
        let from = json!({"flags": {"new": {}, "equal": {"on": true}, "other": {"on": true}, "back": {},
            "own": {"version": 3}}});
        let to = json!({"flags": {"equal": {"on": true, "rules": [], "version": 7}, "other": {"version": 8},
            "back": {"version": 9, "deleted": true}, "own": {"version": 20}}});
        let plan = planned(&from, &to, Rules::default());
        let version = |key: &str| plan.contents.flags[key].version;
        let versions = ["new", "equal", "other", "back", "own"].map(version);
        assert_eq!(versions, [1, 7, 9, 10, 3]);
        let flag: Value = serde_json::from_slice(&plan.contents.flags["other"].json).unwrap();
        assert_eq!(flag["version"], 9);
        // A database has versions of its own.
        let database = Plan::new(
            &snapshot(&from, Some(true)),
            &snapshot(&to, Some(true)),
            Rules::default(),
        );
        assert_eq!(database.contents.flags["other"].version, 1);
    }

    #[test]
    fn leftovers_are_removed_unless_they_are_kept() {
        let from = json!({"flags": {"a": {"version": 1}}});
        let to = json!({"flags": {"a": {"version": 1}, "gone": {"version": 1}, "dead": {"version": 1, "deleted": true}}});
        let removing = planned(&from, &to, Rules::default());
        assert_eq!(keys(&removing, DataKind::Flag), ["a"]);
        assert_eq!(removing.flags.removed, 1);
        assert!(removing.removes(&snapshot(&to, Some(true))));
        let keeping = planned(&from, &to, Rules { keep_missing: true });
        assert_eq!(keys(&keeping, DataKind::Flag), ["a", "dead", "gone"]);
        assert_eq!((keeping.flags.removed, keeping.flags.after), (0, 2));
        assert_eq!(keeping.contents.flags["gone"].json, r#"{"version":1}"#);
    }

    #[test]
    fn an_unreadable_item_is_named_and_the_target_keeps_its_own() {
        let from = json!({"flags": {"bad": {"on": "yes"}, "bad-too": [], "good": {}}});
        let to = json!({"flags": {"bad": {"version": 4}}});
        let plan = planned(&from, &to, Rules::default());
        let unreadable: Vec<_> = plan
            .unreadable
            .iter()
            .map(|item| item.key.as_str())
            .collect();
        assert_eq!(unreadable, ["bad", "bad-too"]);
        assert_eq!(keys(&plan, DataKind::Flag), ["good", "bad"]);
        assert_eq!(plan.flags.removed, 0);
    }

    #[test]
    fn a_tombstone_has_the_form_that_all_readers_know() {
        let from = json!({"flags": {"gone": {"version": 5, "deleted": true}}});
        let plan = planned(&from, &json!({}), Rules::default());
        let gone: Value = serde_json::from_slice(&plan.contents.flags["gone"].json).unwrap();
        assert_eq!(
            (&gone["key"], &gone["version"], &gone["deleted"]),
            (&json!("$deleted"), &json!(5), &json!(true))
        );
        assert_eq!(plan.flags.after, 0);
    }
}
