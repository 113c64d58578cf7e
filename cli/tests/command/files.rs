//! Sources that are documents: files, standard input, and what a web server has.

use crate::support::{Folder, Ran};
use vexil_cli::Exit;

fn is_shown(ran: &Ran, expected: &str) {
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""), "{ran:?}");
    assert_eq!(ran.stdout, expected);
}

#[track_caller]
fn is_refused(ran: &Ran, exit: Exit, expected: &str) {
    assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{ran:?}");
    assert_eq!(ran.stderr, expected);
}

#[test]
fn a_yaml_item_is_shown_as_compact_json_in_the_order_of_the_file() {
    let folder = Folder::with(&[(
        "flags.yaml",
        "flags:\n  1984: {version: 3, on: yes, fallthrough: {variation: 0}, a: [1.50, ~]}\n",
    )]);
    let ran = folder.vexil(&["show", "flags.yaml", "1984", "--raw"]);
    is_shown(
        &ran,
        r#"{"version":3,"on":"yes","fallthrough":{"variation":0},"a":[1.5,null]}"#,
    );
}

#[test]
fn the_last_of_repeated_keys_counts() {
    let folder = Folder::with(&[(
        "flags.json",
        "\u{feff}{\"flags\": {\"a\": {\"version\": 1}}, \"flags\": {\"a\": {\"version\": 2, \"version\": 3}}}",
    )]);
    let ran = folder.vexil(&["show", "flags.json", "a", "--raw"]);
    is_shown(&ran, r#"{"version": 2, "version": 3}"#);
}

#[test]
fn a_plain_value_is_a_flag() {
    let folder = Folder::with(&[("flags.yaml", "flagValues: { items: 12 }")]);
    let ran = folder.vexil(&["show", "flags.yaml", "items", "--raw"]);
    is_shown(
        &ran,
        r#"{"key":"items","version":1,"on":true,"variations":[12],"fallthrough":{"variation":0},"offVariation":0}"#,
    );
    let ran = folder.vexil(&["eval", "flags.yaml", "items", "--key", "ada", "--json"]);
    assert!(ran.stdout.contains(r#""value":12"#), "{ran:?}");
}

#[test]
fn standard_input_is_read_once() {
    let folder = Folder::new();
    let json = r#"{"flags": {"a": {"on": true}}}"#;
    let ran = folder.vexil_with(&["show", "-", "a", "--raw"], json);
    is_shown(&ran, r#"{"on": true}"#);
    let yaml = "segments:\n  s: {included: [ada]}";
    let ran = folder.vexil_with(&["show", "-", "s", "--segment", "--raw"], yaml);
    is_shown(&ran, r#"{"included":["ada"]}"#);
    let ran = folder.vexil_with(&["show", "-", "a", "--also", "-"], json);
    is_refused(
        &ran,
        Exit::Usage,
        "error: standard input is read twice\nhelp: write its contents to a file, and name the file \
         twice\n",
    );
}

#[test]
fn a_section_and_a_format_can_be_given() {
    let folder = Folder::with(&[("all", r#"{"a": {"on": true}}"#)]);
    let ran = folder.vexil(&["show", "file:all?section=flags", "a", "--raw"]);
    is_shown(&ran, r#"{"on": true}"#);
    let ran = folder.vexil(&["show", "file:all?section=flags&format=yaml", "a", "--raw"]);
    is_shown(&ran, r#"{"on":true}"#);
    let ran = folder.vexil(&["show", "all?section=flags", "a"]);
    is_refused(
        &ran,
        Exit::Unreadable,
        "error: cannot read all?section=flags: there is no such file\nhelp: to add parameters to a path, write \
         file:PATH?NAME=VALUE\n",
    );
}

#[test]
fn a_key_of_two_files_is_an_error_unless_the_last_counts() {
    let folder = Folder::with(&[
        (
            "a.json",
            r#"{"flags": {"x": {"version": 1}, "y": {"version": 1}}}"#,
        ),
        (
            "b.yaml",
            "flags: { x: { version: 2 } }\nflagValues: { z: 1 }",
        ),
        (
            "c.yaml",
            "flags: { z: { version: 9 } }\nflagValues: { z: 1 }",
        ),
    ]);
    let ran = folder.vexil(&["show", "a.json", "x", "--also", "b.yaml"]);
    is_refused(
        &ran,
        Exit::Unreadable,
        "error: the flag \"x\" is in a.json and in b.yaml\nhelp: remove one of them; --duplicates last uses that of \
         the last file\n",
    );
    let last = ["--also", "b.yaml", "--duplicates", "last", "--raw"];
    let ran = folder.vexil(&[["show", "a.json", "x"].as_slice(), &last].concat());
    is_shown(&ran, r#"{"version":2}"#);
    let ran = folder.vexil(&[["show", "a.json", "y"].as_slice(), &last].concat());
    is_shown(&ran, r#"{"version": 1}"#);
    let ran = folder.vexil(&["show", "c.yaml", "z"]);
    is_refused(
        &ran,
        Exit::Unreadable,
        "error: c.yaml: the flag \"z\" is in flags and in flagValues\nhelp: remove one of them; --duplicates last uses \
         that of flagValues\n",
    );
}

#[test]
fn a_malformed_document_is_refused_at_once_with_its_position() {
    let help = "help: a document that begins with { is JSON, any other is YAML; file:PATH?format=json or =yaml \
                chooses\n";
    for (text, message) in [
        (
            "{\"flags\": {\n  \"a\": {}\n  \"b\": {}}}",
            "flags:3:3: expected `,` or `}`",
        ),
        ("flags:\n  a: [1\n", "flags:2:6: unclosed bracket '['"),
        (
            "{\"flags\": \"secret\"}",
            "flags:1:18: invalid type: string, expected an object of items by key",
        ),
        (
            "flags: {}\nflags: {}",
            "flags:2:1: duplicate mapping key: flags",
        ),
    ] {
        let folder = Folder::with(&[("flags", text)]);
        let ran = folder.vexil(&["show", "flags", "a"]);
        is_refused(&ran, Exit::Unreadable, &format!("error: {message}\n{help}"));
    }
    let folder = Folder::with(&[(
        "flags",
        r#"{"bigSegments": {"vip.g1": {"included": "secret"}}}"#,
    )]);
    let ran = folder.vexil(&["show", "flags", "a"]);
    is_refused(
        &ran,
        Exit::Unreadable,
        "error: flags: bigSegments, \"vip.g1\": invalid type: string, expected a sequence at line 1 column 21\nhelp: \
         write {\"included\": [KEYS], \"excluded\": [KEYS]}\n",
    );
}

#[test]
fn an_unreadable_file_is_explained() {
    let folder = Folder::new();
    let ran = folder.vexil(&["show", "none.yaml", "a"]);
    is_refused(
        &ran,
        Exit::Unreadable,
        "error: cannot read none.yaml: there is no such file\nhelp: check the path; it starts from the current folder\n",
    );
    let ran = folder.vexil(&["show", ".", "a"]);
    is_refused(
        &ran,
        Exit::Unreadable,
        "error: cannot read .: it is a directory\nhelp: name a file in it; --also FILE adds more\n",
    );
}

#[test]
fn members_of_big_segments_are_read_from_files() {
    let flags = r#"{"flags": {"beta": {"on": true, "variations": [false, true], "fallthrough": {"variation": 0},
        "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["vip"]}]}]}},
        "segments": {"vip": {"unbounded": true, "generation": 1}},
        "bigSegments": {"vip.g1": {"included": ["ada"], "excluded": ["bob"]}}}"#;
    let more = r#"{"bigSegments": {"vip.g1": {"included": ["eve"]}}}"#;
    let folder = Folder::with(&[("flags.json", flags), ("more.json", more)]);
    for (key, expected) in [("ada", true), ("eve", true), ("bob", false), ("joe", false)] {
        let ran = folder.vexil(&[
            "eval",
            "flags.json",
            "beta",
            "--key",
            key,
            "--also",
            "more.json",
            "--json",
        ]);
        assert!(
            ran.stdout.contains(&format!(r#""value":{expected}"#)),
            "{key}: {ran:?}"
        );
    }
}

#[test]
fn a_named_source_is_read_from_the_configuration_file() {
    let folder = Folder::with(&[
        ("flags.json", r#"{"flags": {"a": {"on": true}}}"#),
        (
            "vexil.toml",
            "[sources]\nlocal = \"flags.json\"\nlive = \"env:FLAGS\"\n",
        ),
    ]);
    let ran = folder.vexil(&["show", "@local", "a", "--raw"]);
    is_shown(&ran, r#"{"on": true}"#);
    let ran = folder.vexil(&["show", "@live", "a"]);
    is_refused(
        &ran,
        Exit::Usage,
        "error: the environment variable FLAGS is not set\nhelp: export FLAGS=redis://…\n",
    );
    folder.write(
        "vexil.toml",
        "[sources]\nlive = [\"redis://:s3cret@h\"]\nx = 1",
    );
    let ran = folder.vexil(&["show", "@live", "a"]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.stderr.contains("vexil.toml: line 2: "), "{ran:?}");
    assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
}
