//! `vexil diff`.

use crate::support::Folder;
use serde_json::{Value, json};
use vexil_cli::Exit;

fn folder(left: &Value, right: &Value) -> Folder {
    Folder::with(&[
        ("left.json", &left.to_string()),
        ("right.json", &right.to_string()),
    ])
}

fn sources() -> Folder {
    let rules = |ids: &[&str]| {
        let rules = ids.iter().map(
            |id| json!({"id": id, "variation": 0, "clauses": [{"op": "in", "attribute": id}]}),
        );
        rules.collect::<Vec<_>>()
    };
    let share = |weight: u32| json!({"rollout": {"variations": [{"variation": 0, "weight": 60_000}, {"variation": 1, "weight": weight}]}});
    let left = json!({
        "flags": {
            "summer-sale": {"version": 3, "on": true},
            "theme": {"version": 7, "on": true, "variations": ["light", "dark\u{1b}"], "fallthrough": share(40_000),
                "rules": rules(&["staff", "big-screens", "old"]), "note": "a"},
            "equal": {"version": 1, "targets": []},
            "version-only": {"version": 7},
        },
        "segments": {"staff": {"version": 2, "included": ["ada", "bob"]}},
    });
    let right = json!({
        "flags": {
            "theme": {"version": 5, "variations": ["light", "dark\u{1b}"], "fallthrough": share(50_000),
                "rules": rules(&["old", "staff"])},
            "equal": {"version": 1.0},
            "version-only": {"version": 9},
        },
        "segments": {"staff": {"version": 2, "included": ["bob", "cy"]}, "old-testers": {"version": 12}},
    });
    folder(&left, &right)
}

#[test]
fn the_differences_are_printed_by_item() {
    let ran = sources().vexil(&["diff", "left.json", "right.json"]);
    let expected = "\
only in left.json   flag     summer-sale               version 3
different           flag     theme                     version 7 → 5
  /on                                       true → false
  /fallthrough/rollout/variations/1/weight  40000 → 50000
  /rules/\"big-screens\"                      only left
  /rules/\"staff\"                            moved 0 → 1
  /note                                     only left: \"a\"
different           flag     version-only              version 7 → 9
only in right.json  segment  old-testers               version 12
different           segment  staff                     version 2
  /included/\"ada\"  only left
  /included/\"cy\"   only right
4 flags, 2 segments: 5 differences (1 only left, 1 only right, 3 changed)
";
    assert_eq!(ran.stdout, expected);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::No, ""));
}

#[test]
fn statistics_are_one_line_for_each_item() {
    let ran = sources().vexil(&["diff", "left.json", "right.json", "--stat", "--only", "t*"]);
    let expected = "\
different           flag     theme                     version 7 → 5  5 edits
1 flag, 0 segments: 1 difference (0 only left, 0 only right, 1 changed)
";
    assert_eq!(ran.stdout, expected);
}

#[test]
fn differences_are_a_document() {
    let ran = sources().vexil(&["diff", "left.json", "right.json", "--json", "--flags"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let move_back = json!({"op": "move", "pointer": "/rules/0", "id": "staff", "from": 0, "to": 1});
    let removed = json!({"op": "remove", "pointer": "/rules/1", "id": "big-screens", "left":
        {"id": "big-screens", "variation": 0, "clauses": [{"op": "in", "attribute": "big-screens"}]}});
    let expected = json!({
        "schema": "vexil.diff/1", "left": "left.json", "right": "right.json", "markers": [null, null],
        "differences": [
            {"kind": "flag", "key": "summer-sale", "change": "onlyLeft", "versions": [3, null]},
            {"kind": "flag", "key": "theme", "change": "changed", "versions": [7, 5], "edits": [
                {"op": "replace", "pointer": "/on", "left": true, "right": false},
                {"op": "replace", "pointer": "/fallthrough/rollout/variations/1/weight", "left": 40_000, "right": 50_000},
                removed, move_back,
                {"op": "remove", "pointer": "/note", "left": "a"},
            ]},
            {"kind": "flag", "key": "version-only", "change": "changed", "versions": [7, 9], "edits": []},
        ],
        "counts": {"flags": 4, "segments": 0, "onlyLeft": 1, "onlyRight": 0, "changed": 2},
    });
    assert_eq!(document, expected);
    assert_eq!(ran.exit, Exit::No);
}

#[test]
fn equal_sources_end_with_status_0() {
    let folder = sources();
    let same = folder.vexil(&["diff", "left.json", "left.json"]);
    let expected = "4 flags, 1 segment: no differences\n";
    assert_eq!((same.exit, same.stdout.as_str()), (Exit::Done, expected));
    let ignored = folder.vexil(&[
        "diff",
        "left.json",
        "right.json",
        "--only",
        "version-*",
        "--ignore",
        "version",
    ]);
    assert_eq!(ignored.exit, Exit::Done);
    let exact = folder.vexil(&[
        "diff",
        "left.json",
        "right.json",
        "--only",
        "equal",
        "--exact",
    ]);
    assert_eq!(exact.exit, Exit::No);
    assert!(exact.stdout.contains("/targets"), "{}", exact.stdout);
    let segments = folder.vexil(&[
        "diff",
        "left.json",
        "right.json",
        "--only",
        "equal",
        "--segments",
    ]);
    assert_eq!(segments.exit, Exit::Done);
}

#[test]
fn a_wrong_option_is_an_error_of_the_command_line() {
    let folder = sources();
    for wrong in [["--ignore", "colour"], ["--only", "[a"], ["--settle", "2"]] {
        let ran = folder.vexil(&[&["diff", "left.json", "right.json"], &wrong[..]].concat());
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (Exit::Usage, ""),
            "{wrong:?}"
        );
    }
}

#[test]
fn flags_whose_values_differ_are_shown_with_the_first_context() {
    let flag = |keys: &[&str], salt: &str| {
        json!({"on": true, "variations": ["light", "dark"], "fallthrough": {"variation": 0}, "salt": salt,
            "targets": [{"variation": 1, "values": keys}]})
    };
    let folder = folder(
        &json!({"flags": {"theme": flag(&["ada"], ""), "salted": flag(&[], "a"), "gone": flag(&[], "")}}),
        &json!({"flags": {"theme": flag(&["bob"], ""), "salted": flag(&[], "b")}}),
    );
    let contexts = [
        "{\"kind\":\"user\",\"key\":\"eve\"}",
        "",
        "{",
        "{\"kind\":\"user\",\"key\":\"ada\"}",
        "{\"kind\":\"user\",\"key\":\"bob\"}",
    ];
    folder.write("contexts.jsonl", &contexts.join("\n"));
    let command = [
        "diff",
        "left.json",
        "right.json",
        "--contexts",
        "contexts.jsonl",
        "--stat",
    ];
    let ran = folder.vexil(&command);
    let expected = "\
other value         flag     theme                     for 2 of 3, first user \"ada\": \"dark\" → \"light\"
3 flags, 0 segments: 3 differences (1 only left, 0 only right, 2 changed)
3 contexts: the values of 1 flag differ
";
    let printed: String = ran
        .stdout
        .lines()
        .skip(3)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(printed, expected, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("line 3: no context"), "{}", ran.stderr);
    let json = folder.vexil(&[&command[..], &["--json"]].concat());
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    let values = json!({"contexts": 3, "badLines": 1, "flags": [{"key": "theme", "count": 2,
        "context": {"kind": "user", "key": "ada"}, "left": "dark", "right": "light"}]});
    assert_eq!(document["values"], values);
}

/// Twenty differences of all sorts.
#[test]
fn twenty_seeded_differences_are_found() {
    let rule = |id: &str, value: &str| json!({"id": id, "variation": 1, "clauses": [{"attribute": "plan", "op": "in", "values": [value, "x"]}]});
    let flag = || {
        json!({"version": 5, "on": true, "salt": "s", "variations": ["a", "b"], "offVariation": 0,
            "fallthrough": {"rollout": {"variations": [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}]}},
            "rules": [rule("one", "gold"), rule("two", "silver"), rule("three", "iron")],
            "targets": [{"variation": 0, "values": ["ada", "bob"]}], "prerequisites": [{"key": "f0", "variation": 0}],
            "clientSideAvailability": {"usingMobileKey": true}, "trackEvents": false})
    };
    let segment = || json!({"version": 1, "included": ["ada"], "excluded": ["eve"], "rules": [{"id": "r", "weight": 7}]});
    let mut left = json!({"flags": {}, "segments": {}});
    for number in 0..30 {
        left["flags"][format!("f{number}")] = flag();
        left["segments"][format!("s{number}")] = segment();
    }
    let mut right = left.clone();
    let flags = &mut right["flags"];
    flags["f1"]["on"] = json!(false);
    flags["f2"]["salt"] = json!("t");
    flags["f3"]["variations"][1] = json!("c");
    flags["f4"]["offVariation"] = json!(null);
    flags["f5"]["fallthrough"]["rollout"]["variations"][0]["weight"] = json!(40_000);
    flags["f6"]["rules"].as_array_mut().unwrap().swap(0, 2);
    flags["f7"]["rules"].as_array_mut().unwrap().remove(1);
    flags["f8"]["rules"][2]["clauses"][0]["negate"] = json!(true);
    flags["f9"]["rules"][0]["clauses"][0]["values"] = json!(["x", "bronze"]);
    flags["f10"]["targets"][0]["values"] = json!(["bob"]);
    flags["f11"]["prerequisites"][0]["variation"] = json!(1);
    flags["f12"]["version"] = json!(6);
    flags["f13"]["clientSideAvailability"] = json!({});
    flags["f14"]["trackEvents"] = json!(true);
    flags["f15"] = json!({"version": 6, "deleted": true});
    flags["f16"]["custom"] = json!({"owner": "team"});
    flags["new"] = flag();
    let segments = &mut right["segments"];
    segments["s1"]["included"] = json!([]);
    segments["s2"]["rules"][0]["weight"] = json!(null);
    segments.as_object_mut().unwrap().remove("s3");
    // These are none.
    flags_without_meaning(&mut right);
    let folder = folder(&left, &right);
    let ran = folder.vexil(&["diff", "left.json", "right.json", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let keys: Vec<_> = document["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| difference["key"].as_str().unwrap())
        .collect();
    let expected = [
        "f1", "f10", "f11", "f12", "f13", "f14", "f15", "f16", "f2", "f3", "f4", "f5", "f6", "f7",
        "f8", "f9", "new", "s1", "s2", "s3",
    ];
    assert_eq!(keys, expected);
}

/// Changes flags in ways that make no difference.
fn flags_without_meaning(data: &mut Value) {
    data["flags"]["f20"]["rules"][0]["clauses"][0]["values"] = json!(["x", "gold", "x"]);
    data["flags"]["f21"]["targets"][0]["values"] = json!(["bob", "ada"]);
    data["flags"]["f22"]["contextTargets"] = json!([]);
    data["flags"]["f23"]["deleted"] = json!(false);
    data["flags"]["f24"]["rules"][0]["clauses"][0]["contextKind"] = json!("user");
    data["segments"]["gone"] = json!({"version": 1, "deleted": true});
}
