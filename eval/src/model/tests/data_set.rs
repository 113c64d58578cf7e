//! Data sets and their items: rejected input, error messages, and the keys of items.

use super::*;

// EVAL-2.1 and EVAL-2.6
#[test]
fn an_item_must_be_an_object() {
    for kind in KINDS {
        for bad in [
            json!(true),
            json!(null),
            json!(1),
            json!("{}"),
            json!([]),
            json!([{}]),
        ] {
            for error in [
                item(kind, &bad).unwrap_err(),
                data(&data_of(kind, &bad)).unwrap_err(),
            ] {
                assert_eq!(error.item, Some((kind, "k".into())), "{kind} {bad}");
            }
            assert!(serde_json::from_value::<Flag>(bad.clone()).is_err());
            assert!(serde_json::from_value::<Segment>(bad).is_err());
        }
    }
}

// EVAL-2.6
#[test]
fn data_that_is_not_an_object_of_items_is_rejected() {
    for bad in [
        json!(null),
        json!(true),
        json!([]),
        json!([{}, {}]),
        json!({"flags": true, "segments": {}}),
        json!({"flags": [], "segments": {}}),
        json!({"flags": {}, "segments": "{}"}),
        json!({"flags": {}, "segments": []}),
    ] {
        assert_eq!(data(&bad).unwrap_err().item, None, "{bad}");
    }
    for bad in [
        "",
        "{",
        r#"{"flags": {}} {}"#,
        r#"{"flags": {}},"#,
        r#"{"flags": {"k": {}}, "segments": {}"#,
    ] {
        let error = DataSet::from_json(bad.as_bytes()).unwrap_err();
        assert_eq!(error.item, None, "{bad}");
        assert_eq!(error.to_string(), "flag data cannot be read");
    }
}

// EVAL-2.6
#[test]
fn the_error_names_the_item_at_which_reading_stopped() {
    let flag = |key: &str| Some((DataKind::Flag, Text::from(key)));
    let segment = |key: &str| Some((DataKind::Segment, Text::from(key)));
    for (text, item) in [
        (r#"{"flags": {"a": {}, "b": 1, "c": 1}}"#, flag("b")),
        (
            r#"{"flags": {"a": {}}, "segments": {"b": {"salt": 1}}}"#,
            segment("b"),
        ),
        (r#"{"flags": {"a": {"version": 1, "key": "ot"#, flag("a")),
        (
            r#"{"flags": {"a": {}, "b": {"rules": [{"clauses": [1]}]}}}"#,
            flag("b"),
        ),
    ] {
        let error = DataSet::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.item, item, "{text}");
    }
    for bad in [r#"{"version":"no""#, r#"{"version": 1} x"#, "", "{\"\u{0}"] {
        let error = Item::from_json(DataKind::Flag, "k", bad.as_bytes()).unwrap_err();
        assert_eq!(error.item, flag("k"), "{bad}");
    }
}

// EVAL-2.6
#[test]
fn both_sections_are_optional_and_unknown_ones_are_ignored() {
    for (json, counts) in [
        (json!({}), (0, 0)),
        (json!({"flags": null, "segments": null}), (0, 0)),
        (json!({"flags": {"a": {}, "b": {}}}), (2, 0)),
        (json!({"segments": {"a": {}}}), (0, 1)),
        (
            json!({"flags": {"a": {}}, "configs": [1], "path": "/", "segments": {"a": {}}}),
            (1, 1),
        ),
    ] {
        let data = data(&json).unwrap();
        assert_eq!((data.flags.len(), data.segments.len()), counts, "{json}");
    }
}

// EVAL-2.6 and EVAL-9
#[test]
fn json_of_ten_thousand_levels_is_an_error_and_not_a_crash() {
    let open = "[".repeat(10_000);
    let arrays = format!("{open}{}", "]".repeat(10_000));
    let objects = format!("{}1{}", r#"{"x":"#.repeat(10_000), "}".repeat(10_000));
    for nested in [&open, &arrays, &objects] {
        for item in [
            format!(r#"{{"variations": [{nested}]}}"#),
            format!(r#"{{"rules": [{{"clauses": [{{"values": [{nested}]}}]}}]}}"#),
            format!(r#"{{"key": {nested}}}"#),
        ] {
            let data = format!(r#"{{"flags": {{"k": {item}}}}}"#);
            for error in [
                Item::from_json(DataKind::Flag, "k", item.as_bytes()).unwrap_err(),
                DataSet::from_json(data.as_bytes()).unwrap_err(),
            ] {
                assert_eq!(error.item, Some((DataKind::Flag, "k".into())));
            }
        }
    }
    for whole in [open, arrays] {
        assert!(DataSet::from_json(whole.as_bytes()).is_err());
        assert!(serde_json::from_str::<Flag>(&whole).is_err());
        assert!(serde_json::from_str::<Segment>(&whole).is_err());
    }
}

// EVAL-2.1
#[test]
fn duplicate_items_are_kept_in_the_order_of_the_text() {
    let text = r#"{"flags": {"k": {"version": 5}, "other": {}, "k": {"version": 3}},
        "segments": {"k": {"version": 1}}, "flags": {"k": {"version": 4, "deleted": true}}}"#;
    let data = DataSet::from_json(text.as_bytes()).unwrap();
    let flags: Vec<_> = data
        .flags
        .iter()
        .map(|entry| (entry.key().as_str(), entry.version()))
        .collect();
    assert_eq!(flags, [("k", 5), ("other", 0), ("k", 3), ("k", 4)]);
    assert!(data.flags[3].present().is_none());
    assert_eq!(data.segments.len(), 1);
}

// EVAL-2.2 and EVAL-2.4
#[test]
fn the_key_under_which_an_item_arrives_is_its_key() {
    for kind in KINDS {
        for own in [json!("other"), json!(""), json!(null), json!("$deleted")] {
            for deleted in [false, true] {
                let json = json!({"key": own, "version": 1, "deleted": deleted});
                assert_eq!(item(kind, &json).unwrap().key(), "k", "{json}");
                let data = data(&data_of(kind, &json)).unwrap();
                let keys: Vec<_> = match kind {
                    DataKind::Flag => data.flags.iter().map(Entry::key).collect(),
                    DataKind::Segment => data.segments.iter().map(Entry::key).collect(),
                };
                assert_eq!(keys, ["k"], "{json}");
            }
        }
    }
    assert_eq!(flag(json!({"key": "own"})).key(), "own");
    assert_eq!(segment(json!({"key": "own"})).key(), "own");
}

// EVAL-2.2 and EVAL-4.11
#[test]
fn the_key_under_which_an_item_arrives_is_the_one_that_is_hashed() {
    let rollout_of =
        json!({"key": "other", "salt": "salt", "fallthrough": {"rollout": {"variations": [{}]}}});
    let data = data(&data_of(DataKind::Flag, &rollout_of)).unwrap();
    let flag = data.flags[0].present().unwrap();
    let bucket = rollout(&flag.fallthrough).hasher.bucket(b"ada");
    let expected = BucketHasher::of_item("k", "salt").bucket(b"ada");
    assert_eq!(bucket.to_bits(), expected.to_bits());
}

/// Returns the JSON text of the only flag.
fn kept(data: &DataSet) -> Option<String> {
    data.flags[0]
        .json()
        .map(|json| String::from_utf8(json.to_vec()).unwrap())
}

// STO-1.2: the stored text is the received text
#[test]
fn an_item_keeps_its_text_byte_for_byte() {
    let json = r#"{ "version" : 3.0,  "novelty": {"a": [1.50, "}"]}, "on":false }"#;
    let item = Item::from_json(DataKind::Flag, "k", json.as_bytes()).unwrap();
    let Item::Flag(entry) = &item else {
        panic!("a segment")
    };
    assert_eq!(entry.json().unwrap(), json);
    for document in [
        format!(r#"{{"flags": {{ "k" : {json} , "l": {{}}}}, "segments": {{}}}}"#),
        // A key with escapes, and a duplicate property.
        format!(r#"{{"flags":{{"k\u0031":{json}}}}}"#),
        format!(r#"{{"flags":{{"k":{json}}},"segments":{{"s":{{"version":1,"version":2}}}}}}"#),
    ] {
        assert_eq!(
            kept(&DataSet::from_json(document.as_bytes()).unwrap()).unwrap(),
            json,
            "{document}"
        );
    }
}

#[test]
fn an_item_of_another_format_has_no_text_until_one_is_added() {
    let data = DataSet::read(data_of(DataKind::Flag, &json!({"version": 3}))).unwrap();
    assert_eq!(kept(&data), None);
    let flags = data
        .flags
        .into_iter()
        .map(|entry| entry.with_json(r#"{"version":3}"#))
        .collect();
    assert_eq!(
        kept(&DataSet::new(flags, Vec::new())).unwrap(),
        r#"{"version":3}"#
    );
    let alone: Flag = serde_json::from_str(r#"{ "version": 3 }"#).unwrap();
    assert_eq!(Entry::from(alone).json().unwrap(), r#"{"version":3}"#);
}

#[test]
fn errors_name_the_type_that_was_expected() {
    let flag_with = |more: Json| json!({"flags": {"k": more}});
    for (bad, expected) in [
        (json!(1), "an object with flags and segments"),
        (json!({"flags": 1}), "an object of flags by key"),
        (json!({"segments": 1}), "an object of segments by key"),
        (flag_with(json!(1)), "an object"),
        (flag_with(json!({"rules": 1})), "a sequence"),
        (flag_with(json!({"version": "1"})), "a number"),
    ] {
        let error = DataSet::read(&bad).unwrap_err().source.to_string();
        assert!(
            error.ends_with(&format!("expected {expected}")),
            "{bad}: {error}"
        );
    }
}

#[test]
fn items_are_collected_by_kind() {
    let items = [
        Item::deleted(DataKind::Flag, "a", 1),
        Item::deleted(DataKind::Segment, "b", 2),
        Item::deleted(DataKind::Flag, "c", 3),
    ];
    let data: DataSet = items.into_iter().collect();
    assert_eq!(
        data.flags.iter().map(Entry::key).collect::<Vec<_>>(),
        ["a", "c"]
    );
    assert_eq!(
        data.segments.iter().map(Entry::key).collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn a_payload_of_change_sets_is_not_a_data_set() {
    let error = DataSet::from_json(br#"{"events": []}"#).unwrap_err();
    assert!(
        error
            .source
            .to_string()
            .starts_with("these are change sets")
    );
}

#[test]
fn another_version_leaves_copies_of_the_item_unchanged() {
    for kind in KINDS {
        let before = item(kind, &json!({"version": 3})).unwrap();
        let after = before.clone().with_version(4);
        assert_eq!((before.version(), after.version()), (3, 4), "{kind}");
    }
}

#[test]
fn the_same_version_does_not_copy_the_item() {
    let entry = Entry::from(flag(json!({"version": 3})));
    let same = entry.clone().with_version(3);
    assert!(std::ptr::eq(
        entry.present().unwrap().as_ref(),
        same.present().unwrap().as_ref()
    ));
}

#[test]
fn only_a_present_item_has_text() {
    for kind in KINDS {
        let present = item(kind, &json!({"version": 3})).unwrap();
        assert!(!present.is_deleted());
        assert_eq!(present.json().unwrap(), r#"{"version":3}"#);
        assert_eq!(present.without_json().json(), None);
        let deleted = Item::deleted(kind, "k", 3);
        assert!(deleted.is_deleted());
        assert_eq!(deleted.json(), None);
    }
}

#[test]
fn a_flag_keeps_the_hash_of_its_key() {
    assert_eq!(
        flag(json!({"key": "own"})).key_hash(),
        crate::key_hash("own")
    );
}

#[test]
fn only_a_flag_that_was_marked_is_an_override() {
    let flag = flag(json!({"key": "own"}));
    assert!(!flag.is_override());
    assert!(flag.into_override().is_override());
}

#[test]
fn a_new_version_takes_over_the_patterns_that_the_old_one_compiled() {
    let matching = |patterns: &[&str]| json!({"rules": [{"clauses": [{"op": "matches", "values": patterns}]}]});
    let compiled = |item: &Flag| {
        item.patterns()
            .map(|pattern| pattern.is_compiled())
            .collect::<Vec<_>>()
    };
    let old = flag(matching(&["a+", "b+"]));
    old.patterns().next().unwrap().compile();
    let new = flag(matching(&["c+", "b+", "a+"]));
    new.take_over_patterns(&old);
    assert_eq!(compiled(&new), [false, false, true]);
}

#[test]
fn a_data_set_without_text_keeps_its_items() {
    let all = json!({"flags": {"a": {"version": 1}}, "segments": {"b": {"version": 2}}});
    let data = data(&all).unwrap();
    assert!(data.flags[0].json().is_some() && data.segments[0].json().is_some());
    let data = data.without_json();
    assert_eq!(
        (data.flags[0].key().as_str(), data.flags[0].json()),
        ("a", None)
    );
    assert_eq!(
        (data.segments[0].key().as_str(), data.segments[0].json()),
        ("b", None)
    );
}

// STO-1.1
#[test]
fn the_kinds_have_the_names_that_databases_use() {
    assert_eq!(KINDS.map(DataKind::namespace), ["features", "segments"]);
    assert_eq!(KINDS.map(|kind| kind.to_string()), ["flag", "segment"]);
}

#[test]
fn a_selector_keeps_its_text() {
    assert_eq!(Selector::new("(p:env:41)").unwrap().as_str(), "(p:env:41)");
    assert_eq!(Selector::new(""), None);
}
