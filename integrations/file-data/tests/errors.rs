//! Errors in files: SRC-6.3.
#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use std::error::Error;

use support::{Files, load, refused, start, value};
use vexil::data_source::{DataSourceErrorKind, DataSourceState};
use vexil::model::DataKind;
use vexil_file_data::{FileData, FileDataError};

// SRC-6.3: malformed, wrong type
#[test]
fn an_error_names_file_line_column_and_item() {
    let (flag, segment) = (DataKind::Flag, DataKind::Segment);
    for (text, line, item) in [
        (
            "{\"flags\": {\n \"a\": {},\n \"banner\": {\"on\": \"yes\"}}}",
            3..=3,
            Some((flag, "banner")),
        ),
        (
            "flags:\n  a: {}\n  banner:\n    on: maybe\n",
            4..=4,
            Some((flag, "banner")),
        ),
        (
            "{\"segments\": {\n \"s\": {\"included\": 3}}}",
            2..=2,
            Some((segment, "s")),
        ),
        (
            "segments:\n  s: { included: 3 }",
            2..=2,
            Some((segment, "s")),
        ),
        ("{\"flags\": {\n \"a\": null}}", 2..=2, Some((flag, "a"))),
        ("flags:\n  a:\n  b: {}\n", 2..=2, Some((flag, "a"))),
        ("{\"flags\": {\n \"a\": []}}", 2..=2, Some((flag, "a"))),
        ("{\n\"flags\": []}", 2..=2, None),
        ("\nflags: 3", 2..=2, None),
        ("{\"flagValues\":\n [1]}", 2..=2, None),
        ("flagValues:\n  a: [1\n", 2..=9, Some((flag, "a"))),
        (
            "{\"flagValues\": {\n\"half\": {\"a\": ",
            2..=2,
            Some((flag, "half")),
        ),
        ("{\"flags\": {}}\n}", 2..=2, None),
        ("[1]", 1..=1, None),
        ("just words", 1..=1, None),
        ("a: b: c", 1..=1, None),
        ("flags: {}\n---\nflags: {}\n", 2..=9, None),
        (
            "flags: {}\nflagValues: { a: .nan }",
            2..=2,
            Some((flag, "a")),
        ),
        ("flagValues: { a: *missing }", 1..=1, Some((flag, "a"))),
    ] {
        let error = refused(text);
        assert!(
            error.line().is_some_and(|at| line.contains(&at)),
            "{text:?}: {error:?}"
        );
        assert!(error.column().is_some(), "{text:?}: {error:?}");
        assert_eq!(
            error.item().map(|(kind, key)| (kind, key.as_str())),
            item,
            "{text:?}: {error:?}"
        );
        assert!(
            error.source().is_some() && !error.source().unwrap().to_string().contains('\n'),
            "{error:?}"
        );
        assert!(error.path().unwrap().ends_with("flags"));
    }
}

#[test]
fn an_error_does_not_quote_the_contents_of_the_file() {
    for text in [
        r#"{"flags": {"f": {"on": "secret"}}}"#,
        r#"{"flags": {"f": {"rules": [{"clauses": "secret, expected secret"}]}}}"#,
        r#"{"flags": "secret"}"#,
        r#"{"flagValues": "secret"}"#,
        "flags: { f: { on: secret } }",
        "flags: { f: { rules: [{ clauses: \"a secret\" }] } }",
        "flags: { f: { version: secret } }",
        "flags: secret",
        "secret",
    ] {
        let error = refused(text);
        let mut shown = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            shown = format!("{shown} {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!shown.contains("secret"), "{text}: {shown}");
    }
}

// SRC-6.3: malformed
#[test]
fn invalid_utf_8_is_rejected_with_its_position() {
    let error = refused(b"flagValues:\n  a: \xc3\xa9\xff\n");
    assert_eq!(
        (error.line(), error.column()),
        (Some(2), Some(7)),
        "{error:?}"
    );
}

// SRC-6.1: limits
#[test]
fn deep_nesting_is_rejected() {
    const DEEP: usize = 10_000;
    let json = format!(
        r#"{{"flagValues": {{"a": {}{}}}}}"#,
        "[".repeat(DEEP),
        "]".repeat(DEEP)
    );
    let skipped = format!(r#"{{"other": {}{}}}"#, "[".repeat(DEEP), "]".repeat(DEEP));
    let flow = format!(
        "flagValues: {{ a: {}{} }}",
        "[".repeat(DEEP),
        "]".repeat(DEEP)
    );
    let key = format!(
        "flagValues: {{ ? {}{} : 1 }}",
        "[".repeat(DEEP),
        "]".repeat(DEEP)
    );
    let maps = format!("other: {}{}", "{a: ".repeat(DEEP), "}".repeat(DEEP));
    let dashes = format!("flagValues:\n  a:\n    {}x", "- ".repeat(DEEP));
    let lines: String = (0..DEEP)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    for text in [json, flow, key, maps, dashes, lines] {
        let error = refused(&text);
        assert!(
            matches!(error, FileDataError::Malformed { line: 1.., .. }),
            "{:.40}: {error:?}",
            text
        );
    }
    // Skipped sections need no stack, so both acceptance and rejection are fine.
    drop(load(skipped));
}

// The limit is the same as for contexts and the service's data
#[test]
fn a_value_deeper_than_the_limit_is_rejected_in_json_and_yaml() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let (too_deep, too_deep_for_yaml) = (nested(vexil::Value::MAX_DEPTH + 1), nested(31));
    for text in [
        format!("flagValues: {{ a: {too_deep} }}"),
        format!("flagValues: {{ a: {too_deep_for_yaml} }}"),
        format!(r#"{{"flagValues": {{"a": {too_deep}}}}}"#),
    ] {
        let error = refused(&text);
        assert!(
            matches!(error, FileDataError::Malformed { line: 1.., .. }),
            "{error:?}"
        );
    }
}

// SRC-6.1: limits
#[test]
fn ordinary_nesting_is_accepted() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [1, 10, 25] {
        load(format!("flagValues: {{ a: {} }}", nested(depth))).unwrap();
    }
    for depth in [1, 10, 25, vexil::Value::MAX_DEPTH] {
        load(format!("{{\"flagValues\": {{\"a\": {}}}}}", nested(depth))).unwrap();
    }
}

// SRC-6.1: billion-laughs guard
#[test]
fn aliases_that_multiply_are_rejected() {
    let mut nodes = "flagValues:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let again = vec![format!("*a{}", n - 1); 10].join(", ");
        nodes.push_str(&format!("  a{n}: &a{n} [{again}]\n"));
    }
    let aliases = vec!["*text"; 500].join(", ");
    let text = format!(
        "flagValues:\n  a: &text {}\n  b: [{aliases}]\n",
        "x".repeat(1 << 20)
    );
    for text in [nodes, text] {
        assert!(matches!(
            refused(text),
            FileDataError::Malformed { line: 1.., .. }
        ));
    }
}

// SRC-6.3: unreadable
#[test]
fn only_regular_files_are_read() {
    let files = Files::new();
    for path in [
        files.root().to_owned(),
        files.path("missing"),
        files.path("no/such/directory"),
    ] {
        let error = FileData::path(&path).build().unwrap().load().unwrap_err();
        assert!(
            matches!(error, FileDataError::Unreadable { .. }),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!("{} cannot be read", path.display())
        );
    }
    #[cfg(unix)]
    assert!(FileData::path("/dev/zero").build().unwrap().load().is_err());
}

// SRC-6.3 and SRC-6.4, SRC-F64: nothing is applied; without watching, the client does not wait
#[test]
fn one_bad_file_fails_the_whole_load_and_ends_the_source() {
    let files = Files::new();
    let good = files.write("good", "flagValues: { a: 1 }");
    for bad in [
        files.path("missing"),
        files.write("bad", "{\"flags\": {\n\"f\": 1}}"),
    ] {
        let client = start(FileData::builder().path(&good).path(&bad));
        assert_eq!(value(&client, "a"), "default".into());
        assert!(!client.is_initialized());
        let status = client.data_source_status().status();
        assert_eq!(status.state, DataSourceState::Off);
        let error = status.error.unwrap();
        assert_eq!(error.kind, DataSourceErrorKind::InvalidData);
        assert!(
            error.message.contains(&bad.display().to_string()),
            "{error}"
        );
        assert!(client.blocking_wait_until_ready(support::TIMEOUT).is_err());
    }
}

// SRC-6.3: success
#[test]
fn a_client_with_valid_files_is_ready_when_started() {
    let files = Files::new();
    for watch in [false, true] {
        let client = start(FileData::path(files.write("f", "flagValues: { a: 1 }")).watch(watch));
        assert!(client.is_initialized());
        assert_eq!(
            client.data_source_status().status().state,
            DataSourceState::Valid
        );
        assert_eq!(value(&client, "a"), 1.into());
    }
}

/// Large files are accepted.
#[test]
fn fifty_megabytes_are_read() {
    let long = "x".repeat(1 << 20);
    let json: Vec<_> = (0..50).map(|n| format!("\"f{n}\": \"{long}\"")).collect();
    let yaml: String = (0..50).map(|n| format!("  f{n}: {long}\n")).collect();
    for text in [
        format!("{{\"flagValues\": {{{}}}}}", json.join(",")),
        format!("flagValues:\n{yaml}"),
    ] {
        let client = load(&text).unwrap();
        assert_eq!(value(&client, "f49"), long.as_str().into());
    }
}
