//! How streaming handles faults: the rows of SRC-10.

use std::time::Duration;

use vexil::config::StreamingConfig;
use vexil::data_source::DataSourceErrorKind;
use vexil::transport::{RetryPolicy, TransportErrorKind};

use super::recorder::Recorder;
use super::script::{Answer, Piece, Script};
use super::streaming::about;
use super::{data, event, patch, put, run, run_with, seconds};

/// Two connections: the first gets this response, a fault of this kind that is retried soon; the
/// second is good.
async fn reconnects(answer: Answer, error: &str) {
    let script = Script::new([answer.clone(), Answer::endless([put(7)])]);
    let (sink, ended) = run(StreamingConfig::new(), &script, seconds(200)).await;
    assert!(ended.is_none(), "{answer:?}");
    assert_eq!(
        sink.seen(),
        [&format!("interrupted {error}"), "init f:7"],
        "{answer:?}"
    );
    assert_eq!(script.requests().len(), 2, "{answer:?}");
}

/// A stream whose only event is a fault: nothing of it is applied.
async fn rejects(event: impl Into<Piece>) {
    reconnects(Answer::endless([event]), "InvalidData").await;
}

/// A stream that continues after this event, which changes nothing.
async fn ignores(event: String) {
    let script = Script::new([Answer::endless([event.clone(), put(1)])]);
    let (sink, _) = run(StreamingConfig::new(), &script, seconds(60)).await;
    assert_eq!(sink.seen(), ["init f:1"], "{event}");
    assert_eq!(script.requests().len(), 1, "{event}");
}

// SRC-F1 and SRC-F2
#[tokio::test(start_paused = true)]
async fn a_truncated_event_is_not_applied() {
    let half = put(1).trim_end().to_owned();
    reconnects(Answer::stream([half.clone()]), "NetworkError").await;
    let broken = [
        Piece::from(half),
        Piece::Error(TransportErrorKind::Connection),
    ];
    reconnects(Answer::stream(broken), "NetworkError").await;
}

// SRC-F3
#[tokio::test(start_paused = true)]
async fn large_events_arrive_in_one_line_or_many() {
    let large = format!(
        r#"{{"flags": {{"f": {{"version": 1, "variations": ["{}"]}}}}}}"#,
        "x".repeat(10 << 20)
    );
    let one_line = event("put", &format!(r#"{{"data": {large}}}"#));
    let lines = vec![r#"data: "x","#; 1_000_000].join("\n");
    let lines = [
        "event: put\ndata: {\"data\": {\"flags\": {\"f\": {\"version\": 2, \"variations\": [\n",
        &lines,
    ];
    let many_lines = format!("{}\ndata: \"x\"]}}}}}}}}\n\n", lines.concat());
    let pieces = [one_line, many_lines].concat();
    let pieces = pieces.as_bytes().chunks(10_000).map(<[u8]>::to_vec);
    let script = Script::new([Answer::endless(pieces)]);
    let (sink, _) = run(StreamingConfig::new(), &script, seconds(60)).await;
    assert_eq!(sink.seen(), ["init f:1", "init f:2"]);
}

// SRC-F4 and SRC-F5
#[tokio::test(start_paused = true)]
async fn an_event_over_the_limit_is_invalid_and_comments_do_not_count() {
    let script = Script::new([
        Answer::stream([Piece::from("data: "), Piece::Flood(b"0123456789")]),
        Answer::endless([": 0123456789\n".repeat(1000), put(1)]),
    ]);
    let (sink, _) = run(
        StreamingConfig::new().max_event_size(1000),
        &script,
        seconds(60),
    )
    .await;
    assert_eq!(sink.seen(), ["interrupted InvalidData", "init f:1"]);
    assert_eq!(
        sink.errors()[0].message,
        "an event is larger than 1000 bytes"
    );
}

// SRC-F6 and SRC-F7
#[tokio::test(start_paused = true)]
async fn invalid_utf_8_is_rejected_and_the_json_parser_decides_about_other_bytes() {
    rejects(b"event: put\ndata: {\"data\": \"\xff\"}\n\n".to_vec()).await;
    rejects(event("put", "{\"data\": {\"flags\": {\"\0\": {}}}}")).await;
    rejects(event("put", "\u{feff}{\"data\": {\"flags\": {}}}")).await;
}

// SRC-2.4; SRC-F8, SRC-F9, SRC-F12, SRC-F13, SRC-F14, SRC-F17, SRC-F28 and SRC-F29
#[tokio::test(start_paused = true)]
async fn malformed_events_are_dropped_with_their_connection() {
    let deep = format!(
        r#"{{"data": {{"flags": {{"f": {{"variations": {}"#,
        "[".repeat(10_000)
    );
    let puts = [
        "{sorry",
        "",
        r#"{"path": "/"}"#,
        r#"{"path": "/", "data": null}"#,
        r#"{"data": {"flags": true, "segments": {}}}"#,
        r#"{"data": {"flags": [], "segments": {}}}"#,
        r#"{"data": {"flags": {"good": {}, "bad": null}}}"#,
        r#"{"data": {"flags": {"good": {}, "bad": {"rules": {}}}}}"#,
        &deep,
    ];
    for data in puts {
        rejects(event("put", data)).await;
    }
    for data in [
        "{sorry",
        "",
        r#"{"path": "/flags/k", "data": true}"#,
        r#"{"path": "/flags/k"}"#,
        r#"{"data": {}}"#,
    ] {
        rejects(event("patch", data)).await;
    }
    let deletes = [
        r#"{"path": "/flags/k", "version": "no""#,
        r#"{"path": "/flags/k", "version": "1"}"#,
        r#"{"path": "/flags/k", "version": [1]}"#,
        r#"{"path": "/flags/k"}"#,
        r#"{"version": 1}"#,
    ];
    for data in deletes {
        rejects(event("delete", data)).await;
    }
}

// SRC-F10, SRC-F11 and SRC-F26
#[tokio::test(start_paused = true)]
async fn missing_sections_are_empty_and_unknown_ones_skipped() {
    let puts = [
        "{}",
        r#"{"flags": null, "segments": null}"#,
        r#"{"experiments": {"e": 7}}"#,
    ];
    let puts = puts.map(|data| event("put", &format!(r#"{{"data": {data}}}"#)));
    let (sink, _) = run(
        StreamingConfig::new(),
        &Script::new([Answer::endless(puts)]),
        seconds(60),
    )
    .await;
    assert_eq!(sink.seen(), ["init"; 3]);
}

// SRC-F15, SRC-F16, SRC-F17, SRC-F18, SRC-F19 and SRC-F20
#[tokio::test(start_paused = true)]
async fn versions_and_keys_are_passed_on_unchanged() {
    let events = [
        event("put", r#"{"data": {"flags": {"outer": {"key": "inner"}}}}"#),
        event(
            "patch",
            r#"{"path": "/flags/outer", "data": {"key": "inner", "version": 9223372036854775807}}"#,
        ),
        event("delete", r#"{"path": "/flags/f", "version": 3.0}"#),
        event("delete", r#"{"path": "/flags/f", "version": 45e-1}"#),
        event("delete", r#"{"path": "/flags/f", "version": 1e300}"#),
        event("delete", r#"{"path": "/flags/f", "version": -1}"#),
        event("patch", r#"{"path": "/flags/f", "data": {"version": 7.9}}"#),
        event(
            "patch",
            r#"{"path": "/flags/f", "data": {"version": 18446744073709551616}}"#,
        ),
        event(
            "delete",
            r#"{"path": "/flags/a", "version": 1, "path": "/flags/b", "version": 2}"#,
        ),
    ];
    let (sink, _) = run(
        StreamingConfig::new(),
        &Script::new([Answer::endless(events)]),
        seconds(60),
    )
    .await;
    let seen = [
        "init outer:0",
        "upsert outer:9223372036854775807",
        "delete f:3",
        "delete f:4",
        "delete f:9223372036854775807",
        "delete f:0",
        "upsert f:7",
        "upsert f:9223372036854775807",
        "delete b:2",
    ];
    assert_eq!(sink.seen(), seen);
}

// SRC-F21, SRC-F22, SRC-F23, SRC-F24 and SRC-F25: the sink decides which version is newer.
#[tokio::test(start_paused = true)]
async fn every_update_is_passed_on_in_order_without_a_status_change() {
    let delete = event("delete", r#"{"path": "/flags/absent", "version": 1}"#);
    let script = Script::new([Answer::endless([
        patch(1),
        delete,
        put(2),
        put(2),
        patch(1),
    ])]);
    let (sink, _) = run(StreamingConfig::new(), &script, seconds(60)).await;
    assert_eq!(
        sink.seen(),
        [
            "upsert f:1",
            "delete absent:1",
            "init f:2",
            "init f:2",
            "upsert f:1"
        ]
    );
}

// SRC-2.4; SRC-F26
#[tokio::test(start_paused = true)]
async fn unknown_events_and_kinds_are_ignored() {
    for data in ["{}", "{sorry", ""] {
        ignores(event("whatever", data)).await;
        ignores(event("goodbye", data)).await;
        ignores(format!("data: {data}\n\n")).await;
    }
    ignores(event("patch", r#"{"path": "/cats/Jack", "data": {}}"#)).await;
    ignores(event(
        "put",
        r#"{"path": "/elsewhere", "data": {"flags": true}}"#,
    ))
    .await;
}

// SRC-F31
#[tokio::test(start_paused = true)]
async fn a_byte_a_minute_keeps_a_stream_alive() {
    let drops = [Piece::Wait(seconds(60)), Piece::from(":")]
        .into_iter()
        .cycle()
        .take(120);
    let script = Script::new([Answer::endless(drops)]);
    let (sink, _) = run(StreamingConfig::new(), &script, seconds(3600)).await;
    assert_eq!((script.requests().len(), sink.seen().len()), (1, 0));
}

// SRC-F32 and SRC-F33
#[tokio::test(start_paused = true)]
async fn five_minutes_of_silence_end_a_connection() {
    for silent in [Answer::Silence, Answer::endless([put(1)])] {
        let script = Script::new([silent]);
        let (sink, _) = run(StreamingConfig::new(), &script, seconds(310)).await;
        assert_eq!(sink.states(), ["interrupted NetworkError"]);
        about(script.waits()[0] - seconds(300), seconds(1));
    }
    let script = Script::new([Answer::Silence]);
    run(
        StreamingConfig::new().read_timeout(seconds(10)),
        &script,
        seconds(12),
    )
    .await;
    assert_eq!(script.requests().len(), 2);
}

// SRC-F34, SRC-F35 and SRC-F36
#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_an_event_stream_in_utf_8_is_invalid() {
    let with = |content_type: &str| Answer::endless([put(1)]).with("content-type", content_type);
    for bad in [
        "text/html",
        "application/json",
        "text/event-streams",
        "text/event-stream; charset=latin1",
        "",
    ] {
        reconnects(with(bad), "InvalidData").await;
    }
    reconnects(Answer::poll([put(1)]), "InvalidData").await;
    reconnects(
        Answer::endless([put(1)]).with("content-encoding", "br"),
        "InvalidData",
    )
    .await;
    for good in [
        "text/event-stream;charset=UTF-8",
        "Text/Event-Stream; charset=\"utf-8\"; x",
        "text/event-stream;x=y",
    ] {
        let script = Script::new([with(good)]);
        let (sink, _) = run(StreamingConfig::new(), &script, seconds(60)).await;
        assert_eq!(sink.seen(), ["init f:1"], "{good}");
    }
}

// SRC-F37, SRC-F39 and SRC-F40
#[tokio::test(start_paused = true)]
async fn temporary_statuses_are_retried_soon() {
    for status in [204, 206, 304, 300, 400, 408, 429, 500, 502, 503, 504] {
        let answer = Answer::status(status).with("retry-after", "3600");
        reconnects(answer, &format!("ErrorResponse {status}")).await;
    }
}

// SRC-F38, SRC-F45 and SRC-F46
#[tokio::test(start_paused = true)]
async fn network_errors_are_retried_soon() {
    for kind in [
        TransportErrorKind::Connection,
        TransportErrorKind::Timeout,
        TransportErrorKind::Redirect,
    ] {
        reconnects(Answer::Error(kind), "NetworkError").await;
    }
}

// SRC-2.7; SRC-F41 and SRC-F44
#[tokio::test(start_paused = true)]
async fn a_refusal_and_a_bad_certificate_are_retried_rarely_and_for_ever() {
    let certificate = Answer::Error(TransportErrorKind::Certificate);
    let statuses = [401, 403, 404, 405, 410]
        .map(|status| (Answer::status(status), format!("ErrorResponse {status}")));
    for (answer, error) in statuses
        .into_iter()
        .chain([(certificate, "NetworkError".to_owned())])
    {
        let script = Script::new(vec![answer; 3]);
        let (sink, ended) = run(StreamingConfig::new(), &script, seconds(3000)).await;
        assert!(ended.is_none());
        assert_eq!(sink.seen(), vec![format!("interrupted {error}"); 3]);
        for (wait, nominal) in script.waits().into_iter().zip([300, 600, 1200]) {
            about(wait, seconds(nominal));
        }
    }
}

// SRC-2.7; SRC-F42
#[tokio::test(start_paused = true)]
async fn under_the_legacy_policy_a_refusal_ends_the_source() {
    let legacy = || StreamingConfig::new().retry_policy(RetryPolicy::LegacyStop);
    for status in [401, 403, 404, 405] {
        let script = Script::new([Answer::stream([put(1)]), Answer::status(status)]);
        let (sink, ended) = run(legacy(), &script, seconds(10_000)).await;
        let error = ended.unwrap().unwrap_err();
        assert_eq!(error.kind, DataSourceErrorKind::ErrorResponse);
        assert!(error.source.to_string().contains(&status.to_string()));
        let off = format!("off ErrorResponse {status}");
        assert_eq!(sink.seen(), ["init f:1", "interrupted NetworkError", &off]);
        assert_eq!(script.requests().len(), 2);
    }
    let passing = [
        Answer::status(503),
        Answer::Error(TransportErrorKind::Certificate),
    ];
    let script = Script::new(passing);
    let (sink, ended) = run(legacy(), &script, seconds(100)).await;
    assert!(ended.is_none());
    assert_eq!(
        sink.seen(),
        ["interrupted ErrorResponse 503", "interrupted NetworkError"]
    );
    about(script.waits()[1], seconds(2));
}

// SRC-2.8; SRC-F50: the sink itself has notified the application.
#[tokio::test(start_paused = true)]
async fn data_that_cannot_be_stored_is_requested_again() {
    for first in [put(1), patch(1)] {
        let script = Script::new([
            Answer::endless([first.clone(), patch(3)]),
            Answer::endless([put(2)]),
        ]);
        let (sink, _) = run_with(
            StreamingConfig::new(),
            &script,
            seconds(60),
            Recorder::failing(1),
        )
        .await;
        let attempt = if first == put(1) {
            "init f:1"
        } else {
            "upsert f:1"
        };
        assert_eq!(sink.seen(), [attempt, "init f:2"]);
        about(script.waits()[0], seconds(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_describes_the_fault_and_names_the_malformed_item() {
    let bad = event("put", r#"{"data": {"flags": {"bad": {"on": 7}}}}"#);
    let faults = [
        Answer::endless([bad]),
        Answer::status(401),
        Answer::Error(TransportErrorKind::Connection),
        Answer::stream([data(1)]),
    ];
    let (sink, _) = run(
        StreamingConfig::new(),
        &Script::new(faults),
        Duration::from_secs(10_000),
    )
    .await;
    let messages: Vec<_> = sink
        .errors()
        .into_iter()
        .map(|error| error.message)
        .collect();
    assert!(
        messages[0].starts_with(r#"flag "bad" cannot be read: invalid type: integer, expected"#),
        "{}",
        messages[0]
    );
    assert_eq!(
        messages[1],
        "the service does not accept the SDK key (status 401)"
    );
    assert_eq!(
        messages[2],
        "the connection could not be made or broke: scripted"
    );
    assert_eq!(messages[3], "the service closed the stream");
}
