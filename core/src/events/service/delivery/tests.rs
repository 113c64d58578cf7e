//! Tests of the delivery with a scripted transport and a paused clock.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use flate2::read::GzDecoder;
use http::Response;
use http::header::{AUTHORIZATION, USER_AGENT};
use tokio::time::Instant;
use tracing::Level;

use super::*;
use crate::http::transport::{Chunks, TransportErrorKind};

const BASE: &str = "https://ada:secret@h:8111/endpoints/7/";
const BODY: &[u8] = br#"[{"kind": "identify"}]"#;
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// The outcome of a request.
#[derive(Clone, Debug)]
enum Answer {
    Status(u16),
    /// A response of 202 with this `Date`.
    Date(&'static str),
    /// A response of 202 with a body that never arrives.
    Endless,
    Error(TransportErrorKind),
    /// No response; the transport returns a timeout error.
    Silence,
    /// No response; the transport ignores its timeout.
    Forever,
}

/// Scripted answers, and the requests received.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<(Instant, Request<Bytes>)>>,
    /// Number of bodies read to the end.
    read: Arc<AtomicUsize>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            ..Self::default()
        })
    }

    fn requests(&self) -> Vec<Request<Bytes>> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|(_, request)| request.clone())
            .collect()
    }

    /// The delay of each later request after the first.
    fn delays(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .skip(1)
            .map(|(at, _)| *at - asked[0].0)
            .collect()
    }
}

#[async_trait]
impl HttpTransport for Script {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        assert_eq!(options.read_timeout, READ_TIMEOUT);
        self.asked.lock().unwrap().push((Instant::now(), request));
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("unexpected request");
        let mut response = Response::new(Body::new(Pieces {
            left: 2,
            read: Arc::clone(&self.read),
        }));
        *response.status_mut() = StatusCode::ACCEPTED;
        let error = |kind| Err(TransportError::new(kind, "scripted error"));
        match answer {
            Answer::Status(status) => *response.status_mut() = status.try_into().unwrap(),
            Answer::Date(date) => drop(
                response
                    .headers_mut()
                    .insert(DATE, HeaderValue::from_static(date)),
            ),
            Answer::Endless => *response.body_mut() = Body::new(Never),
            Answer::Error(kind) => return error(kind),
            Answer::Silence => {
                sleep(options.read_timeout).await;
                return error(TransportErrorKind::Timeout);
            }
            Answer::Forever => pending().await,
        }
        Ok(response)
    }
}

/// A response body of several chunks.
struct Pieces {
    left: usize,
    read: Arc<AtomicUsize>,
}

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        let Some(left) = self.left.checked_sub(1) else {
            self.read.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        self.left = left;
        Ok(Some(Bytes::from_static(b"thanks")))
    }
}

struct Never;

#[async_trait]
impl Chunks for Never {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        pending().await
    }
}

fn delivery(script: &Arc<Script>, gzip: bool) -> Delivery {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("sdk-key"));
    headers.insert(USER_AGENT, HeaderValue::from_static("VexilRust/1.2.3"));
    let transport = Arc::clone(script);
    Delivery::new(transport, headers, BASE, READ_TIMEOUT, gzip)
}

/// Sends one payload and returns its outcome.
async fn sent(script: &Arc<Script>) -> Delivered {
    delivery(script, false).send_events(1, BODY.to_vec()).await
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

const OK: Delivered = Delivered::Ok { server_time: None };

// EVT-1.1 and EVT-1.2
#[tokio::test(start_paused = true)]
async fn events_are_posted_below_the_base_with_their_headers() {
    let script = Script::new([Answer::Status(202)]);
    assert_eq!(sent(&script).await, OK);
    let [request] = &script.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://ada:secret@h:8111/endpoints/7/bulk");
    assert_eq!(header(request, "authorization"), Some("sdk-key"));
    assert_eq!(header(request, "user-agent"), Some("VexilRust/1.2.3"));
    assert_eq!(header(request, "content-type"), Some("application/json"));
    assert_eq!(header(request, "x-launchdarkly-event-schema"), Some("4"));
    let id = header(request, "x-launchdarkly-payload-id").unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
    assert_eq!(header(request, "content-encoding"), None);
    assert_eq!(request.body(), BODY);
}

// EVT-1.2
#[tokio::test(start_paused = true)]
async fn each_payload_has_its_own_id() {
    let script = Script::new([Answer::Status(202), Answer::Status(202)]);
    let delivery = delivery(&script, false);
    assert_eq!(delivery.send_events(1, BODY.to_vec()).await, OK);
    assert_eq!(delivery.send_events(1, BODY.to_vec()).await, OK);
    let requests = script.requests();
    let ids: Vec<_> = requests
        .iter()
        .map(|request| header(request, "x-launchdarkly-payload-id").unwrap())
        .collect();
    assert_ne!(ids[0], ids[1]);
}

// EVT-4 and EVT-1.2
#[tokio::test(start_paused = true)]
async fn diagnostics_are_posted_without_schema_and_id() {
    let script = Script::new([Answer::Status(202)]);
    delivery(&script, false)
        .send_diagnostic(b"{}".to_vec())
        .await;
    let [request] = &script.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.method(), Method::POST);
    assert_eq!(
        request.uri(),
        "https://ada:secret@h:8111/endpoints/7/diagnostic"
    );
    assert_eq!(header(request, "authorization"), Some("sdk-key"));
    assert_eq!(header(request, "content-type"), Some("application/json"));
    assert_eq!(header(request, "x-launchdarkly-event-schema"), None);
    assert_eq!(header(request, "x-launchdarkly-payload-id"), None);
    assert_eq!(request.body(), &b"{}"[..]);
}

// EVT-1.2
#[tokio::test(start_paused = true)]
async fn bodies_are_compressed_if_configured() {
    let script = Script::new([
        Answer::Status(503),
        Answer::Status(202),
        Answer::Status(202),
    ]);
    let delivery = delivery(&script, true);
    let body = BODY.repeat(1000);
    assert_eq!(delivery.send_events(1, body.clone()).await, OK);
    delivery.send_diagnostic(body.clone()).await;
    let requests = script.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(header(request, "content-encoding"), Some("gzip"));
        assert!(request.body().len() < body.len() / 10);
        let mut plain = Vec::new();
        GzDecoder::new(&request.body()[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, body);
    }
    let bytes = delivery.stats().bytes.load(Ordering::Relaxed);
    assert_eq!(
        bytes,
        2 * u64::try_from(requests[0].body().len()).unwrap(),
        "as sent"
    );
}

// EVT-3.6, rows 2 and 3, and the retry rule
#[tokio::test(start_paused = true)]
async fn a_temporary_error_is_retried_once_after_one_second() {
    use TransportErrorKind::*;
    let statuses = [300, 304, 400, 408, 429, 500, 501, 502, 503, 504, 599].map(Answer::Status);
    let errors = [
        Connection,
        Timeout,
        Certificate,
        Redirect,
        Request,
        TooLarge,
    ]
    .map(Answer::Error);
    for answer in statuses.into_iter().chain(errors) {
        let script = Script::new([answer.clone(), Answer::Status(200)]);
        assert_eq!(sent(&script).await, OK, "{answer:?}");
        assert_eq!(script.delays(), [Duration::from_secs(1)], "{answer:?}");
        let [first, second] = &script.requests()[..] else {
            panic!("expected two requests")
        };
        assert_eq!(first.uri(), second.uri());
        assert_eq!(first.headers(), second.headers(), "the id is the same");
        assert_eq!(first.body(), second.body());

        let script = Script::new([answer.clone(), answer.clone()]);
        let delivery = delivery(&script, false);
        assert_eq!(
            delivery.send_events(1, BODY.to_vec()).await,
            Delivered::Dropped,
            "{answer:?}"
        );
        assert_eq!(counts(&delivery), [44, 2, 1, 1], "{answer:?}");
    }
}

// EVT-3.6, row 4
#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    for status in [401, 402, 403, 404, 405, 406, 410, 418, 499] {
        let script = Script::new([Answer::Status(status)]);
        let delivery = delivery(&script, false);
        assert_eq!(
            delivery.send_events(1, BODY.to_vec()).await,
            Delivered::Refused,
            "{status}"
        );
        assert_eq!(counts(&delivery), [22, 1, 0, 1], "{status}");

        let script = Script::new([Answer::Status(500), Answer::Status(status)]);
        assert_eq!(
            sent(&script).await,
            Delivered::Refused,
            "{status} at the second attempt"
        );
    }
}

// EVT-3.6, row 5
#[tokio::test(start_paused = true)]
async fn only_a_payload_that_is_too_large_is_dropped() {
    let script = Script::new([413, 202, 429, 413].map(Answer::Status));
    let delivery = delivery(&script, false);
    assert_eq!(
        delivery.send_events(1, BODY.to_vec()).await,
        Delivered::Dropped
    );
    assert_eq!(counts(&delivery), [22, 1, 0, 1]);
    assert_eq!(delivery.send_events(1, BODY.to_vec()).await, OK);
    assert_eq!(
        delivery.send_events(1, BODY.to_vec()).await,
        Delivered::Dropped,
        "at the second attempt"
    );
    assert_eq!(counts(&delivery), [88, 4, 1, 2]);
}

// EVT-3.6, row 2
#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_does_not_block_a_delivery_for_ever() {
    for (answer, limit) in [(Answer::Silence, 15), (Answer::Forever, 60)] {
        let script = Script::new([answer.clone(), Answer::Status(202)]);
        assert_eq!(sent(&script).await, OK, "{answer:?}");
        assert_eq!(
            script.delays(),
            [Duration::from_secs(limit + 1)],
            "{answer:?}"
        );
    }
}

// EVT-3.6, row 1, and EVT-3.4
#[tokio::test(start_paused = true)]
async fn the_clock_of_the_service_is_reported() {
    let time = |date| async move { sent(&Script::new([Answer::Date(date)])).await };
    let expected = Delivered::Ok {
        server_time: Some(784_111_777_000),
    };
    assert_eq!(time("Sun, 06 Nov 1994 08:49:37 GMT").await, expected);
    assert_eq!(time("Sunday, 06-Nov-94 08:49:37 GMT").await, expected);
    assert_eq!(time("Sun Nov  6 08:49:37 1994").await, expected);
    for nonsense in [
        "",
        "tomorrow",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1694 08:49:37 GMT",
    ] {
        assert_eq!(time(nonsense).await, OK, "{nonsense}");
    }
    let script = Script::new([
        Answer::Status(500),
        Answer::Date("Sun, 06 Nov 1994 08:49:37 GMT"),
    ]);
    assert_eq!(sent(&script).await, expected, "at the second attempt");
}

// Contract of the transport: connections are reused
#[tokio::test(start_paused = true)]
async fn responses_are_read_to_the_end_unless_they_take_long() {
    let script = Script::new([Answer::Status(500), Answer::Status(202)]);
    assert_eq!(sent(&script).await, OK);
    assert_eq!(script.read.load(Ordering::Relaxed), 2);

    let start = Instant::now();
    assert_eq!(sent(&Script::new([Answer::Endless])).await, OK);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

// EVT-4.2
#[tokio::test(start_paused = true)]
async fn diagnostics_are_retried_too_and_are_not_counted() {
    for (answers, asked) in [
        (vec![503, 202], 2),
        (vec![503, 503], 2),
        (vec![401], 1),
        (vec![413], 1),
    ] {
        let script = Script::new(answers.into_iter().map(Answer::Status));
        let delivery = delivery(&script, false);
        delivery.send_diagnostic(b"{}".to_vec()).await;
        assert_eq!(script.requests().len(), asked);
        assert_eq!(script.delays(), vec![Duration::from_secs(1); asked - 1]);
        assert_eq!(counts(&delivery), [0; 4]);
    }
}

// EVT-1.1
#[tokio::test(start_paused = true)]
async fn no_request_is_sent_to_an_invalid_base_url() {
    for base in ["", "no url", "ftp://h", "/only/a/path", "h:80"] {
        let script = Script::new([]);
        let transport = Arc::clone(&script);
        let delivery = Delivery::new(transport, HeaderMap::new(), base, READ_TIMEOUT, false);
        assert_eq!(
            delivery.send_events(1, BODY.to_vec()).await,
            Delivered::Refused,
            "{base}"
        );
        delivery.send_diagnostic(b"{}".to_vec()).await;
        assert_eq!(counts(&delivery), [0, 0, 0, 1], "{base}");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_are_logged_at_debug_level_and_losses_as_warnings_without_secrets() {
    let refused = Answer::Error(TransportErrorKind::Connection);
    for (answers, levels) in [
        (vec![Answer::Status(202)], vec![]),
        (
            vec![Answer::Status(503), Answer::Status(202)],
            vec!["DEBUG"],
        ),
        (
            vec![Answer::Status(503), refused.clone()],
            vec!["DEBUG", "WARN"],
        ),
        (vec![Answer::Status(413)], vec!["WARN"]),
        (vec![Answer::Status(401)], vec!["ERROR"]),
        (vec![refused, Answer::Status(403)], vec!["DEBUG", "ERROR"]),
    ] {
        let (log, attempts) = (Log::default(), format!("attempts={}", answers.len()));
        let script = Script::new(answers);
        let guard = log.listen();
        sent(&script).await;
        drop(guard);
        let text = log.text();
        let found: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(found, levels, "{text}");
        if matches!(levels.last(), Some(&"WARN" | &"ERROR")) {
            assert!(
                text.contains("bytes=22") && text.contains(&attempts),
                "{text}"
            );
        }
        for secret in ["sdk-key", "secret", "8111", "identify"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// Returns the numbers of bytes, attempts, retries and dropped payloads.
fn counts(delivery: &Delivery) -> [u64; 4] {
    let stats = delivery.stats();
    [
        &stats.bytes,
        &stats.attempts,
        &stats.retries,
        &stats.dropped,
    ]
    .map(|count| count.load(Ordering::Relaxed))
}

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let to = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_max_level(Level::TRACE)
            .with_writer(move || to.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
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
