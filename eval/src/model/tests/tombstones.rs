//! Deleted items.

use super::*;

/// All JSON forms of an item deleted in version 7.
fn tombstones() -> [Json; 6] {
    [
        json!({"key": "k", "version": 7, "deleted": true}),
        json!({"version": 7, "deleted": true}),
        json!({"key": "$deleted", "version": 7, "deleted": true}),
        json!({"key": "other", "version": 7.0, "deleted": true, "fromTheFuture": [1]}),
        json!({"version": 7, "deleted": true, "on": true, "variations": [1], "fallthrough": {"variation": 0},
            "included": ["ada"]}),
        json!({"key": null, "version": 7, "deleted": true, "rules": null, "salt": null}),
    ]
}

/// Items deleted in version 7 with property values that a present item could not have.
fn tombstones_with_junk() -> [Json; 3] {
    [
        json!({"version": 7, "deleted": true, "on": "yes", "rules": {}, "salt": 3}),
        json!({"rules": [[1], null, {"clauses": true}], "deleted": true, "version": 7}),
        json!({"key": ["k"], "version": 7, "deleted": true}),
    ]
}

fn is_tombstone(item: &Item) -> bool {
    match item {
        Item::Flag(Entry::Deleted(deleted)) | Item::Segment(Entry::Deleted(deleted)) => {
            deleted.key == "k" && deleted.version == 7
        }
        _ => false,
    }
}

/// The only item of a data set.
fn only(data: &DataSet) -> Item {
    match (data.flags.as_slice(), data.segments.as_slice()) {
        ([flag], []) => Item::Flag(flag.clone()),
        ([], [segment]) => Item::Segment(segment.clone()),
        _ => panic!("{data:?} has not one item"),
    }
}

// EVAL-2.5
#[test]
fn a_tombstone_keeps_only_key_and_version() {
    for json in tombstones() {
        for kind in KINDS {
            let alone = item(kind, &json).unwrap();
            let in_data = only(&data(&data_of(kind, &json)).unwrap());
            for item in [alone, in_data] {
                assert!(is_tombstone(&item), "{json}");
                assert_eq!((item.kind(), item.version()), (kind, 7), "{json}");
                assert!(item.problems().is_empty(), "{json}");
            }
        }
    }
    for kind in KINDS {
        assert!(is_tombstone(&Item::deleted(kind, "k", 7)));
    }
}

// EVAL-2.5
#[test]
fn other_properties_of_a_tombstone_are_ignored() {
    for json in tombstones_with_junk() {
        for kind in KINDS {
            assert!(is_tombstone(&item(kind, &json).unwrap()), "{json}");
        }
    }
}

// EVAL-2.5
#[test]
fn other_properties_of_a_tombstone_in_a_data_set_are_ignored() {
    for json in tombstones_with_junk() {
        for kind in KINDS {
            let data = data(&data_of(kind, &json)).unwrap();
            assert!(is_tombstone(&only(&data)), "{json}");
        }
    }
}

// EVAL-2.5
#[test]
fn only_deleted_true_makes_a_tombstone() {
    for kind in KINDS {
        for json in [
            json!({"version": 7}),
            json!({"version": 7, "deleted": false}),
            json!({"version": 7, "deleted": null}),
            json!({"version": 7, "key": "$deleted"}),
        ] {
            assert!(!is_tombstone(&item(kind, &json).unwrap()), "{json}");
        }
        for bad in [
            json!({"version": 7, "deleted": "true"}),
            json!({"version": 7, "deleted": 1}),
            json!({"version": "7", "deleted": true}),
            json!({"version": 7, "deleted": false, "salt": 3}),
        ] {
            assert!(item(kind, &bad).is_err(), "{bad}");
        }
    }
}
