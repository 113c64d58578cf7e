//! The items that clauses store, and their assertions.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::json;
use vexil::eval::Found;
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::{DataStore, Snapshot, Upserted};

use crate::conformance::must::Must;

pub(super) const KINDS: [DataKind; 2] = [DataKind::Flag, DataKind::Segment];

/// The items of an environment: kind, key and version.
pub(super) type Items = BTreeSet<(&'static str, String, u64)>;

/// Returns the text of an item, with a property that no SDK knows.
pub(super) fn text(key: &str, version: u64) -> Bytes {
    let key = json!(key);
    let text = format!(
        r#"{{"key": {key}, "version": {version}, "on": true, "variations": [{version}], "unknown": {{"n": [1]}}}}"#
    );
    text.into()
}

/// Returns an item as a client would pass it to this store: without JSON unless the store keeps it.
pub(super) fn item(store: &dyn DataStore, kind: DataKind, key: &str, version: u64) -> Item {
    #[expect(clippy::expect_used, reason = "`text` returns valid JSON")]
    let item = Item::from_json(kind, key, &text(key, version)).expect("a valid item");
    if store.keeps_json() {
        item
    } else {
        item.without_json()
    }
}

/// Returns a data set as a client would pass it to this store.
pub(super) fn data(
    store: &dyn DataStore,
    flags: &[(&str, u64)],
    segments: &[(&str, u64)],
) -> DataSet {
    let of = |kind, items: &[(&str, u64)]| -> Vec<Item> {
        items
            .iter()
            .map(|(key, version)| item(store, kind, key, *version))
            .collect()
    };
    of(DataKind::Flag, flags)
        .into_iter()
        .chain(of(DataKind::Segment, segments))
        .collect()
}

pub(super) async fn init(store: &dyn DataStore, flags: &[(&str, u64)], segments: &[(&str, u64)]) {
    store.init(data(store, flags, segments)).await.must("init");
}

/// Upserts an item, and asserts that it is written, or that it is not because it is not newer.
pub(super) async fn upsert(store: &dyn DataStore, item: Item, written: bool) {
    let what = format!("upsert of version {} of {}", item.version(), item.key());
    let upserted = store.upsert(item).await.must(&what);
    assert_eq!(
        upserted == Upserted::Written,
        written,
        "{what}: whether it is written"
    );
}

/// Reads the store. Asserts that it calls the reader exactly once.
#[track_caller]
#[expect(clippy::panic, reason = "the end of a test that fails")]
pub(super) fn read<R>(store: &dyn DataStore, mut reader: impl FnMut(&dyn Snapshot) -> R) -> R {
    let mut results = Vec::new();
    store.read(&mut |snapshot| results.push(reader(snapshot)));
    let calls = results.len();
    match results.pop() {
        Some(result) if calls == 1 => result,
        _ => panic!("a read has called its reader {calls} times"),
    }
}

/// Finds the version of an item in a snapshot.
pub(super) fn find(snapshot: &dyn Snapshot, kind: DataKind, key: &str) -> Found<u64> {
    fn map<T>(found: Found<T>, version: impl FnOnce(T) -> u64) -> Found<u64> {
        match found {
            Found::Present(item) => Found::Present(version(item)),
            Found::Absent => Found::Absent,
            Found::Unknown => Found::Unknown,
        }
    }
    match kind {
        DataKind::Flag => map(snapshot.flag(key), |flag| flag.version()),
        DataKind::Segment => map(snapshot.segment(key), |segment| segment.version()),
    }
}

/// Returns the version of an item, or `None` if there is none. Like a client, fetches it if the
/// snapshot does not hold it.
pub(super) async fn version(store: &dyn DataStore, kind: DataKind, key: &str) -> Option<u64> {
    match read(store, |snapshot| find(snapshot, kind, key)) {
        Found::Present(version) => Some(version),
        Found::Absent => None,
        Found::Unknown => fetched(store, kind, key).await,
    }
}

/// Fetches the version of an item, or `None` if there is none.
pub(super) async fn fetched(store: &dyn DataStore, kind: DataKind, key: &str) -> Option<u64> {
    let item = store.fetch(kind, key).await.must("fetch");
    item.filter(|item| !item.is_deleted())
        .map(|item| item.version())
}

/// Lists the items of a snapshot. Asserts that none is listed twice.
#[track_caller]
pub(super) fn list(snapshot: &dyn Snapshot) -> Items {
    let flags = snapshot.flags();
    let flags = flags.map(|flag| {
        (
            DataKind::Flag.namespace(),
            flag.key().to_string(),
            flag.version(),
        )
    });
    let segments = snapshot.segments().map(|segment| {
        (
            DataKind::Segment.namespace(),
            segment.key().to_string(),
            segment.version(),
        )
    });
    let listed: Vec<_> = flags.chain(segments).collect();
    let count = listed.len();
    let items: Items = listed.into_iter().collect();
    assert_eq!(items.len(), count, "the number of listed items");
    items
}

/// Returns all items. Like a client, fetches them if snapshots are incomplete.
pub(super) async fn all(store: &dyn DataStore) -> Items {
    match read(store, |snapshot| {
        snapshot.is_complete().then(|| list(snapshot))
    }) {
        Some(items) => items,
        None => list(&*store.fetch_all().await.must("fetch_all")),
    }
}

/// Asserts that the store holds exactly these items, listed and by their keys.
pub(super) async fn assert_items(
    store: &dyn DataStore,
    flags: &[(&str, u64)],
    segments: &[(&str, u64)],
    what: &str,
) {
    let expected = |kind: DataKind, items: &[(&str, u64)]| -> Items {
        items
            .iter()
            .map(|(key, version)| (kind.namespace(), (*key).to_owned(), *version))
            .collect()
    };
    let mut items = expected(DataKind::Flag, flags);
    items.extend(expected(DataKind::Segment, segments));
    assert_eq!(all(store).await, items, "{what}: all items");
    for (kind, items) in [(DataKind::Flag, flags), (DataKind::Segment, segments)] {
        for (key, expected) in items {
            assert_eq!(
                version(store, kind, key).await,
                Some(*expected),
                "{what}: the version of the {kind} \"{key}\""
            );
        }
    }
}
