//! How polling handles faults: the rows of SRC-10.

use vexil::config::PollingConfig;
use vexil::data_source::DataSourceErrorKind;
use vexil::transport::{RetryPolicy, TransportErrorKind};

use super::recorder::Recorder;
use super::script::{Answer, Piece, Script};
use super::streaming::about;
use super::{data, run, run_with, seconds};

fn polls() -> PollingConfig {
    PollingConfig::new()
}

/// A poll whose response is a fault of this kind. The next poll is made on schedule.
async fn interrupts(answer: Answer, error: &str) {
    let script = Script::new([
        Answer::poll([data(1)]),
        answer.clone(),
        Answer::poll([data(2)]),
    ]);
    let (sink, ended) = run(polls(), &script, seconds(100)).await;
    assert!(ended.is_none(), "{answer:?}");
    assert_eq!(
        sink.seen(),
        ["init f:1", &format!("interrupted {error}"), "init f:2"],
        "{answer:?}"
    );
    assert!(
        script.waits()[..2].iter().all(|wait| *wait == seconds(30)),
        "{answer:?}"
    );
}

async fn rejects(body: &[u8]) {
    interrupts(Answer::poll([body.to_vec()]), "InvalidData").await;
}

// SRC-F1, SRC-F2, SRC-F45 and SRC-F46
#[tokio::test(start_paused = true)]
async fn a_truncated_body_is_not_applied() {
    let half = data(7)[..20].to_owned();
    let broken = [
        Piece::from(half),
        Piece::Error(TransportErrorKind::Connection),
    ];
    interrupts(Answer::poll(broken), "NetworkError").await;
    for kind in [
        TransportErrorKind::Connection,
        TransportErrorKind::Timeout,
        TransportErrorKind::Redirect,
    ] {
        interrupts(Answer::Error(kind), "NetworkError").await;
    }
}

// SRC-F3
#[tokio::test(start_paused = true)]
async fn a_large_body_arrives_in_pieces() {
    let large = format!(
        r#"{{"flags": {{"f": {{"version": 1, "variations": ["{}"]}}}}}}"#,
        "x".repeat(10 << 20)
    );
    let pieces = large.as_bytes().chunks(10_000).map(<[u8]>::to_vec);
    let (sink, _) = run(polls(), &Script::new([Answer::poll(pieces)]), seconds(10)).await;
    assert_eq!(sink.seen(), ["init f:1"]);
}

// SRC-F4 and SRC-F56
#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_invalid() {
    let script = Script::new([
        Answer::poll([Piece::Flood(b"          ")]),
        Answer::poll([data(1)]),
    ]);
    let (sink, _) = run(polls().max_body_size(1005), &script, seconds(40)).await;
    assert_eq!(sink.seen(), ["interrupted InvalidData", "init f:1"]);
    assert_eq!(
        sink.errors()[0].message,
        "the response is too large: it has more than 1005 bytes"
    );
    interrupts(Answer::Error(TransportErrorKind::TooLarge), "InvalidData").await;
}

// SRC-F6, SRC-F7, SRC-F8, SRC-F9, SRC-F12, SRC-F13, SRC-F28, SRC-F29, SRC-F34 and FDV2-F25
#[tokio::test(start_paused = true)]
async fn malformed_bodies_leave_the_data_unchanged() {
    let bodies: [&[u8]; 11] = [
        b"",
        b"{sorry",
        b"<html></html>",
        b"null",
        b"{\"flags\": {\"f\": {\"salt\": \"\xff\"}}}",
        b"\xef\xbb\xbf{\"flags\": {}}",
        br#"{"flags": true}"#,
        br#"{"flags": []}"#,
        br#"{"events": []}"#,
        br#"{"flags": {"good": {}, "bad": null}}"#,
        br#"{"flags": {"good": {}, "bad": {"rules": {}}}}"#,
    ];
    for body in bodies {
        rejects(body).await;
    }
    rejects(
        format!(
            r#"{{"flags": {{"f": {{"variations": {}"#,
            "[".repeat(10_000)
        )
        .as_bytes(),
    )
    .await;
}

// SRC-F10, SRC-F11 and SRC-F26
#[tokio::test(start_paused = true)]
async fn missing_sections_are_empty_and_unknown_ones_skipped() {
    for body in [
        "{}",
        r#"{"flags": null, "segments": null}"#,
        r#"{"experiments": {"e": 7}}"#,
    ] {
        let (sink, _) = run(polls(), &Script::new([Answer::poll([body])]), seconds(10)).await;
        assert_eq!(sink.seen(), ["init"], "{body}");
    }
}

// SRC-F15, SRC-F16, SRC-F17, SRC-F18, SRC-F19 and SRC-F20
#[tokio::test(start_paused = true)]
async fn versions_and_keys_are_passed_on_unchanged() {
    for (flag, version) in [
        (r#"{"key": "inner"}"#, "0"),
        (r#"{"version": 9223372036854775807}"#, "9223372036854775807"),
        (r#"{"version": 7.9}"#, "7"),
        (r#"{"version": 1e300}"#, "9223372036854775807"),
        (r#"{"version": -1}"#, "0"),
        (r#"{"version": 1, "version": 2}"#, "2"),
    ] {
        let body = format!(r#"{{"flags": {{"outer": {flag}}}}}"#);
        let (sink, _) = run(polls(), &Script::new([Answer::poll([body])]), seconds(10)).await;
        assert_eq!(sink.seen(), [format!("init outer:{version}")], "{flag}");
    }
}

// SRC-F31
#[tokio::test(start_paused = true)]
async fn a_poll_that_does_not_end_within_a_minute_is_aborted() {
    let drops = [Piece::Wait(seconds(10)), Piece::from(" ")]
        .into_iter()
        .cycle()
        .take(100);
    let script = Script::new([Answer::poll(drops)]);
    let (sink, _) = run(polls(), &script, seconds(100)).await;
    assert_eq!(sink.seen(), ["interrupted NetworkError"]);
    assert_eq!(sink.errors()[0].message, "the response did not end in time");
    assert_eq!(script.waits(), [seconds(60)]);
}

// SRC-F31 and SRC-F32
#[tokio::test(start_paused = true)]
async fn fifteen_seconds_of_silence_abort_a_poll() {
    interrupts(Answer::Silence, "NetworkError").await;
    interrupts(
        Answer::poll([Piece::from("{"), Piece::Silence]),
        "NetworkError",
    )
    .await;
}

// SRC-F37 and SRC-F40
#[tokio::test(start_paused = true)]
async fn temporary_statuses_do_not_change_the_interval() {
    for status in [204, 206, 302, 400, 408, 429, 500, 502, 503, 504] {
        let answer = Answer::status(status).with("retry-after", "3600");
        interrupts(answer, &format!("ErrorResponse {status}")).await;
    }
    for retry_after in [
        "0",
        "-1",
        "99999999999999999999",
        "Fri, 31 Dec 1999 23:59:59 GMT",
        "soon",
    ] {
        interrupts(
            Answer::status(429).with("retry-after", retry_after),
            "ErrorResponse 429",
        )
        .await;
    }
}

// SRC-3; SRC-F41 and SRC-F44
#[tokio::test(start_paused = true)]
async fn after_a_refusal_polls_are_rare_until_two_in_a_row_succeed() {
    let certificate = Answer::Error(TransportErrorKind::Certificate);
    let statuses = [401, 403, 404, 405, 410]
        .map(|status| (Answer::status(status), format!("ErrorResponse {status}")));
    for (refusal, error) in statuses
        .into_iter()
        .chain([(certificate, "NetworkError".to_owned())])
    {
        let good = || Answer::poll([data(1)]);
        let script = Script::new([
            refusal,
            Answer::status(500),
            good(),
            Answer::status(500),
            good(),
            good(),
        ]);
        let (sink, ended) = run(polls(), &script, seconds(10_000)).await;
        assert!(ended.is_none());
        assert_eq!(sink.states()[0], format!("interrupted {error}"));
        let waits = script.waits();
        about(waits[0], seconds(300));
        about(waits[1], seconds(600));
        assert_eq!(waits[2], seconds(30));
        about(waits[3], seconds(1200));
        assert_eq!(waits[4..6], [seconds(30); 2]);
    }
}

// SRC-3; SRC-F42
#[tokio::test(start_paused = true)]
async fn under_the_legacy_policy_a_refusal_ends_the_source() {
    for status in [401, 403, 404, 405] {
        let passing = [
            Answer::status(503),
            Answer::Error(TransportErrorKind::Certificate),
        ];
        let script = Script::new(passing.into_iter().chain([Answer::status(status)]));
        let legacy = polls().retry_policy(RetryPolicy::LegacyStop);
        let (sink, ended) = run(legacy, &script, seconds(10_000)).await;
        assert_eq!(
            ended.unwrap().unwrap_err().kind,
            DataSourceErrorKind::ErrorResponse
        );
        let off = format!("off ErrorResponse {status}");
        assert_eq!(
            sink.seen(),
            [
                "interrupted ErrorResponse 503",
                "interrupted NetworkError",
                &off
            ]
        );
        assert_eq!(script.requests().len(), 3);
    }
}

// SRC-F50: the sink itself has notified the application.
#[tokio::test(start_paused = true)]
async fn data_that_cannot_be_stored_is_requested_again_at_the_next_poll() {
    let script = Script::new(vec![Answer::poll([data(1)]); 2]);
    let (sink, _) = run_with(polls(), &script, seconds(40), Recorder::failing(1)).await;
    assert_eq!(sink.seen(), ["init f:1", "init f:1"]);
    assert_eq!(script.waits()[0], seconds(30));
}
