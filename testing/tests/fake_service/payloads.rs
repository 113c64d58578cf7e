//! The second protocol: `/sdk/stream` and `/sdk/poll`.

use std::time::Duration;

use serde_json::{Value, json};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Gate, Point};

use crate::support::{Answered, Wire, parse};

/// A service with one flag and one segment.
fn service() -> FakeService {
    let service = FakeService::start().unwrap();
    service.set("flag", 1);
    let segment = json!({"key": "staff", "version": 7});
    service.use_preconfigured_segment(segment).unwrap();
    service
}

fn poll(service: &FakeService, basis: &str) -> Answered {
    let path = format!("/sdk/poll?basis={basis}");
    Wire::new(service).ask("GET", &path, &[], b"")
}

/// Names and data of the events in a body.
fn entries(answered: &Answered) -> Vec<(String, Value)> {
    let body = answered.json();
    let events = body["events"].as_array().unwrap();
    let entry = |event: &Value| {
        (
            event["event"].as_str().unwrap().into(),
            event["data"].clone(),
        )
    };
    events.iter().map(entry).collect()
}

/// The code of the intent, and the other events in short: the keys of what changes, and the selector.
fn outline(events: &[(String, Value)]) -> Vec<String> {
    let line = |(name, data): &(String, Value)| match name.as_str() {
        "server-intent" => data["payloads"][0]["intentCode"]
            .as_str()
            .unwrap()
            .to_owned(),
        "put-object" => format!("put {} {}", data["kind"], data["key"]).replace('"', ""),
        "delete-object" => format!("delete {} {}", data["kind"], data["key"]).replace('"', ""),
        "payload-transferred" => data["state"].as_str().unwrap().to_owned(),
        other => other.to_owned(),
    };
    events.iter().map(line).collect()
}

fn next(wire: &mut Wire, count: usize) -> Vec<(String, Value)> {
    let mut events = Vec::new();
    for _ in 0..count {
        let event = wire.event();
        let (name, data) = parse(&event);
        events.push((name.to_owned(), data));
    }
    events
}

/// Opens a stream and reads the events of its first payload.
fn open(service: &FakeService, query: &str, count: usize) -> (Wire, Vec<String>) {
    let mut wire = Wire::get(service, &format!("/sdk/stream{query}"));
    let head = wire.head();
    assert!(
        head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    let events = next(&mut wire, count);
    (wire, outline(&events))
}

// FDV2-2.2 and FDV2-3
#[test]
fn a_poll_without_a_basis_receives_everything() {
    let service = service();
    let answered = Wire::new(&service).ask("GET", "/sdk/poll", &[], b"");
    assert_eq!(answered.header("content-type"), Some("application/json"));
    let events = entries(&answered);
    let selector = service.selector();
    let expected = ["xfer-full", "put flag flag", "put segment staff", &selector];
    assert_eq!(outline(&events), expected);
    assert_eq!(events[1].1["object"]["version"], 1);
    let segment = json!({"version": 7, "kind": "segment", "key": "staff", "object": {"key": "staff", "version": 7}});
    assert_eq!(events[2].1, segment);
}

#[test]
fn a_poll_with_a_known_basis_receives_the_difference() {
    let service = service();
    let before = service.selector();
    assert_eq!(outline(&entries(&poll(&service, &before))), ["none"]);

    service.set("other", 1).delete_segment("staff");
    let events = entries(&poll(&service, &before));
    let now = service.selector();
    let expected = [
        "xfer-changes",
        "put flag other",
        "delete segment staff",
        &now,
    ];
    assert_eq!(outline(&events), expected);
    let deleted = json!({"version": 8, "kind": "segment", "key": "staff"});
    assert_eq!(events[2].1, deleted);
}

#[test]
fn a_foreign_basis_receives_everything() {
    let (service, other) = (service(), service());
    let future = service.selector().replace(":2)", ":3)");
    for basis in [&*other.selector(), "(p:elsewhere:2)", "2", "", &future] {
        let outline = outline(&entries(&poll(&service, basis)));
        assert_eq!(outline[0], "xfer-full", "{basis}");
        assert_eq!(outline.last(), Some(&service.selector()));
    }
    let before = service.selector();
    service.forget_selectors();
    assert_eq!(outline(&entries(&poll(&service, &before)))[0], "xfer-full");
}

#[test]
fn replaced_data_is_a_difference_too() {
    let service = service();
    let before = service.selector();
    let (mut wire, _) = open(&service, "", 4);
    let data = r#"{"flags": {"flag": {"version": 1}, "new": {"version": 3}}, "segments": {}}"#;
    service.set_data(data).unwrap();
    let now = service.selector();
    let difference = [
        "put flag flag",
        "put flag new",
        "delete segment staff",
        &now,
    ];
    assert_eq!(outline(&next(&mut wire, 4)), difference);
    assert_eq!(outline(&entries(&poll(&service, &before)))[1..], difference);

    // The same data again changes nothing.
    service.set_data(data).unwrap();
    assert_eq!(outline(&next(&mut wire, 1)), [service.selector()]);
}

// FDV2-3
#[test]
fn an_unchanged_poll_is_a_304() {
    let service = service();
    let mut wire = Wire::new(&service);
    let etag = wire
        .ask("GET", "/sdk/poll", &[], b"")
        .header("etag")
        .unwrap()
        .to_owned();
    let again = wire.ask("GET", "/sdk/poll", &[("if-none-match", &etag)], b"");
    assert_eq!((again.status, again.header("etag")), (304, Some(&*etag)));
    service.set("flag", 2);
    let changed = wire.ask("GET", "/sdk/poll", &[("if-none-match", &etag)], b"");
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(&*etag));
}

#[test]
fn a_poll_is_compressed_if_accepted() {
    let service = service();
    let plain = Wire::new(&service).ask("GET", "/sdk/poll", &[], b"");
    assert_eq!(plain.header("content-encoding"), None);
    let answered = Wire::new(&service).ask("GET", "/sdk/poll", &[("accept-encoding", "gzip")], b"");
    assert_eq!(answered.header("content-encoding"), Some("gzip"));
}

// FDV2-2.3: after a commit, changes need no new intent.
#[test]
fn a_stream_begins_with_a_payload_and_continues_with_changes() {
    let service = service();
    let selector = service.selector();
    let (mut wire, outline_of_all) = open(&service, "", 4);
    let expected = ["xfer-full", "put flag flag", "put segment staff", &selector];
    assert_eq!(outline_of_all, expected);

    service.set("flag", 2);
    let changed = service.selector();
    assert_eq!(outline(&next(&mut wire, 2)), ["put flag flag", &changed]);
    service.delete("flag");
    let deleted = service.selector();
    assert_eq!(outline(&next(&mut wire, 2)), ["delete flag flag", &deleted]);

    let (mut current, intent) = open(&service, &format!("?basis={deleted}"), 1);
    assert_eq!(intent, ["none"]);
    let (_, difference) = open(&service, &format!("?basis={changed}"), 3);
    assert_eq!(difference, ["xfer-changes", "delete flag flag", &deleted]);
    service.set("flag", 3);
    assert_eq!(outline(&next(&mut current, 2))[0], "put flag flag");
}

#[test]
fn both_protocols_present_the_same_data() {
    let service = service();
    let mut classic = Wire::get(&service, "/all");
    classic.head();
    assert_eq!(parse(&classic.event()).0, "put");
    let (mut wire, _) = open(&service, "", 4);
    service.set("flag", 2);
    let patch = classic.event();
    let put = next(&mut wire, 2).swap_remove(0).1;
    assert_eq!(parse(&patch).1["data"], put["object"]);
}

#[test]
fn the_basis_of_a_request_is_decoded() {
    let service = service();
    let escaped = "%28p%3Ax%20y%3A7%29%26%C3%A9";
    for (query, basis) in [
        (format!("?basis={escaped}"), Some("(p:x y:7)&é")),
        ("?a=b&basis=x+y%2b%zz%".into(), Some("x y+%zz%")),
        ("?basis=".into(), Some("")),
        ("?notbasis=x".into(), None),
        (String::new(), None),
    ] {
        Wire::new(&service).ask("GET", &format!("/sdk/poll{query}"), &[], b"");
        let request = service.next_request(Endpoint::PayloadPoll).wait().unwrap();
        assert_eq!(request.basis().as_deref(), basis, "{query}");
    }
}

#[test]
fn a_scripted_payload_is_a_stream_or_a_body() {
    let service = service();
    let payload = Answer::payload()
        .event(
            "server-intent",
            r#"{"payloads": [{"intentCode": "xfer-full"}]}"#,
        )
        .event("payload-transferred", r#"{"state": "mine"}"#);
    service.answer(Endpoint::PayloadStream, payload.clone());
    service.answer(Endpoint::PayloadPoll, payload);
    let (mut wire, events) = open(&service, "", 2);
    assert_eq!(events, ["xfer-full", "mine"]);
    service.send_event("goodbye", "{}");
    assert_eq!(next(&mut wire, 1), [("goodbye".to_owned(), json!({}))]);
    assert_eq!(
        outline(&entries(&poll(&service, ""))),
        ["xfer-full", "mine"]
    );
    // The data may be anything.
    service.answer(
        Endpoint::PayloadPoll,
        Answer::payload().event("error", "{sorry"),
    );
    assert_eq!(
        poll(&service, "").text(),
        r#"{"events":[{"event":"error","data":{sorry}]}"#
    );
}

#[test]
fn events_can_be_added_to_the_usual_payload() {
    let service = service();
    let then_goodbye = Answer::usual().event("goodbye", r#"{"reason": "maintenance"}"#);
    service.answer(Endpoint::PayloadStream, then_goodbye.clone());
    service.answer(Endpoint::PayloadPoll, then_goodbye);
    assert_eq!(open(&service, "", 5).1[4], "goodbye");
    assert_eq!(outline(&entries(&poll(&service, "")))[4], "goodbye");
}

// FDV2-6.1 and FDV2-6.3
#[test]
fn the_directive_has_a_time_to_live_or_none() {
    let service = service();
    service.answers(
        Endpoint::PayloadPoll,
        [
            Answer::usual().fallback_directive(None),
            Answer::status(503).fallback_directive(Some(Duration::from_secs(90))),
        ],
    );
    let headers = |answered: &Answered| {
        ["x-ld-fd-fallback", "x-ld-fd-fallback-ttl"]
            .map(|name| answered.header(name).map(str::to_owned))
    };
    let whole = poll(&service, "");
    assert_eq!(headers(&whole), [Some("true".into()), None]);
    assert_eq!(entries(&whole).len(), 4);
    let failed = poll(&service, "");
    assert_eq!(failed.status, 503);
    assert_eq!(headers(&failed), [Some("true".into()), Some("90".into())]);
    assert_eq!(headers(&poll(&service, "")), [None, None]);
}

#[test]
fn a_payload_can_be_cut_or_go_silent_at_any_point() {
    let service = service();
    service.answer(
        Endpoint::PayloadStream,
        Answer::usual().cut_at(Point::events(2)),
    );
    let (mut wire, events) = open(&service, "", 2);
    assert_eq!(events, ["xfer-full", "put flag flag"]);
    assert_eq!(wire.rest(), (String::new(), None));

    // Between a change and its commit, long after the first payload.
    service.answer(
        Endpoint::PayloadStream,
        Answer::usual().cut_at(Point::events(5)),
    );
    let (mut wire, _) = open(&service, "", 4);
    service.set("flag", 2);
    assert_eq!(outline(&next(&mut wire, 1)), ["put flag flag"]);
    assert_eq!(wire.rest(), (String::new(), None));

    service.answer(
        Endpoint::PayloadPoll,
        Answer::usual().cut_at(Point::bytes(20)),
    );
    let mut wire = Wire::get(&service, "/sdk/poll");
    wire.head();
    assert_eq!(wire.rest(), (r#"{"events":[{"event":"#.to_owned(), None));

    let gate = Gate::new();
    service.answer(
        Endpoint::PayloadStream,
        Answer::usual().silent_at(Point::events(1)).after(&gate),
    );
    let mut wire = Wire::get(&service, "/sdk/stream");
    assert!(wire.is_silent());
    gate.open();
    wire.head();
    assert_eq!(outline(&next(&mut wire, 1)), ["xfer-full"]);
    assert!(wire.is_silent());
}

#[test]
fn a_wrong_key_and_a_wrong_method_are_refused() {
    let service = FakeService::builder().sdk_key("right").start().unwrap();
    for path in ["/sdk/stream", "/sdk/poll"] {
        let ask = |method, key| {
            Wire::new(&service)
                .ask(method, path, &[("authorization", key)], b"")
                .status
        };
        assert_eq!((ask("GET", "wrong"), ask("POST", "right")), (401, 405));
    }
}
