//! Malformed data: the connection is dropped, the data is kept, and a new put restores the client.
//! SRC-2.4.

use vexil_testing::fake_service::Answer;

use crate::faults::{recovers, starts_after};

fn rejects(name: &str, data: &str) {
    recovers(|service| service.send_event(name, data), "InvalidData");
}

// SRC-F8
#[test]
fn events_that_are_not_json_restart_the_stream() {
    for name in ["put", "patch", "delete"] {
        rejects(name, "{sorry");
    }
}

// SRC-F9
#[test]
fn events_with_wrong_types_restart_the_stream_and_are_rejected_as_a_whole() {
    let good = r#""flag": {"version": 100, "on": true, "variations": ["torn"], "fallthrough": {"variation": 0}}"#;
    rejects(
        "put",
        &format!(r#"{{"data": {{"flags": {{{good}, "bad": {{"rules": {{}}}}}}}}}}"#),
    );
    rejects(
        "put",
        &format!(
            r#"{{"data": {{"flags": {{{good}}}, "segments": {{"bad": {{"included": 1}}}}}}}}"#
        ),
    );
    rejects("patch", r#"{"path": "/flags/flag", "data": true}"#);
    rejects(
        "patch",
        r#"{"path": "/flags/flag", "data": {"version": 100, "on": "yes"}}"#,
    );
    rejects("delete", r#"{"path": "/flags/flag", "version": "no""#);
    rejects("delete", r#"{"path": "/flags/flag", "version": "100"}"#);
}

// SRC-F12, SRC-F13 and SRC-F14
#[test]
fn puts_without_a_map_of_items_restart_the_stream() {
    for flags in ["true", "[]", r#"{"flag": null}"#] {
        rejects(
            "put",
            &format!(r#"{{"path": "/", "data": {{"flags": {flags}, "segments": {{}}}}}}"#),
        );
    }
    rejects("put", r#"{"path": "/", "data": null}"#);
    rejects("put", r#"{"path": "/"}"#);
}

// SRC-F6
#[test]
fn data_that_is_not_utf_8_restarts_the_stream() {
    let patch = |value: &[u8]| {
        let head = b"event: patch\ndata: {\"path\": \"/flags/flag\", \"data\": {\"version\": 100, \"salt\": \"";
        [head, value, b"\"}}\n\n"].concat()
    };
    recovers(|service| service.send_raw(patch(b"\xff")), "InvalidData");
    recovers(
        |service| service.send_raw(patch(b"half a letter: \xc3")),
        "InvalidData",
    );
}

// SRC-F6: invalid UTF-8 outside of data is ignored
#[test]
fn a_comment_can_contain_any_bytes() {
    recovers(
        |service| service.send_raw(b": \xff\xfe\n".to_vec()).close_streams(),
        "NetworkError",
    );
}

// SRC-F29
#[test]
fn events_without_data_in_them_restart_the_stream() {
    rejects("put", "");
    rejects("patch", "");
}

// SRC-F15
#[test]
fn a_deletion_without_a_version_restarts_the_stream() {
    rejects("delete", r#"{"path": "/flags/flag"}"#);
}

// SRC-F28
#[test]
fn json_that_is_nested_too_deeply_restarts_the_stream() {
    rejects(
        "put",
        &format!(
            r#"{{"data": {{"flags": {{"flag": {{"variations": {}"#,
            "[".repeat(10_000)
        ),
    );
}

// SRC-F8
#[test]
fn a_client_whose_first_put_is_malformed_has_no_data_until_the_next() {
    starts_after(Answer::stream().event("put", "{sorry"), "InvalidData");
}
