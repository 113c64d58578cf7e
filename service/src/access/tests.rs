use super::*;

const LOCAL: &str = "127.0.0.1:8765";
const CLIENT: &str = "/eval/shop/e30";
const SERVER: &str = "/sdk/latest-all";

fn rules() -> AccessRules {
    AccessRules::default()
        .allow_host("flags")
        .allow_host("[fd00::1]")
        .allow_origin("https://app.example")
}

/// The decision and the origin that is allowed, in short.
fn decision(access: &Access) -> String {
    let origin = |headers: &[(&'static str, String)]| {
        let found = headers
            .iter()
            .find(|(name, _)| *name == "access-control-allow-origin");
        found.map_or("-".to_owned(), |(_, origin)| origin.clone())
    };
    match access {
        Access::Granted { headers } => format!("granted {}", origin(headers)),
        Access::Preflight { headers } => format!("preflight {}", origin(headers)),
        Access::WrongHost => "421".to_owned(),
        Access::Forbidden => "403".to_owned(),
    }
}

#[test]
fn only_hosts_of_this_machine_and_allowed_ones_are_answered() {
    for (host, is_allowed) in [
        (Some("localhost"), true),
        (Some("LOCALHOST:8765"), true),
        (Some("localhost.:8765"), true),
        (Some("a.localhost:1"), true),
        (Some("127.0.0.1"), true),
        (Some("127.8.9.1:80"), true),
        (Some("[::1]:8765"), true),
        (Some("[::1]"), true),
        (Some("flags:8765"), true),
        (Some("Flags"), true),
        (Some("[fd00::1]:80"), true),
        (None, false),
        (Some(""), false),
        (Some("evil.example:8765"), false),
        (Some("localhost.evil.example"), false),
        (Some("evillocalhost"), false),
        (Some("128.0.0.1"), false),
        (Some("0.0.0.0"), false),
        (Some("[::]"), false),
        (Some("user@localhost"), false),
        (Some("evil.example@localhost"), false),
        (Some("localhost:80@evil.example"), false),
        (Some("evil.example/localhost"), false),
        (Some("localhost:"), true),
        (Some("[::1"), false),
        (Some("[::1]x"), false),
    ] {
        for path in [CLIENT, SERVER, "/unknown", "/"] {
            let head = RequestHead {
                host,
                ..RequestHead::new("GET", path)
            };
            let access = rules().decide(&head);
            assert_eq!(access != Access::WrongHost, is_allowed, "{host:?} {path}");
        }
    }
}

#[test]
fn pages_read_values_from_this_machine_only_and_never_whole_flags() {
    let local = "http://localhost:3000";
    let evil = "https://evil.example";
    for (method, path, origin, site, expected) in [
        ("GET", CLIENT, None, None, "granted -"),
        (
            "GET",
            CLIENT,
            Some(local),
            None,
            "granted http://localhost:3000",
        ),
        (
            "GET",
            CLIENT,
            Some("https://app.example"),
            Some("cross-site"),
            "granted https://app.example",
        ),
        (
            "REPORT",
            "/eval/shop",
            Some(local),
            None,
            "granted http://localhost:3000",
        ),
        (
            "OPTIONS",
            "/eval/shop",
            Some(local),
            None,
            "preflight http://localhost:3000",
        ),
        (
            "GET",
            "/sdk/poll/eval/e30",
            Some(local),
            None,
            "granted http://localhost:3000",
        ),
        (
            "GET",
            "/unknown",
            Some(local),
            None,
            "granted http://localhost:3000",
        ),
        ("GET", CLIENT, Some(evil), None, "granted -"),
        ("GET", CLIENT, Some("null"), None, "granted -"),
        (
            "GET",
            CLIENT,
            Some("http://localhost.evil.example"),
            None,
            "granted -",
        ),
        ("GET", CLIENT, Some("ftp://localhost"), None, "granted -"),
        ("GET", CLIENT, Some("http://x@localhost"), None, "granted -"),
        ("OPTIONS", CLIENT, Some(evil), None, "preflight -"),
        ("REPORT", "/eval/shop", Some(evil), None, "403"),
        ("POST", "/events/bulk/shop", Some(evil), None, "403"),
        ("POST", "/events/bulk/shop", Some("null"), None, "403"),
        ("GET", SERVER, None, None, "granted -"),
        ("GET", SERVER, None, Some("none"), "granted -"),
        ("GET", SERVER, Some(local), None, "403"),
        ("GET", SERVER, Some("https://app.example"), None, "403"),
        ("GET", SERVER, None, Some("cross-site"), "403"),
        ("OPTIONS", SERVER, Some(local), None, "403"),
        ("GET", "/all", Some(local), None, "403"),
        ("GET", "/sdk/evalx/contexts/e30", Some(local), None, "403"),
        ("POST", "/bulk", Some(local), None, "403"),
        ("GET", "/meval/e30", Some(local), None, "granted -"),
        ("POST", "/mobile", None, None, "granted -"),
        ("POST", "/mobile", Some(local), None, "granted -"),
        ("POST", "/mobile", Some(evil), None, "403"),
        ("OPTIONS", "/mobile", Some(local), None, "preflight -"),
        ("OPTIONS", "/mobile", Some(evil), None, "preflight -"),
        ("REPORT", "/meval", Some(evil), None, "403"),
        ("GET", "/mping", Some("null"), None, "granted -"),
        // Paths of mobile SDKs too, which are no pages.
        (
            "POST",
            "/sdk/poll/eval",
            Some(local),
            None,
            "granted http://localhost:3000",
        ),
        ("REPORT", "/sdk/stream/eval", None, None, "granted -"),
        ("POST", "/sdk/stream/eval", Some(evil), None, "403"),
        (
            "OPTIONS",
            "/sdk/stream/eval",
            Some(local),
            None,
            "preflight http://localhost:3000",
        ),
        (
            "OPTIONS",
            "/sdk/stream/eval/e30",
            Some(evil),
            None,
            "preflight -",
        ),
        (
            "GET",
            "/env/shop/sdk/stream/eval/e30",
            Some(evil),
            None,
            "granted -",
        ),
        ("GET", "/sdk/stream", Some(local), None, "403"),
    ] {
        let head = RequestHead {
            host: Some(LOCAL),
            origin,
            fetch_site: site,
            ..RequestHead::new(method, path)
        };
        let access = rules().decide(&head);
        assert_eq!(
            decision(&access),
            expected,
            "{method} {path} {origin:?} {site:?}"
        );
    }
}

#[test]
fn a_preflight_allows_what_sdks_send() {
    let head = RequestHead {
        host: Some(LOCAL),
        origin: Some("http://localhost:3000"),
        requested_headers: Some("content-type, x-launchdarkly-user-agent"),
        requests_private_network: true,
        ..RequestHead::new("OPTIONS", "/events/bulk/shop")
    };
    let expected = [
        ("vary", "Origin"),
        ("access-control-allow-origin", "http://localhost:3000"),
        ("access-control-allow-methods", "GET, POST, REPORT, OPTIONS"),
        (
            "access-control-allow-headers",
            "content-type, x-launchdarkly-user-agent",
        ),
        ("access-control-max-age", "300"),
        ("access-control-allow-private-network", "true"),
    ];
    let headers = expected
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec();
    assert_eq!(rules().decide(&head), Access::Preflight { headers });

    let head = RequestHead {
        requested_headers: Some("x-a, b\r\nc"),
        ..head
    };
    let Access::Preflight { headers } = rules().decide(&head) else {
        panic!()
    };
    assert!(
        !headers
            .iter()
            .any(|(name, _)| *name == "access-control-allow-headers")
    );
}

#[test]
fn only_the_service_s_own_page_has_access_to_its_interface() {
    const OWN: Option<&str> = Some("http://127.0.0.1:8765");
    const OTHER: Option<&str> = Some("http://localhost:3000");
    const ALLOWED: Option<&str> = Some("https://app.example");
    const SAME: Option<&str> = Some("same-origin");
    const CROSS: Option<&str> = Some("cross-site");
    const JSON: Option<&str> = Some("application/json");
    let plain = Some("text/plain");
    for (method, origin, site, marker, media_type, status) in [
        ("GET", None, None, None, None, 200),
        ("GET", OWN, SAME, None, None, 200),
        ("GET", None, Some("none"), None, None, 200),
        ("GET", None, CROSS, None, None, 403),
        ("GET", None, Some("same-site"), None, None, 403),
        ("GET", None, CROSS, Some("1"), None, 403),
        ("GET", OTHER, None, None, None, 403),
        ("GET", ALLOWED, None, None, None, 403),
        ("HEAD", None, CROSS, None, None, 403),
        ("OPTIONS", OTHER, CROSS, None, None, 403),
        ("PUT", OWN, SAME, None, JSON, 200),
        (
            "PUT",
            OWN,
            None,
            None,
            Some("Application/JSON; charset=utf-8"),
            200,
        ),
        ("PUT", OWN, CROSS, None, JSON, 403),
        ("PUT", OWN, Some("same-site"), Some("1"), JSON, 403),
        ("PUT", OWN, SAME, None, None, 415),
        ("PUT", OWN, SAME, None, plain, 415),
        ("PUT", OWN, SAME, None, Some("application/jsonp"), 415),
        ("POST", None, None, Some("1"), JSON, 200),
        ("POST", None, None, Some("1"), None, 415),
        ("POST", None, None, Some("0"), JSON, 403),
        ("POST", None, None, None, JSON, 403),
        ("POST", None, SAME, None, JSON, 403),
        ("POST", OTHER, None, Some("1"), JSON, 403),
        ("POST", ALLOWED, None, Some("1"), JSON, 403),
        ("POST", Some("null"), None, Some("1"), JSON, 403),
        (
            "POST",
            Some("https://127.0.0.1:8765"),
            None,
            None,
            JSON,
            403,
        ),
        ("POST", Some("http://127.0.0.1"), None, None, JSON, 403),
        ("POST", Some("http://localhost:8765"), None, None, JSON, 403),
        (
            "POST",
            Some("http://127.0.0.1:8765/"),
            None,
            None,
            JSON,
            403,
        ),
        ("DELETE", OWN, SAME, None, None, 200),
        ("DELETE", None, None, Some("1"), None, 200),
        ("DELETE", None, None, None, None, 403),
        ("DELETE", OWN, SAME, None, plain, 415),
    ] {
        let head = RequestHead {
            host: Some(LOCAL),
            origin,
            fetch_site: site,
            marker,
            content_type: media_type,
            ..RequestHead::new(method, "/vexil/api/state")
        };
        let found = rules()
            .check_page(&head)
            .map_or_else(PageAccessError::status, |()| 200);
        assert_eq!(found, status, "{head:?}");
        let evil = RequestHead {
            host: Some("evil.example:8765"),
            ..head
        };
        assert_eq!(rules().check_page(&evil), Err(PageAccessError::Host));
    }
}

#[test]
fn a_link_from_another_site_opens_the_page() {
    for (method, fetch_dest, is_opened) in [
        ("GET", Some("document"), true),
        ("GET", Some("iframe"), false),
        ("GET", Some("empty"), false),
        ("GET", None, false),
        ("POST", Some("document"), false),
    ] {
        let head = RequestHead {
            host: Some("Flags:8765"),
            fetch_site: Some("cross-site"),
            marker: Some("1"),
            content_type: Some("application/json"),
            fetch_dest,
            ..RequestHead::new(method, "/")
        };
        assert_eq!(
            rules().check_page(&head).is_ok(),
            is_opened,
            "{method} {fetch_dest:?}"
        );
    }
}
