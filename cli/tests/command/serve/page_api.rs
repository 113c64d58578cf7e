//! The operations of the page, with their errors.

use serde_json::{Value, json};

use super::serving::{ADA, Serving, folder};

const THEME: &str = "/env/default/overrides/flags/theme";

#[test]
fn requests_that_cannot_be_done_name_the_fault() {
    let server = Serving::flags();
    let json_text = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (method, path, body, status, code, pointer) in [
        (
            "PUT",
            THEME,
            r#"{"variation": 9}"#,
            400,
            "invalid",
            "/variation",
        ),
        (
            "PUT",
            THEME,
            r#"{"variation": "dark"}"#,
            400,
            "invalid",
            "/variation",
        ),
        (
            "PUT",
            THEME,
            r#"{"variation": -1}"#,
            400,
            "invalid",
            "/variation",
        ),
        ("PUT", THEME, r#"{"on": "yes"}"#, 400, "invalid", "/on"),
        (
            "PUT",
            THEME,
            r#"{"on": true, "value": 1}"#,
            400,
            "invalid",
            "",
        ),
        ("PUT", THEME, r#"{"include": ["ada"]}"#, 400, "invalid", ""),
        ("PUT", THEME, "{}", 400, "invalid", ""),
        ("PUT", THEME, "[]", 400, "invalid", ""),
        (
            "PUT",
            THEME,
            r#"{"item": {"variations": 7}}"#,
            400,
            "invalid",
            "",
        ),
        (
            "PUT",
            THEME,
            r#"{"for": [{"kind": "user", "key": "ada", "variation": 9}]}"#,
            400,
            "invalid",
            "/for/0/variation",
        ),
        (
            "PUT",
            "/env/default/overrides/flags/unknown",
            r#"{"on": true}"#,
            404,
            "not-found",
            "",
        ),
        (
            "PUT",
            "/env/default/overrides/segments/staff",
            r#"{"on": true}"#,
            400,
            "invalid",
            "",
        ),
        (
            "PUT",
            "/env/default/overrides/segments/staff",
            r#"{"include":["a"],"exclude":["a"]}"#,
            400,
            "invalid",
            "/exclude/0",
        ),
        ("DELETE", THEME, "null", 404, "not-found", ""),
        (
            "PUT",
            "/env/default/overrides",
            r#"{"flags": {"theme": {"variation": "x"}}}"#,
            400,
            "invalid",
            "/flags/theme/variation",
        ),
        (
            "PUT",
            "/env/default/overrides",
            r#"{"unknown": {}}"#,
            400,
            "invalid",
            "",
        ),
        (
            "PUT",
            "/env/unknown/overrides/flags/theme",
            r#"{"on": true}"#,
            404,
            "not-found",
            "",
        ),
        ("GET", "/env/default/unknown", "null", 404, "not-found", ""),
        (
            "GET",
            "/env/default/flags/unknown",
            "null",
            404,
            "not-found",
            "",
        ),
        (
            "GET",
            "/env/default/segments/theme",
            "null",
            404,
            "not-found",
            "",
        ),
        ("POST", THEME, r#"{"on": true}"#, 405, "method", ""),
        ("DELETE", "/state", "null", 405, "method", ""),
        (
            "POST",
            "/env/default/flags",
            r#"{"filters": ["unknown"]}"#,
            400,
            "invalid",
            "",
        ),
        (
            "POST",
            "/env/default/flags",
            r#"{"unknown": 1}"#,
            400,
            "invalid",
            "",
        ),
        (
            "POST",
            "/env/default/flags",
            r#"{"context": {"kind": "user", "key": ""}}"#,
            400,
            "invalid",
            "/key",
        ),
        (
            "POST",
            "/env/default/evaluate",
            r#"{"context": {"key": "a", "kind": "kind"}}"#,
            400,
            "invalid",
            "/kind",
        ),
        (
            "POST",
            "/env/default/evaluate",
            r#"{"context": {"key": "a"}, "flags": ["theme", "unknown"]}"#,
            404,
            "not-found",
            "/flags/1",
        ),
        (
            "POST",
            "/env/default/evaluate",
            r#"{"context": {"key": "a"}, "class": "all"}"#,
            400,
            "invalid",
            "",
        ),
        ("POST", "/env/default/evaluate", "{}", 400, "invalid", ""),
        (
            "POST",
            "/env/default/explain",
            r#"{"context": {"key": "a"}, "flag": "unknown"}"#,
            404,
            "not-found",
            "/flag",
        ),
        (
            "POST",
            "/env/default/sdks/999/cut",
            "{}",
            404,
            "not-found",
            "",
        ),
        (
            "POST",
            "/env/default/overrides/save",
            r#"{"farce": true}"#,
            400,
            "invalid",
            "",
        ),
    ] {
        let answer = server.api(method, path, &json_text(body));
        assert_eq!(
            answer.status,
            status,
            "{method} {path} {body}: {}",
            answer.text()
        );
        let error = answer.json()["error"].clone();
        assert_eq!(error["code"], code, "{method} {path} {body}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        if !pointer.is_empty() {
            assert_eq!(error["pointer"], pointer, "{method} {path} {body}: {error}");
        }
    }
    assert_eq!(server.state()["revision"], 1);

    let raw = |body: String| {
        server
            .api_request("PUT", THEME, &json!({}))
            .body(body)
            .send()
    };
    for body in ["", "{", "{\"on\":", "\u{feff}{}", "nonsense"] {
        assert_eq!(raw(body.to_owned()).status, 400, "{body}");
    }
    let deep = format!("{{\"value\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(raw(deep).status, 400, "nested too deeply");
    let large = raw(format!("{{\"value\":\"{}\"}}", "x".repeat(8 << 20)));
    assert_eq!(
        (large.status, large.json()["error"]["code"].clone()),
        (413, json!("too-large"))
    );
    assert_eq!(server.state()["revision"], 1);
}

#[test]
fn a_context_needs_an_off_variation_of_a_flag_that_is_off() {
    let flags = r#"{"flags": {"odd": {"on": false, "variations": [1, 2]}}}"#;
    let folder = crate::support::Folder::with(&[("flags.json", flags)]);
    let server = Serving::start(&folder.into(), &["flags.json"]);
    let form = json!({"for": [{"kind": "user", "key": "ada", "variation": 1}]});
    let answer = server.api("PUT", "/env/default/overrides/flags/odd", &form);
    assert_eq!(answer.status, 409);
    assert_eq!(answer.json()["error"]["code"], "no-off-variation");
}

#[test]
fn overrides_are_set_replaced_and_removed() {
    let server = Serving::flags();
    let mut stream = server.stream("/all");
    stream.expect("put");
    let answer = server.api("PUT", THEME, &json!({"variation": 0})).json();
    assert_eq!(answer, json!({"revision": 2, "version": 9, "effect": true}));
    assert_eq!(stream.expect("patch")["data"]["version"], 9);
    let same = server.api("PUT", THEME, &json!({"variation": 0})).json();
    assert_eq!(
        (&same["revision"], &same["version"]),
        (&json!(2), &json!(9))
    );

    // The page has seen an older revision.
    let put = |revision: &str| {
        let request = server.api_request("PUT", THEME, &json!({"on": false}));
        request.header("if-match", revision).send()
    };
    let stale = put("\"revision-1\"");
    assert_eq!(
        (stale.status, stale.json()["error"]["code"].clone()),
        (412, json!("changed"))
    );
    assert_eq!(put("\"revision-2\"").status, 200);
    assert_eq!(stream.expect("patch")["data"]["on"], false);

    let all = json!({"flags": {"beta": {"on": true}}, "segments": {"staff": {"exclude": ["ada"]}}});
    assert_eq!(
        server.api("PUT", "/env/default/overrides", &all).status,
        200
    );
    // One revision, and one event for each item that has changed.
    let mut paths: Vec<_> = (0..3)
        .map(|_| stream.expect("patch")["path"].clone())
        .collect();
    paths.sort_by_key(Value::to_string);
    assert_eq!(paths, ["/flags/beta", "/flags/theme", "/segments/staff"]);
    let known = server
        .api("GET", "/env/default/overrides", &Value::Null)
        .json();
    assert_eq!(known["flags"], json!({"beta": {"on": true}}));
    assert_eq!(known["segments"]["staff"]["exclude"], json!(["ada"]));
    assert_eq!(server.value("theme"), "light");

    let path = "/env/default/overrides/segments/staff";
    assert_eq!(server.api("DELETE", path, &Value::Null).status, 200);
    assert_eq!(stream.expect("patch")["data"]["version"], 4);
    assert_eq!(server.value("theme"), "dark");
    assert_eq!(
        server
            .api("DELETE", "/env/default/overrides", &Value::Null)
            .status,
        200
    );
    assert_eq!(stream.expect("patch")["path"], "/flags/beta");
    assert_eq!(server.state()["overrides"], 0);
}

#[test]
fn a_flag_that_is_missing_can_be_tested() {
    let server = Serving::flags();
    let mut values = server.stream(&format!("/eval/any/{ADA}"));
    values.expect("put");
    server.set("theme", json!({"missing": true}));
    assert_eq!(values.expect("delete")["key"], "theme");
    assert_eq!(server.get("/sdk/flags/theme").status, 404);
    let row = server
        .api(
            "POST",
            "/env/default/flags",
            &json!({"filters": ["overridden"]}),
        )
        .json();
    assert_eq!(
        (&row["total"], &row["flags"][0]["version"]),
        (&json!(1), &Value::Null),
        "{row}"
    );
    server.api("DELETE", THEME, &Value::Null);
    let back = values.expect("patch");
    assert_eq!(
        (&back["key"], &back["value"]),
        (&json!("theme"), &json!("dark"))
    );
}

#[test]
fn keys_may_have_any_characters() {
    let server = Serving::flags();
    let mut stream = server.stream("/all");
    stream.expect("put");
    let form = json!({"value": 1});
    for (encoded, key) in [
        ("a%2Fb%3F%C3%A9", "a/b?é"),
        ("%25%20%22", "% \""),
        ("..", ".."),
    ] {
        let path = format!("/env/default/overrides/flags/{encoded}");
        assert_eq!(server.api("PUT", &path, &form).status, 200, "{key}");
        assert_eq!(stream.expect("patch")["path"], format!("/flags/{key}"));
        assert_eq!(server.value(key), 1);
        assert_eq!(
            server.get(&format!("/sdk/flags/{encoded}")).json()["key"],
            key
        );
        assert_eq!(
            server.api("DELETE", &path, &Value::Null).status,
            200,
            "{key}"
        );
        stream.expect("delete");
    }
}

#[test]
fn flags_are_searched_filtered_and_evaluated() {
    let server = Serving::flags();
    server.set("beta", json!({"on": false}));
    let search = |body: Value| server.api("POST", "/env/default/flags", &body).json();
    let keys = |body: Value| -> Vec<String> {
        let found = search(body);
        let rows = found["flags"].as_array().unwrap();
        rows.iter()
            .map(|row| row["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(json!({})), ["beta", "limit", "theme"]);
    for (body, expected) in [
        (json!({"query": "THEME"}), &["limit", "theme"][..]),
        (json!({"query": "staff"}), &["theme"]),
        (json!({"query": "dark"}), &["theme"]),
        (json!({"query": "dark limit"}), &[]),
        (json!({"query": "variations"}), &[]),
        (json!({"filters": ["off"]}), &["beta"]),
        (json!({"filters": ["overridden"]}), &["beta"]),
        (json!({"filters": ["js"]}), &["theme"]),
        (json!({"filters": ["mobile", "js"]}), &["theme"]),
        (json!({"class": "mobile"}), &["limit", "theme"]),
        (json!({"offset": 1, "limit": 1}), &["limit"]),
        (json!({"offset": 9}), &[]),
    ] {
        assert_eq!(keys(body.clone()), expected, "{body}");
    }
    let found = search(json!({"context": {"key": "ada"}, "limit": 2}));
    assert_eq!(
        (&found["total"], &found["revision"]),
        (&json!(3), &server.state()["revision"])
    );
    let beta = &found["flags"][0];
    assert_eq!(
        (&beta["override"], &beta["effect"]),
        (&json!({"on": false}), &json!(false))
    );
    assert_eq!(
        (&beta["value"], &beta["reason"]["kind"]),
        (&json!(false), &json!("OFF"))
    );
}

#[test]
fn an_item_shows_its_layers_and_uses() {
    let server = Serving::flags();
    server.set("theme", json!({"value": "blue"}));
    let theme = server
        .api("GET", "/env/default/flags/theme", &Value::Null)
        .json();
    assert_eq!(
        (&theme["kind"], &theme["key"], &theme["version"]),
        (&json!("flag"), &json!("theme"), &json!(9))
    );
    assert_eq!(theme["base"]["variations"], json!(["light", "dark"]));
    assert_eq!(
        theme["served"]["variations"],
        json!(["light", "dark", "blue"])
    );
    assert_eq!(
        (&theme["override"], &theme["effect"]),
        (&json!({"value": "blue"}), &json!(true))
    );
    assert_eq!(theme["usedBy"], json!([{"kind": "flag", "key": "limit"}]));
    let staff = server
        .api("GET", "/env/default/segments/staff", &Value::Null)
        .json();
    assert_eq!(staff["usedBy"], json!([]), "the value has no rules");
    let segments = server
        .api("GET", "/env/default/segments", &Value::Null)
        .json();
    let expected = json!([{"key": "staff", "version": 2, "override": null, "usedBy": 0}]);
    assert_eq!(segments["segments"], expected);
}

#[test]
fn explanations_and_findings_are_those_of_the_commands() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    let body = json!({"context": {"key": "ada"}, "flag": "limit"});
    let explained = server.api("POST", "/env/default/explain", &body).json();
    let ran = folder.vexil(&["explain", "flags.json", "limit", "--key", "ada"]);
    assert!(
        ran.stdout
            .contains(explained["text"].as_str().unwrap().trim_end()),
        "{}\n{}",
        ran.stdout,
        explained["text"]
    );
    assert_eq!(explained["explanation"]["value"], 20, "{explained}");

    let findings = server
        .api("GET", "/env/default/findings", &Value::Null)
        .json();
    let ran = folder.vexil(&["check", "flags.json", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let ids = |findings: &Value| -> Vec<String> {
        let list = findings["findings"].as_array().unwrap();
        let mut ids: Vec<_> = list
            .iter()
            .map(|found| format!("{} {}", found["key"], found["id"]))
            .collect();
        ids.sort();
        ids
    };
    assert!(!ids(&findings).is_empty(), "{findings}");
    assert_eq!(ids(&findings), ids(&document));
}

#[test]
fn the_page_is_told_of_changes() {
    let server = Serving::flags();
    let request = server.api_request("GET", "/changes", &Value::Null);
    let mut changes = request.stream();
    assert_eq!(changes.expect("hello")["environments"]["default"], 1);
    server.set("theme", json!({"on": false}));
    let mut seen = Vec::new();
    while !(seen.iter().any(|name| name == "flags") && seen.iter().any(|name| name == "overrides"))
    {
        let (name, data) = changes.next().unwrap();
        if name == "flags" {
            assert_eq!(
                data,
                json!({"env": "default", "revision": 2, "keys": ["theme"]})
            );
        }
        seen.push(name);
    }
    let post = server
        .request("POST", "/bulk")
        .body(r#"[{"kind":"custom","key":"k"}]"#);
    assert_eq!(post.send().status, 202);
    loop {
        let (name, data) = changes.next().unwrap();
        if name == "events" {
            assert_eq!(data["env"], "default");
            break;
        }
    }
}

#[test]
fn events_are_kept_counted_once_and_cleared() {
    let server = Serving::flags();
    let summary = json!([
        {"kind": "summary", "startDate": 1, "endDate": 2, "features": {"theme": {"default": null,
            "contextKinds": ["user"], "counters": [{"variation": 1, "version": 8, "value": "dark", "count": 10}]}}},
        {"kind": "identify", "context": {"kind": "user", "key": "ada"}},
    ]);
    for id in ["id-1", "id-1", "id-2"] {
        let request = server.request("POST", "/bulk").body(summary.to_string());
        let request = request
            .header("x-launchdarkly-payload-id", id)
            .header("user-agent", "GoClient/7.0");
        assert_eq!(
            request
                .header("content-type", "application/json")
                .send()
                .status,
            202
        );
    }
    let events = |query: &str| {
        let path = format!("/env/default/events{query}");
        server.api("GET", &path, &Value::Null).json()["events"]
            .as_array()
            .unwrap()
            .len()
    };
    for (query, count) in [
        ("", 4),
        ("?kind=identify", 2),
        ("?sdk=GoClient/7.0", 4),
        ("?sdk=other", 0),
        ("?query=DARK", 2),
        ("?limit=1", 1),
        ("?after=2", 2),
    ] {
        assert_eq!(events(query), count, "{query}");
    }
    let counts = server
        .api("GET", "/env/default/events/counts", &Value::Null)
        .json();
    let row = &counts["rows"][0];
    assert_eq!(
        (&row["flag"], &row["variation"], &row["count"]),
        (&json!("theme"), &json!(1), &json!(20))
    );
    let contexts = server
        .api("GET", "/env/default/contexts", &Value::Null)
        .json();
    assert_eq!(
        contexts["contexts"][0]["context"]["key"], "ada",
        "{contexts}"
    );
    assert_eq!(
        server
            .api("DELETE", "/env/default/events", &Value::Null)
            .status,
        200
    );
    assert_eq!(events(""), 0);
}

#[test]
fn sdks_are_listed_cut_and_sent_everything_again() {
    let server = Serving::flags();
    let open = |agent: &str, path: &str| {
        let mut stream = server
            .request("GET", path)
            .header("user-agent", agent)
            .stream();
        stream.next().unwrap();
        stream
    };
    let mut go = open("GoClient/7.14.6", "/all");
    let mut js = open("JSClient/4.10.3", &format!("/eval/any/{ADA}"));
    let sdks = server.api("GET", "/env/default/sdks", &Value::Null).json();
    let sdks = sdks["sdks"].as_array().unwrap();
    let sdk = |agent: &str| sdks.iter().find(|sdk| sdk["agent"] == agent).unwrap();
    assert_eq!(
        (
            &sdk("GoClient/7.14.6")["class"],
            &sdk("GoClient/7.14.6")["streams"]
        ),
        (&json!("server"), &json!(1))
    );
    assert_eq!(sdk("JSClient/4.10.3")["class"], "js");
    assert_eq!(sdk("JSClient/4.10.3")["context"]["key"], "ada");
    assert_eq!(server.state()["streams"], 2);

    assert_eq!(
        server.api("POST", "/env/default/resend", &json!({})).json()["streams"],
        2
    );
    assert!(go.expect("put")["data"]["flags"]["theme"].is_object());
    assert_eq!(js.expect("put")["theme"]["value"], "dark");

    let cut = format!(
        "/env/default/sdks/{}/cut",
        sdk("GoClient/7.14.6")["id"].as_str().unwrap()
    );
    assert_eq!(server.api("POST", &cut, &json!({})).json()["cut"], 1);
    assert_eq!(go.next(), None);
    server.set("theme", json!({"value": "blue"}));
    assert_eq!(js.expect("patch")["value"], "blue");
}

#[test]
fn the_document_of_the_api_names_paths_that_exist() {
    let server = Serving::flags();
    let document = server.api("GET", "/openapi.json", &Value::Null).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15, "{}", paths.len());
    for (path, operations) in paths {
        let target = path
            .replace("{environment}", "default")
            .replace("{key}", "theme")
            .replace("{id}", "1");
        for method in operations
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| *name != "parameters")
        {
            if path == "/changes" {
                continue;
            }
            let method = method.to_uppercase();
            let body = if matches!(&*method, "POST" | "PUT") {
                json!({})
            } else {
                Value::Null
            };
            let answer = server.api(&method, &target, &body);
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text().contains("no such path"), "{method} {path}");
        }
    }
}
