//! Payload filters as they are configured.

use crate::wire::PayloadFilter;

/// The filter of a key; none, and a line in the log, if the key is not one (SRC-1.3).
pub(super) fn accepted(key: &str) -> Option<PayloadFilter> {
    let filter = PayloadFilter::new(key);
    if filter.is_none() {
        tracing::error!(
            key,
            "the payload filter is invalid and left out: the whole environment is asked for"
        );
    }
    filter
}
