//! An in-memory transport with scripted responses.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tokio::time::{Instant, sleep};
use vexil::async_trait;
use vexil::transport::{
    Body, Chunks, HttpTransport, RequestOptions, TransportError, TransportErrorKind,
};

/// Returns its responses in order and records the requests. When it has no more responses, requests
/// hang.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<State>);

#[derive(Debug, Default)]
struct State {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<RecordedRequest>>,
    /// How many requests and bodies are alive.
    open: AtomicUsize,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct RecordedRequest {
    pub(crate) at: Instant,
    pub(crate) request: Request<()>,
    pub(crate) read_timeout: Duration,
}

impl RecordedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.request.headers().get(name).map(HeaderValue::as_bytes)
    }
}

/// The outcome of a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It fails.
    Error(TransportErrorKind),
    /// It hangs.
    Silence,
    /// It gets a response.
    Response {
        status: u16,
        headers: HeaderMap,
        body: VecDeque<Piece>,
    },
}

/// The next step of a body. After its last step a body ends.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// The same step for ever.
    Flood(&'static [u8]),
    /// Silence for this long.
    Wait(Duration),
    /// Silence for ever.
    Silence,
    Error(TransportErrorKind),
}

impl<T: Into<Vec<u8>>> From<T> for Piece {
    fn from(bytes: T) -> Self {
        Self::Bytes(Bytes::from(bytes.into()))
    }
}

impl Answer {
    /// A response without a body.
    pub(crate) fn status(status: u16) -> Self {
        Self::Response {
            status,
            headers: HeaderMap::new(),
            body: VecDeque::new(),
        }
    }

    /// A stream of events.
    pub(crate) fn stream<P: Into<Piece>>(body: impl IntoIterator<Item = P>) -> Self {
        Self::poll(body).with("content-type", "text/event-stream")
    }

    /// A stream that does not end.
    pub(crate) fn endless<P: Into<Piece>>(body: impl IntoIterator<Item = P>) -> Self {
        Self::stream(body.into_iter().map(Into::into).chain([Piece::Silence]))
    }

    /// A response to a poll.
    pub(crate) fn poll<P: Into<Piece>>(body: impl IntoIterator<Item = P>) -> Self {
        let body = body.into_iter().map(Into::into).collect();
        Self::Response {
            status: 200,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// Adds or replaces a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        if let Self::Response { headers, .. } = &mut self {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_bytes(value.as_ref()).unwrap(),
            );
        }
        self
    }
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let state = State {
            answers: Mutex::new(answers.into_iter().collect()),
            ..State::default()
        };
        Self(Arc::new(state))
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.0.requests.lock().unwrap().clone()
    }

    /// The delay before each request but the first.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.requests()
            .windows(2)
            .map(|pair| pair[1].at - pair[0].at)
            .collect()
    }

    /// How many requests or bodies are alive.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl HttpTransport for Script {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        let open = Open::new(&self.0);
        let RequestOptions { read_timeout, .. } = options;
        let request = request.map(|body| assert!(body.is_empty()));
        self.0.requests.lock().unwrap().push(RecordedRequest {
            at: Instant::now(),
            request,
            read_timeout,
        });
        let answer = self.0.answers.lock().unwrap().pop_front();
        match answer {
            None => pending().await,
            Some(Answer::Error(kind)) => Err(error(kind)),
            Some(Answer::Silence) => {
                sleep(read_timeout).await;
                Err(error(TransportErrorKind::Timeout))
            }
            Some(Answer::Response {
                status,
                headers,
                body,
            }) => {
                let mut response = Response::new(Body::new(Pieces {
                    pieces: body,
                    read_timeout,
                    _open: open,
                }));
                *response.status_mut() = status.try_into().unwrap();
                *response.headers_mut() = headers;
                Ok(response)
            }
        }
    }
}

fn error(kind: TransportErrorKind) -> TransportError {
    TransportError::new(kind, "scripted")
}

struct Pieces {
    pieces: VecDeque<Piece>,
    read_timeout: Duration,
    _open: Open,
}

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Piece::Flood(bytes)) => {
                    self.pieces.push_front(Piece::Flood(bytes));
                    return Ok(Some(Bytes::from_static(bytes)));
                }
                Some(Piece::Error(kind)) => return Err(error(kind)),
                Some(Piece::Wait(time)) if time < self.read_timeout => sleep(time).await,
                Some(Piece::Wait(_) | Piece::Silence) => {
                    sleep(self.read_timeout).await;
                    return Err(error(TransportErrorKind::Timeout));
                }
            }
        }
    }
}

/// Counts itself while it is alive.
struct Open(Arc<State>);

impl Open {
    fn new(state: &Arc<State>) -> Self {
        state.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
