//! Connections that break or go silent.

use std::time::Duration;

use vexil::Client;
use vexil::config::ServiceEndpoints;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint, Gate, Point};

use crate::faults::{recovers, starts_after};
use crate::setup::{
    SOON, Statuses, builder, ready, service, stream, streaming, until_value, value,
};

/// Long enough for the rest of a test on a busy machine.
const SHORT: Duration = Duration::from_secs(2);

const HALF: &str =
    "event: patch\ndata: {\"path\": \"/flags/flag\", \"data\": {\"version\": 100}}\n";

// SRC-F1 and SRC-F2
#[test]
fn a_truncated_put_is_not_applied() {
    starts_after(Answer::usual().cut_at(Point::mid_event()), "NetworkError");
    starts_after(Answer::usual().reset_at(Point::mid_event()), "NetworkError");
    starts_after(
        Answer::usual().break_chunking_at(Point::mid_event()),
        "NetworkError",
    );
    starts_after(Answer::usual().cut_at(Point::headers()), "NetworkError");
}

// SRC-F1
#[test]
fn a_truncated_patch_is_not_applied() {
    recovers(
        |service| service.send_raw(HALF).close_streams(),
        "NetworkError",
    );
    recovers(
        |service| service.send_raw(HALF).cut_streams(),
        "NetworkError",
    );
}

// SRC-F2
#[test]
fn a_patch_cut_off_by_a_connection_reset_is_not_applied() {
    recovers(
        |service| service.send_raw(HALF).reset_streams(),
        "NetworkError",
    );
}

// SRC-2.8 and SRC-2.9
#[test]
fn a_stream_that_ends_cleanly_is_opened_again() {
    recovers(|service| service.close_streams(), "NetworkError");
}

// SRC-F45
#[test]
fn a_missing_response_and_one_that_is_not_http_are_retried_soon() {
    starts_after(Answer::hang_up(), "NetworkError");
    starts_after(Answer::reset(), "NetworkError");
    starts_after(
        Answer::garbage("220 mail.example.com ESMTP\r\n"),
        "NetworkError",
    );
}

// SRC-F46
#[test]
fn a_service_that_refuses_connections_is_retried_repeatedly() {
    // The address is bound, so that no other process uses it, but not listening.
    let unused = tokio::net::TcpSocket::new_v4().unwrap();
    unused.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoints = ServiceEndpoints::relay(format!("http://{}", unused.local_addr().unwrap()));
    let client = Client::builder("sdk-key")
        .service_endpoints(endpoints)
        .without_events()
        .data_source(stream());
    let client = client.start().unwrap();
    let mut statuses = Statuses::of(&client);
    for _ in 0..4 {
        assert_eq!(statuses.next(), "Initializing NetworkError");
    }
}

// SRC-F46
#[test]
fn a_service_that_goes_away_does_not_remove_the_data() {
    let service = service("value");
    let client = streaming(&service);
    let mut statuses = Statuses::of(&client);
    drop(service);
    assert_eq!(statuses.next(), "Interrupted NetworkError");
    assert_eq!(value(&client), "value");
}

// SRC-F33
#[test]
fn a_silent_stream_is_closed_after_its_read_timeout() {
    let (service, again) = (service("old"), Gate::new());
    service.answer(
        Endpoint::Stream,
        Answer::usual().silent_at(Point::events(1)),
    );
    service.answer(Endpoint::Stream, Answer::usual().after(&again));
    let client = ready(builder(&service).data_source(stream().read_timeout(SHORT)));
    let mut statuses = Statuses::of(&client);
    let silent = service.next_request(Endpoint::Stream).wait().unwrap();
    service.set("flag", "new");
    assert_eq!(statuses.next(), "Interrupted NetworkError");
    assert_eq!(
        service.wait_for_closed(&silent).wait().unwrap(),
        ClosedBy::Client
    );
    assert_eq!(value(&client), "old");
    again.open();
    until_value(&client, "new");
}

// SRC-F33
#[test]
fn a_stream_that_stops_within_an_event_is_closed_after_the_read_timeout() {
    let service = service("value");
    service.answer(
        Endpoint::Stream,
        Answer::usual().silent_at(Point::mid_event()),
    );
    let client = ready(builder(&service).data_source(stream().read_timeout(SHORT)));
    assert_eq!(value(&client), "value");
    assert_eq!(service.answers_left(Endpoint::Stream), 0);
    let silent = service.next_request(Endpoint::Stream).wait().unwrap();
    assert_eq!(
        service.wait_for_closed(&silent).wait().unwrap(),
        ClosedBy::Client
    );
}

// SRC-F32
#[test]
fn a_request_without_a_response_is_aborted_after_the_read_timeout() {
    let service = service("value");
    service.answer(Endpoint::Stream, Answer::nothing());
    let client = builder(&service)
        .data_source(stream().read_timeout(SHORT))
        .start()
        .unwrap();
    let unanswered = service.next_request(Endpoint::Stream).wait().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(
        service.wait_for_closed(&unanswered).wait().unwrap(),
        ClosedBy::Client
    );
    assert_eq!(value(&client), "value");
}

// SRC-F31
#[test]
fn a_slow_stream_is_not_aborted() {
    // The whole response takes longer than the timeout, each piece much less.
    let service = service("value");
    let put = format!(
        "{}{}",
        " ".repeat(100),
        r#"{"path": "/", "data": {"flags": {}, "segments": {}}}"#
    );
    let slow = Answer::stream().event("put", &put).trickle(4, SHORT / 20);
    service.answer(Endpoint::Stream, slow);
    let client = builder(&service)
        .data_source(stream().read_timeout(SHORT))
        .start()
        .unwrap();
    let mut statuses = Statuses::of(&client);
    assert_eq!(statuses.next(), "Valid", "no status precedes it");
    assert_eq!(service.requests().len(), 1);
}

// SRC-2.1, rule 6
#[test]
fn heartbeats_keep_a_stream_alive() {
    let service = FakeService::builder()
        .heartbeat(SHORT / 20)
        .start()
        .unwrap();
    service.set("flag", "value");
    let client = ready(builder(&service).data_source(stream().read_timeout(SHORT)));
    // Another client of the same service times out meanwhile, later than the first client would
    // have.
    service.answer(Endpoint::Stream, Answer::nothing());
    ready(builder(&service).data_source(stream().read_timeout(SHORT * 3 / 2)));
    assert_eq!(
        service.requests().len(),
        3,
        "one request of the first client, two of the other"
    );
    drop(client);
}
