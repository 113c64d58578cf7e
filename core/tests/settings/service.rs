//! An in-memory service, for clients on a clock that jumps.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use serde_json::{Value as Json, json};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use vexil::async_trait;
use vexil::config::{HttpConfig, ServiceEndpoints};
use vexil::transport::{
    Body, Chunks, HttpTransport, RequestOptions, TransportError, TransportErrorKind,
};
use vexil::{Client, ClientBuilder};

/// More requests than any test here allows. After this many, the service no longer responds, so
/// that the test of a client that does not stop ends.
const TOO_MANY: u64 = 20_000;

const FLAGS: &str = r#"{"flags": {"flag": {"on": true, "version": 1, "variations": [true, false],
    "fallthrough": {"variation": 0}, "trackEvents": true}}, "segments": {}}"#;

/// Has one flag, and accepts events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service(Arc<State>);

#[derive(Debug, Default)]
struct State {
    requests: AtomicU64,
    events: Mutex<Vec<Json>>,
    /// When events were sent.
    deliveries: Mutex<Vec<Instant>>,
    /// If set, events are rejected with a temporary error, with this `Retry-After`.
    retry_after: Mutex<Option<&'static [u8]>>,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A service that is overloaded for events, with this `Retry-After`.
    pub(crate) fn overloaded(retry_after: &'static [u8]) -> Self {
        let service = Self::new();
        *service.0.retry_after.lock().unwrap() = Some(retry_after);
        service
    }

    /// A client of this service, on the runtime of the test.
    pub(crate) fn client(&self) -> ClientBuilder {
        Client::builder("sdk-key")
            .runtime(Handle::current())
            .service_endpoints(ServiceEndpoints::relay("http://service"))
            .http(HttpConfig::new().transport(self.clone()))
    }

    pub(crate) fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// How many events of a kind have arrived.
    pub(crate) fn events(&self, kind: &str) -> usize {
        self.0
            .events
            .lock()
            .unwrap()
            .iter()
            .filter(|event| event["kind"] == kind)
            .count()
    }

    pub(crate) fn deliveries(&self) -> Vec<Instant> {
        self.0.deliveries.lock().unwrap().clone()
    }
}

#[async_trait]
impl HttpTransport for Service {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        if self.0.requests.fetch_add(1, Ordering::Relaxed) > TOO_MANY {
            pending::<()>().await;
        }
        match request.uri().path() {
            "/all" => {
                let put = format!(
                    "event: put\ndata: {{\"data\": {}}}\n\n",
                    FLAGS.replace('\n', "")
                );
                Ok(stream(put, options))
            }
            "/sdk/latest-all" => Ok(Response::new(Body::full(FLAGS))),
            "/sdk/stream" => Ok(stream(change_set_events(), options)),
            "/sdk/poll" => Ok(Response::new(Body::full(change_set_body()))),
            "/bulk" => {
                self.0.deliveries.lock().unwrap().push(Instant::now());
                let mut response = Response::new(Body::full(""));
                match *self.0.retry_after.lock().unwrap() {
                    Some(value) => {
                        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
                        response
                            .headers_mut()
                            .insert("retry-after", HeaderValue::from_bytes(value).unwrap());
                    }
                    None => {
                        let events: Vec<Json> = serde_json::from_slice(request.body()).unwrap();
                        self.0.events.lock().unwrap().extend(events);
                    }
                }
                Ok(response)
            }
            _ => Ok(Response::new(Body::full(""))),
        }
    }
}

/// The events of a complete change set, with their names.
fn change_set() -> [(&'static str, String); 3] {
    let flags: Json = serde_json::from_str(FLAGS).unwrap();
    let object = &flags["flags"]["flag"];
    let put = json!({"kind": "flag", "key": "flag", "version": 1, "object": object});
    [
        (
            "server-intent",
            json!({"payloads": [{"intentCode": "xfer-full"}]}).to_string(),
        ),
        ("put-object", put.to_string()),
        ("payload-transferred", json!({"state": "1"}).to_string()),
    ]
}

fn change_set_events() -> String {
    let events = change_set();
    let events = events.map(|(name, data)| format!("event: {name}\ndata: {data}\n\n"));
    events.concat()
}

fn change_set_body() -> String {
    let events = change_set();
    let events = events.map(|(name, data)| format!(r#"{{"event": "{name}", "data": {data}}}"#));
    format!(r#"{{"events": [{}]}}"#, events.join(","))
}

/// A response that sends these events and then nothing.
fn stream(events: String, options: RequestOptions) -> Response<Body> {
    let body = Stream {
        events: Some(events.into()),
        read_timeout: options.read_timeout,
    };
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(
        "content-type",
        HeaderValue::from_static("text/event-stream"),
    );
    response
}

/// A stream that sends all data at first and is silent then.
struct Stream {
    events: Option<Bytes>,
    read_timeout: Duration,
}

#[async_trait]
impl Chunks for Stream {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        if let Some(events) = self.events.take() {
            return Ok(Some(events));
        }
        sleep(self.read_timeout).await;
        Err(TransportError::new(TransportErrorKind::Timeout, "silence"))
    }
}
