//! `vexil eval`.

use crate::support::Folder;
use serde_json::{Value, json};
use vexil_cli::Exit;

const FLAGS: &str = r#"{
    "flags": {
        "checkout": {"version": 4, "on": true, "variations": [true, false], "offVariation": 1,
            "prerequisites": [{"key": "new-checkout", "variation": 0}], "fallthrough": {"variation": 0}},
        "legacy": {"version": 3, "on": false, "variations": ["a"]},
        "new-checkout": {"version": 7, "on": true, "variations": [true, false], "offVariation": 1,
            "fallthrough": {"variation": 1}, "clientSideAvailability": {"usingEnvironmentId": true, "usingMobileKey": false},
            "rules": [{"id": "staff", "variation": 0,
                "clauses": [{"contextKind": "user", "attribute": "email", "op": "endsWith", "values": ["@staff.com"]}]}]},
        "theme": {"version": 8, "on": true, "variations": ["light", "dark", "contrast"], "salt": "s",
            "fallthrough": {"rollout": {"variations": [
                {"variation": 0, "weight": 50000}, {"variation": 1, "weight": 40000}, {"variation": 2, "weight": 10000}]}}}
    }
}"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_values_for_a_context_are_a_table() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&[
        "eval",
        "flags.json",
        "--key",
        "ada",
        "--set",
        "email=\"ada@staff.com\"",
    ]);
    let expected = "\
FLAG          VALUE    VAR  WHY
checkout      true       0  no target or rule matched
legacy        –          –  the flag is off, and there is no off variation: the caller's default
new-checkout  true       0  matched rule 0 (staff)
theme         \"light\"    0  no target or rule matched (rollout, bucket 0.279193)
4 flags · context user \"ada\"
";
    assert_eq!(
        (ran.exit, ran.stdout.as_str(), ran.stderr.as_str()),
        (Exit::Done, expected, "")
    );
}

#[test]
fn the_values_for_a_context_are_a_document() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&[
        "eval",
        "flags.json",
        "checkout",
        "legacy",
        "--key",
        "bob",
        "--json",
    ]);
    let expected = json!({
        "schema": "vexil.eval/1", "source": "flags.json", "context": {"kind": "user", "key": "bob"},
        "flags": {
            "checkout": {"value": false, "variation": 1, "version": 4,
                "reason": {"kind": "PREREQUISITE_FAILED", "prerequisiteKey": "new-checkout"}},
            "legacy": {"value": null, "version": 3, "reason": {"kind": "OFF"}},
        },
    });
    assert_eq!(json(&ran.stdout), expected);
    assert_eq!(ran.stdout.lines().count(), 1, "a pipe gets one line");
}

#[test]
fn the_context_may_be_json_or_a_file() {
    let folder = Folder::with(&[
        ("flags.json", FLAGS),
        (
            "ada.json",
            r#"{"kind": "user", "key": "ada", "email": "a@staff.com"}"#,
        ),
    ]);
    let multi = r#"{"kind": "multi", "user": {"key": "ada", "email": "a@staff.com"}, "org": {"key": "acme"}}"#;
    for context in ["@ada.json", multi] {
        let ran = folder.vexil(&[
            "eval",
            "flags.json",
            "new-checkout",
            "--context",
            context,
            "--json",
        ]);
        assert_eq!(
            json(&ran.stdout)["flags"]["new-checkout"]["value"],
            true,
            "{context}"
        );
    }
}

#[test]
fn a_wrong_context_is_an_error_with_an_example() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    for (arguments, words) in [
        (
            &["--context", "{\"kind\":\"us er\",\"key\":\"ada\"}"][..],
            "the context is invalid",
        ),
        (
            &["--key", "ada", "--set", "plan=gold"][..],
            "text needs quotes: --set plan='\"gold\"'",
        ),
        (&["--key", "ada", "--set", "plan"][..], "has no value"),
        (
            &["--key", "ada", "--set", "anonymous=1"][..],
            "cannot have this value",
        ),
        (
            &["--context", "@missing.json"][..],
            "cannot read the context in missing.json",
        ),
        (&[][..], "no context is given"),
    ] {
        let ran = folder.vexil(&[&["eval", "flags.json"], arguments].concat());
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (Exit::Usage, ""),
            "{arguments:?}"
        );
        assert!(
            ran.stderr.contains(words) && ran.stderr.contains("\nhelp: "),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn only_the_flags_of_a_client_type_are_evaluated() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let flags = |client: &str| {
        let ran = folder.vexil(&[
            "eval",
            "flags.json",
            "--key",
            "ada",
            "--client",
            client,
            "--json",
        ]);
        let flags = json(&ran.stdout)["flags"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        flags.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(flags("js"), ["new-checkout"]);
    // Mobile clients receive all flags that do not say otherwise.
    assert_eq!(flags("mobile"), ["checkout", "legacy", "theme"]);
}

#[test]
fn a_strict_evaluation_fails_without_a_value() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let strict = |flag: &str| {
        folder
            .vexil(&["eval", "flags.json", flag, "--key", "ada", "--strict"])
            .exit
    };
    assert_eq!((strict("theme"), strict("legacy")), (Exit::Done, Exit::No));
    let default = folder.vexil(&[
        "eval",
        "flags.json",
        "legacy",
        "--key",
        "ada",
        "--default",
        "\"z\"",
        "--json",
    ]);
    assert_eq!(json(&default.stdout)["flags"]["legacy"]["value"], "z");
}

#[test]
fn values_are_counted_over_many_contexts() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let lines: String = (0..1000)
        .map(|n| format!("{{\"kind\":\"user\",\"key\":\"user-{n}\"}}\n\n"))
        .collect();
    folder.write("contexts.jsonl", &lines);
    let ran = folder.vexil(&[
        "eval",
        "flags.json",
        "theme",
        "--contexts",
        "contexts.jsonl",
        "--json",
    ]);
    let document = json(&ran.stdout);
    let theme = &document["flags"]["theme"];
    assert_eq!(
        (&document["contexts"], &theme["reasons"]),
        (&json!(1000), &json!({"FALLTHROUGH": 1000}))
    );
    let values = theme["values"].as_array().expect("values");
    let counts: Vec<u64> = values
        .iter()
        .filter_map(|share| share["count"].as_u64())
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), 1000);
    for (share, expected) in values.iter().zip([0.5, 0.4, 0.1]) {
        let (measured, stated) = (
            share["share"].as_f64().unwrap(),
            share["expected"].as_f64().unwrap(),
        );
        assert!(
            (measured - expected).abs() < 0.06 && (stated - expected).abs() < 1e-5,
            "{share}"
        );
    }
    let text = folder
        .vexil(&[
            "eval",
            "flags.json",
            "theme",
            "--contexts",
            "contexts.jsonl",
        ])
        .stdout;
    let [light, dark, contrast] = counts[..] else {
        panic!("{counts:?}")
    };
    let percent = |count: u64| format!("{}.{}", count / 10, count % 10);
    let (a, b, c) = (percent(light), percent(dark), percent(contrast));
    let expected = format!(
        "theme  \"light\" {a} % ({light})  \"dark\" {b} % ({dark})  \"contrast\" {c} % ({contrast})  of 1,000; expected 50/40/10\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn expected_shares_are_stated_only_if_one_rollout_has_decided() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let contexts = "{\"key\":\"ada\",\"kind\":\"user\",\"email\":\"ada@staff.com\"}\n{\"key\":\"bob\",\"kind\":\"user\"}\n";
    let ran = folder.vexil_with(
        &["eval", "flags.json", "new-checkout", "--contexts", "-"],
        contexts,
    );
    assert_eq!(
        ran.stdout,
        "new-checkout  true 50.0 % (1)  false 50.0 % (1)  of 2\n"
    );
}

#[test]
fn made_up_contexts_are_the_same_for_the_same_seed() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let run = |seed: &str| {
        folder
            .vexil(&[
                "eval",
                "flags.json",
                "theme",
                "--random",
                "500",
                "--seed",
                seed,
            ])
            .stdout
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn lines_without_a_context_are_named_and_counted() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let contexts = "{\"key\":\"ada\",\"kind\":\"user\"}\nnot json\n{\"kind\":\"user\"}\n";
    let arguments = ["eval", "flags.json", "theme", "--contexts", "-", "--json"];
    let ran = folder.vexil_with(&arguments, contexts);
    assert_eq!(
        (ran.exit, &json(&ran.stdout)["badLines"]),
        (Exit::Done, &json!(2))
    );
    assert!(
        ran.stderr.contains("line 2: no context") && ran.stderr.contains("line 3: no context"),
        "{}",
        ran.stderr
    );
    let strict = folder.vexil_with(&[&arguments[..], &["--strict"]].concat(), contexts);
    assert_eq!(strict.exit, Exit::No);
}

#[test]
fn the_values_for_each_context_can_be_printed() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let contexts = "{\"key\":\"ada\",\"kind\":\"user\"}\n{\"key\":\"bob\",\"kind\":\"user\"}\n{\"key\":\"cy\",\"kind\":\"user\"}\n";
    let arguments = [
        "eval",
        "flags.json",
        "legacy",
        "checkout",
        "--contexts",
        "-",
        "--each",
        "--at-most",
        "2",
    ];
    let ran = folder.vexil_with(&arguments, contexts);
    let expected = "\
user \"ada\"  legacy  –  the flag is off
user \"ada\"  checkout  false  prerequisite \"new-checkout\" failed
user \"bob\"  legacy  –  the flag is off
user \"bob\"  checkout  false  prerequisite \"new-checkout\" failed
";
    assert_eq!(ran.stdout, expected);
    let ran = folder.vexil_with(&[&arguments[..], &["--json"]].concat(), contexts);
    let documents: Vec<Value> = ran.stdout.lines().map(json).collect();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[1]["context"]["key"], "bob");
    assert_eq!(documents[1]["flags"]["checkout"]["variation"], 1);
}

#[test]
fn no_progress_is_drawn_in_a_pipe() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    let ran = folder.vexil(&["eval", "flags.json", "--random", "100000"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""));
}
