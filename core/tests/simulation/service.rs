//! [`Service`]: the transport that answers a client's requests.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::sleep;
use vexil::async_trait;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError, TransportErrorKind};

use crate::events;
use crate::poll;
use crate::stream::Stream;
use crate::world::World;

/// Answers requests as chance decides.
#[derive(Clone, Debug)]
pub(crate) struct Service(pub(crate) World);

/// A request for flags.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// The state that the client has, by the query of the request.
    pub(crate) basis: Option<usize>,
    pub(crate) etag: Option<String>,
    pub(crate) read_timeout: Duration,
}

impl Asked {
    fn new(request: &Request<bytes::Bytes>, options: RequestOptions) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let basis = query
            .strip_prefix("basis=s")
            .map(|state| state.parse().unwrap());
        let etag = request.headers().get("if-none-match");
        Self {
            path: request.uri().path().to_owned(),
            basis,
            etag: etag.map(|etag| etag.to_str().unwrap().to_owned()),
            read_timeout: options.read_timeout,
        }
    }
}

#[async_trait]
impl HttpTransport for Service {
    async fn send(
        &self,
        request: Request<bytes::Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        if request.uri().path().ends_with("/bulk") {
            return events::answer(&self.0, request, options).await;
        }
        let asked = Asked::new(&request, options);
        // At least a moment, so that nothing arrives before the test listens: the client polls its
        // data source when it starts.
        let delay = self.0.lock().chance.rng.u64(1..300);
        sleep(Duration::from_millis(delay)).await;
        if self.0.lock().fails(12) {
            sleep(options.read_timeout).await;
            return Err(TransportError::new(TransportErrorKind::Timeout, "silence"));
        }
        let mut response = match self.failure() {
            Some(Ok(status)) => {
                let mut response = Response::new(Body::full("no"));
                *response.status_mut() = status;
                response
            }
            Some(Err(error)) => return Err(error),
            None if asked.path.ends_with("/sdk/stream") || asked.path.ends_with("/all") => {
                let mut response = Response::new(Body::new(Stream::new(self.0.clone(), &asked)));
                let headers = response.headers_mut();
                headers.insert("content-type", "text/event-stream".parse().unwrap());
                response
            }
            None => poll::answer(&self.0, &asked),
        };
        self.order(&asked, &mut response);
        let status = response.status();
        self.0
            .lock()
            .note(|| format!("{asked:?} is answered with {status}"));
        Ok(response)
    }
}

impl Service {
    /// A failure instead of an answer with data.
    fn failure(&self) -> Option<Result<StatusCode, TransportError>> {
        let mut world = self.0.lock();
        if !world.fails(4) {
            return None;
        }
        let error = |kind| Some(Err(TransportError::new(kind, "broken")));
        let status = |code: u16| Some(Ok(StatusCode::from_u16(code).unwrap()));
        match world.chance.rng.u8(0..10) {
            0..3 => error(TransportErrorKind::Connection),
            3 => error(TransportErrorKind::Certificate),
            4 => status(400),
            5 => status(304),
            6 => status([401, 403, 404, 405][world.chance.rng.usize(0..4)]),
            7 => status([204, 302, 429][world.chance.rng.usize(0..3)]),
            _ => status([500, 503][world.chance.rng.usize(0..2)]),
        }
    }

    /// Orders the classic protocol, rarely.
    fn order(&self, asked: &Asked, response: &mut Response<Body>) {
        let mut world = self.0.lock();
        let is_fdv2 = asked.path.ends_with("/sdk/stream") || asked.path.ends_with("/sdk/poll");
        if !is_fdv2 || !world.fails(20) {
            return;
        }
        let headers = response.headers_mut();
        headers.insert("x-ld-fd-fallback", "true".parse().unwrap());
        if world.chance.rng.u8(0..4) > 0 {
            let seconds = world.chance.rng.u32(1..300);
            headers.insert("x-ld-fd-fallback-ttl", seconds.into());
        }
        world.note(|| format!("an order: {headers:?}"));
    }
}
