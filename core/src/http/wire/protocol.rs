//! [`Protocol`]: the versions of the protocol, with their paths.

/// A version of the protocol that delivers flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Complete data, then single items with versions (SRC-2, SRC-3).
    Classic,
    /// Change sets between states of the environment (FDV2-2).
    ChangeSets,
}

impl Protocol {
    /// The path of the stream of all flags and segments, below the streaming base.
    pub(crate) fn stream_path(self) -> &'static str {
        match self {
            Self::Classic => "/all",
            Self::ChangeSets => "/sdk/stream",
        }
    }

    /// The path of the poll of all flags and segments, below the polling base.
    pub(crate) fn poll_path(self) -> &'static str {
        match self {
            Self::Classic => "/sdk/latest-all",
            Self::ChangeSets => "/sdk/poll",
        }
    }
}

/// What a reader has to know about the request that it reads the answer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReaderOptions {
    pub(crate) protocol: Protocol,
    /// Whether items keep their JSON text.
    pub(crate) keep_json: bool,
    /// Whether the request named the state that the client has.
    pub(crate) had_basis: bool,
    /// The maximum size of changes whose end has not arrived, in bytes.
    pub(crate) max_size: usize,
}
