//! The format of files: SRC-6.1 and SRC-6.2.
#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use serde_json::json;
use support::{Files, load, refused, start, value};
use vexil::eval::ReasonKind;
use vexil::model::DataKind;
use vexil::{Context, Value};
use vexil_file_data::{DuplicateKeys, FileData, FileDataError};

const JSON: &str = r#"{
  "flags": {"theme": {"on": true, "variations": ["classic", "modern"], "fallthrough": {"variation": 1},
    "offVariation": 0, "rules": [{"variation": 0, "clauses": [{"op": "segmentMatch", "values": ["staff"]}]}]}},
  "flagValues": {"max-items": 12, "banner": {"text": "hi"}, "nothing": null, "list": [1, "a"], "yes": true},
  "segments": {"staff": {"included": ["bob"], "version": 3}},
  "future": [{"x": {}}]
}"#;

const YAML: &str = r#"
# A comment.
flags:
  theme:
    on: true
    variations: [classic, modern]
    fallthrough: { variation: 1 }
    offVariation: 0
    rules:
      - variation: 0
        clauses: [{ op: segmentMatch, values: [staff] }]
flagValues: { max-items: 12, "banner": {"text": "hi"}, nothing: null, list: [1, a], "yes": true }
segments:
  staff: { included: [bob], version: 3 }
future: [{ x: {} }]
"#;

// SRC-6.1: sections, flagValues, JSON or YAML
#[test]
fn json_and_yaml_have_the_same_three_sections_and_others_are_skipped() {
    for text in [JSON, YAML] {
        let client = load(text).unwrap();
        assert_eq!(value(&client, "theme"), "modern".into());
        let bob = Context::new("bob").unwrap();
        assert_eq!(client.str_variation("theme", &bob, ""), "classic");
        assert_eq!(value(&client, "max-items"), 12.into());
        assert_eq!(value(&client, "banner"), json!({"text": "hi"}).into());
        assert_eq!(value(&client, "list"), json!([1, "a"]).into());
        assert_eq!(value(&client, "yes"), true.into());
        assert_eq!(value(&client, "future"), "default".into());
    }
}

// SRC-6.1: flagValues, null included
#[test]
fn a_plain_value_is_a_flag_that_is_on_with_one_variation() {
    let client = load(JSON).unwrap();
    let detail =
        client.json_variation_detail("max-items", &Context::new("ada").unwrap(), Value::Null);
    assert_eq!(detail.variation_index, Some(0));
    assert!(
        matches!(detail.reason.kind, ReasonKind::Fallthrough { .. }),
        "{detail:?}"
    );
    let detail = client.json_variation_detail(
        "nothing",
        &Context::new("ada").unwrap(),
        Value::from("default"),
    );
    assert_eq!(detail.variation_index, Some(0), "null is a value");
}

// SRC-6.1: the first byte decides, after a byte order mark and blanks
#[test]
fn the_first_byte_selects_json_or_yaml_and_the_file_name_does_not_matter() {
    let files = Files::new();
    let bom = "\u{feff}";
    for (name, text) in [
        (
            "a.yaml",
            format!("{bom} \r\n\t{{\"flagValues\": {{\"a\": 1}}}}"),
        ),
        ("a.json", format!("{bom}flagValues: {{a: 1}}")),
        ("a", "---\nflagValues:\n  a: 1\n".to_owned()),
    ] {
        let client = start(FileData::path(files.write(name, text)));
        assert_eq!(value(&client, "a"), 1.into(), "{name}");
    }
}

// SRC-6.1: all sections are optional
#[test]
fn an_empty_file_is_empty_data() {
    for text in [
        "",
        "\u{feff}",
        " \n\n",
        "# nothing yet\n",
        "---\n",
        "--- ~\n",
        "null",
        "{}",
        "flags:\nsegments: ~\n",
    ] {
        let client = load(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
        assert!(client.is_initialized(), "{text:?}");
    }
    for text in [
        r#"{"flags": null, "flagValues": null, "segments": null}"#,
        "flagValues:\n",
    ] {
        load(text).unwrap();
    }
}

// SRC-6.1: YAML 1.1 boolean trap
#[test]
fn the_key_on_needs_no_quotes_in_yaml() {
    for on in ["on", "\"on\"", "true", "'on'"] {
        let text = format!(
            "flags: {{ f: {{ {on}: true, variations: [a, b], fallthrough: {{ variation: 1 }} }} }}"
        );
        let client = load(&text).unwrap();
        assert_eq!(value(&client, "f"), "b".into(), "{on}");
    }
}

// SRC-6.1: YAML 1.2
#[test]
fn booleans_of_yaml_1_1_are_strings() {
    let client = load("flagValues: { no: no, answers: [yes, off, on, y, true] }").unwrap();
    assert_eq!(value(&client, "no"), "no".into());
    assert_eq!(
        value(&client, "answers"),
        json!(["yes", "off", "on", "y", true]).into()
    );
    let error = refused("flags:\n  f:\n    on: yes\n");
    assert_eq!(
        (error.line(), error.item().unwrap().1.as_str()),
        (Some(3), "f")
    );
}

// SRC-6.1: non-string YAML map keys
#[test]
fn numeric_keys_in_yaml_are_read_as_decimal_text_and_others_are_rejected() {
    let client = load("flagValues: { 404: a, -1: b, 1.5: c, 0x10: d, nested: { 7: e } }").unwrap();
    for (key, expected) in [("404", "a"), ("-1", "b"), ("1.5", "c"), ("16", "d")] {
        assert_eq!(value(&client, key), expected.into(), "{key}");
    }
    assert_eq!(value(&client, "nested"), json!({"7": "e"}).into());
    for key in ["~", "false", "[a]", "{ a: b }", "? [a]\n"] {
        let error = refused(format!("flagValues:\n  {key}: 1\n"));
        assert!(
            matches!(error, FileDataError::Malformed { line: 2.., .. }),
            "{key}: {error:?}"
        );
    }
}

// SRC-6.1: no tags that construct objects
#[test]
fn tags_in_yaml_construct_nothing() {
    let client = load("flagValues: { a: !!str 12, b: !ruby/object:Kernel { x: 1 } }").unwrap();
    assert_eq!(value(&client, "a"), "12".into());
    assert_eq!(value(&client, "b"), json!({"x": 1}).into());
}

// SRC-6.1: aliases
#[test]
fn aliases_and_merge_keys_in_yaml_work() {
    let text = "
flags:
  a: &base { on: true, variations: [x, y], fallthrough: { variation: 0 } }
  b: *base
  c: { <<: *base, fallthrough: { variation: 1 } }
";
    let client = load(text).unwrap();
    assert_eq!(
        [
            value(&client, "a"),
            value(&client, "b"),
            value(&client, "c")
        ],
        ["x".into(), "x".into(), "y".into()]
    );
    let many: String = (0..500).map(|n| format!("  f{n}: *base\n")).collect();
    let client = load(format!("flagValues:\n  a: &base {{ x: 1 }}\n{many}")).unwrap();
    assert_eq!(value(&client, "f499"), json!({"x": 1}).into());
}

// SRC-6.1: key
#[test]
fn the_key_in_the_map_takes_precedence_over_the_key_in_the_item() {
    let client =
        load(r#"{"flags": {"a": {"key": "b", "offVariation": 0, "variations": [7]}}}"#).unwrap();
    assert_eq!(
        (value(&client, "a"), value(&client, "b")),
        (7.into(), "default".into())
    );
}

// SRC-6.1: incomplete flags
#[test]
fn incomplete_flags_are_accepted() {
    for text in [
        r#"{"flags": {"a": {}, "b": {"on": true}}}"#,
        "flags: { a: {}, b: { on: true } }",
    ] {
        let client = load(text).unwrap();
        assert_eq!(value(&client, "a"), "default".into());
        let state = client.all_flags_state(
            &Context::new("ada").unwrap(),
            vexil::client::FlagsStateOptions::default(),
        );
        let json = serde_json::to_value(&state).unwrap();
        assert!(json.get("a").is_some() && json.get("b").is_some(), "{json}");
    }
}

// SRC-6.1: several paths
#[test]
fn several_files_are_merged() {
    let files = Files::new();
    let paths = [
        files.write("1", r#"{"flagValues": {"a": 1}}"#),
        files.write("2", "flagValues: { b: 2 }"),
        files.write("3", ""),
    ];
    let client = start(FileData::builder().paths(&paths));
    assert_eq!(
        (value(&client, "a"), value(&client, "b")),
        (1.into(), 2.into())
    );
}

// SRC-6.1: relative paths
#[test]
fn relative_paths_use_the_current_directory_and_variables_are_not_expanded() {
    let data = FileData::builder()
        .paths(["flags.json", "$HOME/x"])
        .build()
        .unwrap();
    let here = std::env::current_dir().unwrap();
    assert!(
        data.files()
            .eq([here.join("flags.json"), here.join("$HOME/x")])
    );
}

#[test]
fn a_source_without_files_or_with_an_empty_path_cannot_be_built() {
    assert!(matches!(
        FileData::builder().build(),
        Err(FileDataError::NoFile)
    ));
    assert!(matches!(
        FileData::path("").build(),
        Err(FileDataError::Path { .. })
    ));
    let error = vexil::Client::builder("sdk-key")
        .data_source(FileData::builder())
        .start()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file data source cannot be configured"
    );
}

// SRC-6.2, SRC-F64
#[test]
fn a_duplicate_key_fails_the_whole_load() {
    let one = r#"{"flags": {"f": {}}, "segments": {"s": {}}}"#;
    for (first, second, kind, key) in [
        (one, r#"{"flags": {"f": {}}}"#, DataKind::Flag, "f"),
        (one, r#"{"flagValues": {"f": 1}}"#, DataKind::Flag, "f"),
        (one, "segments: { s: {} }", DataKind::Segment, "s"),
        (
            one,
            r#"{"flags": {"f": {"deleted": true}}}"#,
            DataKind::Flag,
            "f",
        ),
        (
            "{}",
            r#"{"flagValues": {"f": 1}, "flags": {"f": {}}}"#,
            DataKind::Flag,
            "f",
        ),
    ] {
        let files = Files::new();
        let (a, b) = (files.write("a", first), files.write("b", second));
        let error = FileData::builder()
            .path(a)
            .path(&b)
            .build()
            .unwrap()
            .load()
            .unwrap_err();
        assert_eq!(
            (error.path(), error.item().unwrap()),
            (Some(&*b), (kind, &key.into())),
            "{second}"
        );
        assert!(
            error
                .to_string()
                .starts_with(&format!("{kind} \"{key}\" of ")),
            "{error}"
        );
    }
}

// SRC-6.2
#[test]
fn when_duplicates_are_ignored_the_first_one_wins() {
    let files = Files::new();
    let a = files.write(
        "a",
        "flagValues: { f: 1 }\nsegments: { s: { included: [ada] } }",
    );
    let b = files.write(
        "b",
        r#"{"flagValues": {"f": 2, "g": 3}, "segments": {"s": {}},
            "flags": {"g": {"offVariation": 0, "variations": [4]}, "h": {"on": true, "variations": [false, true],
            "fallthrough": {"variation": 0},
            "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["s"]}]}]}}}"#,
    );
    let client = start(
        FileData::builder()
            .path(a)
            .path(b)
            .duplicates(DuplicateKeys::Ignore),
    );
    assert_eq!(
        ["f", "g", "h"].map(|key| value(&client, key)),
        [1.into(), 4.into(), true.into()]
    );
}

// SRC-6.2
#[test]
fn a_flag_and_a_segment_may_share_a_key() {
    load("flagValues: { same: 1 }\nsegments: { same: {} }").unwrap();
}

// SRC-6.2: duplicate keys of one object
#[test]
fn duplicate_keys_in_one_object_use_the_last_in_json_and_are_rejected_in_yaml() {
    let client = load(r#"{"flagValues": {"a": 1, "a": 2}}"#).unwrap();
    assert_eq!(value(&client, "a"), 2.into());
    let client =
        load(r#"{"flags": {"a": {"offVariation": 0, "offVariation": 1, "variations": [1, 2]}}}"#)
            .unwrap();
    assert_eq!(value(&client, "a"), 2.into());
    let error = refused("flagValues:\n  a: 1\n  a: 2\n");
    assert_eq!(error.line(), Some(3), "{error:?}");
}

#[test]
fn the_items_of_a_repeated_section_keep_their_json() {
    for text in [
        r#"{"flags": {"a": {"on": true}}, "segments": {"b": {}}, "flags": null}"#,
        r#"{"segments": {}, "flags": {"a": {}}, "segments": {"b": {}}}"#,
    ] {
        let files = Files::new();
        let data = FileData::path(files.write("f", text)).build().unwrap();
        let data = data.load().unwrap();
        let json = (data.flags[0].json(), data.segments[0].json());
        assert!(json.0.is_some() && json.1.is_some(), "{data:?}");
    }
}

#[test]
fn lone_surrogates_in_json_are_replaced() {
    let client = load(r#"{"flagValues": {"a\ud800": "\udfff", "b": "\ud83d\ude00"}}"#).unwrap();
    assert_eq!(value(&client, "a\u{fffd}"), "\u{fffd}".into());
    assert_eq!(value(&client, "b"), "😀".into());
    for key in ["k", "k\\ud800"] {
        let text = format!(
            r#"{{"flags": {{"{key}": {{"salt": "\\udc00", "version": 4.5, "version": 1e20}}}}}}"#
        );
        let files = Files::new();
        let data = FileData::path(files.write("f", text))
            .build()
            .unwrap()
            .load()
            .unwrap();
        assert!(data.flags[0].json().is_some(), "{data:?}");
    }
}
