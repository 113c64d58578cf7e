//! [`Request`]: a request whose URL changes with each redirect.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::Full;
use thiserror::Error;
use url::Url;

use crate::http::transport::{TransportError, TransportErrorKind};

/// A request that can be sent more than once.
#[derive(Debug)]
pub(super) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn url_mut(&mut self) -> &mut Url {
        &mut self.url
    }

    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The request as the HTTP library sends it.
    pub(super) fn to_http(&self) -> Result<http::Request<Full<Bytes>>, InvalidUrl> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri(&self.url)?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

impl TryFrom<http::Request<Bytes>> for Request {
    type Error = InvalidUrl;

    fn try_from(request: http::Request<Bytes>) -> Result<Self, InvalidUrl> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .ok()
            .filter(is_http)
            .ok_or(InvalidUrl)?;
        Ok(Self {
            method: parts.method,
            url,
            headers: parts.headers,
            body,
        })
    }
}

/// Whether a URL is one that a request can be sent to.
pub(super) fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// The URL for the HTTP library, without credentials, which must not appear in a request line.
pub(super) fn uri(url: &Url) -> Result<Uri, InvalidUrl> {
    let mut url = url.clone();
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| InvalidUrl)?;
    url.as_str().parse().map_err(|_invalid| InvalidUrl)
}

/// The URL is invalid. The error does not show it, because it may contain credentials.
#[derive(Debug, Error)]
#[error("not an http or https URL with a host")]
pub(super) struct InvalidUrl;

impl From<InvalidUrl> for TransportError {
    fn from(error: InvalidUrl) -> Self {
        Self::new(TransportErrorKind::Request, error)
    }
}
