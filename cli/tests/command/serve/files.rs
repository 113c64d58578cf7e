//! Files that change while they are served.

use serde_json::{Value, json};

use super::serving::{FLAGS, Serving, folder};
use crate::support::{Folder, until};

/// The flags with another fallthrough of `theme`.
fn edited(variation: usize) -> String {
    let mut data: Value = serde_json::from_str(FLAGS).unwrap();
    data["flags"]["theme"]["fallthrough"]["variation"] = variation.into();
    data.to_string()
}

fn source_state(server: &Serving) -> String {
    server.state()["sourceState"]["state"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn an_edit_arrives_on_all_streams_with_a_higher_version() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    let mut streams = [
        "/all",
        "/flags",
        "/sdk/stream",
        "/meval/eyJrZXkiOiJib2IifQ",
        "/mping",
    ]
    .map(|path| {
        let mut stream = server.stream(path);
        while !matches!(
            &*stream.next().unwrap().0,
            "put" | "ping" | "payload-transferred"
        ) {}
        stream
    });
    folder.write("flags.json", &edited(1));
    let [all, flags, payload, values, ping] = &mut streams;
    let patch = all.expect("patch");
    assert_eq!(
        (&patch["path"], &patch["data"]["version"]),
        (&json!("/flags/theme"), &json!(9))
    );
    assert_eq!(flags.expect("patch")["path"], "/theme");
    assert_eq!(payload.expect("put-object")["version"], 9);
    payload.expect("payload-transferred");
    // The value of "limit" depends on it.
    let entry = values.expect("patch");
    assert_eq!(
        (&entry["key"], &entry["value"]),
        (&json!("limit"), &json!(20))
    );
    assert_eq!(values.expect("patch")["value"], "dark");
    ping.expect("ping");
}

#[test]
fn the_last_good_contents_are_served_while_a_file_is_broken() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    let mut stream = server.stream("/all");
    stream.expect("put");
    for (broken, message) in [
        ("{\n  \"flags\": {\n    \"theme\": {,\n", "flags.json:3:"),
        ("{\"flags\": {\"theme\": {\"variations\": 7}}}", "theme"),
        ("{\"flags\": []}", "flags.json"),
    ] {
        folder.write("flags.json", broken);
        until("the state names the fault", || {
            let state = server.state();
            let state = &state["sourceState"];
            state["state"] == "broken" && state["message"].as_str().unwrap().contains(message)
        });
        assert_eq!(server.state()["flags"], 3);
        assert_eq!(server.get("/healthz").status, 200);
        assert!(
            server
                .get("/metrics")
                .text()
                .contains("vexil_serve_source_valid{environment=\"default\"} 0")
        );
    }
    folder.write("flags.json", &edited(1));
    assert_eq!(stream.expect("patch")["data"]["version"], 9);
    until("the source is valid", || source_state(&server) == "valid");

    std::fs::remove_file(folder.path("flags.json")).unwrap();
    until("the file is missing", || source_state(&server) == "broken");
    assert_eq!(server.state()["flags"], 3);
    // Editors replace a file by another.
    folder.write("new.json", &edited(0));
    std::fs::rename(folder.path("new.json"), folder.path("flags.json")).unwrap();
    assert_eq!(stream.expect("patch")["data"]["version"], 10);
    until("the source is valid", || source_state(&server) == "valid");
}

#[test]
fn items_that_vanish_and_return_have_rising_versions() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    let mut stream = server.stream("/all");
    stream.expect("put");
    let mut without: Value = serde_json::from_str(FLAGS).unwrap();
    without["flags"].as_object_mut().unwrap().remove("theme");
    folder.write("flags.json", &without.to_string());
    let delete = stream.expect("delete");
    assert_eq!(
        (&delete["path"], &delete["version"]),
        (&json!("/flags/theme"), &json!(9))
    );
    folder.write("flags.json", FLAGS);
    assert_eq!(stream.expect("patch")["data"]["version"], 10);
}

#[test]
fn an_override_stays_when_the_file_changes_under_it() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    server.set("theme", json!({"on": false}));
    let mut stream = server.stream("/all");
    stream.expect("put");
    folder.write("flags.json", &edited(1));
    let patch = stream.expect("patch");
    assert_eq!(patch["data"]["on"], false);
    assert_eq!(patch["data"]["fallthrough"]["variation"], 1);
    server.api("DELETE", "/env/default/overrides/flags/theme", &Value::Null);
    assert_eq!(stream.expect("patch")["data"]["on"], true);
}

#[test]
fn without_a_watch_the_file_is_read_again_on_request() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json", "--no-watch"]);
    assert_eq!(server.state()["followed"], false);
    assert_eq!(server.state()["production"], false);
    folder.write("flags.json", &edited(1));
    let refresh = |apply: bool| {
        let body = json!({"apply": apply});
        server.api("POST", "/env/default/refresh", &body)
    };
    let shown = refresh(false).json();
    assert_eq!(shown["changed"], 1, "{shown}");
    assert!(shown["text"].as_str().unwrap().contains("theme"), "{shown}");
    assert_eq!(server.state()["revision"], 1);
    assert_eq!(refresh(true).json()["revision"], 2);
    assert_eq!(refresh(false).json()["changed"], 0);
    folder.write("flags.json", "{");
    let failed = refresh(true);
    assert!(failed.status >= 400, "{}", failed.status);
    assert!(
        failed.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("flags.json")
    );
    assert_eq!(server.state()["revision"], 2);
}

#[test]
fn a_file_of_the_folder_is_the_default_and_none_is_an_empty_set() {
    let yaml = "flags:\n  theme:\n    on: false\n    variations: [1]\n    offVariation: 0\n";
    let named = Folder::with(&[("flags.yml", yaml)]);
    let server = Serving::start(&named.into(), &[]);
    assert!(
        server
            .ready_line()
            .ends_with("(1 flag, 0 segments, revision 1)\n"),
        "{}",
        server.ready_line()
    );
    assert_eq!(server.state()["source"], "flags.yml");

    let server = Serving::start(&Folder::new().into(), &[]);
    assert!(
        server
            .ready_line()
            .ends_with("(0 flags, 0 segments, revision 0)\n"),
        "{}",
        server.ready_line()
    );
    assert_eq!(
        server.get("/sdk/latest-all").json(),
        json!({"flags": {}, "segments": {}})
    );
    server.set("new", json!({"value": 7}));
    assert_eq!(server.value("new"), 7);
}
