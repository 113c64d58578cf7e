//! Several environments, and their credentials.

use std::sync::Arc;

use super::serving::{ADA, FLAGS, Serving};
use crate::support::Folder;
use vexil_cli::Exit;

fn files() -> Folder {
    let admin = r#"{"flags": {"admin": {"on": false, "variations": [1], "offVariation": 0,
        "clientSideAvailability": {"usingEnvironmentId": true, "usingMobileKey": true}}}}"#;
    Folder::with(&[("shop.json", FLAGS), ("admin.json", admin)])
}

const BOTH: [&str; 4] = ["--env", "shop=shop.json", "--env", "admin=admin.json"];

/// The key of the last flag that a request receives, or the status and the message.
fn found(server: &Serving, path: &str, key: Option<&str>) -> String {
    let request = server.request("GET", &path.replace("ADA", ADA));
    let answer = match key {
        Some(key) => request.header("authorization", key).send(),
        None => request.send(),
    };
    let body = answer.json();
    match answer.status {
        200 => {
            let flags = body.get("flags").unwrap_or(&body);
            flags
                .as_object()
                .unwrap()
                .keys()
                .next_back()
                .unwrap()
                .clone()
        }
        status => format!("{status} {}", body["message"].as_str().unwrap()),
    }
}

#[test]
fn each_environment_has_its_keys_id_and_prefix() {
    let server = Serving::start(&Arc::new(files()), &BOTH);
    let (all, values, mobile) = (
        "/sdk/latest-all",
        "/sdk/evalx/ENV/contexts/ADA",
        "/msdk/evalx/contexts/ADA",
    );
    let unknown = |what: &str| format!("{what}; the environments are shop and admin");
    let sdk_key = unknown("401 unknown SDK key");
    let mobile_key = unknown("401 unknown mobile key");
    let environment = unknown("404 unknown environment");
    for (path, key, expected) in [
        (all.to_owned(), Some("sdk-shop"), "theme"),
        (all.to_owned(), Some("sdk-admin"), "admin"),
        (all.to_owned(), Some("api_key sdk-admin"), "admin"),
        (all.to_owned(), Some("API_KEY sdk-admin"), "admin"),
        (all.to_owned(), Some("sdk-other"), &sdk_key),
        (all.to_owned(), Some("mob-shop"), &sdk_key),
        (all.to_owned(), Some("shop"), &sdk_key),
        (all.to_owned(), None, &sdk_key),
        (mobile.to_owned(), Some("mob-admin"), "admin"),
        (mobile.to_owned(), Some("api_key mob-shop"), "theme"),
        (mobile.to_owned(), Some("sdk-admin"), &mobile_key),
        (mobile.to_owned(), None, &mobile_key),
        (values.replace("ENV", "shop"), None, "theme"),
        (values.replace("ENV", "admin"), Some("anything"), "admin"),
        (values.replace("ENV", "other"), None, &environment),
        (values.replace("ENV", "sdk-shop"), None, &environment),
        (
            "/sdk/poll/eval/ADA?auth=other".to_owned(),
            None,
            &environment,
        ),
        // Behind the prefix of an environment, any key.
        (format!("/env/admin{all}"), None, "admin"),
        (format!("/env/admin{all}"), Some("sdk-anything"), "admin"),
        (format!("/env/shop{mobile}"), Some("mob-anything"), "theme"),
        (
            format!("/env/admin{}", values.replace("ENV", "any")),
            None,
            "admin",
        ),
        (format!("/env/other{all}"), Some("sdk-shop"), &environment),
    ] {
        assert_eq!(found(&server, &path, key), expected, "{path} {key:?}");
    }
    let answer = server.get("/env/admin/sdk/latest-all");
    assert_eq!(answer.header("x-ld-envid"), "admin");
    assert!(
        server
            .ready_line()
            .contains("(4 flags, 1 segment, revision 1)"),
        "{}",
        server.ready_line()
    );
}

#[test]
fn keys_can_be_configured_and_are_never_shown() {
    let mut folder = files();
    folder.write(
        "vexil.toml",
        "[serve.env.shop]\nsdk-key-env = \"SHOP\"\nmobile-key-env = \"SHOP_MOBILE\"\nenvironment-id = \"id-1\"\n",
    );
    for (name, value) in [
        ("SHOP", "sdk-1234-pl4nted-9f2c"),
        ("SHOP_MOBILE", "mob-1234-pl4nted-77aa"),
    ] {
        folder.variables.insert(name.to_owned(), value.to_owned());
    }
    let server = Serving::start(&Arc::new(folder), &BOTH);
    for (path, key, expected) in [
        ("/sdk/latest-all", Some("sdk-1234-pl4nted-9f2c"), "theme"),
        ("/sdk/latest-all", Some("sdk-admin"), "admin"),
        ("/sdk/latest-all", Some("sdk-shop"), "401"),
        ("/env/shop/sdk/latest-all", Some("sdk-anything"), "4"),
        (
            "/env/shop/sdk/latest-all",
            Some("sdk-1234-pl4nted-9f2c"),
            "theme",
        ),
        (
            "/msdk/evalx/contexts/ADA",
            Some("mob-1234-pl4nted-77aa"),
            "theme",
        ),
        ("/msdk/evalx/contexts/ADA", Some("mob-shop"), "401"),
        ("/sdk/evalx/id-1/contexts/ADA", None, "theme"),
        ("/sdk/evalx/shop/contexts/ADA", None, "404"),
    ] {
        let found = found(&server, path, key);
        assert!(found.starts_with(expected), "{path} {key:?}: {found}");
        assert!(!found.contains("pl4nted"), "{found}");
    }
    let state = server.api("GET", "/state", &serde_json::Value::Null);
    let shown = &state.json()["environments"][0]["credentials"];
    assert_eq!(shown["sdkKey"], "sdk-…9f2c");
    assert_eq!(shown["environmentId"], "id-1");
    assert!(!state.text().contains("pl4nted"));
    let status = server.get("/status");
    assert_eq!(status.json()["environments"]["shop"]["sdkKey"], "sdk-…9f2c");
    assert!(!status.text().contains("pl4nted"));
}

#[test]
fn environments_are_changed_apart() {
    let server = Serving::start(&Arc::new(files()), &BOTH);
    let mut admin = server
        .request("GET", "/all")
        .header("authorization", "sdk-admin")
        .stream();
    admin.expect("put");
    let on = serde_json::json!({"on": true});
    for environment in ["shop", "admin"] {
        let path = format!("/env/{environment}/overrides/flags/beta");
        let status = if environment == "shop" { 200 } else { 404 };
        assert_eq!(
            server.api("PUT", &path, &on).status,
            status,
            "{environment}"
        );
    }
    server.api("PUT", "/env/admin/overrides/flags/admin", &on);
    assert_eq!(admin.expect("patch")["path"], "/flags/admin");
    assert_eq!(
        server
            .api("PUT", "/env/other/overrides/flags/beta", &on)
            .status,
        404
    );
}

#[test]
fn a_command_line_that_cannot_be_served_is_refused() {
    let folder = files();
    for (arguments, exit, message) in [
        (
            &["--env", "=shop.json"][..],
            Exit::Usage,
            "does not begin with a name",
        ),
        (
            &["--env", "a b=shop.json"],
            Exit::Usage,
            "does not begin with a name",
        ),
        (
            &["--env", "a=shop.json", "--env", "a=admin.json"],
            Exit::Usage,
            "",
        ),
        (&["shop.json", "--env", "a=shop.json"], Exit::Usage, ""),
        (&["shop.json", "--autosave"], Exit::Usage, "--overrides"),
        (
            &["shop.json", "--secure-mode"],
            Exit::Usage,
            "needs an SDK key",
        ),
        (
            &["shop.json", "--listen", "0.0.0.0:0"],
            Exit::Usage,
            "needs keys",
        ),
        (
            &["shop.json", "--listen", "nowhere"],
            Exit::Usage,
            "nowhere",
        ),
        (
            &["shop.json", "--token-env", "UNSET"],
            Exit::Usage,
            "UNSET is not set",
        ),
        (&["missing.json"], Exit::Unreadable, "missing.json"),
        (&["shop.json", "--follow", "--no-watch"], Exit::Usage, ""),
    ] {
        let command: Vec<_> = ["serve"].iter().chain(arguments).copied().collect();
        let ran = folder.vexil(&command);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (exit, ""),
            "{arguments:?}: {ran:?}"
        );
        assert!(ran.stderr.contains(message), "{arguments:?}: {ran:?}");
    }
}
