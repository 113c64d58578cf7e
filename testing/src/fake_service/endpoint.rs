//! [`Endpoint`]: the endpoint of a request.

use http::Method;

/// One of the service's endpoints. The end of a request's path selects it, whatever the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET …/all`: the stream of flag changes.
    Stream,
    /// `GET …/sdk/latest-all`: all flags at once.
    Poll,
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
            Self::Stream | Self::Poll => Some(Method::GET),
            Self::Events | Self::Diagnostics => Some(Method::POST),
            Self::Other => None,
        }
    }
}
