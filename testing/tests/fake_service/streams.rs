//! Streams, and operations on open ones.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::json;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint, Gate};

use crate::support::{Wire, parse};

fn open(service: &FakeService) -> Wire {
    let mut wire = Wire::get(service, "/all");
    wire.head();
    wire.event();
    wire
}

// SRC-2.2: put, then patches and deletes.
#[test]
fn a_stream_begins_with_all_flags_and_continues_with_changes() {
    let service = FakeService::start().unwrap();
    service.set("a", true);
    let mut wire = Wire::get(&service, "/all");
    let head = wire.head();
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n")
            && head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    let put = wire.event();
    let (name, data) = parse(&put);
    assert_eq!(
        (name, &data["path"], &data["data"]["segments"]),
        ("put", &json!("/"), &json!({}))
    );
    assert_eq!(data["data"]["flags"]["a"]["version"], 1);

    service.set("a", false).delete("a");
    service
        .use_preconfigured_segment(json!({"key": "staff"}))
        .unwrap();
    service
        .set_data(r#"{"flags": {"b": {"version": 4}}}"#)
        .unwrap();
    let events: Vec<_> = (0..4).map(|_| wire.event()).collect();
    let (name, data) = parse(&events[0]);
    assert_eq!(
        (name, &data["path"], &data["data"]["version"]),
        ("patch", &json!("/flags/a"), &json!(2))
    );
    assert_eq!(
        parse(&events[1]),
        ("delete", json!({"path": "/flags/a", "version": 3}))
    );
    let segment = json!({"path": "/segments/staff", "data": {"key": "staff", "version": 1}});
    assert_eq!(parse(&events[2]), ("patch", segment));
    let put = json!({"path": "/", "data": {"flags": {"b": {"version": 4}}, "segments": {}}});
    assert_eq!(parse(&events[3]), ("put", put));
}

#[test]
fn every_open_stream_receives_a_change() {
    let service = FakeService::start().unwrap();
    let mut wires = [open(&service), open(&service), open(&service)];
    assert_eq!(service.open_streams(), 3);
    service.set("a", 1);
    for wire in &mut wires {
        assert_eq!(parse(&wire.event()).0, "patch");
    }
}

#[test]
fn arbitrary_events_and_bytes_can_be_sent() {
    let service = FakeService::start().unwrap();
    let mut wire = open(&service);
    service
        .send_event("put", "{sorry")
        .send_event("two", "a\nb")
        .send_raw("event: pa")
        .send_heartbeat();
    assert_eq!(wire.event(), "event: put\ndata: {sorry\n\n");
    assert_eq!(wire.event(), "event: two\ndata: a\ndata: b\n\n");
    assert_eq!(wire.chunk(), "event: pa");
    assert_eq!(wire.chunk(), ":\n");
}

#[test]
fn a_silent_stream_gets_heartbeats() {
    let service = FakeService::builder()
        .heartbeat(Duration::from_millis(1))
        .start()
        .unwrap();
    let mut wire = open(&service);
    assert_eq!(
        (wire.chunk(), wire.chunk()),
        (":\n".to_owned(), ":\n".to_owned())
    );
}

// SRC-2.8: the service detects that a client has closed its stream.
#[test]
fn the_service_detects_the_end_of_a_client() {
    let service = FakeService::start().unwrap();
    let wire = open(&service);
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    assert_eq!((request.closed(), service.open_streams()), (None, 1));
    wire.close();
    assert_eq!(
        service.wait_for_closed(&request).wait().unwrap(),
        ClosedBy::Client
    );
    service.wait_for_streams(0).wait().unwrap();
}

#[test]
fn open_streams_can_be_ended_in_three_ways() {
    let service = FakeService::start().unwrap();
    let mut wire = open(&service);
    service.send_raw("last").close_streams();
    assert_eq!(wire.chunk(), "last");
    assert_eq!(wire.rest(), ("0\r\n\r\n".to_owned(), None));

    let mut wire = open(&service);
    service.cut_streams();
    assert_eq!(wire.rest(), (String::new(), None));

    let mut wire = open(&service);
    service.reset_streams();
    assert_eq!(
        wire.rest(),
        (String::new(), Some(ErrorKind::ConnectionReset))
    );

    service.wait_for_streams(0).wait().unwrap();
    for request in service.requests() {
        assert_eq!(
            service.wait_for_closed(&request).wait().unwrap(),
            ClosedBy::Service
        );
    }
}

#[test]
fn a_stream_whose_client_is_far_behind_is_closed() {
    let service = FakeService::start().unwrap();
    let gate = Gate::new();
    service.answer(Endpoint::Stream, Answer::stream().trickle(1, &gate));
    let mut wire = Wire::get(&service, "/all");
    wire.head();
    for _ in 0..=1025 {
        service.send_heartbeat();
    }
    assert_eq!(service.open_streams(), 0);
    gate.open();
    let (rest, error) = wire.rest();
    assert!(
        rest.ends_with("1\r\n\n\r\n") && error.is_none(),
        "queued events are sent first: {error:?}"
    );
}

#[test]
fn an_old_client_gets_a_stream_without_chunks() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    wire.write(b"GET /all HTTP/1.0\r\n\r\n");
    assert!(!wire.head().contains("transfer-encoding"));
    service.close_streams();
    let (rest, error) = wire.rest();
    assert!(
        rest.starts_with("event: put\n") && rest.ends_with("\n\n") && error.is_none(),
        "{rest}"
    );
}
