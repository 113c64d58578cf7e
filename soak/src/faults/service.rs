//! Faults of the service. All are of the kind after which a client tries again.

use std::time::Duration;

use fastrand::Rng;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Point};

use crate::relay::{Failure, Relay};
use crate::stop::Stop;

const STREAMS: [(Endpoint, &str); 2] = [
    (Endpoint::Stream, "/all"),
    (Endpoint::PayloadStream, "/sdk/stream"),
];
const POLLS: [(Endpoint, &str); 2] = [
    (Endpoint::Poll, "/sdk/latest-all"),
    (Endpoint::PayloadPoll, "/sdk/poll"),
];
const STATUSES: [u16; 5] = [500, 503, 429, 400, 408];

pub(super) fn inject(relay: &Relay, random: &mut Rng, stop: &Stop) -> Result<String, Failure> {
    let service = &relay.service;
    let kind = match random.u8(..12) {
        0 => {
            service.close_streams();
            "streams closed"
        }
        1 => {
            service.cut_streams();
            "streams cut"
        }
        2 => {
            service.reset_streams();
            "streams reset"
        }
        3 => {
            service.send_raw(*b"event: put\ndata: {\"path\": \n\n");
            "malformed event"
        }
        4 => {
            service.send_event("goodbye", r#"{"reason": "maintenance"}"#);
            "goodbye"
        }
        5 => {
            service.forget_selectors();
            service.cut_streams();
            "unknown selectors"
        }
        6 => {
            relay.replace()?;
            "all data again"
        }
        _ => answer(service, random),
    };
    stop.wait(Duration::from_millis(random.u64(200..3_000)));
    for (endpoint, _) in STREAMS.iter().chain(&POLLS) {
        service.as_usual(*endpoint);
    }
    Ok(format!("service: {kind}"))
}

/// Answers the next requests wrongly, after closing the streams so that there are some.
fn answer(service: &FakeService, random: &mut Rng) -> &'static str {
    let number = random.u8(..6);
    for (endpoint, path) in STREAMS.iter().chain(&POLLS) {
        let answers = (0..random.usize(1..4)).map(|_| {
            let status = random.choice(STATUSES).unwrap_or(503);
            match number {
                0 => Answer::status(status),
                1 => Answer::garbage("\u{1}\u{2} no HTTP"),
                2 => Answer::usual().cut_at(Point::mid_event()),
                3 => Answer::usual().trickle(256, Duration::from_millis(2)),
                4 => Answer::redirect(307, format!("/redirected{path}")),
                _ => Answer::usual().reset_at(Point::mid_event()),
            }
        });
        let answers: Vec<_> = answers.collect();
        service.answers(*endpoint, answers);
    }
    service.cut_streams();
    match number {
        0 => "error status",
        1 => "no HTTP",
        2 => "cut in an event",
        3 => "slow answer",
        4 => "redirect",
        _ => "reset in an event",
    }
}

pub(super) fn inject_into_events(service: &FakeService, random: &mut Rng, stop: &Stop) -> String {
    let (kind, answer) = match random.u8(..6) {
        0 => ("413", Answer::status(413)),
        1 => ("hangs up", Answer::hang_up()),
        2 => ("no HTTP", Answer::garbage("\u{1}\u{2} no HTTP")),
        3 => ("late", Answer::usual().after(Duration::from_millis(1_500))),
        4 => (
            "late beyond the timeout",
            Answer::usual().after(Duration::from_secs(3)),
        ),
        _ => (
            "error status",
            Answer::status(random.choice(STATUSES).unwrap_or(503)),
        ),
    };
    service.always(Endpoint::Events, answer);
    stop.wait(Duration::from_millis(random.u64(200..4_000)));
    service.as_usual(Endpoint::Events);
    format!("events: {kind}")
}
