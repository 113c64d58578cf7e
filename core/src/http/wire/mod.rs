//! The service's paths, headers and envelopes.
//!
//! This module is pure: bytes in, values out. [`change`] parses the streams and polls of the
//! classic protocol, [`payload`] those of the second one; [`reader`] selects between them. This file
//! builds their URLs.

mod change;
mod incoming;
mod members;
mod payload;
mod protocol;
mod put;
mod reader;
mod update;

use std::borrow::Cow;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
pub(crate) use protocol::{Protocol, ReaderOptions};
pub(crate) use reader::{BodyReader, StreamReader};
use thiserror::Error;
pub(crate) use update::{Goodbye, Update};
use vexil_eval::Text;
use vexil_eval::json::quiet;
use vexil_eval::model::{ItemVersion, ReadError, Selector};

/// The response header that names the environment of the SDK key.
pub(crate) const ENVIRONMENT_ID: &str = "x-ld-envid";

/// The response header by which the service orders the classic protocol (FDV2-6.1).
pub(crate) const FALLBACK: &str = "x-ld-fd-fallback";

/// The response header that limits the order in time, in seconds (FDV2-6.3).
pub(crate) const FALLBACK_TTL: &str = "x-ld-fd-fallback-ttl";

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
    /// The version of an item is not a number.
    #[error("the version of {item} is not a number")]
    Version {
        /// The kind and key, or the path, of the item.
        item: String,
        /// The JSON error.
        #[source]
        source: serde_json::Error,
    },
    /// A response body is malformed.
    #[error("the response cannot be read")]
    Body {
        /// The JSON error.
        #[source]
        source: serde_json::Error,
    },
    /// A change, or the end of changes, came before the service announced what follows.
    #[error("a \"{event}\" event came before a \"server-intent\"")]
    NotAnnounced {
        /// The event's name.
        event: String,
    },
    /// The intent is unknown.
    #[error("the intent {intent:?} is unknown")]
    UnknownIntent {
        /// The intent.
        intent: String,
    },
    /// The service sent differences to a state that the client has not asked for.
    #[error("the intent {intent:?} refers to data that the client does not have")]
    NoBasis {
        /// The intent.
        intent: String,
    },
    /// A response ended before its changes were complete.
    #[error("the response ended before its changes were complete")]
    NotCommitted,
    /// Changes whose end has not arrived are too large.
    #[error("the changes have more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// An item is malformed. The message names the item.
    #[error(transparent)]
    Data(#[from] ReadError<serde_json::Error>),
}

/// Reads the version of an item, which `item` names.
fn version_of(version: &str, item: impl FnOnce() -> String) -> Result<u64, WireError> {
    match serde_json::from_str(version) {
        Ok(ItemVersion(version)) => Ok(version),
        Err(source) => Err(WireError::Version {
            item: item(),
            source: quiet(source),
        }),
    }
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

/// Returns the URL of a request for what has changed since this state (FDV2-2.1).
pub(crate) fn with_basis(url: &Uri, selector: &Selector) -> String {
    let mark = if url.query().is_some() { '&' } else { '?' };
    let basis = percent_encoding::utf8_percent_encode(selector.as_str(), RESERVED);
    format!("{url}{mark}basis={basis}")
}

/// All characters that are encoded in a query value.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "/all";
    const POLL: &str = "/sdk/latest-all";

    // SRC-1.2
    #[test]
    fn a_path_is_appended_to_a_base_with_any_number_of_trailing_slashes() {
        for base in [
            "http://h:8111/endpoints/7",
            "http://h:8111/endpoints/7/",
            "http://h:8111/endpoints/7///",
        ] {
            assert_eq!(url(base, STREAM, None), "http://h:8111/endpoints/7/all");
            assert_eq!(
                url(base, POLL, None),
                "http://h:8111/endpoints/7/sdk/latest-all"
            );
        }
        assert_eq!(
            url("https://stream.launchdarkly.com", STREAM, None),
            "https://stream.launchdarkly.com/all"
        );
    }

    // SRC-1.2
    #[test]
    fn credentials_ports_addresses_and_queries_of_the_base_are_kept() {
        assert_eq!(
            url("https://u:p@[::1]:80/x/?a=b&c=d#e", STREAM, None),
            "https://u:p@[::1]:80/x/all?a=b&c=d"
        );
        assert_eq!(url("http://h/?", STREAM, None), "http://h/all");
    }

    // SRC-1.3
    #[test]
    fn a_filter_is_one_query_parameter_after_those_of_the_base() {
        let filter = PayloadFilter::new("part-1");
        assert_eq!(
            url("http://h", STREAM, filter.as_ref()),
            "http://h/all?filter=part-1"
        );
        assert_eq!(
            url("http://h?a=b", POLL, filter.as_ref()),
            "http://h/sdk/latest-all?a=b&filter=part-1"
        );
    }

    // FDV2-2.1
    #[test]
    fn a_basis_is_encoded_after_the_query_of_the_base() {
        let selector = Selector::new("(p:x y:7)&é").unwrap();
        for (url, expected) in [
            (
                "http://h/sdk/poll",
                "http://h/sdk/poll?basis=%28p%3Ax%20y%3A7%29%26%C3%A9",
            ),
            (
                "http://h/sdk/poll?a=b",
                "http://h/sdk/poll?a=b&basis=%28p%3Ax%20y%3A7%29%26%C3%A9",
            ),
        ] {
            assert_eq!(with_basis(&url.parse().unwrap(), &selector), expected);
        }
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
