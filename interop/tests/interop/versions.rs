//! Both SDKs write to one database, and the newer version wins: STO-1.6 and STO-2.2.

use serde_json::{Value as Json, json};
use vexil::model::DataKind::Flag;
use vexil::store::{StoredItem, WriteOutcome};

use crate::database::RUNTIME;
use crate::writing::parsed;
use crate::{Database, peer};

pub(crate) fn rust_replaces_what_python_wrote_if_it_is_newer(database: &dyn Database) {
    python(database, banner(5, "python"));
    for version in [4, 5] {
        assert!(
            !rust(database, version, &banner(version, "rust")),
            "version {version} is not newer than 5"
        );
        assert_eq!(written(database), banner(5, "python"));
    }
    assert!(rust(database, 6, &banner(6, "rust")));
    assert_eq!(written(database), banner(6, "rust"));

    peer::upsert(
        database,
        &json!([{"kind": "features", "key": "banner", "version": 8}]),
    );
    assert!(!rust(database, 7, &banner(7, "back from the dead")));
    assert_eq!(written(database)["deleted"], true);
    assert!(rust(database, 9, &banner(9, "restored")));
    assert_eq!(written(database), banner(9, "restored"));
}

pub(crate) fn python_replaces_what_rust_wrote_if_it_is_newer(database: &dyn Database) {
    assert!(rust(database, 5, &banner(5, "rust")));
    for version in [4, 5] {
        python(database, banner(version, "python"));
        assert_eq!(
            written(database),
            banner(5, "rust"),
            "version {version} is not newer than 5"
        );
    }
    python(database, banner(6, "python"));
    assert_eq!(written(database), banner(6, "python"));

    assert!(rust(
        database,
        8,
        &json!({"key": "$deleted", "version": 8, "deleted": true})
    ));
    python(database, banner(7, "back from the dead"));
    assert_eq!(written(database)["deleted"], true);
    python(database, banner(9, "restored"));
    assert_eq!(written(database), banner(9, "restored"));
}

fn banner(version: u64, value: &str) -> Json {
    json!({"key": "banner", "version": version, "on": false, "offVariation": 0, "variations": [value]})
}

/// Returns whether the item was written.
fn rust(database: &dyn Database, version: u64, item: &Json) -> bool {
    let item = StoredItem::new(item.to_string()).with_version(version);
    let store = database.store();
    RUNTIME
        .block_on(store.upsert(Flag, "banner", &item))
        .unwrap()
        == WriteOutcome::Written
}

fn python(database: &dyn Database, item: Json) {
    peer::upsert(database, &json!([{"kind": "features", "item": item}]));
}

fn written(database: &dyn Database) -> Json {
    parsed(&database.text(Flag, "banner").unwrap())
}
