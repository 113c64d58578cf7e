use super::*;

/// The service's paths: method, path, endpoint, family, environment, key, and whether the path has a
/// context.
const PATHS: &str = "
GET    /all                                   Stream              Server     -   -   -
GET    /flags                                 FlagStream          Server     -   -   -
GET    /sdk/latest-all                        Poll                Server     -   -   -
GET    /sdk/stream                            PayloadStream       Server     -   -   -
GET    /sdk/poll                              PayloadPoll         Server     -   -   -
GET    /sdk/flags                             Flags               Server     -   -   -
GET    /sdk/flags/dark                        Flag                Server     -   dark -
GET    /sdk/flags/all                         Flag                Server     -   all -
GET    /sdk/flags/a%2Fb                       Flag                Server     -   a/b -
GET    /sdk/segments/staff                    Segment             Server     -   staff -
POST   /bulk                                  Events              Server     -   -   -
POST   /diagnostic                            Diagnostics         Server     -   -   -
GET    /sdk/evalx/contexts/e30                ClientPoll          Server     -   -   e30
GET    /sdk/evalx/users/e30                   ClientPoll          Server     -   -   e30
REPORT /sdk/evalx/context                     ClientPoll          Server     -   -   -
REPORT /sdk/evalx/user                        ClientPoll          Server     -   -   -
GET    /status                                Status              Server     -   -   -
GET    /msdk/evalx/contexts/e30               ClientPoll          Mobile     -   -   e30
GET    /msdk/evalx/contexts/e30%3D            ClientPoll          Mobile     -   -   e30=
GET    /msdk/evalx/users/e30=                 ClientPoll          Mobile     -   -   e30=
REPORT /msdk/evalx/context                    ClientPoll          Mobile     -   -   -
REPORT /msdk/evalx/user                       ClientPoll          Mobile     -   -   -
GET    /meval/e30                             ClientStream        Mobile     -   -   e30
REPORT /meval                                 ClientStream        Mobile     -   -   -
GET    /mping                                 ClientPing          Mobile     -   -   -
POST   /mobile                                Events              Mobile     -   -   -
POST   /mobile/events                         Events              Mobile     -   -   -
POST   /mobile/events/bulk                    Events              Mobile     -   -   -
POST   /mobile/events/diagnostic              Diagnostics         Mobile     -   -   -
GET    /sdk/evalx/shop/contexts/e30           ClientPoll          JavaScript shop - e30
GET    /sdk/evalx/shop/users/e30              ClientPoll          JavaScript shop - e30
GET    /sdk/evalx/sh%20op/contexts/e30        ClientPoll          JavaScript sh_op - e30
REPORT /sdk/evalx/shop/context                ClientPoll          JavaScript shop - -
REPORT /sdk/evalx/shop/contexts               ClientPoll          JavaScript shop - -
REPORT /sdk/evalx/shop/user                   ClientPoll          JavaScript shop - -
REPORT /sdk/evalx/shop/users                  ClientPoll          JavaScript shop - -
GET    /eval/shop/e30                         ClientStream        JavaScript shop - e30
REPORT /eval/shop                             ClientStream        JavaScript shop - -
GET    /ping/shop                             ClientPing          JavaScript shop - -
GET    /ping/all                              ClientPing          JavaScript all - -
GET    /sdk/goals/shop                        Goals               JavaScript shop - -
POST   /events/bulk/shop                      Events              JavaScript shop - -
POST   /events/bulk/bulk                      Events              JavaScript bulk - -
POST   /events/diagnostic/shop                Diagnostics         JavaScript shop - -
GET    /a/shop.gif                            Pixel               JavaScript shop - -
GET    /sdk/poll/eval/e30                     ClientPayloadPoll   Mobile     -   -   e30
POST   /sdk/poll/eval                         ClientPayloadPoll   Mobile     -   -   -
REPORT /sdk/poll/eval                         ClientPayloadPoll   Mobile     -   -   -
GET    /sdk/stream/eval/e30                   ClientPayloadStream Mobile     -   -   e30
POST   /sdk/stream/eval                       ClientPayloadStream Mobile     -   -   -
REPORT /sdk/stream/eval                       ClientPayloadStream Mobile     -   -   -
GET    /sdk/poll/eval/e30?auth=shop           ClientPayloadPoll   JavaScript shop - e30
REPORT /sdk/stream/eval?auth=shop             ClientPayloadStream JavaScript shop - -
";

fn find(method: &str, target: &str) -> Result<Route, RouteError> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    Route::find(method, path, query)
}

#[test]
fn every_path_of_the_service_has_its_endpoint_behind_any_prefix() {
    for row in PATHS.lines().filter(|row| !row.is_empty()) {
        let columns: Vec<_> = row.split_whitespace().collect();
        let [method, target, endpoint, family, env, key, context] = columns[..] else {
            panic!("{row}");
        };
        let some = |text: &str| (text != "-").then(|| text.replace('_', " "));
        for prefix in ["", "/proxy", "/env/shop", "/a/b/sdk/c"] {
            let route = find(method, &format!("{prefix}{target}")).unwrap();
            assert_eq!(format!("{:?}", route.endpoint()), endpoint, "{row}");
            assert_eq!(format!("{:?}", route.family()), family, "{row}");
            assert_eq!(route.prefix(), prefix, "{row}");
            assert_eq!(route.environment().map(str::to_owned), some(env), "{row}");
            assert_eq!(route.key().map(str::to_owned), some(key), "{row}");
            assert_eq!(
                route.context_segment().map(str::to_owned),
                some(context),
                "{row}"
            );
        }
        let path = target.split('?').next().unwrap();
        assert_eq!(format!("{:?}", Endpoint::of(path)), endpoint, "{row}");
    }
}

#[test]
fn paths_that_the_service_does_not_have_are_not_found() {
    for path in [
        "",
        "/",
        "all",
        "//all",
        "/proxy//sdk/latest-all",
        "/all/",
        "/sdk/evalx/shop/contexts/",
        "/wall",
        "/latest-all",
        "/sdk/eval/shop/contexts/e30",
        "/sdk/eval/shop/users/e30",
        "/sdk/big-segments/revisions",
        "/big-segments",
        "/handshake",
        "/mevalalternate",
        "/a/shop.png",
    ] {
        assert_eq!(Endpoint::of(path), Endpoint::Other, "{path}");
        assert_eq!(
            Route::find("GET", path, None),
            Err(RouteError::NotFound),
            "{path}"
        );
    }
}

#[test]
fn other_methods_are_refused_with_those_that_are_allowed() {
    for (method, path, allow) in [
        ("POST", "/all", "GET, OPTIONS"),
        ("get", "/all", "GET, OPTIONS"),
        ("HEAD", "/sdk/latest-all", "GET, OPTIONS"),
        ("POST", "/sdk/flags/bulk", "GET, OPTIONS"),
        ("GET", "/bulk", "POST, OPTIONS"),
        ("GET", "/meval", "REPORT, OPTIONS"),
        ("PUT", "/sdk/poll/eval", "POST, REPORT, OPTIONS"),
        ("OPTIONS", "/mping", "GET, OPTIONS"),
    ] {
        let allow = allow.to_owned();
        let error = Route::find(method, path, None).unwrap_err();
        assert_eq!(error, RouteError::Method { allow }, "{method} {path}");
    }
}

#[test]
fn options_are_in_the_query() {
    let query = "withReasons=true&h=0a&filter=a%26b&basis=%28p%3Ax%3A6%29&d=W10&unknown&auth=other";
    let route = Route::find("GET", "/eval/shop/e30", Some(query)).unwrap();
    assert!(route.with_reasons());
    assert_eq!(route.hash(), Some("0a"));
    assert_eq!(route.filter(), Some("a&b"));
    assert_eq!(route.basis(), Some("(p:x:6)"));
    assert_eq!(route.events(), Some("W10"));
    assert_eq!(
        route.environment(),
        Some("shop"),
        "`auth` belongs to the second protocol"
    );

    // Three encodings of the same selector, and values that are not the expected ones.
    for query in [
        "basis=(p%3Ax%3A6)",
        "basis=(p:x:6)",
        "basis=%28p%3Ax%3A6%29",
    ] {
        let route = Route::find("GET", "/sdk/poll", Some(query)).unwrap();
        assert_eq!(route.basis(), Some("(p:x:6)"), "{query}");
    }
    let route = Route::find("GET", "/sdk/poll", Some("basis=&withReasons=1")).unwrap();
    assert_eq!((route.basis(), route.with_reasons()), (Some(""), false));
}

#[test]
fn the_debug_form_has_no_personal_data() {
    let route = Route::find("GET", "/eval/shop/c2VjcmV0", Some("h=c2VjcmV0&d=c2VjcmV0")).unwrap();
    let text = format!("{route:?}");
    assert!(
        text.contains("shop") && !text.contains("c2VjcmV0"),
        "{text}"
    );
}
