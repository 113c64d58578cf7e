//! `vexil watch`.

use std::sync::Arc;

use crate::support::{Folder, until};
use serde_json::{Value, json};
use vexil_cli::Exit;

fn data(version: u64, members: &[&str]) -> String {
    let rule = json!({"id": "staff", "variation": 1, "clauses": [{"op": "segmentMatch", "values": ["staff"]}]});
    let flag = json!({"version": version, "on": true, "variations": ["light", "dark"], "fallthrough": {"variation": 0},
        "rules": [rule]});
    json!({
        "flags": {"theme": flag, "other": {"version": version}},
        "segments": {"staff": {"version": version, "included": members}},
    })
    .to_string()
}

/// The lines without their times.
fn lines(stdout: &str) -> Vec<String> {
    let text = |line: &str| line.get(10..).unwrap_or_default().to_owned();
    stdout.lines().map(text).collect()
}

#[test]
fn each_change_is_a_line() {
    let folder = Arc::new(Folder::with(&[("flags.json", &data(1, &[]))]));
    let watch = folder.begin(&["watch", "flags.json", "--once", "4"]);
    until("the start", || {
        watch.written.stdout.text().contains("2 flags")
    });
    folder.write("flags.json", &data(2, &["ada"]));
    until("the change", || {
        watch.written.stdout.text().lines().count() == 4
    });
    let without: Value = serde_json::from_str(&data(2, &["ada"])).unwrap();
    let without =
        json!({"flags": {"theme": without["flags"]["theme"]}, "segments": without["segments"]});
    folder.write("flags.json", &without.to_string());
    let ran = watch.wait();
    assert_eq!(ran.exit, Exit::Done);
    let expected = [
        "flags.json: 2 flags, 1 segment",
        "other  version 1 → 2  off",
        "theme  version 1 → 2  on",
        "segment staff  version 1 → 2  touches theme",
        "other  version 2  deleted",
    ];
    assert_eq!(lines(&ran.stdout), expected);
}

#[test]
fn with_a_context_only_its_values_and_reasons_are_shown() {
    let folder = Arc::new(Folder::with(&[("flags.json", &data(1, &[]))]));
    let command = [
        "watch",
        "flags.json",
        "theme",
        "--key",
        "ada",
        "--once",
        "1",
    ];
    let watch = folder.begin(&command);
    until("the start", || {
        watch.written.stdout.text().contains("2 flags")
    });
    folder.write("flags.json", &data(2, &["bob"]));
    folder.write("flags.json", &data(3, &["bob", "ada"]));
    let ran = watch.wait();
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    let lines = lines(&ran.stdout);
    assert_eq!(
        lines[0],
        "flags.json: 2 flags, 1 segment  | user \"ada\": theme = \"light\""
    );
    assert!(lines[1].starts_with("theme  version "), "{lines:?}");
    let end = "on  | user \"ada\": \"light\" → \"dark\"  (matched rule 0 (staff))";
    assert!(lines[1].ends_with(end), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

#[test]
fn changes_are_documents() {
    let folder = Arc::new(Folder::with(&[("flags.json", &data(1, &[]))]));
    let command = [
        "watch",
        "flags.json",
        "--key",
        "ada",
        "--all",
        "--once",
        "3",
        "--json",
    ];
    let watch = folder.begin(&command);
    until("the start", || {
        watch.written.stdout.text().contains("state")
    });
    folder.write("flags.json", &data(2, &["ada"]));
    let ran = watch.wait();
    let documents: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(documents.len(), 4, "{documents:?}");
    assert_eq!(
        (&documents[0]["flags"], &documents[0]["segments"]),
        (&json!(2), &json!(1))
    );
    let theme = &documents[2];
    assert_eq!(
        (&theme["schema"], &theme["change"]),
        (&json!("vexil.watch/1"), &json!("updated"))
    );
    assert_eq!(theme["version"], json!({"from": 1, "to": 2}));
    assert_eq!(theme["evaluation"]["from"]["value"], "light");
    let to = json!({"value": "dark", "variation": 1,
        "reason": {"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "staff"}});
    assert_eq!(theme["evaluation"]["to"], to);
    let staff = &documents[3];
    assert_eq!(
        (&staff["kind"], &staff["touches"]),
        (&json!("segment"), &json!(["theme"]))
    );
    assert!(staff["at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_time_limit_and_a_signal_end_the_watch() {
    let folder = Arc::new(Folder::with(&[("flags.json", &data(1, &[]))]));
    let ran = folder.vexil(&["watch", "flags.json", "--once", "1", "--timeout", "50ms"]);
    assert_eq!(ran.exit, Exit::Unreachable);
    let watch = folder.begin(&["watch", "flags.json"]);
    until("the start", || {
        watch.written.stdout.text().contains("2 flags")
    });
    assert_eq!(watch.interrupt().exit, Exit::Interrupted);
    let ran = folder.vexil(&["watch", "-"]);
    assert_eq!(ran.exit, Exit::Usage);
}

#[test]
fn a_file_that_cannot_be_read_is_an_outage_with_an_end() {
    let folder = Arc::new(Folder::with(&[("flags.json", &data(1, &[]))]));
    let watch = folder.begin(&["watch", "flags.json", "--once", "1"]);
    until("the start", || {
        watch.written.stdout.text().contains("2 flags")
    });
    folder.write("flags.json", "{");
    until("the outage", || {
        watch.written.stderr.text().contains("is tried again")
    });
    folder.write("flags.json", &data(2, &[]));
    let ran = watch.wait();
    assert!(ran.stderr.contains("works again"), "{}", ran.stderr);
    assert_eq!(ran.exit, Exit::Done);
}
