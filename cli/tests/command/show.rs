//! `vexil show`.

use crate::support::Folder;
use vexil_cli::Exit;

const FLAGS: &str = r#"{"flags": {"theme": {"version": 8, "on":true,"x": 1.50}}, "segments": {"staff": {"included": ["ada"]}}}"#;

#[test]
fn an_item_is_shown_as_it_was_written() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["show", "flags.json", "theme"]);
    let expected = "{\n  \"version\": 8,\n  \"on\": true,\n  \"x\": 1.50\n}\n";
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, expected));
    let raw = folder.vexil(&["show", "flags.json", "theme", "--raw"]);
    assert_eq!(raw.stdout, r#"{"version": 8, "on":true,"x": 1.50}"#);
    let segment = folder.vexil(&["show", "flags.json", "staff", "--segment", "--raw"]);
    assert_eq!(segment.stdout, r#"{"included": ["ada"]}"#);
}

#[test]
fn all_items_are_a_document_that_is_a_source() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let all = folder.vexil(&["show", "flags.json", "--all"]);
    folder.write("all.json", &all.stdout);
    let again = folder.vexil(&["show", "all.json", "theme", "--raw"]);
    assert_eq!(again.stdout, r#"{"version": 8, "on":true,"x": 1.50}"#);
}

#[test]
fn an_unknown_key_names_a_similar_one() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["show", "flags.json", "thme"]);
    assert_eq!(ran.exit, Exit::Unreadable);
    assert_eq!(ran.stdout, "");
    let expected = "error: flags.json has no flag \"thme\"\nhelp: did you mean \"theme\"? \"vexil list\" \
                    shows all 1 of this kind\n";
    assert_eq!(ran.stderr, expected);
}
