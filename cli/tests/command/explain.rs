//! `vexil explain`.

use crate::support::Folder;
use serde_json::Value;
use vexil_cli::Exit;

const FLAGS: &str = r#"{"flags": {"lounge": {"version": 5, "on": true, "variations": [true, false], "fallthrough": {"variation": 1},
    "rules": [{"id": "gold", "variation": 0, "clauses": [{"contextKind": "user", "attribute": "tier", "op": "in", "values": ["gold"]}]}]}}}"#;

#[test]
fn an_explanation_is_a_tree() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&[
        "explain",
        "flags.json",
        "lounge",
        "--key",
        "ada",
        "--set",
        "tier=\"silver\"",
    ]);
    let expected = "\
lounge = false (variation 1)  no target or rule matched
context: user \"ada\"
├ ✓ on
├ ✗ rule 0 \"gold\" → variation 0
│  └ ✗ user.tier in [\"gold\"]  found \"silver\"
└ ✓ fallthrough → variation 1
";
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, expected));
    let ascii = folder.vexil(&["explain", "flags.json", "lounge", "--key", "ada", "--ascii"]);
    assert!(ascii.stdout.is_ascii(), "{}", ascii.stdout);
}

#[test]
fn an_explanation_is_a_document() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["explain", "flags.json", "lounge", "--key", "ada", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["schema"], "vexil.explain/1");
    assert_eq!(
        (&document["flag"], &document["value"]),
        (&"lounge".into(), &false.into())
    );
}

#[test]
fn private_attributes_are_hidden_on_request() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let context = r#"{"kind": "user", "key": "ada", "tier": "token-4711", "_meta": {"privateAttributes": ["tier"]}}"#;
    let shown = folder.vexil(&["explain", "flags.json", "lounge", "--context", context]);
    assert!(shown.stdout.contains("token-4711"), "{}", shown.stdout);
    for form in ["--json", "--ascii"] {
        let masked = folder.vexil(&[
            "explain",
            "flags.json",
            "lounge",
            "--context",
            context,
            "--mask",
            form,
        ]);
        assert!(
            !masked.stdout.contains("token-4711") && masked.exit == Exit::Done,
            "{}",
            masked.stdout
        );
    }
}

#[test]
fn an_unknown_flag_is_an_error() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["explain", "flags.json", "loung", "--key", "ada"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Unreadable, ""));
    assert!(
        ran.stderr.contains("did you mean \"lounge\"?"),
        "{}",
        ran.stderr
    );
}
