//! Scripted answers. Rule ids refer to `docs/protocol/data-sources.md`; the faults are in SRC-10.

use std::io::{ErrorKind, Read};

use flate2::read::GzDecoder;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, ClosedBy, Endpoint, Gate, Point};

use crate::support::{Wire, parse};

const POLL: &str = "/sdk/latest-all";

fn service(endpoint: Endpoint, answer: Answer) -> FakeService {
    let service = FakeService::start().unwrap();
    service.answer(endpoint, answer);
    service
}

#[test]
fn answers_are_used_in_order_and_then_the_usual_one() {
    let service = FakeService::start().unwrap();
    service.answers(
        Endpoint::Poll,
        [Answer::status(503), Answer::status(599).body("sorry")],
    );
    let mut wire = Wire::new(&service);
    assert_eq!(wire.ask("POST", "/bulk", &[], b"[]").status, 202);
    assert_eq!(wire.ask("GET", POLL, &[], b"").status, 503);
    assert_eq!(service.answers_left(Endpoint::Poll), 1);
    let answer = wire.ask("GET", POLL, &[], b"");
    assert_eq!((answer.status, answer.text()), (599, "sorry"));
    assert_eq!(wire.ask("GET", POLL, &[], b"").status, 200);
}

#[test]
fn a_permanent_answer_lasts_until_the_usual_one_is_restored() {
    let service = FakeService::start().unwrap();
    service
        .always(Endpoint::Poll, Answer::status(401))
        .answer(Endpoint::Poll, Answer::status(500));
    let mut wire = Wire::new(&service);
    let mut poll = || wire.ask("GET", POLL, &[], b"").status;
    assert_eq!([poll(), poll(), poll()], [500, 401, 401]);
    service.as_usual(Endpoint::Poll);
    assert_eq!(poll(), 200);
}

// SRC-F37, SRC-F38
#[test]
fn statuses_come_with_their_headers() {
    let redirect = Answer::redirect(307, "/elsewhere/all")
        .header("X-Thing", b"\xff")
        .without_header("date");
    let service = service(Endpoint::Stream, redirect);
    service.answer(Endpoint::Stream, Answer::status(204));
    let mut wire = Wire::new(&service);
    wire.send("GET", "/all", &[], b"");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(wire.exactly(1));
    }
    let wanted =
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere/all\r\nx-thing: \xff\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(head, wanted);
    let answer = wire.ask("GET", "/all", &[], b"");
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (204, None)
    );
}

// SRC-F34
#[test]
fn the_usual_answer_can_have_other_headers() {
    let service = service(
        Endpoint::Stream,
        Answer::usual()
            .content_type("text/html")
            .environment_id("env-2"),
    );
    let mut wire = Wire::get(&service, "/all");
    let head = wire.head();
    assert!(
        head.contains("content-type: text/html\r\n") && !head.contains("event-stream"),
        "{head}"
    );
    assert!(head.contains("x-ld-envid: env-2\r\n"), "{head}");
    assert_eq!(parse(&wire.event()).0, "put");
}

// SRC-F32
#[test]
fn a_request_without_an_answer_lasts_until_the_client_gives_up() {
    let service = service(Endpoint::Poll, Answer::nothing());
    let mut wire = Wire::get(&service, POLL);
    let request = service.next_request(Endpoint::Poll).wait().unwrap();
    assert!(wire.is_silent());
    wire.close();
    assert_eq!(
        service.wait_for_closed(&request).wait().unwrap(),
        ClosedBy::Client
    );
    assert_eq!(request.status(), None);
}

#[test]
fn a_connection_can_end_without_an_answer() {
    let service = FakeService::start().unwrap();
    service.answers(
        Endpoint::Poll,
        [
            Answer::hang_up(),
            Answer::reset(),
            Answer::garbage(b"\0garbage"),
        ],
    );
    assert_eq!(Wire::get(&service, POLL).rest(), (String::new(), None));
    assert_eq!(
        Wire::get(&service, POLL).rest(),
        (String::new(), Some(ErrorKind::ConnectionReset))
    );
    assert_eq!(
        Wire::get(&service, POLL).rest(),
        ("\0garbage".to_owned(), None)
    );
    // SRC-F45, SRC-F46
    service.reset_connections(1);
    let mut wire = Wire::new(&service);
    assert_eq!(wire.rest().1, Some(ErrorKind::ConnectionReset));
    assert_eq!(Wire::new(&service).ask("GET", POLL, &[], b"").status, 200);
}

// SRC-F1
#[test]
fn a_stream_can_end_in_the_middle_of_an_event() {
    let service = service(Endpoint::Stream, Answer::usual().cut_at(Point::mid_event()));
    let mut wire = Wire::get(&service, "/all");
    wire.head();
    let half = wire.chunk();
    assert!(
        half.starts_with("event: put\n") && !half.ends_with('\n'),
        "{half}"
    );
    assert_eq!(wire.rest(), (String::new(), None));
}

#[test]
fn a_stream_can_end_after_some_events() {
    let service = service(Endpoint::Stream, Answer::usual().cut_at(Point::events(2)));
    let mut wire = Wire::get(&service, "/all");
    wire.head();
    assert_eq!(parse(&wire.event()).0, "put");
    service.send_heartbeat();
    wire.chunk();
    assert_eq!(wire.rest(), (String::new(), None));
}

// SRC-F2
#[test]
fn a_stream_can_be_reset() {
    let service = service(Endpoint::Stream, Answer::usual().reset_at(Point::bytes(9)));
    let mut wire = Wire::get(&service, "/all");
    assert_eq!(wire.rest().1, Some(ErrorKind::ConnectionReset));
}

// SRC-2.10: a stream that opens and then stays silent.
#[test]
fn a_stream_can_fall_silent_at_any_point() {
    let service = FakeService::start().unwrap();
    for (point, sent) in [(Point::headers(), 0), (Point::bytes(7), 7)] {
        service.answer(Endpoint::Stream, Answer::usual().silent_at(point));
        let mut wire = Wire::get(&service, "/all");
        wire.head();
        if sent > 0 {
            assert_eq!(wire.chunk(), "event: put\n"[..sent]);
        }
        service.set("a", 1);
        // The other streams prove that the message was sent and this stream stayed silent.
        let mut other = Wire::get(&service, "/all");
        other.head();
        other.event();
        service.send_event("marker", "{}");
        other.event();
        assert!(wire.is_silent());
        assert_eq!(service.open_streams(), 2);
        wire.close();
        other.close();
        service.wait_for_streams(0).wait().unwrap();
    }
}

#[test]
fn an_answer_can_be_silent_instead_of_ending() {
    let service = service(
        Endpoint::Poll,
        Answer::json("{}").chunked().silent_at(Point::events(1)),
    );
    let mut wire = Wire::get(&service, POLL);
    wire.head();
    assert_eq!(wire.chunk(), "{}");
    assert!(wire.is_silent());
}

// SRC-F1, for polls
#[test]
fn a_body_can_be_shorter_than_its_length() {
    let service = FakeService::start().unwrap();
    let cut = Answer::json("0123456789").cut_at(Point::mid_event());
    service.answers(
        Endpoint::Poll,
        [cut, Answer::json("0123456789").content_length(20)],
    );
    for (length, sent) in [
        ("content-length: 10\r\n", "01234"),
        ("content-length: 20\r\n", "0123456789"),
    ] {
        let mut wire = Wire::get(&service, POLL);
        assert!(wire.head().contains(length));
        assert_eq!(wire.rest(), (sent.to_owned(), None));
    }
}

#[test]
fn a_fault_beyond_the_end_never_happens() {
    let service = service(Endpoint::Poll, Answer::json("{}").cut_at(Point::bytes(3)));
    assert_eq!(Wire::new(&service).ask("GET", POLL, &[], b"").text(), "{}");
}

#[test]
fn chunks_can_break() {
    let service = service(
        Endpoint::Poll,
        Answer::json("0123").break_chunking_at(Point::bytes(2)),
    );
    let mut wire = Wire::get(&service, POLL);
    assert!(wire.head().contains("transfer-encoding: chunked\r\n"));
    assert_eq!(wire.rest(), ("2\r\n01\r\nno length\r\n".to_owned(), None));
}

// SRC-F56
#[test]
fn compression_can_be_forced_and_corrupt() {
    let service = FakeService::start().unwrap();
    service.answers(
        Endpoint::Poll,
        [Answer::usual().gzip(), Answer::usual().corrupt_gzip()],
    );
    let mut wire = Wire::new(&service);
    let mut poll = || {
        let answer = wire.ask("GET", POLL, &[], b"");
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        GzDecoder::new(&answer.body[..]).read_to_end(&mut Vec::new())
    };
    assert!(poll().is_ok());
    assert!(poll().is_err());
}

#[test]
fn an_answer_waits_for_its_gate() {
    let gate = Gate::new();
    let service = service(Endpoint::Poll, Answer::usual().after(&gate));
    let mut wire = Wire::get(&service, POLL);
    let request = service.next_request(Endpoint::Poll).wait().unwrap();
    assert!(wire.is_silent());
    assert_eq!(request.status(), None);
    // The content of the answer is decided after the gate opens.
    service.set("late", true);
    gate.open();
    assert!(wire.answer().text().contains("late"));
    assert_eq!(request.status(), Some(200));
}

// SRC-F31
#[test]
fn an_answer_trickles_at_the_pace_of_its_gate() {
    let gate = Gate::new();
    let service = service(Endpoint::Poll, Answer::json("012345").trickle(2, &gate));
    let mut wire = Wire::get(&service, POLL);
    wire.head();
    gate.let_through(1);
    assert_eq!(wire.exactly(2), b"01");
    assert!(wire.is_silent());
    gate.let_through(2);
    assert_eq!(wire.exactly(4), b"2345");
}

// SRC-2.4: malformed events.
#[test]
fn a_stream_can_begin_with_other_events_than_a_put() {
    let service = service(
        Endpoint::Stream,
        Answer::stream().event("put", "{sorry").event("new", "{}"),
    );
    let mut wire = Wire::get(&service, "/all");
    wire.head();
    assert_eq!(wire.event(), "event: put\ndata: {sorry\n\n");
    assert_eq!(wire.event(), "event: new\ndata: {}\n\n");
    service.set("a", 1);
    assert_eq!(parse(&wire.event()).0, "patch");
}
