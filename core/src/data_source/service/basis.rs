//! [`Basis`]: the state of the environment that requests of the second protocol name, so that the
//! service sends only what has changed since.

use http::{StatusCode, Uri};
use vexil_eval::model::{ChangeSet, Selector};

use super::endpoint::Endpoint;
use super::fetch_error::FetchError;
use crate::data_source::{DataSink, DataSourceError};

/// After so many refusals in a row, the service is asked for everything (FDV2-F14).
const MAX_REFUSALS: u32 = 3;

/// Selects the URL of each request of one data source.
#[derive(Debug, Default)]
pub(super) struct Basis {
    /// The number of requests in a row that were refused because of the state they named.
    refusals: u32,
}

/// The URL of a request.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) uri: Uri,
    /// Whether the URL names a state.
    pub(super) has_basis: bool,
}

impl Basis {
    /// Returns the URL of the next request, which names the state in `selector`.
    ///
    /// # Errors
    /// Returns an error if the base URL is invalid.
    pub(super) async fn target(
        &mut self,
        endpoint: &Endpoint,
        selector: Option<Selector>,
        sink: &dyn DataSink,
    ) -> Result<Target, DataSourceError> {
        if selector.is_some()
            && self.refusals < MAX_REFUSALS
            && let Some(uri) = endpoint.uri_since(selector.as_ref())?
        {
            return Ok(Target {
                uri,
                has_basis: true,
            });
        }
        if selector.is_some() {
            tracing::warn!("cannot request only the changes; requesting all data");
            self.refusals = 0;
            // A change set without a selector makes the sink forget its own. If that fails, the
            // selector is merely sent again.
            let _ = sink.apply(ChangeSet::delta(Vec::new()).provisional()).await;
        }
        Ok(Target {
            uri: endpoint.uri()?.clone(),
            has_basis: false,
        })
    }

    /// Records the status of the answer to a request.
    ///
    /// # Errors
    /// Returns an error if the service does not accept the state that the request named.
    pub(super) fn accepted(
        &mut self,
        target: &Target,
        status: StatusCode,
    ) -> Result<(), FetchError> {
        if target.has_basis && matches!(status, StatusCode::BAD_REQUEST | StatusCode::URI_TOO_LONG)
        {
            self.refusals += 1;
            return Err(FetchError::StateRefused(status));
        }
        self.refusals = 0;
        Ok(())
    }
}
