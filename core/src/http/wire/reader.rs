//! [`StreamReader`], [`BodyReader`]: readers of streams and polls in either protocol.

use super::{Update, WireError, change, payload};

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

/// Parses the events of a stream while they arrive.
#[derive(Debug)]
pub(crate) enum StreamReader {
    Classic(Box<change::EventReader>),
    ChangeSets(Box<payload::EventReader>),
}

impl StreamReader {
    pub(crate) fn new(options: ReaderOptions) -> Self {
        match options.protocol {
            Protocol::Classic => {
                Self::Classic(Box::new(change::EventReader::new(options.keep_json)))
            }
            Protocol::ChangeSets => Self::ChangeSets(Box::new(payload::EventReader::new(options))),
        }
    }

    /// Appends a piece of an event's data. `name` is the event's name as received so far.
    pub(crate) fn push(&mut self, name: &str, data: &[u8]) -> Result<(), WireError> {
        match self {
            Self::Classic(reader) => reader.push(name, data),
            Self::ChangeSets(reader) => {
                reader.push(data);
                Ok(())
            }
        }
    }

    /// Returns the meaning of the event. Called once the end of the event has arrived.
    pub(crate) fn finish(&mut self, name: &str) -> Result<Update, WireError> {
        match self {
            Self::Classic(reader) => reader.finish(name),
            Self::ChangeSets(reader) => reader.finish(name),
        }
    }

    /// Whether part of a data set or change set has arrived.
    pub(crate) fn is_receiving(&self) -> bool {
        match self {
            Self::Classic(reader) => reader.is_receiving(),
            Self::ChangeSets(reader) => reader.is_receiving(),
        }
    }
}

/// Parses the response body of a poll while it arrives.
#[derive(Debug)]
pub(crate) enum BodyReader {
    Classic(Box<change::PollReader>),
    ChangeSets(Box<payload::PollReader>),
}

impl BodyReader {
    pub(crate) fn new(options: ReaderOptions) -> Self {
        match options.protocol {
            Protocol::Classic => {
                Self::Classic(Box::new(change::PollReader::new(options.keep_json)))
            }
            Protocol::ChangeSets => Self::ChangeSets(Box::new(payload::PollReader::new(options))),
        }
    }

    /// Appends a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), WireError> {
        match self {
            Self::Classic(reader) => reader.push(piece),
            Self::ChangeSets(reader) => reader.push(piece),
        }
    }

    /// Returns the meaning of the body: changes, [`Update::Current`] or [`Update::Goodbye`]. Called
    /// once the whole body has arrived.
    pub(crate) fn finish(self) -> Result<Update, WireError> {
        match self {
            Self::Classic(reader) => reader.finish(),
            Self::ChangeSets(reader) => reader.finish(),
        }
    }
}
