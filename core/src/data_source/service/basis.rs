//! [`Basis`]: the state of the environment that requests of the second protocol name, so that the
//! service sends only what has changed since.

use std::time::Duration;

use http::{HeaderMap, StatusCode, Uri};
use vexil_eval::model::ChangeSet;

use super::endpoint::Endpoint;
use super::fetch_error::FetchError;
use crate::data_source::{DataSink, DataSourceError, FallbackDirective};
use crate::http::backoff::{Jitter, jitter};
use crate::http::wire::{FALLBACK, FALLBACK_TTL, Protocol};

/// After so many refusals in a row, the service is asked for everything (FDV2-F14).
const MAX_REFUSALS: u32 = 3;

/// The longest time for which the service can order the classic protocol (FDV2-6.3).
const LONGEST_FALLBACK: u32 = 3600;

/// Selects the URL of each request of one data source.
#[derive(Debug)]
pub(super) struct Basis {
    protocol: Protocol,
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
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            refusals: 0,
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

    /// Passes an order to use the classic protocol to the sink. Returns whether the sink follows
    /// it.
    pub(super) fn pass_directive(&self, headers: &HeaderMap, sink: &dyn DataSink) -> bool {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_directive = self.protocol == Protocol::ChangeSets
            && header(FALLBACK).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let seconds = header(FALLBACK_TTL).and_then(|value| value.trim().parse().ok());
        is_directive && sink.fall_back(directive(seconds, jitter))
    }
}

/// A directive that holds for this many seconds (FDV2-6.3).
pub(super) fn directive(seconds: Option<i64>, jitter: Jitter) -> FallbackDirective {
    let longest = Duration::from_secs(LONGEST_FALLBACK.into());
    FallbackDirective::new(match seconds {
        None | Some(..=0) => None,
        Some(seconds) => Some(match u32::try_from(seconds) {
            Ok(seconds @ ..=LONGEST_FALLBACK) => Duration::from_secs(seconds.into()),
            // Clients that received the same order do not all return at once.
            _ => longest - jitter(longest / 2),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // FDV2-6.3
    #[test]
    fn a_directive_holds_for_ever_or_for_an_hour_at_most() {
        let seconds = |seconds| directive(seconds, |most| most).duration;
        for (given, expected) in [
            (None, None),
            (Some(0), None),
            (Some(-5), None),
            (Some(1), Some(1)),
            (Some(3600), Some(3600)),
            (Some(3601), Some(1800)),
            (Some(i64::MAX), Some(1800)),
        ] {
            assert_eq!(
                seconds(given),
                expected.map(Duration::from_secs),
                "{given:?}"
            );
        }
        let longest = directive(Some(7200), |_| Duration::ZERO).duration;
        assert_eq!(longest, Some(Duration::from_secs(3600)));
    }
}
