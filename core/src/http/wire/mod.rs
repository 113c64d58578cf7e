//! The service's paths, headers and envelopes.
//!
//! This module is pure: bytes in, values out. [`change`] parses the payloads of streams and polls;
//! this file builds URLs. Another version of the protocol would be another file beside
//! [`change`].

pub(crate) mod change;
mod envelope;
mod incoming;
mod put;

use std::borrow::Cow;

use http::Uri;
use thiserror::Error;
use vexil_eval::Text;
use vexil_eval::model::ReadError;

/// The path of the stream of all flags and segments, below the streaming base.
pub(crate) const STREAM_PATH: &str = "/all";

/// The path of the poll of all flags and segments, below the polling base.
pub(crate) const POLL_PATH: &str = "/sdk/latest-all";

/// The response header that names the environment of the SDK key.
pub(crate) const ENVIRONMENT_ID: &str = "x-ld-envid";

/// Why a payload of the service cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum WireError {
    /// The data of an event, or a response body, is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The name of an event changed after part of it was parsed as a `put`.
    #[error("a \"put\" event changed its name")]
    Renamed,
    /// The envelope is malformed.
    #[error("a \"{event}\" event cannot be read")]
    Envelope {
        /// The event's name.
        event: &'static str,
        /// The JSON error.
        #[source]
        source: serde_json::Error,
    },
    /// A property of the envelope is missing.
    #[error("a \"{event}\" event has no {property}")]
    Missing {
        /// The event's name.
        event: &'static str,
        /// The name of the property.
        property: &'static str,
    },
    /// The version of a deletion is not a number.
    #[error("the deletion of {path} has a version that is not a number")]
    Version {
        /// The path of the item to delete.
        path: String,
        /// The JSON error.
        #[source]
        source: serde_json::Error,
    },
    /// An item is malformed. The message names the item.
    #[error(transparent)]
    Data(#[from] ReadError<serde_json::Error>),
}

/// A payload filter: the key of a part of the environment, which is delivered instead of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PayloadFilter(Text);

impl PayloadFilter {
    /// Returns `None` if the key is invalid. A valid key consists of letters, digits, `.`, `_` and
    /// `-`, and starts with a letter or digit.
    pub(crate) fn new(key: &str) -> Option<Self> {
        let is_valid = key.starts_with(|c: char| c.is_ascii_alphanumeric())
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        is_valid.then(|| Self(Text::from(key)))
    }
}

/// Returns the URL of a path below a base, or `None` if it is not a valid http or https URL.
pub(crate) fn uri(base: &str, path: &str, filter: Option<&PayloadFilter>) -> Option<Uri> {
    let uri = Uri::try_from(url(base, path, filter)).ok()?;
    let is_valid = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    is_valid.then_some(uri)
}

/// Returns the URL of a path below a base, which may have its own path and query: for
/// `https://relay/ld/?a=b` and `/all`, `https://relay/ld/all?a=b`. A filter needs no encoding,
/// because its key has no special characters.
fn url(base: &str, path: &str, filter: Option<&PayloadFilter>) -> String {
    let base = base.split('#').next().unwrap_or_default();
    let (base, query) = match base.split_once('?') {
        Some((base, query)) => (base, Some(query).filter(|query| !query.is_empty())),
        None => (base, None),
    };
    let filter = filter.map(|PayloadFilter(key)| Cow::Owned(format!("filter={key}")));
    let queries: Vec<_> = query.map(Cow::Borrowed).into_iter().chain(filter).collect();
    let mark = if queries.is_empty() { "" } else { "?" };
    format!(
        "{}{path}{mark}{}",
        base.trim_end_matches('/'),
        queries.join("&")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // SRC-1.2
    #[test]
    fn a_path_is_appended_to_a_base_with_any_number_of_trailing_slashes() {
        for base in [
            "http://h:8111/endpoints/7",
            "http://h:8111/endpoints/7/",
            "http://h:8111/endpoints/7///",
        ] {
            assert_eq!(
                url(base, STREAM_PATH, None),
                "http://h:8111/endpoints/7/all"
            );
            assert_eq!(
                url(base, POLL_PATH, None),
                "http://h:8111/endpoints/7/sdk/latest-all"
            );
        }
        assert_eq!(
            url("https://stream.launchdarkly.com", STREAM_PATH, None),
            "https://stream.launchdarkly.com/all"
        );
    }

    // SRC-1.2
    #[test]
    fn credentials_ports_addresses_and_queries_of_the_base_are_kept() {
        assert_eq!(
            url("https://u:p@[::1]:80/x/?a=b&c=d#e", STREAM_PATH, None),
            "https://u:p@[::1]:80/x/all?a=b&c=d"
        );
        assert_eq!(url("http://h/?", STREAM_PATH, None), "http://h/all");
    }

    // SRC-1.3
    #[test]
    fn a_filter_is_one_query_parameter_after_those_of_the_base() {
        let filter = PayloadFilter::new("part-1");
        assert_eq!(
            url("http://h", STREAM_PATH, filter.as_ref()),
            "http://h/all?filter=part-1"
        );
        assert_eq!(
            url("http://h?a=b", POLL_PATH, filter.as_ref()),
            "http://h/sdk/latest-all?a=b&filter=part-1"
        );
    }

    // SRC-1.3
    #[test]
    fn a_filter_key_consists_of_letters_digits_dots_dashes_and_underscores() {
        for key in ["encoding_not_necessary", "a", "7", "A.b-C_9"] {
            assert!(PayloadFilter::new(key).is_some(), "{key}");
        }
        for key in [
            "",
            "encoding necessary +! %& ( )",
            ".a",
            "-a",
            "_a",
            "a/b",
            "é",
            "a\n",
        ] {
            assert!(PayloadFilter::new(key).is_none(), "{key}");
        }
    }
}
