//! Which hosts and web pages are answered.

use serde_json::{Value, json};

use super::serving::{ADA, Serving, folder};

const LOCAL: &str = "http://localhost:3000";
const ALLOWED: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

fn server() -> Serving {
    let arguments = [
        "flags.json",
        "--allow-host",
        "flags",
        "--allow-origin",
        ALLOWED,
    ];
    Serving::start(&folder(), &arguments)
}

/// A path of each kind: of servers, of browsers, of mobile devices, of the page, unknown.
fn paths() -> Vec<String> {
    let values = format!("/sdk/evalx/any/contexts/{ADA}");
    let mobile = format!("/msdk/evalx/contexts/{ADA}");
    let others = [
        "/sdk/latest-all",
        "/vexil/api/state",
        "/",
        "/unknown",
        "//",
        "/healthz",
        "/metrics",
        "/status",
    ];
    let others = others.iter().map(ToString::to_string);
    others.chain([values, mobile]).collect()
}

#[test]
fn a_host_that_is_not_this_machine_is_refused_before_anything_else() {
    let server = server();
    for (host, is_allowed) in [
        ("localhost", true),
        ("app.localhost:8765", true),
        ("127.0.0.1:1", true),
        ("127.3.2.1", true),
        ("[::1]:8765", true),
        ("flags:8765", true),
        ("evil.example", false),
        ("127.0.0.1.evil.example:8765", false),
        ("localhost.evil.example", false),
        ("0.0.0.0:8765", false),
        ("192.168.0.1", false),
        ("flags.evil.example", false),
    ] {
        for path in paths() {
            let answer = server.request("GET", &path).header("host", host).send();
            assert_eq!(
                answer.status != 421,
                is_allowed,
                "{host} {path}: {}",
                answer.status
            );
            if !is_allowed {
                assert!(
                    answer.text().contains("--allow-host"),
                    "{path}: {}",
                    answer.text()
                );
                assert_eq!(answer.header("access-control-allow-origin"), "");
            }
        }
        for method in ["PUT", "OPTIONS", "REPORT"] {
            let path = "/vexil/api/env/default/overrides";
            let answer = server.request(method, path).header("host", host).send();
            assert_eq!(answer.status == 421, !is_allowed, "{host} {method}");
        }
    }
}

#[test]
fn a_web_page_reads_values_if_it_is_of_this_machine_or_allowed() {
    let server = server();
    let context = |path: &str| path.replace("ADA", ADA);
    for (method, path, origin, status, is_open) in [
        ("GET", "/sdk/evalx/any/contexts/ADA", LOCAL, 200, true),
        ("GET", "/sdk/evalx/any/contexts/ADA", ALLOWED, 200, true),
        ("GET", "/sdk/evalx/any/contexts/ADA", EVIL, 200, false),
        ("GET", "/sdk/evalx/any/contexts/ADA", "null", 200, false),
        ("REPORT", "/sdk/evalx/any/context", LOCAL, 200, true),
        ("REPORT", "/sdk/evalx/any/context", EVIL, 403, false),
        ("GET", "/sdk/poll/eval/ADA?auth=any", LOCAL, 200, true),
        ("POST", "/sdk/poll/eval?auth=any", LOCAL, 200, true),
        ("POST", "/sdk/poll/eval?auth=any", EVIL, 403, false),
        ("GET", "/sdk/goals/any", LOCAL, 200, true),
        ("POST", "/events/bulk/any", LOCAL, 202, true),
        ("POST", "/events/bulk/any", EVIL, 403, false),
        ("POST", "/events/bulk/any", "null", 403, false),
        // Errors too: the SDK would report a failure of the network otherwise.
        ("GET", "/sdk/evalx/any/contexts/x", LOCAL, 400, true),
        ("POST", "/sdk/goals/any", LOCAL, 405, true),
        ("GET", "/unknown", LOCAL, 404, true),
        ("REPORT", "/sdk/evalx/any/context?large", LOCAL, 413, true),
        // Whole flags are for servers.
        ("GET", "/sdk/latest-all", LOCAL, 403, false),
        ("GET", "/sdk/latest-all", ALLOWED, 403, false),
        ("GET", "/all", LOCAL, 403, false),
        ("GET", "/sdk/poll", LOCAL, 403, false),
        ("GET", "/sdk/flags/theme", LOCAL, 403, false),
        ("GET", "/sdk/evalx/contexts/ADA", LOCAL, 403, false),
        ("POST", "/bulk", EVIL, 403, false),
        ("GET", "/msdk/evalx/contexts/ADA", LOCAL, 200, false),
        ("REPORT", "/msdk/evalx/context", EVIL, 403, false),
    ] {
        let request = server
            .request(method, &context(path))
            .header("origin", origin);
        let body = match (path.contains("large"), method) {
            (true, _) => "x".repeat((1 << 20) + 1),
            (false, "POST") if path.contains("bulk") => "[]".to_owned(),
            (false, "GET") => String::new(),
            (false, _) => r#"{"key":"ada"}"#.to_owned(),
        };
        let answer = request.body(body).send();
        assert_eq!(
            answer.status,
            status,
            "{method} {path} {origin}: {}",
            answer.text()
        );
        let open_to = if is_open { origin } else { "" };
        assert_eq!(
            answer.header("access-control-allow-origin"),
            open_to,
            "{method} {path}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        if is_open {
            let exposed = answer.header("access-control-expose-headers");
            assert!(
                exposed.contains("Date") && exposed.contains("ETag"),
                "{exposed}"
            );
        }
    }
    let stream = server
        .request("GET", "/ping/any")
        .header("origin", LOCAL)
        .stream();
    assert_eq!(stream.headers["access-control-allow-origin"], LOCAL);
    for (site, status) in [("cross-site", 403), ("same-origin", 200), ("none", 200)] {
        let request = server.request("GET", "/sdk/latest-all");
        assert_eq!(
            request.header("sec-fetch-site", site).send().status,
            status,
            "{site}"
        );
    }
}

#[test]
fn each_path_of_browsers_answers_preflights() {
    let server = server();
    for path in [
        "/sdk/evalx/unknown/contexts/ADA",
        "/sdk/evalx/any/users/ADA",
        "/sdk/evalx/any/context",
        "/sdk/evalx/any/contexts",
        "/sdk/evalx/any/user",
        "/sdk/evalx/any/users",
        "/eval/any/ADA",
        "/eval/any",
        "/ping/any",
        "/sdk/goals/any",
        "/events/bulk/any",
        "/events/diagnostic/any",
        "/a/any.gif",
        "/sdk/poll/eval/ADA",
        "/sdk/poll/eval",
        "/sdk/stream/eval/ADA",
        "/sdk/stream/eval",
    ] {
        let path = path.replace("ADA", ADA);
        let preflight = |origin: &str, requested: &str| {
            let request = server.request("OPTIONS", &path);
            request
                .header("origin", origin)
                .header("access-control-request-method", "REPORT")
                .header("access-control-request-headers", requested)
                .header("access-control-request-private-network", "true")
                .send()
        };
        let requested = "content-type, x-launchdarkly-user-agent, x-own";
        let answer = preflight(LOCAL, requested);
        assert_eq!((answer.status, answer.text()), (204, ""), "{path}");
        for (name, value) in [
            ("access-control-allow-origin", LOCAL),
            ("access-control-allow-methods", "GET, POST, REPORT, OPTIONS"),
            ("access-control-allow-headers", requested),
            ("access-control-max-age", "300"),
            ("access-control-allow-private-network", "true"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert_eq!(
            preflight(LOCAL, "bad name").header("access-control-allow-headers"),
            ""
        );
        let refused = preflight(EVIL, requested);
        assert_eq!(refused.status, 204, "{path}");
        assert!(
            refused
                .headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control")),
            "{refused:?}"
        );
    }
    let server_side = server
        .request("OPTIONS", "/sdk/latest-all")
        .header("origin", LOCAL)
        .send();
    assert_eq!(server_side.status, 403);
}

#[test]
fn only_the_page_itself_and_commands_change_overrides() {
    let server = server();
    let own = format!("http://127.0.0.1:{}", server.port);
    let other_port = "http://127.0.0.1:1".to_owned();
    let path = "/vexil/api/env/default/overrides/flags/theme";
    let form = r#"{"on":false}"#;
    let headers = |pairs: &[(&'static str, &str)]| {
        let request = server.request("PUT", path).body(form);
        let request = pairs.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        request.send()
    };
    let json = ("content-type", "application/json");
    let revision = || server.state()["revision"].clone();
    let before = revision();
    for (pairs, status) in [
        (&[json][..], 403),
        (&[json, ("x-vexil", "0")], 403),
        (&[json, ("origin", EVIL)], 403),
        (&[json, ("origin", EVIL), ("x-vexil", "1")], 403),
        (&[json, ("origin", ALLOWED)], 403),
        (&[json, ("origin", LOCAL)], 403),
        (&[json, ("origin", &other_port)], 403),
        (&[json, ("origin", "null")], 403),
        (
            &[json, ("x-vexil", "1"), ("sec-fetch-site", "cross-site")],
            403,
        ),
        (
            &[json, ("origin", &own), ("sec-fetch-site", "same-site")],
            403,
        ),
        (&[("x-vexil", "1")], 415),
        (&[("x-vexil", "1"), ("content-type", "text/plain")], 415),
        (
            &[
                ("origin", &own),
                ("content-type", "application/x-www-form-urlencoded"),
            ],
            415,
        ),
    ] {
        let answer = headers(pairs);
        assert_eq!(answer.status, status, "{pairs:?}: {}", answer.text());
        assert!(answer.json()["error"]["code"].is_string(), "{pairs:?}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "",
            "{pairs:?}"
        );
        assert_eq!(revision(), before, "{pairs:?}");
    }
    assert_eq!(headers(&[json, ("origin", &own)]).status, 200);
    assert_eq!(headers(&[json, ("x-vexil", "1")]).status, 200);
    // Reading is refused to other pages too.
    for (name, value) in [("origin", LOCAL), ("sec-fetch-site", "cross-site")] {
        let answer = server
            .request("GET", "/vexil/api/state")
            .header(name, value)
            .send();
        assert_eq!(answer.status, 403, "{name}");
    }
    // A preflight is not answered.
    let preflight = server
        .request("OPTIONS", path)
        .header("origin", LOCAL)
        .send();
    assert_eq!(preflight.status, 403);
    assert_eq!(preflight.header("access-control-allow-methods"), "");
}

#[test]
fn the_page_has_a_strict_policy_and_cannot_be_framed() {
    let server = server();
    let page = server.get("/");
    assert_eq!(page.status, 200);
    for path in ["/", "/vexil/api/state", "/vexil/api/unknown"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
    }
    // A link from another site may open it.
    let link = server
        .request("GET", "/")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(link.header("sec-fetch-dest", "document").send().status, 200);
    let frame = server
        .request("GET", "/")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(frame.header("sec-fetch-dest", "iframe").send().status, 403);
}

#[test]
fn a_token_is_required_of_the_page_and_not_of_sdks() {
    let mut folder = crate::support::Folder::with(&[("flags.json", super::serving::FLAGS)]);
    folder
        .variables
        .insert("TOKEN".to_owned(), "t0ken".to_owned());
    let server = Serving::start(&folder.into(), &["flags.json", "--token-env", "TOKEN"]);
    let state = |token: &str| {
        let request = server.api_request("GET", "/state", &Value::Null);
        request.header("authorization", token).send()
    };
    assert_eq!(state("Bearer t0ken").status, 200);
    for wrong in [
        "",
        "t0ken",
        "Bearer t0ke",
        "Bearer t0kenx",
        "bearer",
        "Basic dDBrZW4=",
    ] {
        let answer = state(wrong);
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.json()["error"]["code"], "unauthorized");
        assert!(!answer.text().contains("t0ken"));
    }
    let put = server.api("PUT", "/env/default/overrides", &json!({}));
    assert_eq!(put.status, 401);
    assert_eq!(server.api("GET", "/unknown", &Value::Null).status, 401);
    assert_eq!(server.get("/sdk/latest-all").status, 200);
    assert_eq!(server.get("/").status, 200, "the page asks for the token");
}

#[test]
fn the_page_can_be_left_out() {
    let server = Serving::start(&folder(), &["flags.json", "--no-page"]);
    for path in ["/", "/vexil/api/state", "/vexil/api/env/default/overrides"] {
        let answer = server.request("GET", path).header("x-vexil", "1").send();
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(server.get("/sdk/latest-all").status, 200);
}
