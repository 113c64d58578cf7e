//! The order of the service to use the classic protocol, and how long it holds (FDV2-6).

use std::time::Duration;

use http::HeaderMap;

use crate::data_source::FallbackDirective;
use crate::http::backoff::{Jitter, jitter};
use crate::http::wire::{FALLBACK, FALLBACK_TTL, Protocol};

/// The longest time for which the service can order the classic protocol (FDV2-6.3).
const LONGEST_FALLBACK: u32 = 3600;

/// Returns the order in the headers of a response (FDV2-6.1). The classic protocol has none.
pub(super) fn ordered(protocol: Protocol, headers: &HeaderMap) -> Option<FallbackDirective> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_order = protocol == Protocol::ChangeSets
        && header(FALLBACK).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let seconds = header(FALLBACK_TTL).and_then(|value| value.trim().parse().ok());
    is_order.then(|| directive(seconds, jitter))
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
