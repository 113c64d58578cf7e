//! The items of a file as text.

#![cfg(test)]

use std::borrow::Cow;
use std::path::Path;

use vexil::model::DataKind;
use vexil_file_data::{FileDataError, FileFormat, FileText};

fn parse(text: &(impl AsRef<[u8]> + ?Sized)) -> Result<FileText<'_>, FileDataError> {
    FileText::parse(Path::new("flags"), text.as_ref(), None, None)
}

fn shown<'t>(items: &'t [(vexil::Text, Cow<'_, str>)]) -> Vec<(&'t str, &'t str)> {
    items
        .iter()
        .map(|(key, json)| (key.as_str(), &**json))
        .collect()
}

#[test]
fn items_of_json_are_kept_byte_for_byte() {
    let text = parse(
        "\u{feff} {\"x\": [1], \"flags\": {\"b\": { \"on\":true,\n\"w\": 1.50 }, \"a\": 7}, \"flagValues\": {\"v\": \"\\u00e9\"},
        \"segments\": {\"s\": {\"included\": [\"ada\"]}}, \"bigSegments\": {\"vip.g1\": {\"included\": [\"ada\"]}}}",
    )
    .unwrap();
    assert_eq!(text.format, FileFormat::Json);
    let flags = [("b", "{ \"on\":true,\n\"w\": 1.50 }"), ("a", "7")];
    assert_eq!(shown(&text.flags), flags);
    assert_eq!(shown(&text.flag_values), [("v", "\"\\u00e9\"")]);
    assert_eq!(shown(&text.segments), [("s", "{\"included\": [\"ada\"]}")]);
    let members = [("vip.g1", "{\"included\": [\"ada\"]}")];
    assert_eq!(shown(&text.big_segments), members);
}

#[test]
fn items_of_yaml_become_compact_json_in_the_order_of_the_file() {
    let text = parse(
        "flags:\n  2024:\n    on: true\n    z: [1, 2.5, -3, ~, 1.0, {}, []]\n    a: {true: \"x\\ty\", n: 18446744073709551615}\n  b: &b {y: 1e3}\n  c: *b\n",
    )
    .unwrap();
    assert_eq!(text.format, FileFormat::Yaml);
    let expected = [
        (
            "2024",
            r#"{"on":true,"z":[1,2.5,-3,null,1.0,{},[]],"a":{"on":"x\ty","n":18446744073709551615}}"#,
        ),
        ("b", r#"{"y":1000.0}"#),
        ("c", r#"{"y":1000.0}"#),
    ];
    assert_eq!(shown(&text.flags), expected);
}

#[test]
fn an_empty_file_has_no_items() {
    for empty in ["", "\u{feff}", "# nothing\n", "{}", "flags:\n", "null"] {
        let text = parse(empty).unwrap();
        assert!(text.flags.is_empty() && text.segments.is_empty(), "{empty}");
    }
}

#[test]
fn a_format_and_a_section_can_be_given() {
    fn parse(text: &str, format: Option<FileFormat>, section: Option<DataKind>) -> FileText<'_> {
        FileText::parse(Path::new("flags"), text.as_bytes(), format, section).unwrap()
    }
    let yaml = parse("{flags: {a: {on: yes}}}", Some(FileFormat::Yaml), None);
    assert_eq!(shown(&yaml.flags), [("a", r#"{"on":"yes"}"#)]);
    let flags = parse(r#"{"flags": {"on": true}}"#, None, Some(DataKind::Flag));
    assert_eq!(shown(&flags.flags), [("flags", r#"{"on": true}"#)]);
    let segments = parse("a: {}\n", None, Some(DataKind::Segment));
    assert_eq!(shown(&segments.segments), [("a", "{}")]);
}

#[test]
fn keys_are_repaired_and_the_texts_of_repeated_sections_follow_each_other() {
    let text = parse(r#"{"flags": {"\ud800": 1, "a": 1}, "flags": {"a": 2}}"#).unwrap();
    let expected = [("\u{fffd}", "1"), ("a", "1"), ("a", "2")];
    assert_eq!(shown(&text.flags), expected);
}

#[test]
fn a_malformed_file_is_refused_with_its_position() {
    for (malformed, position) in [
        ("{\"flags\": {\"a\": 1,}}", (1, 19)),
        ("{\"flags\": {}}\n x", (2, 2)),
        ("{\"flags\":\n [1]}", (2, 1)),
        ("flags:\n  a: [1\n", (2, 6)),
        ("flags: {}\nflags: {}\n", (2, 1)),
    ] {
        let error = parse(malformed).unwrap_err();
        let found = (error.line(), error.column());
        assert_eq!(found, (Some(position.0), Some(position.1)), "{error:?}");
    }
    let error = parse(b"{\"flags\":\n \xff}").unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(2)));
}
