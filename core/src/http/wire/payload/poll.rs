//! [`PollReader`]: parses the body of a poll event by event while it arrives.

use serde::de::IgnoredAny;
use vexil_eval::Text;
use vexil_eval::json::{ArrayReader, ArrayStep, Cursor, ObjectReader, Step, quiet};
use vexil_eval::model::ItemReader;

use super::super::incoming::Utf8Buffer;
use super::super::members::malformed;
use super::super::protocol::ReaderOptions;
use super::super::{Update, WireError};
use super::PayloadReader;
use super::event::Event;
use super::one_pass::{OnePassEntry, PUT};

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
            let begin = cursor.clone();
            let Some(update) = self.event(cursor)? else {
                *cursor = begin;
                return Ok(false);
            };
            self.events.value_read();
            match update {
                update @ (Update::Changes(_) | Update::Current | Update::Goodbye(_)) => {
                    self.result = Some(update);
                    return Ok(false);
                }
                Update::Item(_) | Update::Partial | Update::Dropped { .. } | Update::Ignored => {}
            }
        }
    }

    /// Reads one entry of the array. Returns `None` if its end has not arrived.
    fn event(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Update>, WireError> {
        let begin = cursor.value_begins();
        let objects = &mut self.reader.objects;
        let read = match cursor.value_with(OnePassEntry(objects)) {
            Ok(item) => item.map(|item| (Text::from_static(PUT), Event::Change(item))),
            Err(_) => entry(cursor, objects)?,
        };
        let Some((name, event)) = read else {
            return Ok(None);
        };
        let size = cursor.position() - begin;
        self.reader.take(&name, event, size).map(Some)
    }
}

/// Reads an entry member by member. An entry without a name has no meaning.
fn entry(
    cursor: &mut Cursor<'_>,
    objects: &mut ItemReader,
) -> Result<Option<(Text, Event)>, WireError> {
    let mut members = ObjectReader::default();
    let (mut name, mut data, mut put) = (None, None, None);
    loop {
        let step = members.step(cursor).map_err(|error| match cursor.text() {
            Ok(_) => malformed("poll", error),
            // Not JSON at all.
            Err(error) => invalid(error),
        });
        match step? {
            Step::Incomplete => return Ok(None),
            Step::End => break,
            Step::Member(member) if member == "data" && name.as_deref() == Some(PUT) => {
                let Some(event) = Event::read_put(cursor, objects)? else {
                    return Ok(None);
                };
                put = Some(event);
            }
            Step::Member(member) => {
                let Some(text) = cursor.text().map_err(invalid)? else {
                    return Ok(None);
                };
                match member.as_str() {
                    // A name of another type counts as missing.
                    "event" => name = serde_json::from_str::<Text>(text).ok(),
                    "data" => (data, put) = (Some(text), None),
                    _ => {}
                }
            }
        }
        members.value_read();
    }
    let Some(name) = name else {
        return Ok(Some((Text::default(), Event::Ignored)));
    };
    let event = match put {
        Some(event) => event,
        None => Event::read(&name, data.unwrap_or("null"), objects)?,
    };
    Ok(Some((name, event)))
}

fn invalid(source: serde_json::Error) -> WireError {
    WireError::Body {
        source: quiet(source),
    }
}
