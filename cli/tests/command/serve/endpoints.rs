//! What each path answers, and what it refuses.

use serde_json::json;

use super::serving::{ADA, Serving};

/// Each endpoint of polls, with its body and its answer in short.
#[test]
fn each_path_of_polls_answers_its_family() {
    let server = Serving::flags();
    let (server_side, mobile, js) = (
        ["beta", "limit", "theme"].as_slice(),
        ["limit", "theme"].as_slice(),
        ["theme"].as_slice(),
    );
    for (method, path, keys) in [
        ("GET", "/sdk/flags", server_side),
        ("GET", "/sdk/evalx/contexts/ADA", server_side),
        ("GET", "/sdk/evalx/users/ADA", server_side),
        ("REPORT", "/sdk/evalx/context", server_side),
        ("REPORT", "/sdk/evalx/user", server_side),
        ("GET", "/msdk/evalx/contexts/ADA", mobile),
        ("GET", "/msdk/evalx/users/ADA", mobile),
        ("REPORT", "/msdk/evalx/context", mobile),
        ("REPORT", "/msdk/evalx/user", mobile),
        ("GET", "/sdk/evalx/any/contexts/ADA", js),
        ("GET", "/sdk/evalx/any/users/ADA", js),
        ("REPORT", "/sdk/evalx/any/context", js),
        ("REPORT", "/sdk/evalx/any/contexts", js),
        ("REPORT", "/sdk/evalx/any/user", js),
        ("REPORT", "/sdk/evalx/any/users", js),
        // Behind a prefix.
        ("GET", "/proxy/a/sdk/flags", server_side),
        ("GET", "/proxy/msdk/evalx/contexts/ADA", mobile),
        ("REPORT", "/proxy/sdk/evalx/any/context", js),
        // The context is padded, or its padding escaped.
        ("GET", "/msdk/evalx/contexts/ADA==", mobile),
        ("GET", "/msdk/evalx/contexts/ADA%3D%3D", mobile),
        (
            "GET",
            "/msdk/evalx/contexts/ADA%3d%3d?withReasons=false",
            mobile,
        ),
        ("GET", "/sdk/evalx/%61ny/contexts/ADA", js),
        ("GET", "/sdk/flags?filter=unknown", server_side),
    ] {
        let request = server.request(method, &path.replace("ADA", ADA));
        let request = match method {
            "REPORT" => request
                .header("content-type", "application/json")
                .body(r#"{"key":"ada"}"#),
            _ => request,
        };
        let answer = request.send();
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        let found = answer.json();
        let found: Vec<_> = found.as_object().unwrap().keys().collect();
        assert_eq!(found, keys, "{method} {path}");
    }
}

#[test]
fn each_path_of_whole_items_answers() {
    let server = Serving::flags();
    for (path, pointer, version) in [
        ("/sdk/latest-all", "/flags/theme", 8),
        ("/sdk/latest-all", "/segments/staff", 2),
        ("/sdk/flags/theme", "", 8),
        ("/sdk/flags/%74heme", "", 8),
        ("/sdk/segments/staff", "", 2),
        ("/sdk/poll", "/events/1/data/object", 3),
        (
            "/sdk/poll?basis=(p%3Aother%3A1)",
            "/events/1/data/object",
            3,
        ),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let body = answer.json();
        let item = body
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{path}: {body}"));
        assert_eq!(item["version"], version, "{path}: {body}");
        // Completed, because other SDKs refuse items without these.
        assert!(
            item.get("deleted").is_some() && item.get("key").is_some(),
            "{item}"
        );
    }
    assert_eq!(server.get("/sdk/goals/any").json(), json!([]));
    for path in ["/sdk/flags/unknown", "/sdk/segments/theme"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["message"].is_string());
    }
}

#[test]
fn each_path_of_streams_begins_with_everything() {
    let server = Serving::flags();
    for (method, path, event, pointer) in [
        ("GET", "/all", "put", "/data/flags/theme"),
        ("GET", "/all?filter=unknown", "put", "/data/segments/staff"),
        ("GET", "/flags", "put", "/theme"),
        ("GET", "/proxy/flags", "put", "/theme"),
        (
            "GET",
            "/sdk/stream",
            "server-intent",
            "/payloads/0/intentCode",
        ),
        ("GET", "/meval/ADA", "put", "/limit/flagVersion"),
        ("REPORT", "/meval", "put", "/limit/flagVersion"),
        ("GET", "/mping", "ping", ""),
        ("GET", "/eval/any/ADA", "put", "/theme/value"),
        (
            "GET",
            "/eval/any/ADA%3d%3D?withReasons=true",
            "put",
            "/theme/reason/kind",
        ),
        ("REPORT", "/eval/any", "put", "/theme/value"),
        ("GET", "/ping/any", "ping", ""),
        (
            "GET",
            "/sdk/stream/eval/ADA",
            "server-intent",
            "/payloads/0/id",
        ),
        (
            "POST",
            "/sdk/stream/eval",
            "server-intent",
            "/payloads/0/id",
        ),
        (
            "REPORT",
            "/sdk/stream/eval?auth=any",
            "server-intent",
            "/payloads/0/id",
        ),
    ] {
        let request = server.request(method, &path.replace("ADA", ADA));
        let request = match method {
            "GET" => request,
            _ => request.body(r#"{"key":"ada"}"#),
        };
        let mut stream = request.stream();
        let data = stream.expect(event);
        assert!(data.pointer(pointer).is_some(), "{path}: {data}");
    }
}

#[test]
fn a_client_of_the_second_protocol_polls_by_each_method() {
    let server = Serving::flags();
    for (method, path, keys) in [
        ("GET", "/sdk/poll/eval/ADA", &["limit", "theme"][..]),
        ("POST", "/sdk/poll/eval", &["limit", "theme"]),
        ("REPORT", "/sdk/poll/eval", &["limit", "theme"]),
        ("GET", "/sdk/poll/eval/ADA?auth=any", &["theme"]),
        ("POST", "/sdk/poll/eval?auth=any", &["theme"]),
    ] {
        let request = server.request(method, &path.replace("ADA", ADA));
        let answer = match method {
            "GET" => request.send(),
            _ => request.body(r#"{"key":"ada"}"#).send(),
        };
        let body = answer.json();
        let events = body["events"].as_array().unwrap();
        let puts = events.iter().filter(|event| event["event"] == "put-object");
        let found: Vec<_> = puts.map(|event| event["data"]["key"].clone()).collect();
        assert_eq!(found, keys, "{method} {path}");
        let basis = events.last().unwrap()["data"]["state"].as_str().unwrap();
        // As the SDK for JavaScript sends it: with parentheses as they are.
        let again = format!(
            "/sdk/poll/eval/{ADA}?{}basis={}",
            match keys.len() {
                1 => "auth=any&",
                _ => "",
            },
            basis.replace(':', "%3A")
        );
        let again = server.get(&again).json();
        assert_eq!(
            again["events"][0]["data"]["payloads"][0]["intentCode"],
            "none"
        );
    }
}

#[test]
fn events_are_accepted_in_each_form() {
    let server = Serving::flags();
    let (list, object) = (r#"[{"kind":"identify"}]"#, r#"{"kind":"diagnostic"}"#);
    for (path, body, status) in [
        ("/bulk", list, 202),
        ("/bulk", object, 400),
        ("/bulk", "[", 400),
        ("/bulk", "", 400),
        ("/diagnostic", object, 202),
        ("/mobile", list, 202),
        ("/mobile/events", list, 202),
        ("/mobile/events/bulk", list, 202),
        ("/mobile/events/bulk", object, 202),
        ("/mobile/events/diagnostic", object, 202),
        ("/events/bulk/any", list, 202),
        ("/events/bulk/any", object, 202),
        ("/events/diagnostic/any", object, 202),
        ("/proxy/events/bulk/any", list, 202),
    ] {
        let request = server.request("POST", path).body(body);
        let answer = request.header("content-type", "application/json").send();
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
        if status == 202 {
            assert_eq!(answer.text(), "", "{path}");
            assert!(answer.header("date").ends_with("GMT"), "{path}");
        }
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = Serving::flags();
    for (method, path, status, allow) in [
        ("POST", "/all", 405, "GET, OPTIONS"),
        ("PUT", "/sdk/latest-all", 405, "GET, OPTIONS"),
        ("GET", "/bulk", 405, "POST, OPTIONS"),
        ("GET", "/mobile", 405, "POST, OPTIONS"),
        ("POST", "/sdk/evalx/any/context", 405, "REPORT, OPTIONS"),
        ("GET", "/msdk/evalx/context", 405, "REPORT, OPTIONS"),
        ("DELETE", "/sdk/stream/eval", 405, "POST, REPORT, OPTIONS"),
        ("BREW", "/mping", 405, "GET, OPTIONS"),
        ("get", "/all", 405, "GET, OPTIONS"),
        ("GET", "//all", 404, ""),
        ("GET", "/sdk//latest-all", 404, ""),
        ("GET", "/all/", 404, ""),
        ("GET", "/unknown", 404, ""),
        ("GET", "/sdk/eval/any/users/ADA", 404, ""),
        ("GET", "/sdk/big-segments/revisions", 404, ""),
        ("POST", "/handshake", 404, ""),
        ("POST", "/mevalalternate", 404, ""),
    ] {
        let answer = server.request(method, path).send();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        assert!(answer.json()["message"].is_string(), "{path}");
    }
}

#[test]
fn a_context_that_cannot_be_used_is_refused_without_its_values() {
    let server = Serving::flags();
    let encode = |text: &str| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    for context in [
        r#"{"key":"ada","kind":"pl4nted kind"}"#,
        r#"{"key":7,"name":"pl4nted"}"#,
        r#"{"kind":"multi","user":{"key":""},"x":"pl4nted"}"#,
        r#"{"kind":"user","key":"a","anonymous":"pl4nted"}"#,
        r#"{"kind":"user","name":"pl4nted"}"#,
        r#"["pl4nted"]"#,
        r#""pl4nted""#,
        r#"{"key":"pl4nted""#,
        r#"{"key":""}"#,
        "{}",
    ] {
        for (method, path, body) in [
            (
                "GET",
                format!("/msdk/evalx/contexts/{}", encode(context)),
                "",
            ),
            ("GET", format!("/eval/any/{}", encode(context)), ""),
            ("GET", format!("/sdk/poll/eval/{}", encode(context)), ""),
            ("REPORT", "/sdk/evalx/any/context".to_owned(), context),
            ("POST", "/sdk/stream/eval".to_owned(), context),
        ] {
            let request = server.request(method, &path).body(body.to_owned());
            let answer = request.header("content-type", "application/json").send();
            assert_eq!(answer.status, 400, "{method} {context}: {}", answer.text());
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(message.starts_with("context is invalid: "), "{message}");
            assert!(!message.contains("pl4nted"), "{message}");
        }
    }
    for segment in ["%2B%2F", "a*b", "_w", "%ff", ""] {
        let answer = server.get(&format!("/msdk/evalx/contexts/{segment}x"));
        assert_eq!(answer.status, 400, "{segment}");
    }
}

#[test]
fn bodies_of_other_types_and_sizes_are_refused() {
    let server = Serving::flags();
    let ada = r#"{"key":"ada"}"#;
    let report = |path: &str| server.request("REPORT", path).body(ada);
    for (media_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let answer = report("/msdk/evalx/context")
            .header("content-type", media_type)
            .send();
        assert_eq!(answer.status, status, "{media_type}");
    }
    assert_eq!(
        report("/msdk/evalx/context").send().status,
        200,
        "without a type"
    );

    let context = |length: usize| format!(r#"{{"key":"ada","x":"{}"}}"#, "x".repeat(length));
    let sized = |length| {
        let request = server.request("REPORT", "/sdk/evalx/any/context");
        request.body(context(length)).send()
    };
    let frame = context(0).len();
    assert_eq!(sized((1 << 20) - frame).status, 200, "1 MiB");
    let refused = sized((1 << 20) - frame + 1);
    assert_eq!(refused.status, 413);
    assert!(
        refused.json()["message"]
            .as_str()
            .unwrap()
            .contains("1 MiB")
    );
}
