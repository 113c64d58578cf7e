//! Validates configured payload filters.

use crate::http::wire::PayloadFilter;

/// The filter with this key. Logs an error and returns `None` if the key is invalid (SRC-1.3).
pub(super) fn accepted(key: &str) -> Option<PayloadFilter> {
    let filter = PayloadFilter::new(key);
    if filter.is_none() {
        tracing::error!(
            key,
            "the payload filter is invalid and ignored; requesting the whole environment"
        );
    }
    filter
}
