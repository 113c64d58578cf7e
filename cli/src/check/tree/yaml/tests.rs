//! Tests of YAML as a tree.

use proptest::prelude::*;

use super::*;

fn json(text: &str) -> String {
    read(text).unwrap().to_json(false)
}

#[test]
fn scalars_follow_the_core_schema() {
    let text =
        "[yes, on, true, 0x1F, 1_000, 1e3, .5, ~, null, '1', 1.2.3, 0o17, -1, !!str 5, nan, 1__0]";
    let expected =
        r#"["yes","on",true,31,1000,1000,0.5,null,null,"1","1.2.3",15,-1,"5","nan","1__0"]"#;
    assert_eq!(json(text), expected);
}

#[test]
fn keys_are_text() {
    assert_eq!(json("on: 1\n2: a\ntrue: 3"), r#"{"2":"a","on":3}"#);
    assert!(read("[1]: 2").is_err());
    assert!(read("null: 2").is_err());
    assert_eq!(json(""), "null");
    assert_eq!(json("# only a comment\n"), "null");
}

#[test]
fn aliases_and_merges_expand() {
    let text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a";
    let expected = r#"{"a":{"x":1,"y":2},"b":{"y":3,"x":1},"c":{"x":1,"y":2}}"#;
    assert_eq!(json(text), expected);
    assert!(read("a: &a [*a]").is_err());
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let error = read(&bomb).unwrap_err();
    assert_eq!(error.message, "aliases expand to too much text");
}

#[test]
fn nodes_have_positions() {
    let text = "flags:\n  theme:\n    on: yes\n    rules: [{id: a}]\nsegments: {}\n";
    let root = read(text).unwrap();
    let theme = root.member("flags").unwrap().value.member("theme").unwrap();
    assert_eq!(&text[theme.span.clone()], "theme");
    assert_eq!(
        &text[theme.value.span.clone()],
        "on: yes\n    rules: [{id: a}]"
    );
    let on = theme.value.member("on").unwrap();
    assert_eq!(
        (&text[on.span.clone()], &text[on.value.span.clone()]),
        ("on", "yes")
    );
    assert!(read("a: [1").is_err());
    assert!(read("a: 1\n---\nb: 2").is_err());
}

/// Parses YAML as the file data source does.
fn second_opinion(text: &str) -> Option<serde_json::Value> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).ok()
}

fn scalars() -> impl Strategy<Value = String> {
    let words = [
        "~",
        "null",
        "true",
        "True",
        "yes",
        "on",
        "no",
        "0x1F",
        "0b1_0",
        "-0x10",
        "1_000",
        "_1",
        "1__0",
        "0_1",
        "0127",
        "-0127",
        "1e3",
        "1.",
        ".5",
        "-.5",
        "+1",
        "-",
        "1-2",
        "0o17",
        "1.5e-3",
        "'1'",
        "\"a\\tb\"",
        "!!str 5",
        "!!int 7",
        "!!float 5",
        "!!bool true",
        "! 5",
        "inf",
        "nan",
        "Infinity",
        "1.2.3",
        "2026-01-01",
        "|\n    text",
        "é",
        "e5",
        "1e",
        "9007199254740993",
        "18446744073709551616",
        "<<",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn yaml_is_read_as_by_the_file_data_source(
        values in prop::collection::vec(scalars(), 1..4),
        broken in "[-:{}&*! a1\\n]{0,8}",
    ) {
        let mut text: String = (0..)
            .zip(&values)
            .map(|(number, value)| format!("k{number}: {value}\n"))
            .collect();
        text += &broken;
        // Numbers as those of flags.
        let ours = read(&text).ok().map(|node| node.to_value());
        let theirs = second_opinion(&text);
        let theirs = theirs.map(|value| serde_json::from_value::<vexil::Value>(value).unwrap());
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}
