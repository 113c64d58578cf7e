use bytes::Bytes;
use serde_json::{Value, json};

use super::*;

const KINDS: [DataKind; 2] = [DataKind::Flag, DataKind::Segment];

fn read(kind: DataKind, stored: StoredItem) -> Item {
    decode(kind, &"k".into(), &stored).unwrap()
}

fn written(kind: DataKind, json: &str) -> Bytes {
    encode(&Item::from_json(kind, "k", json.as_bytes()).unwrap())
        .unwrap()
        .body
}

/// An item as the service sends it, with every property that readers require.
fn complete(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Flag => {
            r#"{ "key":"k","version":3,"on":true,"prerequisites":[],"salt":"s","targets":[],"rules":[],
                 "fallthrough":{"variation":0},"offVariation":null,"variations":[1.50],"deleted":false,"new":{ "a":1 } }"#
        }
        DataKind::Segment => {
            r#"{ "key":"k","version":3,"included":["a"],"excluded":[],"salt":"s","rules":[],"deleted":false,"new":1.0 }"#
        }
    }
}

// STO-1.2
#[test]
fn an_item_is_written_as_it_was_received() {
    for kind in KINDS {
        assert_eq!(written(kind, complete(kind)), complete(kind));
    }
}

// STO-1.2: write-side repair
#[test]
fn properties_that_readers_require_are_added_and_nothing_else_changes() {
    let flag = written(DataKind::Flag, r#"{"on":true, "n\u0065w": 1.50 }"#);
    let text = std::str::from_utf8(&flag).unwrap();
    assert!(text.contains(r#""new":1.50"#), "{text}");
    let expected = json!({"key": "k", "on": true, "new": 1.5, "version": 0, "prerequisites": [], "salt": "",
        "targets": [], "rules": [], "fallthrough": {}, "offVariation": null, "variations": [], "deleted": false});
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);

    let segment: Value = serde_json::from_slice(&written(DataKind::Segment, "{}")).unwrap();
    let expected = json!({"key": "k", "version": 0, "included": [], "excluded": [], "salt": "", "rules": [], "deleted": false});
    assert_eq!(segment, expected);
}

#[test]
fn an_item_whose_version_was_raised_is_written_with_that_version() {
    for kind in KINDS {
        let item = Item::from_json(kind, "k", complete(kind).as_bytes())
            .unwrap()
            .with_version(9);
        let stored = encode(&item).unwrap();
        assert_eq!((stored.version, stored.deleted), (Some(9), Some(false)));
        let json: Value = serde_json::from_slice(&stored.body).unwrap();
        assert_eq!(
            (&json["version"], &json["key"], &json["salt"]),
            (&json!(9), &json!("k"), &json!("s"))
        );
    }
}

#[test]
fn fractional_versions_and_lone_surrogates_are_read_and_written() {
    for kind in KINDS {
        let stored = read(kind, StoredItem::new(r#"{"version":4.5,"salt":"\ud800"}"#));
        assert_eq!(stored.version(), 4);
        let body = written(kind, r#"{"version":4.5,"salt":"\ud800","x\udc00":1}"#);
        assert_eq!(read(kind, StoredItem::new(body.clone())).version(), 4);
        assert!(
            str::from_utf8(&body).unwrap().contains("\"version\":4"),
            "{body:?}"
        );
    }
}

#[test]
fn the_error_of_a_corrupt_item_names_its_key_and_does_not_quote_it() {
    for kind in KINDS {
        let error = decode(
            kind,
            &"k".into(),
            &StoredItem::new(r#"{"salt":["se"],"rules":"secret"}"#),
        )
        .unwrap_err();
        assert!(
            matches!(&error, StoreError::Corrupt { kind: of, key, .. } if *of == kind && key == "k"),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn encoding_an_item_without_json_is_an_error_that_names_it() {
    let data = vexil_eval::model::DataSet::read(json!({"flags": {"k": {}}})).unwrap();
    let error = encode(&Item::Flag(data.flags[0].clone())).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupt { kind: DataKind::Flag, key, .. } if key == "k"),
        "{error:?}"
    );
}

// STO-1.3, STO-F9: the five forms
#[test]
fn a_tombstone_of_any_form_is_recognized() {
    for kind in KINDS {
        let relay = StoredItem::new(tombstone(kind, 7));
        for (shape, version) in [
            (StoredItem::new(r#"{"version":7,"deleted":true}"#), 7),
            (
                StoredItem::new(r#"{"key":"k","version":7,"deleted":true}"#),
                7,
            ),
            (relay.clone(), 7),
            (
                StoredItem::new(r#"{"version":7,"key":"$deleted","deleted":true}"#),
                7,
            ),
            (StoredItem::new("null").with_version(7), 7),
            (StoredItem::new("null"), 0),
            (StoredItem::new("").with_version(7), 7),
            (
                StoredItem::new(complete(kind))
                    .with_deleted(true)
                    .with_version(7),
                7,
            ),
            // Other properties of a tombstone are ignored.
            (
                StoredItem::new(r#"{"version":7,"deleted":true,"rules":"?"}"#),
                7,
            ),
        ] {
            let item = read(kind, shape.clone());
            assert!(item.is_deleted(), "{shape:?}");
            assert_eq!(
                (item.version(), item.key().as_str(), item.kind()),
                (version, "k", kind),
                "{shape:?}"
            );
        }
        let deleted = encode(&Item::deleted(kind, "k", 7)).unwrap();
        assert_eq!(deleted, relay.with_version(7).with_deleted(true));
    }
}

// STO-2.1: the version beside the text takes precedence, unless it is zero
#[test]
fn the_version_beside_the_text_takes_precedence() {
    for kind in KINDS {
        assert_eq!(
            read(kind, StoredItem::new(complete(kind)).with_version(12)).version(),
            12
        );
        assert_eq!(
            read(kind, StoredItem::new(complete(kind)).with_version(0)).version(),
            3
        );
    }
}

// STO-1.2, STO-F10: the key under which the item is stored, not the one in its text
#[test]
fn an_item_has_the_key_under_which_it_is_stored() {
    assert_eq!(
        read(
            DataKind::Flag,
            StoredItem::new(r#"{"key":"other","version":1}"#)
        )
        .key(),
        "k"
    );
}

#[test]
fn the_error_of_a_corrupt_item_names_its_key() {
    for kind in KINDS {
        for bad in ["{", "[]", "7", r#"{"version":"x"}"#, r#"{"rules":1}"#] {
            let error = decode(kind, &"k".into(), &StoredItem::new(bad)).unwrap_err();
            let StoreError::Corrupt {
                kind: named, key, ..
            } = &error
            else {
                panic!("{error:?}")
            };
            assert_eq!((*named, key.as_str()), (kind, "k"), "{bad}");
        }
    }
}
