//! One fault for each clause for HTTP transports.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use vexil::async_trait;
use vexil::config::HttpConfig;
use vexil::transport::{
    Body, Chunks, HttpTransport, RequestOptions, TransportError, TransportErrorKind,
};
use vexil_testing::conformance::TransportHarness;

caught! {
    transport:
    requests {
        the_method_arrives by SendsOnlyGet,
        the_path_and_the_query_arrive_unchanged by DropsTheQuery,
        headers_arrive_unchanged by DropsHeaders,
        a_large_body_arrives_whole by TruncatesRequests,
        a_request_without_a_body_has_none by SendsABodyAlways,
    }
    responses {
        the_status_is_returned by ReturnsOneStatus,
        an_error_status_is_a_response by TurnsStatusesIntoErrors,
        headers_are_returned by DropsResponseHeaders,
        a_response_is_returned_before_its_body by ReadsTheBodyFirst,
        a_piece_of_a_body_arrives_before_the_next_is_sent by CollectsTheBody,
        a_large_response_arrives_whole by TruncatesResponses,
        an_empty_response_ends by NeverEndsABody,
        a_response_without_a_length_ends_with_its_connection by RequiresALength,
        a_truncated_response_is_an_error_of_the_connection by IgnoresTruncation,
        an_accepted_encoding_is_decoded by DoesNotDecode,
    }
    connections {
        concurrent_requests_do_not_wait_for_one_another by SendsOneAtATime,
        a_dropped_request_closes_its_connection by CompletesDroppedRequests,
        a_dropped_body_closes_its_connection by ReadsDroppedBodies,
        a_refused_connection_is_an_error_of_the_connection by ConfusesKinds,
        a_connection_that_breaks_is_an_error_of_the_connection by ConfusesKinds,
        an_invalid_url_is_an_error_of_the_request by ConfusesKinds,
    }
    timeouts {
        silence_before_the_headers_is_a_timeout by IgnoresTheTimeout,
        silence_within_a_body_is_a_timeout by IgnoresTheTimeout,
        a_slow_body_is_no_timeout by LimitsTheWholeBody,
    }
    redirects {
        a_get_is_redirected by FollowsNoRedirect,
        a_post_is_redirected_within_its_origin by RedirectsToGet,
        ten_redirects_are_followed by FollowsFiveRedirects,
        an_endless_redirect_is_refused by FollowsAllRedirects,
        the_authorization_is_not_sent_to_another_origin by SendsTheKeyElsewhere,
        a_post_is_not_redirected_to_another_origin by SendsTheKeyElsewhere,
    }
    tls {
        a_trusted_server_is_reached by HasNoTls,
        an_untrusted_certificate_is_an_error_of_the_certificate by ConfusesKinds,
        a_handshake_without_an_end_is_a_timeout by IgnoresTheTimeout,
        a_redirect_to_http_is_refused by IgnoresRefusedRedirects,
    }
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::transport_conformance!(
        Harness::new(Fault::None),
        requests,
        responses,
        connections,
        timeouts,
        redirects,
        tls
    );
}

/// A fault of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    SendsOnlyGet,
    DropsTheQuery,
    DropsHeaders,
    TruncatesRequests,
    SendsABodyAlways,
    ReturnsOneStatus,
    TurnsStatusesIntoErrors,
    DropsResponseHeaders,
    ReadsTheBodyFirst,
    CollectsTheBody,
    TruncatesResponses,
    NeverEndsABody,
    RequiresALength,
    IgnoresTruncation,
    DoesNotDecode,
    SendsOneAtATime,
    CompletesDroppedRequests,
    ReadsDroppedBodies,
    ConfusesKinds,
    IgnoresTheTimeout,
    LimitsTheWholeBody,
    FollowsNoRedirect,
    RedirectsToGet,
    FollowsFiveRedirects,
    FollowsAllRedirects,
    SendsTheKeyElsewhere,
    HasNoTls,
    IgnoresRefusedRedirects,
}

struct Harness(Fault);

impl Harness {
    fn new(fault: Fault) -> Self {
        Self(fault)
    }

    fn with(&self, config: HttpConfig) -> Arc<dyn HttpTransport> {
        Arc::new(Faulty {
            fault: self.0,
            inner: config.build().unwrap(),
            sending: Mutex::default(),
        })
    }
}

impl TransportHarness for Harness {
    fn transport(&self) -> Arc<dyn HttpTransport> {
        self.with(HttpConfig::new())
    }

    fn trusting(&self, ca_pem: &str) -> Arc<dyn HttpTransport> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ca_pem).unwrap();
        let config = HttpConfig::new().connect_timeout(Duration::from_secs(1));
        self.with(config.ca_certs(file.path()))
    }

    fn timeout(&self) -> Duration {
        match self.0 {
            Fault::None => Duration::from_secs(20),
            // The clause itself takes more than three seconds.
            Fault::LimitsTheWholeBody => Duration::from_secs(20),
            _ => Duration::from_secs(1),
        }
    }
}

/// Sends requests with another transport, and adds a fault.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    inner: Arc<dyn HttpTransport>,
    sending: Mutex<()>,
}

fn error(kind: TransportErrorKind) -> TransportError {
    TransportError::new(kind, "a fault")
}

impl Faulty {
    fn changed(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        match self.fault {
            Fault::SendsOnlyGet => *request.method_mut() = Method::GET,
            Fault::DropsTheQuery => {
                let path = request.uri().path().to_owned();
                let authority = request.uri().authority().unwrap().clone();
                *request.uri_mut() = format!("http://{authority}{path}").parse().unwrap();
            }
            Fault::DropsHeaders => request.headers_mut().clear(),
            Fault::TruncatesRequests => request.body_mut().truncate(1 << 20),
            Fault::SendsABodyAlways => *request.body_mut() = Bytes::from_static(b"null"),
            _ => {}
        }
        request
    }

    async fn returned(&self, response: Response<Body>) -> Result<Response<Body>, TransportError> {
        let (mut parts, body) = response.into_parts();
        match self.fault {
            Fault::ReturnsOneStatus => parts.status = http::StatusCode::OK,
            Fault::TurnsStatusesIntoErrors if parts.status.as_u16() >= 400 => {
                return Err(error(TransportErrorKind::Connection));
            }
            Fault::DropsResponseHeaders => parts.headers.clear(),
            Fault::RequiresALength if !parts.headers.contains_key("content-length") => {
                return Err(error(TransportErrorKind::Connection));
            }
            _ => {}
        }
        let body = match self.fault {
            Fault::ReadsTheBodyFirst => Body::full(collect(body).await?),
            Fault::DoesNotDecode => Body::full("encoded"),
            Fault::ReadsDroppedBodies => {
                let (sender, pieces) = mpsc::unbounded_channel();
                tokio::spawn(async move {
                    let mut body = body;
                    while let Ok(Some(piece)) = body.next().await {
                        // The receiver may be dropped.
                        let _ = sender.send(piece);
                    }
                });
                Body::new(Received(pieces))
            }
            _ => Body::new(Changed {
                fault: self.fault,
                body,
                bytes: 0,
            }),
        };
        Ok(Response::from_parts(parts, body))
    }

    /// Sends a request over HTTP without TLS, and follows redirects with the fault.
    async fn follow(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let (mut parts, mut body) = request.into_parts();
        let most = match self.fault {
            Fault::FollowsNoRedirect => 0,
            Fault::FollowsFiveRedirects => 5,
            Fault::FollowsAllRedirects => usize::MAX,
            _ => 10,
        };
        for number in 0.. {
            let (response, text) = exchange(&parts, &body).await?;
            let location = response.headers().get("location").cloned();
            let Some(location) = location.filter(|_| response.status().is_redirection()) else {
                return Ok(response.map(|()| Body::full(text)));
            };
            if number == most {
                return match self.fault {
                    Fault::FollowsNoRedirect => Ok(response.map(|()| Body::full(text))),
                    _ => Err(error(TransportErrorKind::Redirect)),
                };
            }
            parts.uri = Uri::try_from(location.as_bytes()).unwrap();
            if self.fault == Fault::RedirectsToGet {
                parts.method = Method::GET;
                body = Bytes::new();
            }
        }
        unreachable!("the loop has no end")
    }
}

#[async_trait]
impl HttpTransport for Faulty {
    async fn send(
        &self,
        request: Request<Bytes>,
        mut options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        let request = self.changed(request);
        match self.fault {
            Fault::FollowsNoRedirect
            | Fault::RedirectsToGet
            | Fault::FollowsFiveRedirects
            | Fault::FollowsAllRedirects
            | Fault::SendsTheKeyElsewhere => return self.follow(request).await,
            Fault::HasNoTls if request.uri().scheme_str() == Some("https") => {
                return Err(error(TransportErrorKind::Connection));
            }
            Fault::IgnoresTheTimeout => options = RequestOptions::new(Duration::from_secs(3600)),
            _ => {}
        }
        let _one = match self.fault {
            Fault::SendsOneAtATime => Some(self.sending.lock().await),
            _ => None,
        };
        let limit = options.read_timeout;
        let sent = if self.fault == Fault::CompletesDroppedRequests {
            let inner = Arc::clone(&self.inner);
            let sending = tokio::spawn(async move { inner.send(request, options).await });
            sending.await.unwrap()
        } else {
            self.inner.send(request, options).await
        };
        match (self.fault, sent) {
            (Fault::ConfusesKinds, Err(_)) => Err(error(TransportErrorKind::TooLarge)),
            (Fault::IgnoresTheTimeout, Err(error)) if error.kind == TransportErrorKind::Timeout => {
                pending().await
            }
            (Fault::IgnoresRefusedRedirects, Err(_)) => Ok(Response::new(Body::full(""))),
            (Fault::LimitsTheWholeBody, Ok(response)) => {
                let (parts, body) = response.into_parts();
                let body = timeout(limit, collect(body)).await;
                let body = body.map_err(|_elapsed| error(TransportErrorKind::Timeout))??;
                Ok(Response::from_parts(parts, Body::full(body)))
            }
            (_, sent) => self.returned(sent?).await,
        }
    }
}

async fn collect(mut body: Body) -> Result<Vec<u8>, TransportError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// A body with a fault.
struct Changed {
    fault: Fault,
    body: Body,
    bytes: usize,
}

#[async_trait]
impl Chunks for Changed {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        if self.fault == Fault::CollectsTheBody {
            let mut bytes = Vec::new();
            while let Some(piece) = self.body.next().await? {
                bytes.extend_from_slice(&piece);
            }
            return Ok(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()));
        }
        let next = self.body.next().await;
        match (self.fault, next) {
            (Fault::IgnoresTruncation, Err(_)) => Ok(None),
            (Fault::ConfusesKinds, Err(_)) => Err(error(TransportErrorKind::TooLarge)),
            (Fault::NeverEndsABody, Ok(None)) => pending().await,
            (Fault::TruncatesResponses, Ok(Some(piece))) => {
                self.bytes += piece.len();
                Ok(Some(piece).filter(|_| self.bytes < 1 << 20))
            }
            (_, next) => next,
        }
    }
}

struct Received(mpsc::UnboundedReceiver<Bytes>);

#[async_trait]
impl Chunks for Received {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.recv().await)
    }
}

/// Sends a request without following redirects. Returns the response and its body.
async fn exchange(
    parts: &http::request::Parts,
    body: &Bytes,
) -> Result<(Response<()>, String), TransportError> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let broken = |error: std::io::Error| TransportError::new(TransportErrorKind::Connection, error);
    let authority = parts.uri.authority().unwrap();
    let target = parts.uri.path_and_query().unwrap();
    let mut stream = tokio::net::TcpStream::connect(authority.as_str())
        .await
        .map_err(broken)?;
    let mut head = format!(
        "{} {target} HTTP/1.1\r\nHost: {authority}\r\n",
        parts.method
    );
    for (name, value) in &parts.headers {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    let request = [head.as_bytes(), body].concat();
    stream.write_all(&request).await.map_err(broken)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.map_err(broken)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status).body(()).unwrap();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        response.headers_mut().insert(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(value).unwrap(),
        );
    }
    Ok((response, body.to_owned()))
}
