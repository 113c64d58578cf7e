//! [`Endpoint`]: the endpoint of a request, and [`Protocol`]: how it presents data.

use http::Method;

/// One of the service's endpoints. The end of a request's path selects it, whatever the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET …/all`: the stream of flag changes, in the classic protocol.
    Stream,
    /// `GET …/sdk/latest-all`: all flags at once, in the classic protocol.
    Poll,
    /// `GET …/sdk/stream`: the stream of change sets, in the second protocol.
    PayloadStream,
    /// `GET …/sdk/poll`: one change set, in the second protocol.
    PayloadPoll,
    /// `POST …/bulk`: analytics events.
    Events,
    /// `POST …/diagnostic`: statistics about the SDK.
    Diagnostics,
    /// Every other path. The usual answer is 404.
    Other,
}

impl Endpoint {
    /// A path with an empty segment (`//all`) belongs to none: such paths result from joining URLs
    /// incorrectly.
    pub(super) fn of(path: &str) -> Self {
        let known = [
            ("/all", Self::Stream),
            ("/sdk/latest-all", Self::Poll),
            ("/sdk/stream", Self::PayloadStream),
            ("/sdk/poll", Self::PayloadPoll),
            ("/bulk", Self::Events),
            ("/diagnostic", Self::Diagnostics),
        ];
        let found = known
            .into_iter()
            .find(|(end, _)| path.ends_with(end) && !path.contains("//"));
        found.map_or(Self::Other, |(_, endpoint)| endpoint)
    }

    /// The only method allowed.
    pub(super) fn method(self) -> Option<Method> {
        match self {
            Self::Stream | Self::Poll | Self::PayloadStream | Self::PayloadPoll => {
                Some(Method::GET)
            }
            Self::Events | Self::Diagnostics => Some(Method::POST),
            Self::Other => None,
        }
    }

    /// The protocol of its streams, if it is a stream.
    pub(super) fn streams(self) -> Option<Protocol> {
        match self {
            Self::Stream => Some(Protocol::Classic),
            Self::PayloadStream => Some(Protocol::Payloads),
            _ => None,
        }
    }
}

/// How data is presented to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Puts, patches and deletes.
    Classic,
    /// Change sets with a selector (FDV2-2).
    Payloads,
}
