//! Malformed requests, hostile bodies, and clients that do not read.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::serving::{ADA, Program, Serving};
use crate::support::{TIMEOUT, until};

/// How long the server waits for a client that does not read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> &'t T {
        list[self.next(list.len())]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length)
            .map(|_| u8::try_from(self.next(256)).unwrap())
            .collect()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One request that no SDK sends, as bytes.
fn malformed(numbers: &mut Numbers, bomb: &[u8]) -> Vec<u8> {
    let path = numbers.pick(&[
        "/all",
        "/sdk/latest-all",
        "/sdk/poll?basis=%",
        "/bulk",
        "/mobile",
        "/msdk/evalx/context",
        "/sdk/evalx/x/contexts/",
        "/meval/%00",
        "/eval/x/!!",
        "/vexil/api/state",
        "/",
        "*",
        "/vexil/api/env/default/overrides/flags/theme",
        "/vexil/api/env/default/overrides",
        "/events/bulk/x",
        "/a/x.gif?d=***",
        "//",
        "/../../etc/passwd",
        "/sdk/flags/%2e%2e",
        "",
        "http://evil.example/all",
        "/sdk/stream/eval",
        "/%ff%fe?%ff=%fe",
    ]);
    let method = numbers.pick(&[
        "GET", "POST", "REPORT", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW", "TRACE", "CONNECT",
        "", "G T",
    ]);
    let host = numbers.pick(&[
        "Host: localhost\r\n",
        "Host: localhost\r\n",
        "Host: localhost\r\nHost: evil\r\n",
        "Host:\r\n",
        "",
    ]);
    let json = "Content-Type: application/json\r\nX-Vexil: 1\r\n";
    let head =
        |extra: &str| format!("{method} {path} HTTP/1.1\r\n{host}{json}{extra}\r\n").into_bytes();
    let with = |mut head: Vec<u8>, body: &[u8]| {
        head.extend_from_slice(body);
        head
    };
    let sized = |body: &[u8]| with(head(&format!("Content-Length: {}\r\n", body.len())), body);
    match numbers.next(24) {
        0 => numbers.bytes(200),
        1 => with(numbers.bytes(40), b"\r\n\r\n"),
        2 => format!("{method} {path}\r\n\r\n").into_bytes(),
        3 => format!("{method} {path} HTTP/9.9\r\n{host}\r\n").into_bytes(),
        4 => head("X: \u{0}\r\n"),
        5 => head(": nameless\r\n"),
        6 => head("No colon\r\n"),
        7 => head(&format!(
            "X-Long: {}\r\n",
            "x".repeat(70_000 + numbers.next(100_000))
        )),
        8 => head(&"X: y\r\n".repeat(60 + numbers.next(400))),
        9 => head("Content-Length: -1\r\n"),
        10 => head("Content-Length: 99999999999999999999999\r\n"),
        11 => with(head("Content-Length: 3\r\nContent-Length: 4\r\n"), b"abcd"),
        12 => with(
            head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
            b"zz\r\n",
        ),
        13 => with(
            head("Transfer-Encoding: chunked\r\n"),
            b"ffffffffffffffffff\r\nx",
        ),
        14 => with(head("Transfer-Encoding: chunked\r\n"), b"5\r\nabc"),
        15 => with(head("Transfer-Encoding: gzip, identity\r\n"), b"abc"),
        16 => {
            let body = numbers.bytes(300);
            sized(&body)
        }
        17 => sized(format!("{}{}", "[".repeat(5_000), "{\"a\":".repeat(200)).as_bytes()),
        18 => sized(b"{\"key\":\"\xff\xfe\"}"),
        19 => {
            let length = bomb.len();
            let head = format!(
                "POST /bulk HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
            );
            // Often cut off.
            let sent = if numbers.next(8) == 0 {
                length
            } else {
                numbers.next(length)
            };
            with(head.into_bytes(), &bomb[..sent])
        }
        20 => format!(
            "GET /{} HTTP/1.1\r\n{host}\r\n",
            "x".repeat(60_000 + numbers.next(40_000))
        )
        .into_bytes(),
        21 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        // The beginning of TLS.
        22 => [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
            &numbers.bytes(500),
        ]
        .concat(),
        // Several at once.
        _ => head("").repeat(1 + numbers.next(50)),
    }
}

#[test]
fn a_thousand_malformed_requests_disturb_nobody() {
    let program = Program::start(&["-v"]);
    let server = program.serving();
    let mut all = server.stream("/all");
    all.expect("put");
    let mut values = server.stream(&format!("/eval/any/{ADA}"));
    values.expect("put");
    let bomb = gzip(&vec![b'['; 65 << 20]);
    let mut numbers = Numbers(17);
    for number in 0..1_000 {
        let bytes = malformed(&mut numbers, &bomb);
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        // The server may close the connection before it has read all of it.
        let sent = if numbers.next(3) == 0 {
            numbers.next(bytes.len() + 1)
        } else {
            bytes.len()
        };
        let is_written = stream.write_all(&bytes[..sent]).is_ok();
        if numbers.next(2) == 0 || !is_written {
            continue;
        }
        let _ = stream.shutdown(Shutdown::Write);
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        // As much as there is of the answer, which may be a stream.
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(
            length == 0 || answer.starts_with("HTTP/1.1 "),
            "{number}: {answer}"
        );
        assert!(!answer.starts_with("HTTP/1.1 500"), "{number}: {answer}");
        if number % 100 == 0 {
            assert_eq!(server.get("/healthz").status, 200);
        }
    }
    // None of them was an override that can be applied.
    let before = server.state();
    assert_eq!(
        (&before["flags"], &before["overrides"]),
        (&json!(3), &json!(0))
    );
    server.set("theme", json!({"value": "blue"}));
    assert_eq!(all.expect("patch")["path"], "/flags/theme");
    assert_eq!(values.expect("patch")["value"], "blue");
    until("the streams of the others have ended", || {
        server.state()["streams"] == 2
    });
    let log = program.log();
    assert!(log.lines().count() < 20, "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn events_are_limited_as_sent_and_unpacked() {
    let server = Serving::flags();
    let post = |body: Vec<u8>, encoding: &str| {
        let request = server.request("POST", "/bulk").body(body);
        request.header("content-encoding", encoding).send().status
    };
    let events = br#"[{"kind":"identify"}]"#;
    assert_eq!(post(gzip(events), "gzip"), 202);
    assert_eq!(post(events.to_vec(), "identity"), 202);
    assert_eq!(post(events.to_vec(), "gzip"), 400);
    assert_eq!(post(events.to_vec(), "br"), 415);
    let mut cut = gzip(events);
    cut.truncate(20);
    assert_eq!(post(cut, "gzip"), 400);
    let padded = |length: usize| {
        let mut body = events.to_vec();
        body.resize(length, b' ');
        body
    };
    assert_eq!(post(gzip(&padded(64 << 20)), "gzip"), 202);
    assert_eq!(post(gzip(&padded((64 << 20) + 1)), "gzip"), 413);
    assert_eq!(post(padded(10 << 20), "identity"), 202);
    assert_eq!(post(padded((10 << 20) + 1), "identity"), 413);
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    assert_eq!(post(deep.into_bytes(), "identity"), 400);
}

/// The stream waits for its client and then sends the newest state, instead of all that were between.
#[test]
fn a_client_that_does_not_read_receives_the_newest_value_later() {
    let server = Serving::flags();
    let begun = Instant::now();
    let mut idle = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    idle.write_all(b"GET /all HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut reader = server.stream("/all");
    reader.expect("put");
    // More than the buffers of the connection hold: 32 MB.
    for number in 0..40 {
        server.set(
            "theme",
            json!({"value": format!("{number} {}", "x".repeat(800_000))}),
        );
        assert_eq!(reader.expect("patch")["path"], "/flags/theme");
    }
    server.set("theme", json!({"value": "last"}));
    reader.expect("patch");
    idle.set_read_timeout(Some(TIMEOUT)).unwrap();
    let last = b"\"last\"";
    let (mut received, mut total) = (Vec::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    while !received.windows(last.len()).any(|window| window == last) {
        let length = idle.read(&mut buffer).unwrap_or_default();
        if length == 0 {
            // On a slow machine, the server has closed the connection.
            assert!(begun.elapsed() > WRITE_TIMEOUT, "{:?}", begun.elapsed());
            return;
        }
        total += length;
        let kept = received.len().saturating_sub(last.len());
        received.drain(..kept);
        received.extend_from_slice(&buffer[..length]);
    }
    // What the system buffers.
    assert!(total < 20_000_000, "{total} bytes");
}

#[test]
fn more_streams_than_allowed_are_refused_and_others_are_served() {
    let server = Serving::flags();
    let open = || {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
            .write_all(b"GET /mping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (status, stream)
    };
    let mut streams = Vec::new();
    for number in 0..768 {
        let (status, stream) = open();
        assert_eq!(&status, b"HTTP/1.1 200", "stream {number}");
        streams.push(stream);
    }
    assert_eq!(&open().0, b"HTTP/1.1 503");
    let refused = server.get("/all");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(server.get("/sdk/latest-all").status, 200);
    // Beyond the number of connections, others wait until one ends.
    let mut idle: Vec<_> = (0..300)
        .map(|_| TcpStream::connect(("127.0.0.1", server.port)).unwrap())
        .collect();
    let mut waiting = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    waiting
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    waiting
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut status = [0; 12];
    assert!(
        waiting.read_exact(&mut status).is_err(),
        "there are connections left"
    );
    idle.clear();
    waiting.set_read_timeout(Some(TIMEOUT)).unwrap();
    waiting.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    streams.clear();
    until("streams are free", || open().0 == *b"HTTP/1.1 200");
}

#[test]
fn a_head_that_does_not_arrive_is_given_up() {
    let server = Serving::flags();
    let mut slow = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    slow.set_read_timeout(Some(TIMEOUT)).unwrap();
    slow.write_all(b"GET /all HTTP/1.1\r\nHost: local").unwrap();
    let mut rest = Vec::new();
    // The time is ten seconds; a reset is an end too.
    let _ = slow.read_to_end(&mut rest);
    let text = String::from_utf8_lossy(&rest);
    assert!(
        rest.is_empty() || text.starts_with("HTTP/1.1 408"),
        "{text}"
    );
    assert_eq!(server.api("GET", "/state", &Value::Null).status, 200);
}
