//! The file of overrides.

use std::io::Read;
use std::sync::Arc;

use serde_json::{Value, json};

use super::serving::{Answer, FLAGS, Serving, folder};
use crate::support::{Folder, until};
use vexil_cli::Exit;

const ARGUMENTS: [&str; 3] = ["flags.json", "--overrides", "o.yaml"];

fn save(server: &Serving, force: bool) -> Answer {
    let body = json!({"force": force});
    server.api("POST", "/env/default/overrides/save", &body)
}

fn state(server: &Serving) -> String {
    server.state()["overridesState"]["state"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn read(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path("o.yaml")).unwrap()
}

#[test]
fn a_saved_file_is_loaded_at_the_next_start() {
    let folder = folder();
    let server = Serving::start(&folder, &ARGUMENTS);
    assert_eq!(
        (state(&server).as_str(), server.state()["unsaved"].clone()),
        ("saved", json!(false))
    );
    server.set("theme", json!({"variation": 0}));
    server.set("new", json!({"value": {"x": [1, "é"]}}));
    let staff = json!({"include": ["bob"], "exclude": ["ada"]});
    server.api("PUT", "/env/default/overrides/segments/staff", &staff);
    assert_eq!(
        (state(&server).as_str(), server.state()["unsaved"].clone()),
        ("unsaved", json!(true))
    );
    assert!(
        !folder.path("o.yaml").exists(),
        "nothing is written before it is saved"
    );
    let saved = save(&server, false);
    assert_eq!(saved.status, 200, "{}", saved.text());
    assert_eq!(
        saved.json(),
        json!({"file": "o.yaml", "bytes": read(&folder).len()})
    );
    assert_eq!(state(&server), "saved");
    assert!(read(&folder).starts_with("# "), "{}", read(&folder));
    assert_eq!(
        std::fs::read_dir(folder.path("")).unwrap().count(),
        2,
        "no temporary file stays"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path("o.yaml"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let overrides = server
        .api("GET", "/env/default/overrides", &Value::Null)
        .json();
    drop(server);

    let server = Serving::start(&folder, &ARGUMENTS);
    assert_eq!(
        server
            .api("GET", "/env/default/overrides", &Value::Null)
            .json(),
        overrides
    );
    assert_eq!(state(&server), "saved");
    assert_eq!(server.value("theme"), "light");
    assert_eq!(server.value("new"), json!({"x": [1, "é"]}));
    let download = server.api("GET", "/env/default/overrides?format=yaml", &Value::Null);
    assert!(read(&folder).ends_with(download.text()));
    assert!(
        download
            .header("content-disposition")
            .starts_with("attachment")
    );
}

#[test]
fn a_file_can_be_json() {
    let folder = folder();
    folder.write("o.json", r#"{"flags": {"theme": {"value": "blue"}}}"#);
    let server = Serving::start(&folder, &["flags.json", "--overrides", "o.json"]);
    assert_eq!(server.value("theme"), "blue");
    server.set("theme", json!({"value": "red"}));
    assert_eq!(save(&server, false).status, 200);
    let text = std::fs::read_to_string(folder.path("o.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["flags"]["theme"]["value"], "red");
}

#[test]
fn a_file_that_cannot_be_read_at_the_start_is_an_error() {
    for (text, message) in [
        ("flags: [", "o.yaml"),
        (
            "flags:\n  theme:\n    variation: dark\n",
            "/flags/theme/variation",
        ),
        ("flag: {}\n", "o.yaml"),
    ] {
        let folder = Folder::with(&[("flags.json", FLAGS), ("o.yaml", text)]);
        let ran = folder.vexil(&[
            "serve",
            "flags.json",
            "--overrides",
            "o.yaml",
            "--listen",
            "127.0.0.1:0",
        ]);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (Exit::Unreadable, ""),
            "{ran:?}"
        );
        assert!(ran.stderr.contains(message), "{ran:?}");
    }
}

#[test]
fn an_edit_by_hand_applies_and_a_broken_one_does_not() {
    let folder = folder();
    let server = Serving::start(&folder, &ARGUMENTS);
    let mut stream = server.stream("/all");
    stream.expect("put");
    folder.write("o.yaml", "flags:\n  theme: {value: blue}\n");
    assert_eq!(stream.expect("patch")["data"]["variations"][2], "blue");
    assert_eq!(server.value("theme"), "blue");

    for broken in [
        "flags:\n  theme: {value: red\n",
        "flags:\n  theme: {nothing: 1}\n",
    ] {
        folder.write("o.yaml", broken);
        until("the file is broken", || state(&server) == "broken");
        let message = server.state()["overridesState"]["message"].clone();
        assert!(message.as_str().unwrap().contains("o.yaml"), "{message}");
        assert_eq!(server.value("theme"), "blue", "the last good overrides");
    }
    folder.write("o.yaml", "flags:\n  theme: {value: green}\n");
    assert_eq!(stream.expect("patch")["data"]["variations"][2], "green");
    until("the file is good", || state(&server) == "saved");
    std::fs::remove_file(folder.path("o.yaml")).unwrap();
    assert_eq!(
        stream.expect("patch")["data"]["variations"],
        json!(["light", "dark"])
    );
}

#[test]
fn an_edit_by_hand_is_never_overwritten_silently() {
    let folder = folder();
    let server = Serving::start(&folder, &ARGUMENTS);
    server.set("theme", json!({"value": "ours"}));
    let theirs = "flags:\n  beta: {on: true}\n";
    folder.write("o.yaml", theirs);
    until("the conflict is known", || {
        state(&server) == "changed-on-disk"
    });
    assert_eq!(server.value("theme"), "ours");
    let refused = save(&server, false);
    assert_eq!(refused.status, 409);
    let error = refused.json()["error"].clone();
    assert_eq!(error["code"], "changed-on-disk");
    let diff = error["diff"].as_str().unwrap();
    assert!(
        diff.contains("- flag beta") && diff.contains("+ flag theme"),
        "{diff}"
    );
    assert_eq!(read(&folder), theirs);
    assert_eq!(save(&server, true).status, 200);
    assert!(read(&folder).contains("ours"));
    assert_eq!(state(&server), "saved");

    // Or theirs are used.
    server.set("theme", json!({"value": "lost"}));
    folder.write("o.yaml", theirs);
    let reload = |server: &Serving| server.api("POST", "/env/default/overrides/reload", &json!({}));
    assert_eq!(reload(&server).status, 200);
    assert_eq!(server.value("theme"), "dark");
    assert_eq!(server.value("beta"), Value::Null);
    assert_eq!(state(&server), "saved");
    folder.write("o.yaml", "flags: [");
    let refused = reload(&server);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(server.state()["overrides"], 1);
}

#[test]
fn each_change_is_saved_at_once_if_wanted() {
    let folder = folder();
    let server = Serving::start(
        &folder,
        &["flags.json", "--overrides", "o.yaml", "--autosave"],
    );
    server.set("theme", json!({"value": "first"}));
    assert!(read(&folder).contains("first"));
    server.set("theme", json!({"value": "second"}));
    assert!(read(&folder).contains("second") && !read(&folder).contains("first"));
    assert_eq!(
        server
            .api("DELETE", "/env/default/overrides", &Value::Null)
            .status,
        200
    );
    assert!(!read(&folder).contains("second"));
    assert_eq!(server.state()["unsaved"], false);
}

/// The file is replaced by a whole one: a program that has opened the old file reads all of it, and a crash
/// leaves one of the two.
#[cfg(unix)]
#[test]
fn a_save_replaces_the_file_and_does_not_write_into_it() {
    use std::os::unix::fs::MetadataExt;
    let folder = folder();
    let server = Serving::start(&folder, &ARGUMENTS);
    server.set("theme", json!({"value": "old"}));
    save(&server, false);
    let mut old = std::fs::File::open(folder.path("o.yaml")).unwrap();
    server.set("theme", json!({"value": "new"}));
    save(&server, false);
    let mut text = String::new();
    old.read_to_string(&mut text).unwrap();
    assert!(text.contains("old"), "{text}");
    let inode = |metadata: std::fs::Metadata| metadata.ino();
    let new = std::fs::metadata(folder.path("o.yaml")).unwrap();
    assert_ne!(inode(old.metadata().unwrap()), inode(new));
    assert!(read(&folder).contains("new"));
}

#[test]
fn a_save_that_fails_is_reported_and_can_be_repeated() {
    let folder = Arc::new(Folder::with(&[("flags.json", FLAGS)]));
    let server = Serving::start(&folder, &["flags.json", "--overrides", "missing/o.yaml"]);
    server.set("theme", json!({"value": "x"}));
    let failed = save(&server, false);
    assert_eq!(failed.status, 500);
    let error = failed.json()["error"].clone();
    assert_eq!(error["code"], "not-written");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("missing/o.yaml"),
        "{error}"
    );
    std::fs::create_dir(folder.path("missing")).unwrap();
    assert_eq!(save(&server, false).status, 200);
}

#[test]
fn without_a_file_nothing_is_saved() {
    let server = Serving::flags();
    server.set("theme", json!({"on": false}));
    let answer = save(&server, false);
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (409, json!("no-file"))
    );
    let state = server.state();
    assert_eq!(
        (&state["overridesFile"], &state["overridesState"]["state"]),
        (&Value::Null, &json!("none"))
    );
    assert_eq!(
        server
            .api("POST", "/env/default/overrides/reload", &json!({}))
            .status,
        409
    );
}
