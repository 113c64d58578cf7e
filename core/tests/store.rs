//! The contract of a store, checked with the in-memory store (EVAL-2.5; SRC-2.3 and SRC-5.2).

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pollster::block_on;
use serde_json::{Value as Json, json};
use support::{data_set, serving};
use vexil::eval::Found;
use vexil::model::{DataKind, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, Upserted};

/// How often the tests with several threads repeat their steps. Under Miri each takes long.
const TIMES: u64 = if cfg!(miri) { 5 } else { 200 };

fn store_of(data: &Json) -> MemoryStore {
    let store = MemoryStore::new();
    block_on(store.init(data_set(data))).unwrap();
    store
}

fn flag(store: &MemoryStore, key: &str, version: u64) -> Upserted {
    let json = serving(version, version).to_string();
    block_on(store.upsert(Item::from_json(DataKind::Flag, key, json.as_bytes()).unwrap())).unwrap()
}

fn segment(store: &MemoryStore, key: &str, version: u64) -> Upserted {
    let json = json!({"version": version}).to_string();
    block_on(store.upsert(Item::from_json(DataKind::Segment, key, json.as_bytes()).unwrap()))
        .unwrap()
}

fn delete(store: &MemoryStore, kind: DataKind, key: &str, version: u64) -> Upserted {
    block_on(store.upsert(Item::deleted(kind, key, version))).unwrap()
}

fn read<R>(store: &MemoryStore, reader: impl Fn(&dyn Snapshot) -> R) -> R {
    let mut result = None;
    store.read(&mut |snapshot| result = Some(reader(snapshot)));
    result.expect("a store lends its data before it returns")
}

#[test]
fn a_clone_is_the_same_store() {
    let store = store_of(&json!({"flags": {"a": serving(1, 1)}}));
    let clone = store.clone();
    flag(&clone, "a", 2);
    assert_eq!(version(&store, "a"), Some(2));
}

/// The version of a flag, or `None` if there is no such flag. The in-memory store never returns
/// `Found::Unknown`.
fn version(store: &MemoryStore, key: &str) -> Option<u64> {
    read(store, |snapshot| match snapshot.flag(key) {
        Found::Present(flag) => Some(flag.version()),
        Found::Absent => None,
        Found::Unknown => panic!("{key} is unknown"),
    })
}

fn segment_version(store: &MemoryStore, key: &str) -> Option<u64> {
    read(store, |snapshot| match snapshot.segment(key) {
        Found::Present(segment) => Some(segment.version()),
        Found::Absent => None,
        Found::Unknown => panic!("{key} is unknown"),
    })
}

/// All flags and segments with their versions, sorted.
fn all(store: &MemoryStore) -> Vec<String> {
    read(store, |snapshot| {
        let flags = snapshot
            .flags()
            .map(|flag| format!("flag {} {}", flag.key(), flag.version()));
        let segments = snapshot
            .segments()
            .map(|segment| format!("segment {} {}", segment.key(), segment.version()));
        let mut all: Vec<_> = flags.chain(segments).collect();
        all.sort();
        all
    })
}

#[test]
fn a_new_store_is_empty_and_not_initialized() {
    let store = MemoryStore::default();
    assert!(!store.is_initialized());
    assert!(all(&store).is_empty());
    assert_eq!(
        (version(&store, "a"), segment_version(&store, "a")),
        (None, None)
    );
}

#[test]
fn an_update_alone_is_stored_but_does_not_initialize() {
    let store = MemoryStore::new();
    assert_eq!(flag(&store, "a", 1), Upserted::Written);
    assert!(!store.is_initialized());
    assert_eq!(all(&store), ["flag a 1"]);
}

#[test]
fn an_empty_data_set_initializes() {
    assert!(store_of(&json!({})).is_initialized());
}

#[test]
fn a_data_set_replaces_everything_whatever_the_versions() {
    let store = store_of(
        &json!({"flags": {"a": serving(5, 1), "b": serving(5, 1)}, "segments": {"s": {"version": 5}}}),
    );
    delete(&store, DataKind::Flag, "c", 9);
    block_on(store.init(data_set(
        &json!({"flags": {"a": serving(2, 1)}, "segments": {"t": {"version": 1}}}),
    )))
    .unwrap();
    assert_eq!(all(&store), ["flag a 2", "segment t 1"]);
    assert_eq!(
        flag(&store, "c", 1),
        Upserted::Written,
        "a tombstone is also replaced"
    );
    assert_eq!(flag(&store, "b", 1), Upserted::Written);
}

#[test]
fn only_a_newer_version_is_written() {
    let store =
        store_of(&json!({"flags": {"a": serving(5, 1)}, "segments": {"a": {"version": 5}}}));
    for older in [0, 4, 5] {
        assert_eq!(flag(&store, "a", older), Upserted::Stale);
        assert_eq!(segment(&store, "a", older), Upserted::Stale);
        assert_eq!(delete(&store, DataKind::Flag, "a", older), Upserted::Stale);
        assert_eq!(
            delete(&store, DataKind::Segment, "a", older),
            Upserted::Stale
        );
    }
    assert_eq!(all(&store), ["flag a 5", "segment a 5"]);
    assert_eq!(flag(&store, "a", 6), Upserted::Written);
    assert_eq!(segment(&store, "a", 1 << 53), Upserted::Written);
    assert_eq!(all(&store), ["flag a 6", "segment a 9007199254740992"]);
}

#[test]
fn a_new_item_is_written_whatever_its_version() {
    let store = store_of(&json!({}));
    assert_eq!(flag(&store, "a", 0), Upserted::Written);
    assert_eq!(flag(&store, "a", 0), Upserted::Stale);
    assert_eq!(flag(&store, "", 1), Upserted::Written);
    assert_eq!(all(&store), ["flag  1", "flag a 0"]);
}

#[test]
fn flags_and_segments_of_the_same_key_are_different_items() {
    let store = store_of(&json!({"flags": {"a": serving(1, 1)}}));
    assert_eq!(segment(&store, "a", 1), Upserted::Written);
    assert_eq!(delete(&store, DataKind::Segment, "a", 2), Upserted::Written);
    assert_eq!(
        (version(&store, "a"), segment_version(&store, "a")),
        (Some(1), None)
    );
}

// EVAL-2.5
#[test]
fn a_deleted_item_is_gone_but_rejects_older_updates() {
    let store =
        store_of(&json!({"flags": {"a": serving(1, 1), "b": {"version": 7, "deleted": true}}}));
    assert_eq!(delete(&store, DataKind::Flag, "a", 3), Upserted::Written);
    assert_eq!(
        delete(&store, DataKind::Flag, "never-there", 4),
        Upserted::Written
    );
    assert!(all(&store).is_empty());
    for (key, deleted) in [("a", 3), ("b", 7), ("never-there", 4)] {
        assert_eq!(version(&store, key), None);
        assert_eq!(flag(&store, key, deleted - 1), Upserted::Stale, "{key}");
        assert_eq!(flag(&store, key, deleted), Upserted::Stale, "{key}");
        assert_eq!(flag(&store, key, deleted + 1), Upserted::Written, "{key}");
        assert_eq!(version(&store, key), Some(deleted + 1));
    }
}

#[test]
fn each_of_many_updates_changes_its_item() {
    const ITEMS: usize = if cfg!(miri) { 8 } else { 2_000 };
    let store = MemoryStore::new();
    for round in 1..=3 {
        for n in 0..ITEMS {
            assert_eq!(flag(&store, &format!("flag-{n}"), round), Upserted::Written);
        }
    }
    assert!((0..ITEMS).all(|n| version(&store, &format!("flag-{n}")) == Some(3)));
    assert_eq!(read(&store, |snapshot| snapshot.flags().count()), ITEMS);
}

#[test]
fn a_closed_store_can_still_be_read() {
    let store = store_of(&json!({"flags": {"a": serving(1, 1)}}));
    block_on(store.close());
    assert_eq!(version(&store, "a"), Some(1));
    assert!(store.is_initialized());
}

#[test]
fn a_store_in_memory_has_nothing_to_fetch() {
    let store = store_of(&json!({"flags": {"a": serving(1, 1)}}));
    assert!(
        block_on(store.fetch(DataKind::Flag, "b"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_reader_can_write_and_keeps_its_snapshot() {
    let store = store_of(&json!({"flags": {"a": serving(1, 1)}}));
    store.read(&mut |snapshot| {
        assert_eq!(flag(&store, "a", 2), Upserted::Written);
        block_on(store.init(data_set(&json!({})))).unwrap();
        assert!(matches!(snapshot.flag("a"), Found::Present(flag) if flag.version() == 1));
        assert_eq!(snapshot.flags().count(), 1);
    });
    assert_eq!(version(&store, "a"), None);
}

// SRC-5.2: a reader sees the old or the new data set, never a mix
#[test]
fn a_reader_never_sees_half_a_data_set() {
    const FLAGS: usize = if cfg!(miri) { 5 } else { 200 };
    const TIMES: u64 = if cfg!(miri) { 5 } else { 50 };
    let set = |version: u64| {
        let items = |item: Json| {
            (0..FLAGS)
                .map(|n| (format!("{n}"), item.clone()))
                .collect::<serde_json::Map<_, _>>()
        };
        data_set(
            &json!({"flags": items(serving(version, 1)), "segments": items(json!({"version": version}))}),
        )
    };
    let store = Arc::new(MemoryStore::new());
    block_on(store.init(set(0))).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (1..=TIMES).for_each(|version| block_on(store.init(set(version))).unwrap());
            done.store(true, Ordering::Release);
        });
        let mut last = 0;
        loop {
            let finished = done.load(Ordering::Acquire);
            last = read(&store, |snapshot| {
                let Found::Present(first) = snapshot.flag("0") else {
                    panic!("a flag is missing")
                };
                let version = first.version();
                let flags = snapshot.flags().map(|flag| flag.version());
                let segments = snapshot.segments().map(|segment| segment.version());
                let versions: Vec<_> = flags.chain(segments).collect();
                assert_eq!(versions, vec![version; 2 * FLAGS], "a mix of two data sets");
                assert!(version >= last, "the data became older");
                version
            });
            if finished {
                break;
            }
        }
        assert_eq!(last, TIMES);
    });
}

#[test]
fn updates_from_many_threads_are_all_kept_and_the_newest_wins() {
    let store = store_of(&json!({}));
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let store = &store;
            scope.spawn(move || {
                for version in 1..=TIMES {
                    flag(store, &format!("own-{thread}-{version}"), 1);
                    flag(store, "shared", version * 4 + thread);
                    segment(store, "shared", version * 4 + thread);
                }
            });
        }
    });
    let flags = read(&store, |snapshot| snapshot.flags().count());
    assert_eq!(u64::try_from(flags), Ok(4 * TIMES + 1));
    let newest = Some(4 * TIMES + 3);
    assert_eq!(
        (version(&store, "shared"), segment_version(&store, "shared")),
        (newest, newest)
    );
}

#[test]
fn a_reader_sees_a_write_that_has_returned() {
    let store = Arc::new(MemoryStore::new());
    for n in 1..=TIMES {
        flag(&store, "a", n);
        let reader = Arc::clone(&store);
        assert_eq!(
            std::thread::spawn(move || version(&reader, "a"))
                .join()
                .unwrap(),
            Some(n)
        );
    }
}
