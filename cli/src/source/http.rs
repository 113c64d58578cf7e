//! Documents that a web server has.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Request, StatusCode};
use vexil::config::HttpConfig;
use vexil::transport::{RequestOptions, TransportError, TransportErrorKind};

use super::bounded;
use super::place::Http;
use super::reason::{chain, unreachable};
use crate::exit::{Exit, Failure};

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A document and the tag of its version.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) body: Vec<u8>,
    pub(super) etag: Option<HeaderValue>,
}

/// Fetches a document.
pub(super) async fn get(http: &Http, shown: &str) -> Result<Vec<u8>, Failure> {
    match fetch(http, shown, None).await? {
        Some(fetched) => Ok(fetched.body),
        None => Err(status(shown, StatusCode::NOT_MODIFIED)),
    }
}

/// Fetches a document unless it still has this tag.
pub(super) async fn fetch(
    http: &Http,
    shown: &str,
    etag: Option<&HeaderValue>,
) -> Result<Option<Fetched>, Failure> {
    tracing::info!(source = shown, "fetching the document");
    let mut config = HttpConfig::new().connect_timeout(TIMEOUT);
    if let Some(ca) = &http.ca {
        config = config.ca_certs(ca);
    }
    let transport = config.build().map_err(|error| {
        let error: &(dyn std::error::Error + 'static) = &error;
        Failure::usage(format_args!("{shown}: {}", chain(error)))
            .help("check the file that ?ca= names")
    })?;
    let malformed = |_| {
        Failure::usage(format_args!("{shown} is not a valid URL"))
            .help("write special characters as %20 (space), %3F (?)")
    };
    let mut request = Request::get(http.url.expose())
        .header(ACCEPT, "application/json, application/yaml, */*;q=0.5")
        .header(ACCEPT_ENCODING, "gzip");
    if let Some(authorization) = authorization(http) {
        request = request.header(AUTHORIZATION, authorization);
    }
    if let Some(etag) = etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let request = request.body(Bytes::new()).map_err(malformed)?;
    let sent = transport.send(request, RequestOptions::new(TIMEOUT)).await;
    let mut response = sent.map_err(|error| failure(shown, &error))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(None),
        other => return Err(status(shown, other)),
    }
    let mut body = Vec::new();
    while let Some(piece) = response
        .body_mut()
        .next()
        .await
        .map_err(|error| failure(shown, &error))?
    {
        body.extend_from_slice(&piece);
        if body.len() as u64 > bounded::LARGEST {
            return Err(Failure::new(
                Exit::Unreadable,
                format_args!(
                    "cannot read {shown}: {}",
                    bounded::too_large(bounded::LARGEST)
                ),
            )
            .help("is it a document of flags?"));
        }
    }
    let etag = response.headers_mut().remove(ETAG);
    Ok(Some(Fetched { body, etag }))
}

fn authorization(http: &Http) -> Option<HeaderValue> {
    let given = http.credentials.as_ref()?;
    let password = given.password.as_ref();
    let password = password
        .map(|password| password.expose())
        .unwrap_or_default();
    let text = STANDARD.encode(format!("{}:{password}", given.user));
    let mut value = HeaderValue::try_from(format!("Basic {text}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn failure(shown: &str, error: &TransportError) -> Failure {
    match error.kind {
        TransportErrorKind::TooLarge => Failure::new(
            Exit::Unreadable,
            format_args!("cannot read {shown}: the response is too large"),
        )
        .help("is it a document of flags?"),
        _ => unreachable(shown, &chain(error)),
    }
}

fn status(shown: &str, status: StatusCode) -> Failure {
    let code = status.as_u16();
    let failure = |sentence: &str| {
        Failure::new(
            Exit::Unreachable,
            format_args!("{shown} {sentence} ({code})"),
        )
    };
    match code {
        401 | 403 => failure("refuses access")
            .help("put a URL with user and password into a variable and write env:NAME"),
        404 | 410 => failure("does not exist").help("is the path right?"),
        _ => failure("does not answer with a document")
            .help("is it the right server? Try again later"),
    }
}
