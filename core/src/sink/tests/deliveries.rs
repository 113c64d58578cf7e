//! Tests of what becomes of a delivery: whether the client is ready, which items count as changed,
//! and whether they keep their JSON.

use super::*;

fn flag(version: u64, json: &Json) -> Item {
    let mut json = json.clone();
    json["version"] = version.into();
    Item::from_json(DataKind::Flag, "k", json.to_string().as_bytes()).unwrap()
}

fn data() -> DataSet {
    [flag(1, &json!({}))].into_iter().collect()
}

fn apply(updater: &Updater, changes: ChangeSet) {
    park(SOON, updater.apply(changes)).unwrap().unwrap();
}

// FDV2-5.5
#[test]
fn provisional_data_withholds_readiness_only_if_there_is_no_other_data() {
    let (updater, _) = updater();
    apply(&updater, ChangeSet::delta(Vec::new()).provisional());
    assert!(!updater.is_held(), "there is no data yet");
    for _ in 0..2 {
        apply(&updater, ChangeSet::full(data()).provisional());
        assert!(updater.is_held());
    }
    apply(&updater, ChangeSet::full(data()));
    assert!(!updater.is_held());
    apply(&updater, ChangeSet::full(data()).provisional());
    assert!(!updater.is_held(), "there was confirmed data before");
}

#[test]
fn items_keep_their_json_only_if_the_store_or_the_client_needs_it() {
    for (updater, store) in [false, true].map(|keeps_json| {
        let (updater, store) = updater();
        assert!(!updater.keeps_json());
        (updater.keep_json(keeps_json), store)
    }) {
        let has_json = || {
            let snapshot = store.load();
            present(snapshot.flag("k")).unwrap().json().is_some()
        };
        init(&updater, &json!({"flags": {"k": {"version": 1}}}));
        assert_eq!(has_json(), updater.keeps_json());
        upsert(&updater, DataKind::Flag, &json!({"version": 2}));
        assert_eq!(has_json(), updater.keeps_json());
    }
}

#[test]
fn an_item_counts_as_stored_only_with_the_same_version_and_text() {
    let (updater, store) = updater();
    let updater = updater.keep_json(true);
    let (on, off) = (json!({"on": true}), json!({"on": false}));
    apply(&updater, ChangeSet::delta(vec![flag(2, &on)]));
    let snapshot = store.load();
    for (item, expected) in [
        (flag(2, &on), true),
        (flag(2, &off), false),
        (flag(3, &on), false),
        (flag(1, &on), false),
        (flag(2, &on).without_json(), false),
    ] {
        assert_eq!(is_stored(&item, &**snapshot), expected, "{item:?}");
    }

    let (updater, store) = self::updater();
    apply(&updater, ChangeSet::delta(vec![flag(2, &on)]));
    assert!(!is_stored(&flag(2, &on).without_json(), &**store.load()));
}
