//! `vexil list`.

use crate::support::Folder;
use serde_json::{Value, json};
use vexil_cli::Exit;

const FLAGS: &str = r#"{
    "flags": {
        "checkout": {"version": 4, "on": true, "variations": [true, false], "prerequisites": [{"key": "theme", "variation": 0}]},
        "gone": {"version": 9, "deleted": true},
        "theme": {"version": 8, "on": false, "variations": ["a", "b", "c"],
            "rules": [{"clauses": [{"op": "segmentMatch", "values": ["staff"]}, {"contextKind": "user", "attribute": "/address/city", "op": "in", "values": ["Rome"]}]}, {}]}
    },
    "segments": {
        "staff": {"version": 2, "included": ["ada"]},
        "vip": {"version": 30, "unbounded": true, "generation": 12, "rules": [{"clauses": [{"op": "segmentMatch", "values": ["staff"]}]}]}
    }
}"#;

#[test]
fn flags_and_segments_are_a_table() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["list", "flags.json"]);
    let expected = "\
KEY       KIND     VERSION  STATE      VARIATIONS  RULES  USES
checkout  flag           4  on                  2      0  flag theme
staff     segment        2  –                   –      0  –
theme     flag           8  off                 3      2  segment staff
vip       segment       30  big (g12)           –      1  segment staff
2 flags, 2 segments, ";
    assert!(ran.stdout.starts_with(expected), "{}", ran.stdout);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""));
}

#[test]
fn a_list_can_be_narrowed() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let keys = |arguments: &[&str]| {
        let ran = folder.vexil(&[&["list", "flags.json", "--json"], arguments].concat());
        let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let items = document["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item["key"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&[]), ["checkout", "staff", "theme", "vip"]);
    assert_eq!(keys(&["--flags"]), ["checkout", "theme"]);
    assert_eq!(keys(&["--segments"]), ["staff", "vip"]);
    assert_eq!(
        keys(&["--flags", "--deleted"]),
        ["checkout", "gone", "theme"]
    );
    assert_eq!(keys(&["--filter", "*e*"]), ["checkout", "theme"]);
    assert_eq!(keys(&["--uses", "segment:staff"]), ["theme", "vip"]);
    assert_eq!(keys(&["--uses", "flag:theme"]), ["checkout"]);
    assert_eq!(keys(&["--uses", "attribute:address"]), ["theme"]);
    assert_eq!(keys(&["--uses", "attribute:city"]), [""; 0]);
    assert_eq!(
        keys(&["--sort", "version"]),
        ["vip", "theme", "checkout", "staff"]
    );
    let wrong = folder.vexil(&["list", "flags.json", "--uses", "theme"]);
    assert_eq!(wrong.exit, Exit::Usage);
}

#[test]
fn a_list_is_a_document() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["list", "flags.json", "--segments", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let expected = json!({"kind": "segment", "key": "vip", "version": 30, "rules": 1, "segments": ["staff"], "big": true,
        "generation": 12, "bytes": 123});
    assert_eq!(
        (&document["schema"], &document["items"][1]),
        (&json!("vexil.list/1"), &expected)
    );
}

#[test]
fn an_item_that_cannot_be_read_is_named_and_left_out() {
    let folder = Folder::with(&[(
        "flags.json",
        r#"{"flags": {"good": {}, "bad": {"on": "yes"}}}"#,
    )]);
    let ran = folder.vexil(&["list", "flags.json"]);
    assert_eq!(ran.exit, Exit::Unreadable);
    assert!(ran.stdout.contains("good"), "{}", ran.stdout);
    assert!(
        ran.stderr
            .starts_with("warning: flag \"bad\" cannot be read and was left out: "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("--tolerant accepts it"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        folder.vexil(&["list", "flags.json", "--tolerant"]).exit,
        Exit::Done
    );
}

#[test]
fn control_characters_in_keys_are_escaped() {
    let folder = Folder::with(&[("flags.json", "{\"flags\": {\"a\\u001b[31m\": {}}}")]);
    let ran = folder.vexil(&["list", "flags.json"]);
    assert!(
        ran.stdout.contains("a\\u{1b}[31m") && !ran.stdout.contains('\u{1b}'),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_table_fits_a_terminal() {
    let uses: Vec<String> = (0..40)
        .map(|n| format!(r#"{{"key": "flag-{n}", "variation": 0}}"#))
        .collect();
    let flags = format!(
        r#"{{"flags": {{"a-key-that-is-never-cut": {{"prerequisites": [{}]}}}}}}"#,
        uses.join(",")
    );
    let mut folder = Folder::with(&[("flags.json", &flags)]);
    folder.terminal = true;
    folder.variables.extend([
        ("COLUMNS".to_owned(), "90".to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
    ]);
    let ran = folder.vexil(&["list", "flags.json", "--color", "never"]);
    let row = ran.stdout.lines().nth(1).expect("a row");
    assert!(
        row.starts_with("a-key-that-is-never-cut  flag") && row.ends_with('…'),
        "{row}"
    );
    assert!(row.chars().count() <= 90, "{row}");
}
