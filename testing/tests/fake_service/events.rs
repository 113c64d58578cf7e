//! Analytics events. Rule ids refer to `docs/protocol/events-hooks-migrations.md`.

use std::io::Write;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use serde_json::json;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

use crate::support::Wire;

const ID: &str = "x-launchdarkly-payload-id";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

// EVT-1.1, EVT-1.2
#[test]
fn events_are_accepted_and_recorded() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    assert_eq!(
        wire.ask("POST", "/bulk", &[(ID, "one")], br#"[{"kind":"identify"}]"#)
            .status,
        202
    );
    let packed = gzip(br#"[{"kind":"custom"},{"kind":"index"}]"#);
    assert_eq!(
        wire.ask("POST", "/x/bulk", &[("content-encoding", "gzip")], &packed)
            .status,
        202
    );
    assert_eq!(
        service.events(),
        [
            json!({"kind": "identify"}),
            json!({"kind": "custom"}),
            json!({"kind": "index"})
        ]
    );

    let first = service.next_payload().wait().unwrap();
    assert_eq!((first.id(), first.events().len()), (Some("one"), 1));
    assert_eq!(first.request().method(), Method::POST);
    let second = service.next_payload().wait().unwrap();
    assert_eq!((second.id(), second.request().path()), (None, "/x/bulk"));
    assert_eq!(service.payloads().len(), 2);
    assert_eq!(
        first.request().connection(),
        second.request().connection(),
        "the connection is reused"
    );
}

#[test]
fn a_payload_that_is_sent_again_counts_once() {
    let service = FakeService::start().unwrap();
    service.answer(Endpoint::Events, Answer::status(503));
    let mut wire = Wire::new(&service);
    let statuses = [(); 3].map(|()| wire.ask("POST", "/bulk", &[(ID, "one")], b"[1]").status);
    assert_eq!(statuses, [503, 202, 202]);
    assert_eq!(service.events(), [json!(1)]);
    assert_eq!(service.requests_to(Endpoint::Events).len(), 3);
}

#[test]
fn invalid_events_are_refused() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    for body in ["", "{}", "[1"] {
        assert_eq!(
            wire.ask("POST", "/bulk", &[], body.as_bytes()).status,
            400,
            "{body}"
        );
    }
    assert_eq!(
        wire.ask("POST", "/bulk", &[("content-encoding", "gzip")], b"[]")
            .status,
        400
    );
    assert!(service.payloads().is_empty());
    assert_eq!(
        service.requests_to(Endpoint::Events)[2].body().as_ref(),
        b"[1"
    );
}

// EVT-4
#[test]
fn diagnostics_are_accepted() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    assert_eq!(
        wire.ask("POST", "/diagnostic", &[], br#"{"kind":"diagnostic-init"}"#)
            .status,
        202
    );
    assert_eq!(wire.ask("POST", "/diagnostic", &[], b"[]").status, 400);
    let request = service.next_request(Endpoint::Diagnostics).wait().unwrap();
    assert_eq!(request.json().unwrap()["kind"], "diagnostic-init");
    assert!(service.events().is_empty());
}

// EVT-1.6: the counters of all summaries.
#[test]
fn summaries_are_added_up() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    let hello = json!({"value": "hello", "variation": 0, "version": 1, "count": 3});
    let summary = json!([{"kind": "index"}, {"kind": "summary", "features": {
        "banner": {"counters": [hello, {"value": "bye", "variation": 1, "version": 1, "count": 1}]},
        "ghost": {"counters": [{"value": 7, "unknown": true, "count": 2}]},
    }}]);
    for _ in 0..2 {
        wire.ask("POST", "/bulk", &[], summary.to_string().as_bytes());
    }
    let counts = service.summary_counts();
    assert_eq!(
        (counts.total(), counts.flag("banner"), counts.flag("none")),
        (12, 8, 0)
    );
    assert_eq!(
        (
            counts.variation("banner", 0),
            counts.default_value("ghost"),
            counts.rows().len()
        ),
        (6, 4, 3)
    );
    assert_eq!(counts.rows()[0].value, "hello");
}

#[test]
fn bodies_may_be_chunked_or_sent_after_100_continue() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    wire.write(
        b"POST /bulk HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n",
    );
    assert!(wire.head().starts_with("HTTP/1.1 100 "));
    wire.write(b"2\r\n[1\r\n1;x=y\r\n]\r\n0\r\ntrailer: t\r\n\r\n");
    assert_eq!(wire.answer().status, 202);
    assert_eq!(service.events(), [json!(1)]);
}

#[test]
fn invalid_requests_are_refused() {
    let service = FakeService::start().unwrap();
    let long = format!("GET /all HTTP/1.1\r\nx: {}", "y".repeat(70_000));
    let large = "POST /bulk HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n";
    for (request, status) in [("no request\r\n\r\n", 400), (&*long, 431), (large, 413)] {
        let mut wire = Wire::new(&service);
        wire.write(request.as_bytes());
        assert_eq!(wire.answer().status, status);
    }
    assert!(service.requests().is_empty());
}

// EVT-3.4: debugging ends by the service's clock, from the `date` header.
#[test]
fn a_test_can_set_the_date() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    let mut date = || {
        wire.ask("POST", "/bulk", &[], b"[]")
            .header("date")
            .map(str::to_owned)
    };
    assert!(date().is_some());
    service.set_date(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
    assert_eq!(date().as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    service.set_date(None);
    assert_eq!(date(), None);
}

#[test]
fn debug_output_has_neither_keys_nor_events() {
    let service = FakeService::start().unwrap();
    Wire::new(&service).ask(
        "POST",
        "/bulk",
        &[("Authorization", "sdk-secret")],
        br#"["private"]"#,
    );
    let request = service.next_request(Endpoint::Events).wait().unwrap();
    assert_eq!(request.header("authorization"), Some("sdk-secret"));
    let shown = format!("{request:?} {service:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("private"),
        "{shown}"
    );
}
