//! [`PollReader`]: parses the body of a poll event by event while it arrives.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use vexil_eval::json::{ArrayReader, ArrayStep, Cursor, ObjectReader, Step, quiet};

use super::super::incoming::Utf8Buffer;
use super::super::members::{lenient, members};
use super::super::protocol::ReaderOptions;
use super::super::{Update, WireError};
use super::PayloadReader;

/// Parses the body of a poll: `{"events": [{"event": …, "data": …}, …]}` (FDV2-3).
#[derive(Debug)]
pub(crate) struct PollReader {
    incoming: Utf8Buffer,
    body: Body,
}

#[derive(Debug)]
struct Body {
    object: ObjectReader,
    events: ArrayReader,
    reader: PayloadReader,
    /// The meaning of the body, once it is known. What follows is not read.
    result: Option<Update>,
}

impl PollReader {
    pub(in crate::http::wire) fn new(options: ReaderOptions) -> Self {
        Self {
            incoming: Utf8Buffer::default(),
            body: Body {
                object: ObjectReader::default(),
                events: ArrayReader::default(),
                reader: PayloadReader::new(options),
                result: None,
            },
        }
    }

    /// Appends a piece.
    pub(in crate::http::wire) fn push(&mut self, piece: &[u8]) -> Result<(), WireError> {
        if self.body.result.is_some() {
            return Ok(());
        }
        self.incoming
            .push(piece, |cursor| self.body.advance(cursor))
    }

    /// Returns the meaning of the body. Called once the whole body has arrived.
    pub(in crate::http::wire) fn finish(mut self) -> Result<Update, WireError> {
        if self.body.result.is_none() {
            self.incoming.finish(|cursor| self.body.advance(cursor))?;
        }
        match self.body.result {
            // A goodbye is a result only if it orders the classic protocol.
            Some(Update::Goodbye(goodbye)) if goodbye.fallback_seconds.is_none() => {
                Err(WireError::NotCommitted)
            }
            Some(update) => Ok(update),
            None => Err(WireError::NotCommitted),
        }
    }
}

impl Body {
    fn advance(&mut self, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
        loop {
            let is_read = match self.object.step(cursor).map_err(invalid)? {
                Step::Incomplete => return Ok(()),
                Step::End => return cursor.end().map_err(invalid),
                Step::Member(name) if name == "events" => self.events(cursor)?,
                Step::Member(_) => cursor.value::<IgnoredAny>().map_err(invalid)?.is_some(),
            };
            if !is_read || self.result.is_some() {
                return Ok(());
            }
            self.object.value_read();
        }
    }

    /// Reads events. Returns whether the end of their array was reached.
    fn events(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, WireError> {
        loop {
            match self.events.step(cursor).map_err(invalid)? {
                ArrayStep::Incomplete => return Ok(false),
                ArrayStep::End => return Ok(true),
                ArrayStep::Element => {}
            }
            let Some(event) = cursor.text().map_err(invalid)? else {
                return Ok(false);
            };
            self.events.value_read();
            match self.event(event)? {
                update @ (Update::Changes(_) | Update::Current | Update::Goodbye(_)) => {
                    self.result = Some(update);
                    return Ok(false);
                }
                Update::Item(_) | Update::Partial | Update::Dropped { .. } | Update::Ignored => {}
            }
        }
    }

    /// Reads one entry of the array. An entry without a name has no meaning.
    fn event(&mut self, entry: &str) -> Result<Update, WireError> {
        let [name, data] = members("poll", entry, ["event", "data"])?;
        match lenient::<String>(name) {
            Some(name) => self.reader.read(&name, data.map_or("null", RawValue::get)),
            None => Ok(Update::Ignored),
        }
    }
}

fn invalid(source: serde_json::Error) -> WireError {
    WireError::Body {
        source: quiet(source),
    }
}
