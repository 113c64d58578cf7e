//! Tests of a whole processor against a failing service, with a paused clock.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value as Json, json};
use tokio::time::sleep;
use tracing::Level;
use vexil_eval::model::Flag;
use vexil_eval::{Context, Value, Verdict};

use super::super::delivery::Delivery;
use super::*;
use crate::events::{DiagnosticConfiguration, EventStats, Format, Redaction};
use crate::events::{EvaluationEvent, Event, EventProcessor};
use crate::http::transport::{Body, HttpTransport, RequestOptions, TransportError};
use crate::runtime::Runtime;

const FLUSH: Duration = Duration::from_secs(5);
const CAPACITY: usize = 100;

/// How the service responds to requests.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Answers(StatusCode),
    Hangs,
}

/// A service that records the payloads it receives.
#[derive(Debug)]
struct Service {
    mood: Mutex<Mood>,
    /// By payload id: a retry counts as the same payload.
    payloads: Mutex<HashMap<String, Json>>,
    in_flight: AtomicUsize,
    /// Maximum number of concurrent requests.
    most_in_flight: AtomicUsize,
}

impl Service {
    fn new(mood: Mood) -> Arc<Self> {
        let (payloads, in_flight, most_in_flight) = Default::default();
        Arc::new(Self {
            mood: Mutex::new(mood),
            payloads,
            in_flight,
            most_in_flight,
        })
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn events(&self) -> Vec<Json> {
        self.payloads
            .lock()
            .unwrap()
            .values()
            .flat_map(|payload| payload.as_array().unwrap().clone())
            .collect()
    }

    /// Returns the number of evaluations in the summaries of all payloads.
    fn counted(&self) -> u64 {
        let summaries = self
            .events()
            .into_iter()
            .filter(|event| event["kind"] == "summary");
        summaries
            .map(|summary| {
                summary["features"]["f"]["counters"][0]["count"]
                    .as_u64()
                    .unwrap()
            })
            .sum()
    }
}

/// A request under way. Dropped when the request ends or is cancelled.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl HttpTransport for Service {
    async fn send(
        &self,
        request: Request<Bytes>,
        _: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        let id = request.headers()["x-launchdarkly-payload-id"]
            .to_str()
            .unwrap()
            .to_owned();
        self.payloads
            .lock()
            .unwrap()
            .insert(id, serde_json::from_slice(request.body()).unwrap());
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(in_flight, Ordering::Relaxed);
        let _in_flight = InFlight(&self.in_flight);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Hangs => pending().await,
            Mood::Answers(status) => {
                let mut response = Response::new(Body::full(""));
                *response.status_mut() = status;
                Ok(response)
            }
        }
    }
}

struct Fixture {
    service: Arc<Service>,
    records: Arc<Records>,
    processor: DefaultEventProcessor,
    flag: Flag,
}

impl Fixture {
    fn new(mood: Mood) -> Self {
        let service = Service::new(mood);
        let records = Arc::new(Records::new(CAPACITY, 1_000, false));
        let transport = Arc::clone(&service);
        let delivery = Delivery::new(
            transport,
            HeaderMap::new(),
            "http://h",
            Duration::from_secs(15),
            false,
        );
        let intervals = Intervals {
            flush: FLUSH,
            forget_contexts: Duration::from_secs(300),
            diagnostics: None,
        };
        let diagnostics = Diagnostics::new("sdk-key", DiagnosticConfiguration::default());
        let writer = EventWriter::new(Redaction::new(), Format::Array, None);
        let runtime = Runtime::of(tokio::runtime::Handle::current());
        let processor = Worker::start(
            runtime,
            Arc::clone(&records),
            writer,
            delivery,
            diagnostics,
            intervals,
            &Meter::default(),
        );
        let flag = json!({"key": "f", "version": 1, "variations": [true], "trackEvents": true});
        Self {
            service,
            records,
            processor,
            flag: serde_json::from_value(flag).unwrap(),
        }
    }

    /// Evaluates, `times` times, a flag that is reported in full, always for the same context.
    fn evaluate(&self, times: usize) {
        let (ada, value) = (Context::new("ada").unwrap(), Value::from(true));
        for _ in 0..times {
            self.processor.record(&Event::Evaluation(EvaluationEvent {
                key: "f",
                context: &ada,
                flag: Some((&self.flag, &Verdict::Off)),
                variation: Some((0, &value)),
                error: None,
                big_segments_status: None,
                with_reason: false,
                prerequisite_of: None,
                default: None,
            }));
        }
    }

    fn stats(&self) -> EventStats {
        self.processor.stats()
    }
}

// EVT-3.6
#[tokio::test(start_paused = true)]
async fn delivered_dropped_and_retried_events_are_counted() {
    let fixture = Fixture::new(Mood::Answers(StatusCode::ACCEPTED));
    fixture.evaluate(CAPACITY + 6);
    fixture.processor.flush_and_wait().await;
    let stats = fixture.stats();
    // Delivered: one evaluation less than the capacity, the index event and the summary.
    assert_eq!((stats.delivered_events, stats.dropped_events), (101, 7));
    assert_eq!(
        (stats.attempts, stats.retries, stats.dropped_payloads),
        (1, 0, 0)
    );

    fixture
        .service
        .becomes(Mood::Answers(StatusCode::SERVICE_UNAVAILABLE));
    fixture.evaluate(1);
    fixture.processor.flush_and_wait().await;
    let later = fixture.stats();
    assert_eq!((later.delivered_events, later.dropped_events), (101, 7));
    assert_eq!(
        (later.attempts, later.retries, later.dropped_payloads),
        (3, 1, 1)
    );
}

// EVT-3.6, row 4
#[tokio::test(start_paused = true)]
async fn events_are_counted_as_dropped_once_the_service_rejects_them() {
    let fixture = Fixture::new(Mood::Answers(StatusCode::UNAUTHORIZED));
    fixture.evaluate(3);
    fixture.processor.flush_and_wait().await;
    let stats = fixture.stats();
    assert_eq!((stats.dropped_payloads, stats.dropped_events), (1, 0));
    fixture.evaluate(5);
    fixture.processor.flush_and_wait().await;
    let stats = fixture.stats();
    assert_eq!((stats.dropped_payloads, stats.dropped_events), (1, 5));
    assert_eq!(stats.attempts, 1, "no further request");

    // Events that were recorded while the rejected payload was on its way.
    let fixture = Fixture::new(Mood::Answers(StatusCode::UNAUTHORIZED));
    fixture.evaluate(2);
    fixture.records.lose();
    // The evaluations, the index event and the summary.
    assert_eq!(fixture.stats().dropped_events, 4);
    assert_eq!(fixture.processor.pending(), 0);
}

// EVT-3.6
#[tokio::test(start_paused = true)]
async fn an_hour_of_errors_drops_each_payload_once_and_accumulates_nothing() {
    const INTERVALS: u64 = 3600 / 5;
    let log = Log::default();
    let _listening = log.listen();
    let fixture = Fixture::new(Mood::Answers(StatusCode::INTERNAL_SERVER_ERROR));
    for _ in 0..INTERVALS {
        fixture.evaluate(10);
        sleep(FLUSH).await;
    }
    fixture.processor.flush_and_wait().await;
    let lost = fixture.stats();
    assert!(
        (INTERVALS - 1..=INTERVALS).contains(&lost.dropped_payloads),
        "{lost:?}"
    );
    assert_eq!(
        (lost.attempts, lost.retries),
        (lost.dropped_payloads * 2, lost.dropped_payloads)
    );
    assert_eq!(lost.dropped_events, 0, "the buffer was emptied each time");
    assert_eq!(
        log.count("cannot deliver events, payload dropped"),
        lost.dropped_payloads
    );
    assert!(fixture.records.take().0.is_empty());
    assert_eq!(
        fixture.service.counted(),
        INTERVALS * 10,
        "each evaluation was in one payload"
    );

    fixture.service.becomes(Mood::Answers(StatusCode::ACCEPTED));
    fixture.evaluate(3);
    fixture.processor.flush_and_wait().await;
    assert_eq!(fixture.service.counted(), INTERVALS * 10 + 3);
    assert_eq!(fixture.stats().dropped_payloads, lost.dropped_payloads);
}

// EVT-3.2 and EVT-3.6
#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_occupies_all_delivery_slots_and_bounded_memory() {
    const SECONDS: usize = 1_800;
    let log = Log::default();
    let _listening = log.listen();
    let fixture = Fixture::new(Mood::Hangs);
    for _ in 0..SECONDS {
        fixture.evaluate(50);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        fixture.service.most_in_flight.load(Ordering::Relaxed),
        delivery_slots()
    );
    let (held, ..) = fixture.records.take();
    assert!(held.events.len() <= CAPACITY, "{}", held.events.len());
    let held: u64 = held
        .summary
        .flags
        .values()
        .flat_map(|flag| &flag.counters)
        .map(|counter| counter.count)
        .sum();

    fixture.service.becomes(Mood::Answers(StatusCode::ACCEPTED));
    fixture.processor.flush_and_wait().await;
    let evaluations = u64::try_from(SECONDS * 50).unwrap();
    assert_eq!(
        fixture.service.counted() + held,
        evaluations,
        "no count was lost"
    );
    let full = fixture
        .service
        .events()
        .iter()
        .filter(|event| event["kind"] == "feature")
        .count();
    let dropped = usize::try_from(fixture.stats().dropped_events).unwrap();
    // Index events recur, and the events taken above were in the buffer.
    assert!(
        (SECONDS * 50 - CAPACITY..=SECONDS * 50 + SECONDS).contains(&(full + dropped)),
        "{full} and {dropped}"
    );
    // One log line each time the buffer is full, not one per event.
    let words = log.count("event buffer full");
    assert!(
        (1..=u64::try_from(SECONDS / 5).unwrap()).contains(&words),
        "{words}"
    );
}

// EVT-3.2
#[tokio::test(start_paused = true)]
async fn a_full_buffer_is_logged_once_until_it_has_room_again() {
    let log = Log::default();
    let _listening = log.listen();
    let fixture = Fixture::new(Mood::Answers(StatusCode::ACCEPTED));
    for round in 1..=2 {
        fixture.evaluate(1_000);
        assert_eq!(log.count("event buffer full"), round);
        fixture.processor.flush_and_wait().await;
    }
    // One slot was taken by the index event.
    assert_eq!(fixture.stats().dropped_events, 2 * 1_000 - (100 - 1) - 100);
    assert_eq!(fixture.service.counted(), 2_000);
}

// EVT-3.3
#[tokio::test(start_paused = true)]
async fn a_context_with_a_large_attribute_is_delivered_in_full() {
    let fixture = Fixture::new(Mood::Answers(StatusCode::ACCEPTED));
    let photo = "x".repeat(1 << 20);
    let large = Context::builder("ada")
        .set("photo", photo.as_str())
        .build()
        .unwrap();
    fixture.processor.record(&Event::Identify(&large));
    fixture.processor.flush_and_wait().await;
    let [event] = &fixture.service.events()[..] else {
        panic!("one event")
    };
    assert_eq!(event["context"]["photo"], photo);
}

// EVT-3.1: a suspended machine whose monotonic clock continues
#[tokio::test(start_paused = true)]
async fn a_jump_of_time_costs_one_delivery() {
    let fixture = Fixture::new(Mood::Answers(StatusCode::ACCEPTED));
    // The worker starts.
    sleep(FLUSH / 5).await;
    fixture.evaluate(3);
    tokio::time::advance(Duration::from_secs(8 * 3600)).await;
    sleep(FLUSH / 2).await;
    assert_eq!(
        fixture.stats().attempts,
        1,
        "missed flushes are not made up for"
    );
    assert_eq!(fixture.service.counted(), 3);
    fixture.evaluate(1);
    sleep(FLUSH).await;
    assert_eq!(fixture.service.counted(), 4);
}

// EVT-3.4
#[tokio::test(start_paused = true)]
async fn debugging_ends_by_the_later_clock_and_resumes_if_it_is_set_back() {
    let mut fixture = Fixture::new(Mood::Answers(StatusCode::ACCEPTED));
    let until = super::super::payload::now() + 3_600_000;
    let flag =
        json!({"key": "f", "version": 1, "variations": [true], "debugEventsUntilDate": until});
    fixture.flag = serde_json::from_value(flag).unwrap();
    let debugged = |server_time| {
        fixture.records.set_server_time(server_time);
        fixture.evaluate(1);
        let (payload, ..) = fixture.records.take();
        payload
            .events
            .iter()
            .any(|event| matches!(event, super::super::payload::FullEvent::Debug(_)))
    };
    assert_eq!(
        [0, until + 1, u64::MAX, until - 1].map(debugged),
        [true, false, false, true]
    );
}

#[cfg(feature = "metrics")]
mod metered;

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let to = self.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::WARN);
        tracing::subscriber::set_default(log.with_writer(move || to.clone()).finish())
    }

    /// Returns the number of lines that contain `message`.
    fn count(&self, message: &str) -> u64 {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        u64::try_from(text.lines().filter(|line| line.contains(message)).count()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
