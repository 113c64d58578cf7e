//! Events that are large or endless.

use std::time::{Duration, Instant};

use vexil_testing::fake_service::{Answer, Endpoint, Point};

use crate::faults::starts_after;
use crate::setup::{SOON, Statuses, builder, ready, service, stream, thread, value};

const MEGABYTE: usize = 1 << 20;

/// A put of ten megabytes in which the flag's value is `new`, with `separator` between its parts.
/// The parts are long: the test is about the arrival of many bytes, and a build without
/// optimizations takes seconds for millions of parts.
fn large(separator: &str) -> String {
    let part = format!(r#""{}",{separator}"#, "x".repeat(100));
    let padding = part.repeat(10 * MEGABYTE / part.len());
    let flag = format!(
        r#"{{"version": 9, "on": true, "variations": ["new",{padding}"x"], "fallthrough": {{"variation": 0}}}}"#
    );
    format!(r#"{{"path": "/", "data": {{"flags": {{"flag": {flag}}}, "segments": {{}}}}}}"#)
}

// SRC-F3
#[test]
fn evaluations_continue_while_ten_megabytes_arrive_in_one_line_or_many() {
    for separator in ["", "\n"] {
        // An evaluation takes about a microsecond, but the thread may have to share its processor.
        // One that waits for the event takes nearly all of the time, in every attempt.
        let is_independent = |_| {
            let (longest, all) = evaluated_during(&large(separator));
            longest < all / 2
        };
        assert!((0..5).any(is_independent), "evaluations wait for the event");
    }
}

/// Evaluates until this put has arrived. Returns the duration of the longest evaluation, and of all.
fn evaluated_during(put: &str) -> (Duration, Duration) {
    let service = service("old");
    let thread = thread();
    let client = ready(
        builder(&service)
            .runtime(thread.handle().clone())
            .data_source(stream()),
    );
    let start = Instant::now();
    service.send_event("put", put);
    let (mut evaluations, mut longest) = (0_u64, Duration::ZERO);
    loop {
        let before = Instant::now();
        let value = value(&client);
        longest = longest.max(before.elapsed());
        evaluations += 1;
        if value == "new" {
            break;
        }
        assert_eq!(value, "old", "the value is the old or the new one");
        assert!(start.elapsed() < SOON, "the event does not arrive");
    }
    assert!(evaluations > 100, "{evaluations}");
    assert_eq!(service.requests().len(), 1);
    (longest, start.elapsed())
}

// SRC-F4
#[test]
fn an_event_over_the_limit_ends_the_connection() {
    let service = service("old");
    let client = ready(builder(&service).data_source(stream().max_event_size(1000)));
    let mut statuses = Statuses::of(&client);
    service.send_event("patch", &"x".repeat(2000));
    assert_eq!(statuses.next(), "Interrupted InvalidData");
    assert_eq!(statuses.next(), "Valid");
}

// SRC-F5
#[test]
fn an_endless_line_ends_the_connection_at_the_limit() {
    let service = service("value");
    // The service would send more, but the test does not wait for it.
    let endless = Answer::stream().body([b"data: ".as_slice(), &vec![b'x'; 4 * MEGABYTE]].concat());
    service.answer(Endpoint::Stream, endless);
    let thread = thread();
    let limited = stream().max_event_size(MEGABYTE);
    let client = ready(
        builder(&service)
            .runtime(thread.handle().clone())
            .data_source(limited),
    );
    assert_eq!(value(&client), "value");
    assert_eq!(service.requests().len(), 2);
}

// SRC-F5
#[test]
fn a_flood_of_comments_is_not_buffered() {
    let service = service("value");
    let put = "event: put\ndata: {\"path\": \"/\", \"data\": {\"flags\": {}}}\n\n";
    let one_line = format!(": {}\n", "x".repeat(4 * MEGABYTE));
    let flood = Answer::stream()
        .body(one_line)
        .body(": x\n".repeat(MEGABYTE))
        .body(put);
    service.answer(Endpoint::Stream, flood);
    let thread = thread();
    ready(
        builder(&service)
            .runtime(thread.handle().clone())
            .data_source(stream().max_event_size(1000)),
    );
    assert_eq!(service.requests().len(), 1);
}

// SRC-F1
#[test]
fn a_truncated_large_put_is_not_applied() {
    let put = large("");
    starts_after(
        Answer::stream()
            .event("put", &put)
            .cut_at(Point::bytes(put.len() - 1)),
        "NetworkError",
    );
}
