//! Tests of how regular expressions are compiled when data arrives.

mod deliveries;
#[cfg(vexil_loom)]
mod orders;
mod registrations;

use serde_json::{Value as Json, json};
use vexil_eval::Lookup;
use vexil_eval::model::Pattern;

use super::*;
use crate::runtime::park;
use crate::store::MemoryStore;

/// Longer than the compilation of many patterns takes, even on a busy machine.
const SOON: Duration = Duration::from_secs(600);

/// An updater, and the store behind it.
fn updater() -> (Updater, MemoryStore) {
    let (runtime, store) = (Runtime::shared().unwrap(), MemoryStore::default());
    let changes = Arc::new(ChangeHub::new(runtime.clone()));
    let updater = Updater::new(
        runtime,
        Arc::new(store.clone()),
        None,
        changes,
        None,
        Arc::new(Hooks::new(Vec::new())),
    );
    (updater, store)
}

/// A flag or segment with these patterns.
fn item(version: u64, patterns: &[&str]) -> Json {
    let clause = json!({"attribute": "a", "op": "matches", "values": patterns});
    json!({"version": version, "rules": [{"clauses": [clause], "variation": 0}]})
}

fn init(updater: &Updater, data: &Json) {
    let data = DataSet::from_json(data.to_string().as_bytes()).unwrap();
    park(SOON, updater.init(data)).unwrap().unwrap();
}

fn upsert(updater: &Updater, kind: DataKind, json: &Json) {
    let item = Item::from_json(kind, "k", json.to_string().as_bytes()).unwrap();
    park(SOON, updater.upsert(item)).unwrap().unwrap();
}

/// The patterns of item `k`.
fn patterns(store: &MemoryStore, kind: DataKind) -> Vec<Arc<Pattern>> {
    let snapshot = store.load();
    match kind {
        DataKind::Flag => present(snapshot.flag("k"))
            .unwrap()
            .patterns()
            .cloned()
            .collect(),
        DataKind::Segment => present(snapshot.segment("k"))
            .unwrap()
            .patterns()
            .cloned()
            .collect(),
    }
}

fn compiled(store: &MemoryStore, kind: DataKind) -> Vec<bool> {
    patterns(store, kind)
        .iter()
        .map(|pattern| pattern.is_compiled())
        .collect()
}

#[test]
fn a_patched_item_keeps_its_compiled_patterns() {
    for kind in [DataKind::Flag, DataKind::Segment] {
        let (updater, store) = updater();
        upsert(&updater, kind, &item(1, &["a+", "b+"]));
        assert_eq!(compiled(&store, kind), [false, false]);
        for pattern in patterns(&store, kind) {
            assert_eq!(pattern.is_match("ab"), Some(true));
        }
        upsert(&updater, kind, &item(2, &["c+", "b+", "a+"]));
        assert_eq!(compiled(&store, kind), [false, true, true], "{kind}");
    }
}

#[test]
fn a_data_set_that_arrives_again_keeps_its_compiled_patterns() {
    let (updater, store) = updater();
    let data = json!({"flags": {"k": item(1, &["a+"])}, "segments": {"k": item(1, &["a+", "b+"])}});
    init(&updater, &data);
    assert_eq!(
        patterns(&store, DataKind::Segment)[1].is_match("b"),
        Some(true)
    );
    assert_eq!(
        patterns(&store, DataKind::Flag)[0].is_match("a"),
        Some(true)
    );
    init(&updater, &data);
    for kind in [DataKind::Flag, DataKind::Segment] {
        assert!(
            compiled(&store, kind).iter().all(|compiled| *compiled),
            "{kind}"
        );
    }
}

#[test]
fn only_costly_patterns_are_compiled_before_the_data_takes_effect() {
    for kind in [DataKind::Flag, DataKind::Segment] {
        let (updater, store) = updater();
        upsert(&updater, kind, &item(1, &["a+", r"^\pL{1,20}$"]));
        assert_eq!(compiled(&store, kind), [false, true], "{kind}");
        let (updater, store) = self::updater();
        let section = if kind == DataKind::Flag {
            "flags"
        } else {
            "segments"
        };
        init(
            &updater,
            &json!({section: {"k": item(1, &[r"^\pL{1,20}$", "a+"])}}),
        );
        assert_eq!(compiled(&store, kind), [true, false], "{kind}");
    }
}

#[test]
fn compiling_ahead_is_limited_for_each_update() {
    let (updater, store) = updater();
    let patterns: Vec<String> = (100..300)
        .map(|count| format!(r"x\pL{{10}}{count}"))
        .collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    upsert(&updater, DataKind::Flag, &item(1, &patterns));
    let ahead = compiled(&store, DataKind::Flag)
        .iter()
        .filter(|compiled| **compiled)
        .count();
    assert!((50..200).contains(&ahead), "{ahead} of 200");
}
