//! [`Protocol`]: how an endpoint presents data.

use vexil_service::Endpoint;

/// How data is presented to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Puts, patches and deletes.
    Classic,
    /// Change sets with a selector (FDV2-2).
    Payloads,
}

impl Protocol {
    /// The protocol of the streams of an endpoint, if it is a stream.
    pub(super) fn of_streams(endpoint: Endpoint) -> Option<Self> {
        match endpoint {
            Endpoint::Stream => Some(Self::Classic),
            Endpoint::PayloadStream => Some(Self::Payloads),
            _ => None,
        }
    }
}
