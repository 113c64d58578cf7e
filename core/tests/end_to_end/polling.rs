//! Polls: their requests and their faults. SRC-3.

use std::time::Duration;

use serde_json::json;
use vexil::config::{HttpConfig, PollingConfig};
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint, Gate, Point};

use crate::setup::{SOON, Statuses, builder, ready, service, thread, until_value, value};
use crate::updates::{are_malformed, before, changes, cycles, data, flag};

/// Polls at a much shorter interval than the service wants.
pub(crate) fn often() -> PollingConfig {
    PollingConfig::new()
        .poll_interval(Duration::from_millis(10))
        .without_shortest_interval()
}

fn polling(service: &FakeService) -> Client {
    ready(builder(service).data_source(often()))
}

/// A client one of whose polls gets this response. It reports this error, keeps its data, and the
/// next poll succeeds.
#[track_caller]
fn recovers(answer: Answer, error: &str) {
    recovers_as(|builder| builder, often(), answer, error);
}

/// Like [`recovers`], with other settings.
#[track_caller]
fn recovers_as(
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
    polls: PollingConfig,
    answer: Answer,
    error: &str,
) {
    let (service, gate, again) = (service("old"), Gate::new(), Gate::new());
    let client = ready(settings(builder(&service)).data_source(polls));
    let mut statuses = Statuses::of(&client);
    service.answers(
        Endpoint::Poll,
        [answer.after(&gate), Answer::usual().after(&again)],
    );
    service
        .until("the poll", || service.answers_left(Endpoint::Poll) == 1)
        .wait()
        .unwrap();
    service.set("flag", "new");
    gate.open();
    assert_eq!(statuses.next(), format!("Interrupted {error}"));
    assert_eq!(value(&client), "old");
    again.open();
    assert_eq!(statuses.next(), "Valid");
    until_value(&client, "new");
}

// SRC-1.4 and SRC-3
#[test]
fn unchanged_data_is_not_sent_again() {
    let service = service("old");
    let client = polling(&service);
    let unchanged = || {
        service
            .requests()
            .iter()
            .filter(|request| request.status() == Some(304))
            .count()
    };
    service
        .until("two polls that change nothing", || unchanged() >= 2)
        .wait()
        .unwrap();
    service.set("flag", "new");
    until_value(&client, "new");
    let requests = service.requests();
    assert_eq!(requests[0].header("if-none-match"), None);
    let conditions: Vec<_> = requests
        .iter()
        .filter_map(|request| request.header("if-none-match"))
        .collect();
    assert_eq!(
        conditions.len(),
        requests.len() - 1,
        "every poll but the first"
    );
    assert!(
        conditions
            .iter()
            .all(|etag| etag.starts_with("\"revision-")),
        "{conditions:?}"
    );
    // The same condition is answered with 304 until there is new data.
    let second = requests
        .iter()
        .rposition(|request| request.status() == Some(200))
        .unwrap();
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.status() == Some(200))
            .count(),
        2
    );
    assert_eq!(
        requests[second].header("if-none-match"),
        requests[1].header("if-none-match")
    );
}

// SRC-F39
#[test]
fn an_unchanged_response_makes_the_source_valid_again() {
    let service = service("value");
    let client = polling(&service);
    let mut statuses = Statuses::of(&client);
    let before = service.requests().len();
    service.answer(Endpoint::Poll, Answer::status(503));
    assert_eq!(statuses.next(), "Interrupted ErrorResponse 503");
    assert_eq!(statuses.next(), "Valid");
    let since = service
        .requests()
        .into_iter()
        .skip(before)
        .filter_map(|request| request.status());
    assert!(since.into_iter().all(|status| matches!(status, 304 | 503)));
}

// SRC-1.4, SRC-F36
#[test]
fn responses_are_compressed_because_the_client_requests_it() {
    let service = service("value");
    service.answer(Endpoint::Poll, Answer::usual().gzip());
    let client = ready(builder(&service).data_source(PollingConfig::new()));
    assert_eq!(value(&client), "value");
    let request = service.next_request(Endpoint::Poll).wait().unwrap();
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
}

// SRC-1.4: a proxy may have decompressed it
#[test]
fn responses_need_not_be_compressed() {
    let service = service("value");
    let data = r#"{"flags": {}, "segments": {}}"#;
    service.answer(Endpoint::Poll, Answer::json(data).chunked());
    ready(builder(&service).data_source(PollingConfig::new()));
}

// SRC-3
#[test]
fn polls_use_one_connection() {
    let service = service("value");
    let _client = polling(&service);
    service
        .until("five polls", || service.requests().len() >= 5)
        .wait()
        .unwrap();
    assert!(
        service
            .requests()
            .iter()
            .all(|request| request.connection() == service.requests()[0].connection())
    );
}

// SRC-9: connection reuse
#[test]
fn a_poll_on_a_dead_connection_is_repeated_without_a_status_change() {
    let service = service("old");
    service.answer(
        Endpoint::Poll,
        Answer::usual().header("keep-alive", "timeout=60"),
    );
    let client = polling(&service);
    let mut statuses = Statuses::of(&client);
    // On the kept connection: the service closes it as if the close had crossed the request.
    service.answer(Endpoint::Poll, Answer::hang_up());
    service.set("flag", "new");
    until_value(&client, "new");
    service.answer(Endpoint::Poll, Answer::status(500));
    assert_eq!(
        statuses.next(),
        "Interrupted ErrorResponse 500",
        "no status precedes it"
    );
}

// SRC-F1 and SRC-F2
#[test]
fn a_truncated_response_is_not_applied() {
    recovers(Answer::usual().content_length(1 << 20), "NetworkError");
    recovers(
        Answer::usual().chunked().cut_at(Point::mid_event()),
        "NetworkError",
    );
    recovers(
        Answer::usual().break_chunking_at(Point::mid_event()),
        "NetworkError",
    );
    recovers(Answer::usual().reset_at(Point::mid_event()), "NetworkError");
}

// SRC-F6, SRC-F8, SRC-F9, SRC-F12, SRC-F13, SRC-F29 and SRC-F34
#[test]
fn malformed_responses_leave_the_data_unchanged() {
    let good = r#""flag": {"version": 100, "on": true, "variations": ["torn"], "fallthrough": {"variation": 0}}"#;
    let bodies = [
        String::new(),
        "{sorry".to_owned(),
        "<html></html>".to_owned(),
        r#"{"flags": true}"#.to_owned(),
        r#"{"flags": []}"#.to_owned(),
        format!(r#"{{"flags": {{{good}, "bad": null}}}}"#),
        format!(r#"{{"flags": {{{good}, "bad": {{"rules": {{}}}}}}}}"#),
    ];
    for body in bodies {
        recovers(Answer::json(body), "InvalidData");
    }
    let not_utf_8 =
        Answer::status(200).body(b"{\"flags\": {\"flag\": {\"salt\": \"\xff\"}}}".to_vec());
    recovers(not_utf_8, "InvalidData");
}

// SRC-F22
#[test]
fn the_same_data_again_changes_nothing() {
    let service = FakeService::start().unwrap();
    let same = data(&json!({"flag": flag(1, "a"), "other": flag(3, "b")}));
    service.set_data(&same).unwrap();
    let client = polling(&service);
    let changes = changes(&client);
    service.answers(Endpoint::Poll, vec![Answer::json(same); 3]);
    service
        .until("the polls", || service.answers_left(Endpoint::Poll) == 0)
        .wait()
        .unwrap();
    service.set("last", true);
    assert_eq!(before("last", &changes), [""; 0]);
}

// SRC-F27
#[test]
fn cycles_in_the_data_are_stored_and_evaluated_as_malformed() {
    let service = FakeService::start().unwrap();
    service.set_data(&cycles()).unwrap();
    are_malformed(&polling(&service));
}

// SRC-F31
#[test]
fn a_silent_poll_is_aborted_after_the_read_timeout() {
    let short = |builder: ClientBuilder| {
        builder.http(HttpConfig::new().read_timeout(Duration::from_secs(1)))
    };
    recovers_as(
        short,
        often(),
        Answer::usual().silent_at(Point::mid_event()),
        "NetworkError",
    );
}

// SRC-F32
#[test]
fn a_poll_without_a_response_is_aborted_after_the_read_timeout() {
    let short = |builder: ClientBuilder| {
        builder.http(HttpConfig::new().read_timeout(Duration::from_secs(1)))
    };
    recovers_as(short, often(), Answer::nothing(), "NetworkError");
}

// SRC-F37 and SRC-F40
#[test]
fn temporary_statuses_are_errors_until_the_next_poll() {
    for status in [204, 206, 400, 408, 429, 500, 502, 503, 504] {
        recovers(
            Answer::status(status).header("retry-after", "3600"),
            &format!("ErrorResponse {status}"),
        );
    }
}

// SRC-F38
#[test]
fn redirects_are_followed_and_an_invalid_one_is_a_network_error() {
    let service = service("value");
    service.answer(
        Endpoint::Poll,
        Answer::redirect(307, "/moved/sdk/latest-all"),
    );
    assert_eq!(
        value(&ready(builder(&service).data_source(PollingConfig::new()))),
        "value"
    );
    assert_eq!(service.requests()[1].path(), "/moved/sdk/latest-all");
    recovers(Answer::redirect(302, ""), "NetworkError");
}

// SRC-F56
#[test]
fn corrupt_gzip_is_a_connection_error() {
    recovers(Answer::usual().corrupt_gzip(), "NetworkError");
}

// SRC-F56
#[test]
fn a_small_response_that_decompresses_to_a_huge_one_is_invalid() {
    let bomb = Answer::status(200).body(" ".repeat(32 << 20)).gzip();
    recovers_as(
        |builder| builder,
        often().max_body_size(1 << 20),
        bomb,
        "InvalidData",
    );
}

// SRC-F3
#[test]
fn ten_megabytes_arrive() {
    let service = FakeService::start().unwrap();
    service
        .set("flag", "value")
        .set("large", "x".repeat(10 << 20));
    let thread = thread();
    let client = ready(
        builder(&service)
            .runtime(thread.handle().clone())
            .data_source(PollingConfig::new()),
    );
    assert_eq!(value(&client), "value");
}

// SRC-3: stop
#[test]
fn closing_ends_a_poll_in_progress() {
    let service = service("value");
    service.answer(Endpoint::Poll, Answer::nothing());
    let client = builder(&service).data_source(often()).start().unwrap();
    let request = service.next_request(Endpoint::Poll).wait().unwrap();
    pollster::block_on(client.close(SOON));
    assert_eq!(
        service.wait_for_closed(&request).wait().unwrap(),
        ClosedBy::Client
    );
}
