//! [`Decoder`]: decodes bytes to the parts of events.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Buf, Bytes};
use memchr::{memchr2, memchr3};
use thiserror::Error;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The shortest and the longest reconnect delay that a server can set.
const RETRY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(3600));

/// A part of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Some of its data.
    Data(Bytes),
    /// Its end, with its name.
    End(String),
}

/// A server's advice about reconnecting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    /// The id of the last event, to be sent as `Last-Event-ID`. An empty id clears an earlier one.
    pub(crate) last_event_id: Option<Vec<u8>>,
    /// The reconnect delay.
    pub(crate) retry: Option<Duration>,
}

/// A decoding error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum DecodeError {
    /// An event is larger than allowed.
    #[error("an event is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// The position of the decoder within a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// In the name of the field.
    Name,
    /// After the colon, where one space is skipped.
    Colon(Field),
    /// In the value.
    Value(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Event,
    Data,
    Id,
    Retry,
    /// A comment or an unknown field.
    Other,
}

impl Field {
    /// The longest name of a field.
    const LONGEST: usize = 5;

    fn named(name: &[u8]) -> Self {
        match name {
            b"event" => Self::Event,
            b"data" => Self::Data,
            b"id" => Self::Id,
            b"retry" => Self::Retry,
            _ => Self::Other,
        }
    }
}

/// Decodes pieces of a body to parts of events.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    /// How many bytes of the byte order mark were seen. `None` after the beginning of the body.
    bom: Option<usize>,
    /// Whether the last byte was a CR, so that a following LF belongs to the same end of line.
    after_cr: bool,
    position: Position,
    /// The name of the field, truncated to one byte more than the longest known name.
    field: Vec<u8>,
    /// The value of an `id` or `retry` field.
    value: Vec<u8>,
    name: Vec<u8>,
    /// How many bytes of data the event has so far. `None` if it has no `data` line.
    data: Option<usize>,
    /// The id that takes effect at the end of this event.
    id: Option<Vec<u8>>,
    advice: Advice,
}

impl Decoder {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            bom: Some(0),
            after_cr: false,
            position: Position::Name,
            field: Vec::new(),
            value: Vec::new(),
            name: Vec::new(),
            data: None,
            id: None,
            advice: Advice::default(),
        }
    }

    pub(crate) fn take_advice(&mut self) -> Advice {
        std::mem::take(&mut self.advice)
    }

    /// The name of the current event as far as it is known. The default is `message`.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        if self.name.is_empty() {
            Cow::Borrowed("message")
        } else {
            String::from_utf8_lossy(&self.name)
        }
    }

    /// Takes bytes from `piece` up to the end of a part of an event. Returns `None` if the piece
    /// ends before that.
    pub(crate) fn next(&mut self, piece: &mut Bytes) -> Result<Option<Part>, DecodeError> {
        self.skip_bom(piece);
        while let Some(&first) = piece.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                piece.advance(1);
                continue;
            }
            let part = match (self.position, first) {
                (_, b'\n' | b'\r') => {
                    piece.advance(1);
                    self.after_cr = first == b'\r';
                    self.end_line()?
                }
                (Position::Name, b':') => {
                    piece.advance(1);
                    self.begin_value()?
                }
                (Position::Name, _) => {
                    self.take_name(
                        &piece.split_to(memchr3(b':', b'\n', b'\r', piece).unwrap_or(piece.len())),
                    );
                    None
                }
                (Position::Colon(field), _) => {
                    piece.advance(usize::from(first == b' '));
                    self.position = Position::Value(field);
                    None
                }
                (Position::Value(field), _) => self.append(
                    field,
                    piece.split_to(memchr2(b'\n', b'\r', piece).unwrap_or(piece.len())),
                )?,
            };
            if part.is_some() {
                return Ok(part);
            }
        }
        Ok(None)
    }

    /// Skips one byte order mark at the very beginning.
    fn skip_bom(&mut self, piece: &mut Bytes) {
        while let (Some(seen), Some(first)) = (self.bom, piece.first()) {
            match BOM.get(seen) {
                Some(expected) if expected == first => {
                    self.bom = Some(seen + 1);
                    piece.advance(1);
                }
                Some(_) => {
                    self.field
                        .extend_from_slice(BOM.get(..seen).unwrap_or_default());
                    self.bom = None;
                }
                None => self.bom = None,
            }
        }
    }

    /// Keeps one byte more than the longest name, which suffices to recognize an unknown field.
    fn take_name(&mut self, name: &[u8]) {
        let room = (Field::LONGEST + 1).saturating_sub(self.field.len());
        self.field
            .extend_from_slice(name.get(..room).unwrap_or(name));
    }

    /// Begins the value of the field whose name was read.
    fn begin_value(&mut self) -> Result<Option<Part>, DecodeError> {
        let field = Field::named(&self.field);
        self.field.clear();
        self.position = Position::Colon(field);
        match field {
            Field::Event => self.name.clear(),
            Field::Data if self.data.is_some() => {
                return self.append(field, Bytes::from_static(b"\n"));
            }
            Field::Data => self.data = Some(0),
            Field::Id | Field::Retry | Field::Other => {}
        }
        Ok(None)
    }

    fn append(&mut self, field: Field, bytes: Bytes) -> Result<Option<Part>, DecodeError> {
        let data = self.data.unwrap_or(0);
        let held = data + self.name.len() + self.value.len() + self.id.as_ref().map_or(0, Vec::len);
        if field != Field::Other && bytes.len() > self.limit.saturating_sub(held) {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        match field {
            Field::Event => self.name.extend_from_slice(&bytes),
            Field::Id | Field::Retry => self.value.extend_from_slice(&bytes),
            Field::Data => {
                self.data = Some(data + bytes.len());
                return Ok(Some(Part::Data(bytes)));
            }
            Field::Other => {}
        }
        Ok(None)
    }

    /// Ends a line; an empty one ends the event.
    fn end_line(&mut self) -> Result<Option<Part>, DecodeError> {
        let mut part = None;
        if self.position == Position::Name {
            if self.field.is_empty() {
                return Ok(self.end_event());
            }
            part = self.begin_value()?;
        }
        match std::mem::replace(&mut self.position, Position::Name) {
            Position::Colon(Field::Id) | Position::Value(Field::Id) if !self.value.contains(&0) => {
                self.id = Some(std::mem::take(&mut self.value));
            }
            Position::Colon(Field::Retry) | Position::Value(Field::Retry) => {
                self.advice.retry = retry(&self.value).or(self.advice.retry);
            }
            _ => {}
        }
        self.value.clear();
        Ok(part)
    }

    fn end_event(&mut self) -> Option<Part> {
        self.advice.last_event_id = self.id.take().or_else(|| self.advice.last_event_id.take());
        let name = self.name().into_owned();
        self.name.clear();
        self.data.take().map(|_| Part::End(name))
    }
}

/// Parses a reconnect delay: a number of milliseconds other than zero.
fn retry(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = value.iter().map(|digit| u64::from(digit - b'0'));
    let millis = digits.fold(0_u64, |millis, digit| {
        millis.saturating_mul(10).saturating_add(digit)
    });
    (millis > 0).then(|| Duration::from_millis(millis).clamp(RETRY.0, RETRY.1))
}

#[cfg(test)]
mod tests;
