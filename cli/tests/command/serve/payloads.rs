//! Values, reasons, headers and encodings of answers.

use std::io::Read;

use flate2::read::GzDecoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::serving::{ADA, Serving, folder};

/// The values of `vexil eval --json` for a context.
fn evaluated(server: &Serving, folder: &crate::support::Folder, context: &str) -> Value {
    drop(server.ready_line());
    let ran = folder.vexil(&["eval", "flags.json", "--context", context, "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    document["flags"].clone()
}

#[test]
fn values_and_reasons_are_those_of_the_command_eval() {
    let folder = folder();
    let server = Serving::start(&folder, &["flags.json"]);
    for context in [
        r#"{"key":"ada"}"#,
        r#"{"kind":"user","key":"bob"}"#,
        r#"{"kind":"multi","user":{"key":"ada"},"org":{"key":"a/b?é"}}"#,
        r#"{"kind":"org","key":"ada"}"#,
        r#"{"kind":"user","key":"ada","anonymous":true,"_meta":{"privateAttributes":["x"]},"x":1}"#,
    ] {
        let expected = evaluated(&server, &folder, context);
        let answer = server.request("REPORT", "/sdk/evalx/context?withReasons=true");
        let found = answer.body(context.to_owned()).send().json();
        let page = json!({"context": serde_json::from_str::<Value>(context).unwrap()});
        let page = server.api("POST", "/env/default/evaluate", &page).json();
        assert_eq!(page["schema"], "vexil.eval/1");
        assert_eq!(found.as_object().unwrap().len(), 3);
        for (key, entry) in found.as_object().unwrap() {
            for member in ["value", "variation", "reason"] {
                assert_eq!(entry[member], expected[key][member], "{context} {key}");
                assert_eq!(entry[member], page["flags"][key][member], "{context} {key}");
            }
            assert_eq!(
                entry["flagVersion"], expected[key]["version"],
                "{context} {key}"
            );
        }
    }
    let ada = server.get(&format!("/msdk/evalx/contexts/{ADA}")).json();
    assert_eq!(ada["limit"]["prerequisites"], json!(["theme"]));
    assert!(ada["limit"].get("reason").is_none());
}

#[test]
fn an_answer_that_the_client_has_is_not_sent_again() {
    let server = Serving::flags();
    for path in [
        "/sdk/latest-all".to_owned(),
        "/sdk/poll".to_owned(),
        "/sdk/flags/theme".to_owned(),
        format!("/msdk/evalx/contexts/{ADA}"),
        format!("/sdk/evalx/any/contexts/{ADA}"),
        format!("/sdk/poll/eval/{ADA}?auth=any"),
        "/sdk/goals/any".to_owned(),
    ] {
        let first = server.get(&path);
        let tag = first.header("etag").to_owned();
        assert!(
            tag.len() == 18 && tag.starts_with('"') && tag.ends_with('"'),
            "{tag}"
        );
        for (known, status) in [
            (tag.as_str(), 304),
            ("*", 304),
            (&format!("\"other\", W/{tag}"), 304),
            ("\"other\"", 200),
        ] {
            let again = server
                .request("GET", &path)
                .header("if-none-match", known)
                .send();
            assert_eq!(again.status, status, "{path} {known}");
            assert_eq!(again.header("etag"), tag);
            assert_eq!(again.body.is_empty(), status == 304, "{path}");
        }
    }
    let tag = |path: &str| server.get(path).header("etag").to_owned();
    let values = format!("/msdk/evalx/contexts/{ADA}");
    assert_ne!(tag(&values), tag(&format!("{values}?withReasons=true")));
    let before = (tag("/sdk/latest-all"), tag(&values), tag("/sdk/flags/beta"));
    server.set("theme", json!({"variation": 0}));
    assert_ne!(before.0, tag("/sdk/latest-all"));
    assert_ne!(before.1, tag(&values));
    assert_eq!(before.2, tag("/sdk/flags/beta"));
}

#[test]
fn answers_with_flags_have_the_headers_that_sdks_and_browsers_use() {
    let server = Serving::flags();
    for path in [
        "/sdk/latest-all".to_owned(),
        "/sdk/poll".to_owned(),
        format!("/msdk/evalx/contexts/{ADA}"),
        format!("/sdk/evalx/any/contexts/{ADA}"),
        format!("/sdk/poll/eval/{ADA}?auth=any"),
    ] {
        let answer = server.get(&path);
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        assert_eq!(answer.header("x-ld-envid"), "default", "{path}");
        assert!(answer.header("date").ends_with("GMT"), "{path}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        let vary = format!("{vary:?}").to_lowercase();
        assert!(vary.contains("authorization"), "{path}: {vary}");
        assert!(vary.contains("accept-encoding"), "{path}: {vary}");
        let is_for_browsers = path.contains("any");
        assert!(
            vary.contains("origin") || !is_for_browsers,
            "{path}: {vary}"
        );
    }
    for path in ["/all", "/mping", "/sdk/stream", "/ping/any"] {
        let stream = server.stream(path);
        assert_eq!(stream.headers["cache-control"], "no-cache", "{path}");
        assert_eq!(stream.headers["x-accel-buffering"], "no", "{path}");
        assert_eq!(stream.headers["x-ld-envid"], "default", "{path}");
        assert!(stream.headers.get("content-encoding").is_none(), "{path}");
    }
}

#[test]
fn large_answers_are_compressed_for_clients_that_accept_it() {
    let server = Serving::flags();
    for path in ["/sdk/latest-all", "/sdk/poll"] {
        let request = server
            .request("GET", path)
            .header("accept-encoding", "gzip");
        let answer = request.send();
        assert_eq!(answer.header("content-encoding"), "gzip", "{path}");
        let mut text = String::new();
        GzDecoder::new(&*answer.body)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, server.get(path).text());
    }
    // A stream must not wait for a block of compressed data.
    let stream = server
        .request("GET", "/all")
        .header("accept-encoding", "gzip")
        .stream();
    assert!(stream.headers.get("content-encoding").is_none());
}

#[test]
fn secure_mode_requires_the_hash_of_javascript_contexts_only() {
    let mut files = crate::support::Folder::with(&[
        ("flags.json", super::serving::FLAGS),
        (
            "vexil.toml",
            "[serve.env.default]\nsdk-key-env = \"KEY\"\nmobile-key-env = \"MOBILE\"\nenvironment-id = \"default\"\n",
        ),
    ]);
    files
        .variables
        .insert("KEY".to_owned(), "sdk-secret".to_owned());
    files
        .variables
        .insert("MOBILE".to_owned(), "mob-secret".to_owned());
    let server = Serving::start(&files.into(), &["flags.json", "--secure-mode"]);
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"sdk-secret").unwrap();
    hmac.update(b"ada");
    let hash: String = hmac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let wrong = hash.replace(char::is_numeric, "0");
    for path in [
        "/sdk/evalx/default/contexts/ADA?x=1",
        "/eval/default/ADA?x=1",
        "/sdk/poll/eval/ADA?auth=default",
        "/sdk/stream/eval/ADA?auth=default",
    ] {
        let path = path.replace("ADA", ADA);
        for hash in ["", "&h=", &format!("&h={wrong}")] {
            let answer = server.get(&format!("{path}{hash}"));
            assert_eq!(answer.status, 400, "{path}{hash}");
            assert!(answer.text().contains("secure mode"), "{}", answer.text());
        }
        let right = format!("{path}&h={hash}");
        match path.contains("/eval/default") || path.contains("/stream/") {
            true => drop(server.stream(&right)),
            false => assert_eq!(server.get(&right).status, 200, "{path}"),
        }
    }
    let mobile = format!("/msdk/evalx/contexts/{ADA}");
    let mobile = server
        .request("GET", &mobile)
        .header("authorization", "mob-secret");
    assert_eq!(mobile.send().status, 200);
}
