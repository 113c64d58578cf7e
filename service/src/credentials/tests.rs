use proptest::prelude::*;

use super::*;

const SERVER: &str = "/sdk/latest-all";
const MOBILE: &str = "/msdk/evalx/contexts/e30";
const BROWSER: &str = "/sdk/evalx/ID/contexts/e30";

/// The name of the environment, or the status.
fn found(credentials: &Credentials, target: &str, authorization: Option<&str>) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let route = Route::find("GET", path, query).unwrap();
    match credentials.environment(&route, authorization) {
        Ok(name) => name.to_owned(),
        Err(error) => error.status().to_string(),
    }
}

fn several() -> Credentials {
    let environments = ["shop", "admin"].map(EnvironmentCredentials::new);
    Credentials::new(environments).unwrap()
}

fn configured() -> EnvironmentCredentials {
    EnvironmentCredentials::new("secret")
        .sdk_key("sdk-1-2-3-4-5-6-7")
        .mobile_key("mob-1-2-3-4-5-6-7")
        .environment_id("abc")
}

#[test]
fn one_environment_accepts_everything() {
    let credentials = Credentials::new([EnvironmentCredentials::new("default")]).unwrap();
    for path in [
        SERVER,
        MOBILE,
        BROWSER,
        "/env/other/all",
        "/proxy/env/default/meval/e30",
    ] {
        for key in [None, Some(""), Some("anything"), Some("Bearer x")] {
            assert_eq!(found(&credentials, path, key), "default", "{path} {key:?}");
        }
    }
}

#[test]
fn several_environments_are_told_apart_by_credentials_or_prefixes() {
    let credentials = several();
    for (target, key, expected) in [
        (SERVER, Some("sdk-shop"), "shop"),
        (SERVER, Some("sdk-admin"), "admin"),
        (SERVER, Some("api_key sdk-admin"), "admin"),
        (SERVER, Some("API_Key sdk-admin"), "admin"),
        (SERVER, Some("api_key  sdk-admin"), "401"),
        (SERVER, Some("api_key"), "401"),
        (SERVER, Some("api_keyö"), "401"),
        (SERVER, Some("Bearer sdk-admin"), "401"),
        (SERVER, Some("SDK-shop"), "401"),
        (SERVER, Some("sdk-sho"), "401"),
        (SERVER, Some("sdk-shops"), "401"),
        (SERVER, Some("mob-shop"), "401"),
        (SERVER, Some("shop"), "401"),
        (SERVER, Some(""), "401"),
        (SERVER, None, "401"),
        (MOBILE, Some("mob-shop"), "shop"),
        (MOBILE, Some("api_key mob-admin"), "admin"),
        (MOBILE, Some("sdk-shop"), "401"),
        (MOBILE, None, "401"),
        ("/sdk/evalx/shop/contexts/e30", None, "shop"),
        ("/sdk/evalx/admin/contexts/e30", Some("sdk-shop"), "admin"),
        (BROWSER, None, "404"),
        (BROWSER, Some("sdk-shop"), "404"),
        ("/sdk/poll/eval/e30?auth=admin", None, "admin"),
        ("/sdk/poll/eval/e30?auth=x", None, "404"),
        ("/sdk/poll/eval/e30", Some("mob-admin"), "admin"),
        ("/sdk/poll/eval/e30", None, "401"),
        ("/env/shop/sdk/latest-all", None, "shop"),
        ("/env/shop/sdk/latest-all", Some("sdk-admin"), "shop"),
        ("/a/env/b/env/admin/sdk/latest-all", Some("x"), "admin"),
        ("/env/admin/sdk/evalx/ID/contexts/e30", None, "admin"),
        ("/env/x/sdk/latest-all", Some("sdk-shop"), "404"),
        ("/env/x/sdk/evalx/shop/contexts/e30", None, "404"),
        // Not at the end of the prefix.
        ("/env/shop/proxy/sdk/latest-all", Some("sdk-admin"), "admin"),
        ("/env/sdk/latest-all", Some("sdk-shop"), "shop"),
    ] {
        assert_eq!(
            found(&credentials, target, key),
            expected,
            "{target} {key:?}"
        );
    }
}

#[test]
fn configured_credentials_are_the_only_ones() {
    let alone = Credentials::new([configured()]).unwrap();
    let open = EnvironmentCredentials::new("shop");
    let beside = Credentials::new([open, configured()]).unwrap();
    for credentials in [&alone, &beside] {
        for (target, key, expected) in [
            (SERVER, Some("sdk-1-2-3-4-5-6-7"), "secret"),
            (SERVER, Some("sdk-secret"), "401"),
            (SERVER, None, "401"),
            (MOBILE, Some("api_key mob-1-2-3-4-5-6-7"), "secret"),
            (MOBILE, Some("mob-secret"), "401"),
            ("/sdk/evalx/abc/contexts/e30", None, "secret"),
            ("/sdk/evalx/secret/contexts/e30", None, "404"),
            ("/env/secret/sdk/latest-all", None, "401"),
            ("/env/secret/sdk/latest-all", Some("sdk-x"), "401"),
            (
                "/env/secret/sdk/latest-all",
                Some("sdk-1-2-3-4-5-6-7"),
                "secret",
            ),
            ("/env/secret/sdk/evalx/abc/contexts/e30", None, "secret"),
            ("/env/secret/sdk/evalx/x/contexts/e30", None, "404"),
        ] {
            assert_eq!(
                found(credentials, target, key),
                expected,
                "{target} {key:?}"
            );
        }
    }
    assert_eq!(found(&beside, SERVER, Some("sdk-shop")), "shop");

    let no_mobile = EnvironmentCredentials::new("shop").sdk_key("sdk-1");
    let no_mobile = Credentials::new([no_mobile]).unwrap();
    assert_eq!(found(&no_mobile, MOBILE, Some("mob-shop")), "401");
    assert_eq!(found(&no_mobile, "/sdk/goals/shop", None), "shop");
    assert_eq!(found(&no_mobile, "/sdk/goals/other", None), "404");
}

#[test]
fn environments_that_cannot_be_told_apart_are_refused() {
    let new = EnvironmentCredentials::new;
    for (environments, expected) in [
        (vec![], "there is no environment"),
        (
            vec![new("a/b")],
            "the name \"a/b\" of an environment must consist of ASCII letters, digits, `-`, `_` and `.`",
        ),
        (
            vec![new("")],
            "the name \"\" of an environment must consist of ASCII letters, digits, `-`, `_` and `.`",
        ),
        (
            vec![new("a"), new("b"), new("a")],
            "two environments have the name a",
        ),
        (
            vec![new("a"), new("b").sdk_key("sdk-a")],
            "the environments a and b have the same SDK key",
        ),
        (
            vec![new("a").mobile_key("m"), new("b").mobile_key("m")],
            "the environments a and b have the same mobile key",
        ),
        (
            vec![new("a").environment_id("b"), new("b")],
            "the environments a and b have the same environment id",
        ),
    ] {
        assert_eq!(
            Credentials::new(environments).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn credentials_are_shown_without_secrets() {
    let credentials =
        Credentials::new([configured(), EnvironmentCredentials::new("shop")]).unwrap();
    let shown = |name| serde_json::to_value(credentials.shown(name).unwrap()).unwrap();
    let expected = serde_json::json!({
        "sdkKey": "sdk-…-6-7", "mobileKey": "mob-…-6-7", "environmentId": "abc", "prefix": "/env/secret",
    });
    assert_eq!(shown("secret"), expected);
    let expected = serde_json::json!({
        "sdkKey": "sdk-shop", "mobileKey": "mob-shop", "environmentId": "shop", "prefix": "/env/shop",
    });
    assert_eq!(shown("shop"), expected);
    assert_eq!(credentials.shown("x"), None);
    assert_eq!(credentials.sdk_key("secret"), Some("sdk-1-2-3-4-5-6-7"));
    assert_eq!(credentials.environment_id("shop"), Some("shop"));
    for text in [format!("{credentials:?}"), format!("{:?}", configured())] {
        assert!(!text.contains("1-2-3"), "{text}");
    }

    let alone = Credentials::new([EnvironmentCredentials::new("default")]).unwrap();
    let expected = serde_json::json!({
        "sdkKey": "any", "mobileKey": "any", "environmentId": "default", "prefix": "",
    });
    assert_eq!(
        serde_json::to_value(alone.shown("default").unwrap()).unwrap(),
        expected
    );
    assert_eq!(alone.sdk_key("default"), None);
}

proptest! {
    #[test]
    fn a_masked_key_shows_at_most_four_characters(key in "(sdk-|mob-)?.{0,20}") {
        let masked = mask_key(&key);
        let (prefix, last) = masked.split_once('…').unwrap();
        prop_assert!(["", "sdk-", "mob-"].contains(&prefix));
        prop_assert!(last.is_empty() || last.chars().count() <= 4);
        prop_assert!(key.starts_with(prefix) && key.ends_with(last));
        prop_assert!(key.chars().count() >= 12 || last.is_empty());
    }

    #[test]
    fn a_key_is_only_itself(key in ".{0,8}", other in ".{0,8}") {
        let known = Key::new(key.clone());
        prop_assert!(known.is(&key));
        prop_assert_eq!(known.is(&other), key == other);
    }

    #[test]
    fn errors_name_no_key(key in "[a-z0-9]{8,20}") {
        let route = Route::find("GET", SERVER, None).unwrap();
        let error = several().environment(&route, Some(&key)).unwrap_err();
        let debug = format!("{error:?}");
        prop_assert!(!debug.contains(&key));
        let expected = "unknown SDK key; the environments are shop and admin";
        prop_assert_eq!(error.to_string(), expected);
    }
}
