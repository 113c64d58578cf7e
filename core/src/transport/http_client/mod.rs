//! The default [`HttpTransport`], over `reqwest`.
//!
//! The library keeps connections, speaks HTTP and decodes; what a request does when it is redirected, how long it
//! waits, and what an error means is decided here. One connection at the most is kept for later, so that a request
//! that meets a dead one and is repeated cannot meet another.

mod classify;
mod common_name;
mod connecting;
mod proxy;
mod redirect;
mod tls;
mod trust;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use reqwest::{Client, Method, Request, Response, Url};
use rustls::ClientConfig;
use thiserror::Error;

use self::classify::classify;
use self::connecting::{Report, Watched};
pub(crate) use self::proxy::{
    in_environment as proxy_in_environment, parse as parse_proxy, redacted as redacted_proxy,
};
use self::redirect::{RedirectError, Refusals};
pub(crate) use self::tls::{TlsSettings, client_config};
use super::{Body, Chunks, HttpTransport, RequestOptions, TransportError, TransportErrorKind};

/// Below an HTTP/2 connection: how often to see whether the other side is still there, and how long to wait for a sign.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(15));

/// Requests over TCP and TLS.
#[derive(Debug)]
pub(crate) struct DefaultTransport {
    client: Client,
    refusals: Refusals,
}

impl DefaultTransport {
    /// A transport whose connections are made within `connect_timeout` and go through `proxy`, or through what the
    /// environment names.
    pub(crate) fn new(
        connect_timeout: Duration,
        proxy: Option<Url>,
        tls: ClientConfig,
    ) -> Result<Self, reqwest::Error> {
        let (ping, pong) = PING;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(connect_timeout)
            .connector_layer(Report)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .http2_keep_alive_interval(ping)
            .http2_keep_alive_timeout(pong)
            .http2_keep_alive_while_idle(true);
        if let Some(proxy) = proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy)?);
        } else if let Some(environment) = proxy::Environment::of_process() {
            builder = builder.proxy(reqwest::Proxy::custom(move |target| environment.proxy_for(target)));
        }
        Ok(Self { client: builder.build()?, refusals: Refusals::default() })
    }

    /// One hop. A connection that was left over may have died unnoticed; asking again is harmless then.
    async fn exchange(&self, request: &Request, limit: Duration) -> Result<Response, TransportError> {
        let (outcome, fresh) = self.attempt(request, limit).await;
        match outcome {
            Err(error) if !fresh && error.kind == TransportErrorKind::Connection && request.method() == Method::GET => {
                tracing::debug!("a connection that was kept had died");
                self.attempt(request, limit).await.0
            }
            outcome => outcome,
        }
    }

    /// The head of the answer, and whether a connection was made for it.
    async fn attempt(&self, request: &Request, limit: Duration) -> (Result<Response, TransportError>, bool) {
        let Some(request) = request.try_clone() else {
            // Only a body that is a stream cannot be cloned, and ours are bytes.
            return (Err(TransportError::new(TransportErrorKind::Request, "the body cannot be sent again")), true);
        };
        let Watched { output, fresh } = connecting::watch(limit, self.client.execute(request)).await;
        let outcome = match output {
            Some(outcome) => outcome.map_err(classify),
            None => Err(Silence(limit).into()),
        };
        (outcome, fresh)
    }
}

#[async_trait]
impl HttpTransport for DefaultTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError> {
        let mut request = Request::try_from(request).map_err(classify)?;
        let headers = request.headers_mut();
        // Otherwise the library would ask for what it can decode.
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        if let Some(key) = headers.get_mut(AUTHORIZATION) {
            key.set_sensitive(true);
        }
        for _ in 0..=redirect::MOST {
            let response = self.exchange(&request, options.read_timeout).await?;
            let followed = redirect::follow(&mut request, &response);
            if !followed.inspect_err(|error| self.refusals.log(error))? {
                return Ok(into_http(response, options.read_timeout));
            }
        }
        Err(RedirectError::TooMany.into())
    }
}

fn into_http(mut response: Response, read_timeout: Duration) -> http::Response<Body> {
    let (status, version) = (response.status(), response.version());
    let headers = std::mem::take(response.headers_mut());
    let mut answer = http::Response::new(Body::new(Pieces { response, read_timeout }));
    *answer.status_mut() = status;
    *answer.version_mut() = version;
    *answer.headers_mut() = headers;
    answer
}

/// A body from the network. Dropping it closes the connection, unless it has come to its end.
struct Pieces {
    response: Response,
    read_timeout: Duration,
}

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        match tokio::time::timeout(self.read_timeout, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(classify),
            Err(_elapsed) => Err(Silence(self.read_timeout).into()),
        }
    }
}

/// Nothing came.
#[derive(Debug, Error)]
#[error("no byte in {0:?}")]
struct Silence(Duration);

impl From<Silence> for TransportError {
    fn from(silence: Silence) -> Self {
        Self::new(TransportErrorKind::Timeout, silence)
    }
}

impl From<RedirectError> for TransportError {
    fn from(error: RedirectError) -> Self {
        Self::new(TransportErrorKind::Redirect, error)
    }
}
