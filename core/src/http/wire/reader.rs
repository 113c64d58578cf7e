//! [`StreamReader`], [`BodyReader`]: readers of streams and polls in either protocol.

use super::protocol::{Protocol, ReaderOptions};
use super::{Update, WireError, change, payload};

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
