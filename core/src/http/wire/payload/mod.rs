//! Parses the streams and polls of the second protocol (FDV2-2, FDV2-3).
//!
//! The service announces a payload, sends its objects one by one, and commits it. An object is
//! parsed when it arrives; the payload is returned once it is committed. One malformed object
//! rejects the whole payload. Unknown events and kinds of objects are skipped without parsing, so
//! that the service may add some.

mod event;
mod one_pass;
mod poll;

use std::collections::HashSet;

use event::Event;
pub(super) use poll::PollReader;
use vexil_eval::model::{ChangeSet, Item, ItemReader, Selector};

use super::protocol::ReaderOptions;
use super::{Update, WireError};

/// Reads the events of one connection, or of one poll, in their order (FDV2-2.3).
#[derive(Debug)]
struct PayloadReader {
    state: State,
    /// The changes of the payload whose end has not arrived.
    items: Vec<Item>,
    objects: ItemReader,
    /// Bytes of the events that `items` were read from: of their data in a stream, of the whole entry
    /// in a poll.
    size: usize,
    max_size: usize,
    /// Whether the client has the state that a difference refers to.
    has_basis: bool,
}

/// What the next changes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Unknown: the service has not announced them.
    Idle,
    /// The complete data.
    Full,
    /// Differences to the data that the client has.
    Changes,
}

impl PayloadReader {
    fn new(options: ReaderOptions) -> Self {
        Self {
            state: State::Idle,
            items: Vec::new(),
            objects: ItemReader::new(options.keep_json),
            size: 0,
            max_size: options.max_size,
            has_basis: options.had_basis,
        }
    }

    /// Takes an event that was read from `size` bytes. After an error the reader must not be used
    /// again.
    fn take(&mut self, name: &str, event: Event, size: usize) -> Result<Update, WireError> {
        match event {
            Event::Intent(intent) => {
                self.clear();
                self.intend(&intent)
            }
            Event::Change(item) => {
                self.announced(name)?;
                self.size = self.size.saturating_add(size);
                if self.size > self.max_size {
                    return Err(WireError::TooLarge {
                        limit: self.max_size,
                    });
                }
                self.items.push(item);
                Ok(Update::Partial)
            }
            Event::Commit(selector) => {
                self.announced(name)?;
                Ok(Update::Changes(self.commit(selector)))
            }
            Event::Error { reason } => {
                self.clear();
                Ok(Update::Dropped { reason })
            }
            Event::Goodbye(goodbye) => {
                self.clear();
                self.state = State::Idle;
                Ok(Update::Goodbye(goodbye))
            }
            Event::Ignored => Ok(Update::Ignored),
        }
    }

    fn intend(&mut self, intent: &str) -> Result<Update, WireError> {
        self.state = match intent {
            "xfer-full" => State::Full,
            // Without a state that they refer to, differences would be taken for the whole data.
            "xfer-changes" | "none" if !self.has_basis => {
                return Err(WireError::NoBasis {
                    intent: intent.to_owned(),
                });
            }
            "xfer-changes" | "none" => State::Changes,
            _ => {
                return Err(WireError::UnknownIntent {
                    intent: intent.to_owned(),
                });
            }
        };
        Ok(match intent {
            "none" => Update::Current,
            _ => Update::Partial,
        })
    }

    /// Returns an error if the service has not announced what its changes are.
    fn announced(&self, event: &str) -> Result<(), WireError> {
        match self.state {
            State::Idle => Err(WireError::NotAnnounced {
                event: event.to_owned(),
            }),
            State::Full | State::Changes => Ok(()),
        }
    }

    fn commit(&mut self, selector: Option<Selector>) -> ChangeSet {
        let items = std::mem::take(&mut self.items);
        let changes = match self.state {
            State::Full => ChangeSet::full(items.into_iter().collect()),
            State::Idle | State::Changes => ChangeSet::delta(last_of_each_key(items)),
        };
        self.clear();
        self.state = State::Changes;
        self.has_basis = true;
        changes.with_selector(selector)
    }

    fn clear(&mut self) {
        // A reader keeps the patterns of all items that it has read, and a stream may last for
        // months.
        self.objects = ItemReader::new(self.objects.keeps_json());
        self.items.clear();
        self.size = 0;
    }
}

/// Drops the changes of a key before its last one.
fn last_of_each_key(items: Vec<Item>) -> Vec<Item> {
    let mut seen = HashSet::with_capacity(items.len());
    let mut kept: Vec<Item> = items
        .into_iter()
        .rev()
        .filter(|item| seen.insert((item.kind(), item.key().clone())))
        .collect();
    kept.reverse();
    kept
}

/// How many bytes of the buffer for an event are kept for the next one.
const KEPT: usize = 16 * 1024;

/// Parses the events of a stream while they arrive.
#[derive(Debug)]
pub(crate) struct EventReader {
    reader: PayloadReader,
    /// The data of the current event. It holds one object at most.
    data: Vec<u8>,
}

impl EventReader {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self {
            reader: PayloadReader::new(options),
            data: Vec::new(),
        }
    }

    /// Appends a piece of an event's data.
    pub(super) fn push(&mut self, data: &[u8]) {
        self.data.extend_from_slice(data);
    }

    /// Returns the meaning of the event. Called once the end of the event has arrived.
    pub(super) fn finish(&mut self, name: &str) -> Result<Update, WireError> {
        let update = self.read(name);
        self.data.clear();
        self.data.shrink_to(KEPT);
        update
    }

    fn read(&mut self, name: &str) -> Result<Update, WireError> {
        if !Event::is_known(name) {
            return Ok(Update::Ignored);
        }
        let data = str::from_utf8(&self.data).map_err(|_| WireError::NotUtf8)?;
        let event = Event::read(name, data, &mut self.reader.objects)?;
        self.reader.take(name, event, data.len())
    }

    /// Whether the service has announced changes.
    pub(super) fn is_receiving(&self) -> bool {
        self.reader.state != State::Idle
    }
}

#[cfg(test)]
mod tests;
