//! The default [`HttpTransport`], over `hyper`.
//!
//! The library pools connections and speaks HTTP. This module handles connecting, proxies,
//! redirects, timeouts, decoding and the classification of errors. The pool keeps at most one idle
//! connection for each host, so that a request that fails on a dead connection does not get another
//! dead one when it is repeated.

mod classify;
mod connect_watch;
mod connector;
mod gzip;
mod proxy;
mod redirect;
mod request;
mod stream;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod tls_settings;
#[cfg(feature = "tls")]
mod trust;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue,
    PROXY_AUTHORIZATION,
};
use http::uri::Scheme;
use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;

use self::classify::classify;
use self::connect_watch::Watched;
use self::connector::Connector;
use self::gzip::Gunzip;
#[cfg(feature = "fuzzing")]
pub(crate) use self::proxy::Environment as ProxyEnvironment;
pub(crate) use self::proxy::{
    Proxies, in_environment as proxy_in_environment, parse as parse_proxy,
    redacted as redacted_proxy,
};
use self::redirect::{RedirectError, Refusals};
use self::request::Request;
pub(crate) use self::tls::Tls;
pub(crate) use self::tls_settings::{NoTls, Roots, TlsSettings};
use super::{Body, Chunks, HttpTransport, RequestOptions, TransportError, TransportErrorKind};

/// HTTP/2 keep-alive: the interval of pings and the timeout of the reply.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(15));
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(90);

/// Sends requests over TCP and TLS.
#[derive(Debug)]
pub(crate) struct DefaultTransport {
    client: Client<Connector, Full<Bytes>>,
    proxies: Arc<Proxies>,
    refusals: Refusals,
}

impl DefaultTransport {
    /// Creates a transport. Connections are established within `connect_timeout`. Without `tls`,
    /// `https` URLs are an error.
    pub(crate) fn new(connect_timeout: Duration, proxies: Proxies, tls: Option<Tls>) -> Self {
        let proxies = Arc::new(proxies);
        let (ping, pong) = PING;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .http2_keep_alive_interval(ping)
            .http2_keep_alive_timeout(pong)
            .http2_keep_alive_while_idle(true)
            .build(Connector::new(connect_timeout, tls, Arc::clone(&proxies)));
        Self {
            client,
            proxies,
            refusals: Refusals::default(),
        }
    }

    /// Sends one request without following redirects. A pooled connection may have died unnoticed;
    /// repeating a GET is harmless then.
    async fn exchange(
        &self,
        request: &Request,
        limit: Duration,
    ) -> Result<Response<Incoming>, TransportError> {
        let (outcome, fresh) = self.attempt(request, limit).await?;
        match outcome {
            Err(error)
                if !fresh
                    && error.kind == TransportErrorKind::Connection
                    && request.method() == Method::GET =>
            {
                tracing::debug!("a pooled connection was dead; repeating the request");
                self.attempt(request, limit).await?.0
            }
            outcome => outcome,
        }
    }

    /// Returns the response without its body, and whether a new connection was established for it.
    async fn attempt(&self, request: &Request, limit: Duration) -> Result<Attempt, TransportError> {
        let mut request = request.to_http()?;
        if request.uri().scheme() == Some(&Scheme::HTTP)
            && let Some(credentials) = self
                .proxies
                .proxy_for(request.uri())
                .and_then(|proxy| proxy.authorization)
        {
            request
                .headers_mut()
                .entry(PROXY_AUTHORIZATION)
                .or_insert(credentials);
        }
        let Watched { output, fresh } =
            connect_watch::watch(limit, self.client.request(request)).await;
        let outcome = match output {
            Some(outcome) => outcome.map_err(classify),
            None => Err(ReadTimeout(limit).into()),
        };
        Ok((outcome, fresh))
    }
}

/// The result of a request, and whether a new connection was established for it.
type Attempt = (Result<Response<Incoming>, TransportError>, bool);

#[async_trait]
impl HttpTransport for DefaultTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        let mut request = Request::try_from(request)?;
        let headers = request.headers_mut();
        // Without this header, the server may use any encoding.
        headers
            .entry(ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static("identity"));
        if let Some(key) = headers.get_mut(AUTHORIZATION) {
            key.set_sensitive(true);
        }
        for _ in 0..=redirect::MOST {
            let response = self.exchange(&request, options.read_timeout).await?;
            let followed = redirect::follow(&mut request, &response);
            if !followed.inspect_err(|error| self.refusals.log(error))? {
                return Ok(decoded(response, options.read_timeout));
            }
        }
        Err(RedirectError::TooMany.into())
    }
}

/// The response with a body that applies the read timeout and is decompressed if necessary.
fn decoded(response: Response<Incoming>, read_timeout: Duration) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let gunzip = is_gzip(&parts.headers).then(|| {
        parts.headers.remove(CONTENT_ENCODING);
        parts.headers.remove(CONTENT_LENGTH);
        Gunzip::new()
    });
    let mut answer = Response::new(Body::new(BodyChunks {
        body,
        gunzip,
        read_timeout,
    }));
    *answer.status_mut() = parts.status;
    *answer.version_mut() = parts.version;
    *answer.headers_mut() = parts.headers;
    answer
}

fn is_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// A body from the network. Dropping it closes the connection, unless the body has ended.
struct BodyChunks {
    body: Incoming,
    /// Decompresses the body if it is compressed.
    gunzip: Option<Gunzip>,
    read_timeout: Duration,
}

impl BodyChunks {
    /// Returns the next chunk as it was sent, or `None` at the end.
    async fn received(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            let frame = tokio::time::timeout(self.read_timeout, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_elapsed| ReadTimeout(self.read_timeout))? else {
                return Ok(None);
            };
            // A frame without data holds trailers, which the service does not use.
            if let Ok(data) = frame.map_err(classify)?.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

#[async_trait]
impl Chunks for BodyChunks {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            if let Some(gunzip) = &mut self.gunzip
                && let Some(decoded) = gunzip.take().map_err(corrupt)?
            {
                return Ok(Some(decoded));
            }
            let received = self.received().await?;
            match (&mut self.gunzip, received) {
                (None, received) => return Ok(received),
                (Some(gunzip), Some(piece)) => gunzip.push(piece),
                (Some(gunzip), None) => return gunzip.finish().map_err(corrupt),
            }
        }
    }
}

/// An error for a body that cannot be decompressed: it was damaged in transit.
fn corrupt(error: io::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Connection, error)
}

/// No byte arrived within the read timeout.
#[derive(Debug, Error)]
#[error("no byte within {0:?}")]
struct ReadTimeout(Duration);

impl From<ReadTimeout> for TransportError {
    fn from(timeout: ReadTimeout) -> Self {
        Self::new(TransportErrorKind::Timeout, timeout)
    }
}

impl From<RedirectError> for TransportError {
    fn from(error: RedirectError) -> Self {
        Self::new(TransportErrorKind::Redirect, error)
    }
}
