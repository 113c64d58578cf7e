//! The rows that clauses write, and their assertions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoredItem};

use crate::conformance::must::Must;
use crate::conformance::{PersistentStoreHarness, prefix};

pub(super) const KINDS: [DataKind; 2] = [DataKind::Flag, DataKind::Segment];

/// Keys that a store may misinterpret, such as its own names, patterns and separators, and keys
/// with minimal differences.
pub(super) const ODD_KEYS: [&str; 15] = [
    "$inited",
    "$deleted",
    "features",
    "a",
    "A",
    "a.b",
    "a:b",
    "a-b_c",
    "*",
    "[a]",
    "with a space",
    "\"quoted\"",
    "ключ",
    "\u{1f6a9}",
    "a-key-of-sixty-four-characters-which-is-more-than-most-keys-have",
];

/// An environment with a unique prefix.
pub(super) struct Place<'a> {
    harness: &'a dyn PersistentStoreHarness,
    pub(super) prefix: String,
}

impl<'a> Place<'a> {
    pub(super) async fn new(harness: &'a dyn PersistentStoreHarness) -> Self {
        Self::at(harness, prefix::unique()).await
    }

    pub(super) async fn at(harness: &'a dyn PersistentStoreHarness, prefix: String) -> Self {
        harness.clear(&prefix).await;
        Self { harness, prefix }
    }

    pub(super) async fn store(&self) -> Arc<dyn PersistentDataStore> {
        self.harness.store(&self.prefix).await
    }

    pub(super) async fn put(&self, kind: DataKind, key: &str, row: &StoredItem) {
        self.harness.put(&self.prefix, kind, key, row).await;
    }

    pub(super) async fn mark(&self) {
        self.harness.mark(&self.prefix).await;
    }

    /// Removes all data. A failed clause leaves its data for inspection.
    pub(super) async fn clear(self) {
        self.harness.clear(&self.prefix).await;
    }
}

/// Returns a live item, with text that no serializer would produce.
pub(super) fn live(key: &str, version: u64) -> StoredItem {
    let key = Value::from(key);
    let text = format!(
        "{{ \"version\":{version},\n\t\"key\" : {key}, \"\\u006fn\":true, \"n\":1.50 ,\"t\":\"\\u00e9é\"}} "
    );
    StoredItem::new(text)
        .with_version(version)
        .with_deleted(false)
}

/// Returns a tombstone as the SDK writes it.
pub(super) fn tombstone(version: u64) -> StoredItem {
    let text = format!(r#"{{"key":"$deleted","version":{version},"deleted":true}}"#);
    StoredItem::new(text)
        .with_version(version)
        .with_deleted(true)
}

/// Returns the data for `init`, with segments before flags as the SDK passes them.
pub(super) fn data(flags: &[(&str, u64)], segments: &[(&str, u64)]) -> [Collection; 2] {
    let items = |items: &[(&str, u64)]| {
        items
            .iter()
            .map(|(key, version)| (Text::from(*key), live(key, *version)))
            .collect()
    };
    [
        Collection::new(DataKind::Segment, items(segments)),
        Collection::new(DataKind::Flag, items(flags)),
    ]
}

/// Asserts that the item was found with the expected bytes, and with the expected metadata if the
/// database keeps any.
#[track_caller]
pub(super) fn assert_same(found: Option<&StoredItem>, expected: &StoredItem, what: &str) {
    assert!(found.is_some(), "{what} is not found");
    let Some(found) = found else { return };
    assert_eq!(
        found.body, expected.body,
        "{what}: the bytes differ from those written"
    );
    let version = found.version.or(expected.version);
    assert_eq!(
        version, expected.version,
        "{what}: the version beside the text differs from the one written"
    );
    let deleted = found.deleted.unwrap_or(is_tombstone(expected));
    assert_eq!(
        deleted,
        is_tombstone(expected),
        "{what}: the deleted state differs from the one written"
    );
}

/// Whether the SDK treats the item as a tombstone, by its metadata or else by its text.
pub(super) fn is_tombstone(item: &StoredItem) -> bool {
    item.deleted
        .unwrap_or_else(|| match serde_json::from_slice::<Value>(&item.body) {
            Ok(Value::Null) => true,
            Ok(text) => text.get("deleted") == Some(&Value::Bool(true)),
            Err(_) => item.body.is_empty(),
        })
}

pub(super) async fn get(
    store: &dyn PersistentDataStore,
    kind: DataKind,
    key: &str,
) -> Option<StoredItem> {
    store.get(kind, key).await.must("get")
}

/// Returns all items of a kind by key. Asserts that no key occurs twice.
pub(super) async fn all(
    store: &dyn PersistentDataStore,
    kind: DataKind,
) -> BTreeMap<Text, StoredItem> {
    by_key(store.get_all(kind).await.must("get_all"))
}

pub(super) fn by_key(items: Vec<(Text, StoredItem)>) -> BTreeMap<Text, StoredItem> {
    let count = items.len();
    let items: BTreeMap<_, _> = items.into_iter().collect();
    assert_eq!(items.len(), count, "duplicate key");
    items
}

/// Asserts that exactly these live items of a kind are returned by `get_all` and `get`.
pub(super) async fn assert_items(
    store: &dyn PersistentDataStore,
    kind: DataKind,
    expected: &[(&str, u64)],
    what: &str,
) {
    let found = all(store, kind).await;
    let mut keys: Vec<_> = expected.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    assert_eq!(
        found.keys().map(Text::as_str).collect::<Vec<_>>(),
        keys,
        "{what}: the keys of all {kind}s"
    );
    for (key, version) in expected {
        assert_same(
            found.get(*key),
            &live(key, *version),
            &format!("{what}: the {kind} \"{key}\" in get_all"),
        );
        let single = get(store, kind, key).await;
        assert_same(
            single.as_ref(),
            &live(key, *version),
            &format!("{what}: the {kind} \"{key}\""),
        );
    }
}
