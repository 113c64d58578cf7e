//! [`answer`]: the answer to a request for flags.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use vexil_eval::Context;
use vexil_eval::model::DataKind;

use crate::{
    ClientFlags, ContextReadError, Endpoint, Event, ItemStream, Items, Memberships, Route, Rules,
    SdkFamily, ValueStream, fdv1, fdv2, is_secure_mode_hash,
};

/// The data that answers are made from. Items and rules must have the same revision.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a parameter of one function, whose fields are all that it reads"
)]
pub struct Served<'s> {
    /// The flags and segments.
    pub items: &'s Items,
    /// The same, prepared for evaluation.
    pub rules: &'s Rules,
    /// The big segments of the context of the request; `None` if there is no store.
    pub memberships: Option<&'s Memberships>,
}

/// The answer to a request for flags.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// A JSON body: 200, with an [`etag`](crate::etag()), or 304 if the client has it.
    Body(Bytes),
    /// A stream of whole items, or one that only announces changes.
    Items(ItemStream),
    /// A stream of the values of flags for a context.
    Values(ValueStream),
}

/// Answers a request for flags. In secure mode, the hash of a context of a JavaScript SDK must have
/// been made with the SDK key.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_service::{Answer, Items, Route, Rules, Served, answer};
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"key": "banner"}));
/// let mut rules = Rules::default();
/// rules.update(&items)?;
/// let served = Served { items: &items, rules: &rules, memberships: None };
///
/// let route = Route::find("GET", "/sdk/flags/banner", None)?;
/// let expected = r#"{"key":"banner","version":1}"#;
/// assert_eq!(answer(&route, b"", served, None)?, Answer::Body(expected.into()));
///
/// let route = Route::find("GET", "/all", None)?;
/// let Answer::Items(stream) = answer(&route, b"", served, None)? else { unreachable!() };
/// assert_eq!(stream.opening(&items)[0].name(), "put");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Returns an error if there is no such item, the context cannot be read, or its hash is wrong; and for
/// endpoints that do not serve flags.
pub fn answer(
    route: &Route,
    body: &[u8],
    served: Served<'_>,
    secure_mode_key: Option<&str>,
) -> Result<Answer, AnswerError> {
    let endpoint = route.endpoint();
    let items = served.items;
    let basis = route.basis();
    let item = |kind| {
        let found = items.get(kind, route.key().unwrap_or_default());
        let json = found.and_then(|item| item.json());
        json.map(|json| Bytes::copy_from_slice(json.as_bytes()))
            .ok_or(AnswerError::NoItem { kind })
    };
    let values = || -> Result<ValueStream, AnswerError> {
        let context = route
            .context(body)
            .map_err(|source| AnswerError::Context { source })?;
        check_hash(route, &context, secure_mode_key)?;
        Ok(ValueStream {
            endpoint,
            basis: basis.map(str::to_owned),
            context,
            family: route.family(),
            with_reasons: route.with_reasons(),
        })
    };
    let evaluate = || -> Result<ClientFlags, AnswerError> { Ok(values()?.evaluate(served)) };
    Ok(match endpoint {
        Endpoint::Poll => Answer::Body(fdv1::body(items)),
        Endpoint::PayloadPoll => Answer::Body(Event::to_body(&fdv2::payload(items, basis))),
        Endpoint::Flags => Answer::Body(fdv1::flags(items)),
        Endpoint::Flag => Answer::Body(item(DataKind::Flag)?),
        Endpoint::Segment => Answer::Body(item(DataKind::Segment)?),
        Endpoint::Goals => Answer::Body(Bytes::from_static(b"[]")),
        Endpoint::ClientPoll => Answer::Body(evaluate()?.body()),
        Endpoint::ClientPayloadPoll => Answer::Body(Event::to_body(&evaluate()?.payload(basis))),
        Endpoint::ClientStream | Endpoint::ClientPayloadStream => Answer::Values(values()?),
        Endpoint::Stream
        | Endpoint::FlagStream
        | Endpoint::PayloadStream
        | Endpoint::ClientPing => Answer::Items(ItemStream {
            endpoint,
            basis: basis.map(str::to_owned),
        }),
        Endpoint::Events
        | Endpoint::Diagnostics
        | Endpoint::Pixel
        | Endpoint::Status
        | Endpoint::Other => return Err(AnswerError::NotFlags),
    })
}

fn check_hash(
    route: &Route,
    context: &Context,
    secure_mode_key: Option<&str>,
) -> Result<(), AnswerError> {
    let key = secure_mode_key.filter(|_| route.family() == SdkFamily::JavaScript);
    let is_right = key.is_none_or(|key| {
        route
            .hash()
            .is_some_and(|hash| is_secure_mode_hash(key, context, hash))
    });
    match is_right {
        true => Ok(()),
        false => Err(AnswerError::WrongHash),
    }
}

/// An error of answering a request for flags.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no such item: 404.
    NoItem {
        /// Flag or segment.
        kind: DataKind,
    },
    /// The context of the request cannot be read: 400.
    Context {
        /// The error of the context.
        source: ContextReadError,
    },
    /// The service is in secure mode, and the request does not have the hash of its context: 400.
    WrongHash,
    /// The endpoint does not serve flags: 404.
    NotFlags,
}

impl AnswerError {
    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoItem { .. } | Self::NotFlags => 404,
            Self::Context { .. } | Self::WrongHash => 400,
        }
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoItem { kind } => write!(f, "there is no such {kind}"),
            Self::Context { .. } => f.write_str("the context of the request cannot be read"),
            Self::WrongHash => f.write_str(
                "environment is in secure mode, and the hash does not match the context",
            ),
            Self::NotFlags => f.write_str("the endpoint does not serve flags"),
        }
    }
}

impl Error for AnswerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Context { source } => Some(source),
            _ => None,
        }
    }
}
