//! [`Endpoint`]: one URL of the service and how to send requests to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use thiserror::Error;
use vexil_eval::Text;
use vexil_eval::model::Selector;

#[cfg(feature = "metrics")]
use super::timed_body::timed;
use crate::data_source::{DataSink, DataSourceError, DataSourceErrorKind};
use crate::http::transport::{Body, HttpTransport, RequestOptions, TransportError};
use crate::http::wire::{self, PayloadFilter};
use crate::meter::Meter;

/// One URL of the service. Its `Debug` form shows neither the URL nor the headers: both may hold
/// secrets.
#[derive(Clone)]
pub(crate) struct Endpoint {
    transport: Arc<dyn HttpTransport>,
    /// `None` if the base is not a valid URL.
    uri: Option<Uri>,
    headers: HeaderMap,
    #[cfg(feature = "metrics")]
    meter: Meter,
}

/// The base URL and the path do not form a valid URL. Base URLs are checked when a client starts,
/// but the URL may be too long once the path is appended.
#[derive(Debug, Error)]
#[error("the base URL of the service is not a valid http or https URL")]
struct InvalidBase;

impl Endpoint {
    /// An endpoint at `path` below the URL `base`.
    pub(crate) fn new(
        transport: Arc<dyn HttpTransport>,
        headers: HeaderMap,
        base: &str,
        path: &str,
        filter: Option<&PayloadFilter>,
        meter: &Meter,
    ) -> Self {
        #[cfg(not(feature = "metrics"))]
        let _ = meter;
        Self {
            transport,
            uri: wire::uri(base, path, filter),
            headers,
            #[cfg(feature = "metrics")]
            meter: meter.clone(),
        }
    }

    /// The URL.
    ///
    /// # Errors
    /// Returns an error if the URL is invalid. No later attempt can succeed then (SRC-1.2).
    pub(super) fn uri(&self) -> Result<&Uri, DataSourceError> {
        self.uri
            .as_ref()
            .ok_or_else(|| DataSourceError::new(DataSourceErrorKind::Unknown, InvalidBase))
    }

    /// The URL of a request for what has changed since this state, or for everything. Returns `None`
    /// if the state makes the URL too long.
    ///
    /// # Errors
    /// As [`uri`](Self::uri).
    pub(super) fn uri_since(
        &self,
        selector: Option<&Selector>,
    ) -> Result<Option<Uri>, DataSourceError> {
        let uri = self.uri()?;
        Ok(match selector {
            Some(selector) => Uri::try_from(wire::with_basis(uri, selector)).ok(),
            None => Some(uri.clone()),
        })
    }

    /// Sends a GET request with the headers in `more` in addition to the usual ones.
    pub(super) async fn get<const N: usize>(
        &self,
        uri: &Uri,
        more: [Option<(HeaderName, HeaderValue)>; N],
        read_timeout: Duration,
    ) -> Result<Response<Body>, TransportError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().extend(more.into_iter().flatten());
        let options = RequestOptions::new(read_timeout);
        let response = self.transport.send(request, options).await;
        #[cfg(feature = "metrics")]
        let response = response.map(|response| timed(response, self.meter.clone()));
        response
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(…)")
    }
}

/// Passes the environment id of a response to the sink, if the response has one (SRC-1.4).
pub(super) fn pass_environment_id(headers: &HeaderMap, sink: &dyn DataSink) {
    let id = headers
        .get(wire::ENVIRONMENT_ID)
        .and_then(|id| id.to_str().ok());
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        sink.set_environment_id(Text::from(id));
    }
}
