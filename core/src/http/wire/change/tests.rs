//! Tests of the payloads that the service may send.

use std::error::Error;

use vexil_eval::model::{ChangeSetKind, DataSet};

use super::*;

const FLAG: &str = r#"{"key": "other", "version": 8, "on": true, "variations": ["x"], "fallthrough": {"variation": 0}}"#;

/// Parses an event, once whole and once for each of several piece sizes.
fn read_event(name: &str, data: impl AsRef<[u8]>) -> Result<Update, WireError> {
    let data = data.as_ref();
    let whole = in_pieces(name, data, data.len().max(1));
    // Long enough for many pieces, short enough to be cheap.
    for size in [1, 7, 1000]
        .into_iter()
        .filter(|size| data.len() / size < 1_000)
    {
        assert_eq!(
            format!("{:?}", in_pieces(name, data, size)),
            format!("{whole:?}"),
            "in pieces of {size} bytes"
        );
    }
    whole
}

fn in_pieces(name: &str, data: &[u8], size: usize) -> Result<Update, WireError> {
    let mut reader = EventReader::new(false);
    for piece in data.chunks(size) {
        reader.push(name, piece)?;
    }
    reader.finish(name)
}

fn all(data: &str) -> DataSet {
    data_set(read_event("put", data).unwrap())
}

fn data_set(update: Update) -> DataSet {
    match update {
        Update::Changes(ChangeSet {
            kind: ChangeSetKind::Full(data),
            ..
        }) => data,
        other => panic!("{other:?}"),
    }
}

fn one(name: &str, data: &str) -> Item {
    match read_event(name, data).unwrap() {
        Update::Item(item) => item,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ignored(name: &str, data: &str) {
    assert!(
        matches!(read_event(name, data), Ok(Update::Ignored)),
        "{name}: {data}"
    );
}

/// The error and its causes, in one line.
#[track_caller]
fn error(name: &str, data: &str) -> String {
    let error = read_event(name, data).unwrap_err();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

// SRC-2.2
#[test]
fn a_put_replaces_everything_and_its_path_is_optional() {
    for path in [
        r#""path": "/", "#,
        r#""path": "", "#,
        r#""path": null, "#,
        "",
    ] {
        let data = all(&format!(
            r#"{{{path}"data": {{"flags": {{"f": {FLAG}}}, "segments": {{"s": {{}}}}}}}}"#
        ));
        assert_eq!(
            (data.flags[0].key().as_str(), data.flags[0].version()),
            ("f", 8)
        );
        assert_eq!(data.segments[0].key(), "s");
    }
}

// SRC-2.2
#[test]
fn a_put_for_another_path_is_ignored_whatever_its_data() {
    ignored("put", r#"{"path": "/elsewhere", "data": {"flags": true}}"#);
    ignored("put", r#"{"data": {"flags": true}, "path": "/elsewhere"}"#);
}

// SRC-2.2, SRC-F10, SRC-F11 and SRC-F26
#[test]
fn missing_parts_of_a_put_are_empty_and_unknown_parts_are_skipped() {
    for data in [
        "{}",
        r#"{"flags": null}"#,
        r#"{"experiments": {"e": [1]}, "segments": {}}"#,
    ] {
        let data = all(&format!(r#"{{"data": {data}}}"#));
        assert!(data.flags.is_empty() && data.segments.is_empty());
    }
}

// SRC-F14
#[test]
fn a_put_without_data_is_malformed() {
    for data in [r#"{"path": "/"}"#, r#"{"path": "/", "data": null}"#] {
        assert_eq!(error("put", data), r#"a "put" event has no data"#);
    }
}

// SRC-2.2
#[test]
fn the_path_of_a_patch_decides_kind_and_key_in_any_position() {
    for data in [format!(r#"{{"path": "/flags/a/b é", "data": {FLAG}}}"#), {
        format!(r#"{{"data": {FLAG}, "more": [{{}}], "path": "\/flags\/a/b é"}}"#)
    }] {
        let item = one("patch", &data);
        assert_eq!(
            (item.kind(), item.key().as_str(), item.version()),
            (DataKind::Flag, "a/b é", 8)
        );
    }
    let item = one(
        "patch",
        r#"{"path": "/segments/%41", "data": {"version": 3}}"#,
    );
    assert_eq!(
        (item.kind(), item.key().as_str(), item.version()),
        (DataKind::Segment, "%41", 3)
    );
}

// SRC-2.2
#[test]
fn a_patch_of_a_deleted_item_is_a_tombstone() {
    let item = one(
        "patch",
        r#"{"path": "/flags/f", "data": {"version": 5, "deleted": true}}"#,
    );
    assert!(matches!(&item, Item::Flag(entry) if entry.present().is_none()));
    assert_eq!(item.version(), 5);
}

// SRC-2.2 and SRC-F26
#[test]
fn unknown_events_and_kinds_are_ignored_without_parsing() {
    ignored("whatever", "{sorry");
    ignored("message", "");
    ignored("goodbye", "{}");
    ignored("patch", r#"{"path": "/cats/Jack", "data": {}}"#);
    ignored(
        "patch",
        r#"{"data": {"version": "no"}, "path": "/cats/Jack"}"#,
    );
    ignored("delete", r#"{"path": "/cats/Jack"}"#);
    ignored("patch", r#"{"path": "/flags/", "data": {}}"#);
}

// SRC-2.4, SRC-F8, SRC-F9, SRC-F12, SRC-F13 and SRC-F29
#[test]
fn invalid_json_and_json_of_the_wrong_shape_are_malformed() {
    let unreadable = [
        "{sorry",
        "",
        "[]",
        "true",
        r#"["/", {}]"#,
        r#"{"path": 7, "data": {}}"#,
        r#"{"data": {}} more"#,
    ];
    for event in ["put", "patch", "delete"] {
        for data in unreadable {
            let error = error(event, data);
            assert!(
                error.starts_with(&format!("a \"{event}\" event cannot be read: ")),
                "{event}: {data}: {error}"
            );
        }
    }
    for flags in [
        "true",
        "[]",
        r#"{"f": null}"#,
        r#"{"f": []}"#,
        r#"{"f": {"rules": {}}}"#,
    ] {
        error(
            "put",
            &format!(r#"{{"data": {{"flags": {flags}, "segments": {{}}}}}}"#),
        );
    }
    error("put", r#"{"data": [{}, {}]}"#);
    error("patch", r#"{"path": "/flags/f", "data": true}"#);
    error("delete", r#"{"path": "/flags/f", "version": "no""#);
}

#[test]
fn an_error_names_the_item_and_its_cause() {
    let put = error(
        "put",
        r#"{"data": {"flags": {"good": {}, "bad": {"on": 7}}}}"#,
    );
    assert!(
        put.starts_with(r#"flag "bad" cannot be read: invalid type: integer, expected a boolean"#),
        "{put}"
    );
    let patch = error(
        "patch",
        r#"{"path": "/segments/bad", "data": {"included": 7}}"#,
    );
    assert!(
        patch.starts_with(r#"segment "bad" cannot be read: "#),
        "{patch}"
    );
    assert_eq!(
        error("patch", r#"{"data": {}}"#),
        r#"a "patch" event has no path"#
    );
    assert_eq!(
        error("patch", r#"{"path": "/flags/f", "data": null}"#),
        r#"a "patch" event has no data"#
    );
}

#[test]
fn the_version_of_a_deletion_is_any_number() {
    const LARGEST: u64 = 9_223_372_036_854_775_807;
    for (version, expected) in [
        ("7", 7),
        ("3.0", 3),
        ("4.5", 4),
        ("-4", 0),
        ("9223372036854775807", LARGEST),
        ("9223372036854775808", LARGEST),
        ("1e20", LARGEST),
        ("-1e30", 0),
    ] {
        let item = one(
            "delete",
            &format!(r#"{{"version": {version}, "path": "/flags/f"}}"#),
        );
        assert_eq!((item.key().as_str(), item.version()), ("f", expected));
    }
    for version in ["\"7\"", "true", "{}"] {
        let error = error(
            "delete",
            &format!(r#"{{"path": "/segments/s", "version": {version}}}"#),
        );
        assert!(
            error.starts_with("the version of /segments/s is not a number: "),
            "{error}"
        );
    }
    assert_eq!(
        error("delete", r#"{"path": "/flags/f"}"#),
        r#"a "delete" event has no version"#
    );
}

#[test]
fn unpaired_surrogates_in_any_string_are_replaced() {
    let flag = r#"{"version": 2, "on": true, "salt": "\ud800", "variations": ["a\udfffb"], "x\udc00": ["\ud83d"]}"#;
    let data = all(&format!(
        r#"{{"path": "/", "m\ud800": "\ud800", "data":
            {{"flags": {{"bad\ud800": {flag}, "good": {{}}}}, "segments": {{"s": {{"included": ["\udbff", "\ud83d\ude00"]}}}}}}}}"#
    ));
    assert_eq!(
        (data.flags[0].key().as_str(), data.flags[0].version()),
        ("bad\u{fffd}", 2)
    );
    assert_eq!(
        (
            data.flags[1].key().as_str(),
            data.segments[0].key().as_str()
        ),
        ("good", "s")
    );

    let item = one(
        "patch",
        &format!(r#"{{"path": "/flags/k\ud800", "data": {flag}}}"#),
    );
    let Item::Flag(entry) = &item else {
        panic!("{item:?}")
    };
    assert_eq!((item.key().as_str(), item.version()), ("k\u{fffd}", 2));
    assert_eq!(
        entry.present().unwrap().variations(),
        [crate::Value::from("a\u{fffd}b")]
    );

    let item = one("delete", r#"{"path": "/segments/k\ud800", "version": 3}"#);
    assert_eq!((item.key().as_str(), item.version()), ("k\u{fffd}", 3));

    let mut poll = PollReader::new(true);
    let body = format!(r#"{{"flags": {{"f": {flag}}}}}"#);
    body.as_bytes()
        .chunks(3)
        .try_for_each(|piece| poll.push(piece))
        .unwrap();
    // The text kept for stores is the text received.
    assert_eq!(
        data_set(poll.finish().unwrap()).flags[0].json().unwrap(),
        flag
    );
}

#[test]
fn a_rejected_item_is_named_even_if_others_have_unpaired_surrogates() {
    let put = error(
        "put",
        r#"{"data": {"flags": {"odd": {"salt": "\ud800"}, "bad": {"salt": 7, "key": "\ud800"}}}}"#,
    );
    assert_eq!(
        put,
        r#"flag "bad" cannot be read: invalid type: integer, expected a string at line 1 column 10"#
    );
}

#[test]
fn many_unpaired_surrogates_take_linear_time() {
    let flags: Vec<_> = (0..20_000)
        .map(|n| format!(r#""f{n}": {{"salt": "\ud800"}}"#))
        .collect();
    let data = format!(r#"{{"flags": {{{}}}}}"#, flags.join(","));
    let begin = std::time::Instant::now();
    assert_eq!(
        DataSet::from_json(data.as_bytes()).unwrap().flags.len(),
        20_000
    );
    // Repairing the whole text for each item would take minutes.
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

// SRC-F20
#[test]
fn the_last_of_duplicate_properties_wins() {
    let item = one(
        "delete",
        r#"{"path": "/flags/a", "version": 1, "path": "/flags/b", "version": 2}"#,
    );
    assert_eq!((item.key().as_str(), item.version()), ("b", 2));
    let data = all(
        r#"{"data": {"flags": true}, "path": "/x", "data": {"flags": {"last": {}}}, "path": "/"}"#,
    );
    assert_eq!(data.flags[0].key(), "last");
}

// SRC-F6
#[test]
fn data_that_is_not_utf_8_is_malformed_in_any_event() {
    for name in ["put", "patch", "delete", "whatever"] {
        for data in [
            b"{\"a\": \"\xff\"}".as_slice(),
            b"{\"a\": \"\xe2\x82\n\xac\"}",
            b"{\"a\": \"\xe2\x82",
        ] {
            assert!(
                matches!(read_event(name, data), Err(WireError::NotUtf8)),
                "{name}: {data:?}"
            );
        }
    }
    let data = all(r#"{"path": "/", "data": {"flags": {"añ€😀": {}}}}"#);
    assert_eq!(data.flags[0].key(), "añ€😀");
}

// SRC-2.1, rule 9
#[test]
fn the_name_of_an_event_is_the_one_it_has_at_its_end() {
    let put = r#"{"path": "/", "data": {"flags": {"f": {}}}}"#;
    let (begin, end) = put.as_bytes().split_at(20);
    let mut reader = EventReader::new(false);
    reader.push("message", begin).unwrap();
    reader.push("put", end).unwrap();
    assert_eq!(data_set(reader.finish("put").unwrap()).flags.len(), 1);

    // Data parsed as a put cannot become another event.
    for name in ["patch", "whatever"] {
        reader.push("put", begin).unwrap();
        reader.push(name, end).unwrap();
        assert!(
            matches!(reader.finish(name), Err(WireError::Renamed)),
            "{name}"
        );
    }
    reader.push("put", put.as_bytes()).unwrap();
    assert_eq!(data_set(reader.finish("put").unwrap()).flags.len(), 1);
}

#[test]
fn a_put_is_rejected_as_soon_as_it_is_malformed() {
    let mut reader = EventReader::new(false);
    reader
        .push(
            "put",
            br#"{"path": "/", "data": {"flags": {"good": {}, "bad": 7"#,
        )
        .unwrap();
    assert_eq!(
        reader.push("put", b", ").unwrap_err().to_string(),
        "flag \"bad\" cannot be read"
    );
}

// SRC-F28
#[test]
fn deep_nesting_is_malformed_and_does_not_overflow_the_stack() {
    let deep = "[".repeat(100_000);
    error(
        "put",
        &format!(r#"{{"data": {{"flags": {{"f": {{"variations": {deep}"#),
    );
    error("patch", &deep);
    error("put", &format!(r#"{{"other": {deep}"#));
}

// SRC-3 and SRC-F29
#[test]
fn a_poll_body_is_a_data_set() {
    let read_poll = |body: &[u8]| {
        let mut reader = PollReader::new(false);
        body.chunks(3).try_for_each(|piece| reader.push(piece))?;
        reader.finish()
    };
    let body = format!(r#"{{"flags": {{"": {FLAG}}}, "more": 1}}  "#);
    let data = data_set(read_poll(body.as_bytes()).unwrap());
    assert_eq!(data.flags[0].key(), "");
    for body in ["", "<html></html>", "null", "[]", "{}{}", r#"{"flags": {}"#] {
        assert!(read_poll(body.as_bytes()).is_err(), "{body}");
    }
    assert!(matches!(
        read_poll(b"{\"a\": \"\xff\"}"),
        Err(WireError::NotUtf8)
    ));
}

// STO-1.2: the stored text is the received text
#[test]
fn the_items_of_an_event_keep_their_text_if_configured() {
    let put = r#"{"path": "/", "data": {"flags": {"a": { "version": 3.0 }}}}"#;
    let patch = r#"{"path": "/flags/a", "data": { "version": 3.0 }}"#;
    let kept = |name, event: &str, keep_json| {
        let mut reader = EventReader::new(keep_json);
        reader.push(name, event.as_bytes()).unwrap();
        match reader.finish(name).unwrap() {
            Update::Item(item) => item.json(),
            update => data_set(update).flags[0].json(),
        }
    };
    for (name, event) in [("put", put), ("patch", patch)] {
        assert_eq!(kept(name, event, true).unwrap(), r#"{ "version": 3.0 }"#);
        assert_eq!(kept(name, event, false), None, "{name}");
    }
}
