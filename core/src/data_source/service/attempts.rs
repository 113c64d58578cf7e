//! [`Attempts`]: what streams and polls do alike with each request and its outcome.

use std::time::Duration;

use http::Response;

use super::basis::{Basis, Target};
use super::directive::{directive, ordered};
use super::endpoint::{Endpoint, pass_environment_id};
use super::fetch_error::FetchError;
use super::outage::Outage;
use crate::data_source::{DataSink, DataSourceError, DataSourceState};
use crate::http::backoff::jitter;
use crate::http::transport::Body;
use crate::http::wire::Protocol;

/// The requests of one data source.
#[derive(Debug)]
pub(super) struct Attempts {
    protocol: Protocol,
    basis: Basis,
    /// Whether the service has ordered another protocol and the sink follows the order.
    pub(super) is_relieved: bool,
}

impl Attempts {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            basis: Basis::default(),
            is_relieved: false,
        }
    }

    /// Returns the URL of the next request.
    ///
    /// # Errors
    /// Returns an error if the base URL is invalid.
    pub(super) async fn target(
        &mut self,
        endpoint: &Endpoint,
        sink: &dyn DataSink,
    ) -> Result<Target, DataSourceError> {
        let selector = match self.protocol {
            Protocol::Classic => None,
            Protocol::ChangeSets => sink.selector(),
        };
        self.basis.target(endpoint, selector, sink).await
    }

    /// Passes what the headers of a response say to the sink.
    ///
    /// # Errors
    /// Returns an error if the service does not accept the state that the request named.
    pub(super) fn received(
        &mut self,
        target: &Target,
        response: &Response<Body>,
        sink: &dyn DataSink,
    ) -> Result<(), FetchError> {
        let order = ordered(self.protocol, response.headers());
        self.is_relieved = order.is_some_and(|order| sink.fall_back(order));
        pass_environment_id(response.headers(), sink);
        self.basis.accepted(target, response.status())
    }

    /// Passes the order to use the classic protocol for so many seconds to the sink.
    pub(super) fn ordered(&mut self, seconds: i64, sink: &dyn DataSink) {
        self.is_relieved |= sink.fall_back(directive(Some(seconds), jitter));
    }

    /// Reports a failed attempt, after which the next one follows in `delay`; `None` if there is
    /// none. Returns `None` if the source is to end without an error.
    ///
    /// # Errors
    /// Returns the error if it ends the source.
    pub(super) fn failed(
        &self,
        error: FetchError,
        delay: Option<Duration>,
        outage: &mut Outage,
        sink: &dyn DataSink,
    ) -> Result<Option<Duration>, DataSourceError> {
        let delay = delay.filter(|_| !self.is_relieved);
        outage.failed(&error, delay);
        if delay.is_none() && !self.is_relieved {
            sink.update_status(DataSourceState::Off, error.info());
            return Err(error.into());
        }
        if let Some(info) = error.info() {
            sink.update_status(DataSourceState::Interrupted, Some(info));
        }
        Ok(delay)
    }
}
