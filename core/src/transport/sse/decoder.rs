//! [`Decoder`]: bytes to events.

use std::time::Duration;

use bytes::{Buf, Bytes};
use memchr::memchr2;
use thiserror::Error;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The shortest and the longest time to reconnect that a server may ask for.
const RETRY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(3600));

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// What kind of event it is: `message`, unless it says otherwise.
    pub(crate) name: String,
    /// Its data.
    pub(crate) data: String,
}

/// What a server may say about reconnecting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    /// The id of the last event, to be sent as `Last-Event-ID`; empty takes an earlier one back.
    pub(crate) last_event_id: Option<Vec<u8>>,
    /// How long to wait before reconnecting.
    pub(crate) retry: Option<Duration>,
}

/// Why bytes cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum DecodeError {
    /// The data of an event is not UTF-8.
    #[error("an event's data is not UTF-8")]
    NotUtf8,
    /// An event is larger than allowed.
    #[error("an event is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// Where in a line the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the name of the field.
    Name,
    /// Behind the colon, where one space does not count.
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
    /// A comment, or a field that is not known.
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

/// Turns pieces of a body into events.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    /// How much of the byte order mark has been seen; none once the beginning is over.
    bom: Option<usize>,
    /// Whether the last byte ended a line as CR: then an LF belongs to it.
    after_cr: bool,
    place: Place,
    /// The name of the field, as far as it matters.
    field: Vec<u8>,
    /// The value of an `id` or `retry` field.
    value: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The id that counts from the end of this event on.
    id: Option<Vec<u8>>,
    advice: Advice,
}

impl Decoder {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            bom: Some(0),
            after_cr: false,
            place: Place::Name,
            field: Vec::new(),
            value: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            id: None,
            advice: Advice::default(),
        }
    }

    pub(crate) fn take_advice(&mut self) -> Advice {
        std::mem::take(&mut self.advice)
    }

    /// Takes bytes from `piece` up to the end of an event. None if the piece is used up before.
    pub(crate) fn next(&mut self, piece: &mut Bytes) -> Result<Option<Event>, DecodeError> {
        self.skip_bom(piece);
        while let Some(&first) = piece.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                piece.advance(1);
                continue;
            }
            let end = memchr2(b'\n', b'\r', piece);
            self.take(piece.get(..end.unwrap_or(piece.len())).unwrap_or_default())?;
            let Some(end) = end else {
                piece.clear();
                break;
            };
            self.after_cr = piece.get(end) == Some(&b'\r');
            piece.advance(end + 1);
            if let Some(event) = self.end_line()? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// One byte order mark at the very beginning does not count.
    fn skip_bom(&mut self, piece: &mut Bytes) {
        while let (Some(seen), Some(first)) = (self.bom, piece.first()) {
            match BOM.get(seen) {
                Some(expected) if expected == first => {
                    self.bom = Some(seen + 1);
                    piece.advance(1);
                }
                Some(_) => {
                    self.field.extend_from_slice(BOM.get(..seen).unwrap_or_default());
                    self.bom = None;
                }
                None => self.bom = None,
            }
        }
    }

    /// Takes a part of a line.
    fn take(&mut self, mut part: &[u8]) -> Result<(), DecodeError> {
        if self.place == Place::Name {
            let colon = memchr::memchr(b':', part);
            let (name, rest) = part.split_at(colon.unwrap_or(part.len()));
            // One byte more than the longest name is enough to know that it is none.
            let room = (Field::LONGEST + 1).saturating_sub(self.field.len());
            self.field.extend_from_slice(name.get(..room).unwrap_or(name));
            if colon.is_none() {
                return Ok(());
            }
            part = rest.get(1..).unwrap_or_default();
            self.place = Place::Colon(self.begin_value()?);
        }
        if let Place::Colon(field) = self.place
            && let Some(first) = part.first()
        {
            part = part.get(usize::from(*first == b' ')..).unwrap_or_default();
            self.place = Place::Value(field);
        }
        if let Place::Value(field) = self.place {
            self.append(field, part)?;
        }
        Ok(())
    }

    /// Begins the value of the field whose name was read.
    fn begin_value(&mut self) -> Result<Field, DecodeError> {
        let field = Field::named(&self.field);
        match field {
            Field::Event => self.name.clear(),
            Field::Data if self.has_data => self.append(field, b"\n")?,
            Field::Data => self.has_data = true,
            Field::Id | Field::Retry | Field::Other => {}
        }
        Ok(field)
    }

    fn append(&mut self, field: Field, part: &[u8]) -> Result<(), DecodeError> {
        let held = self.data.len() + self.name.len() + self.value.len() + self.id.as_ref().map_or(0, Vec::len);
        let to = match field {
            Field::Event => &mut self.name,
            Field::Data => &mut self.data,
            Field::Id | Field::Retry => &mut self.value,
            Field::Other => return Ok(()),
        };
        if part.len() > self.limit.saturating_sub(held) {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        to.extend_from_slice(part);
        Ok(())
    }

    /// Ends a line; an empty one ends the event.
    fn end_line(&mut self) -> Result<Option<Event>, DecodeError> {
        let field = match std::mem::replace(&mut self.place, Place::Name) {
            Place::Name if self.field.is_empty() => return self.end_event(),
            Place::Name => self.begin_value()?,
            Place::Colon(field) | Place::Value(field) => field,
        };
        self.field.clear();
        match field {
            Field::Id if !self.value.contains(&0) => self.id = Some(std::mem::take(&mut self.value)),
            Field::Retry => self.advice.retry = retry(&self.value).or(self.advice.retry),
            Field::Id | Field::Event | Field::Data | Field::Other => {}
        }
        self.value.clear();
        Ok(None)
    }

    fn end_event(&mut self) -> Result<Option<Event>, DecodeError> {
        self.advice.last_event_id = self.id.take().or_else(|| self.advice.last_event_id.take());
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if !std::mem::take(&mut self.has_data) {
            return Ok(None);
        }
        let name = if name.is_empty() { "message".to_owned() } else { String::from_utf8_lossy(&name).into_owned() };
        let data = String::from_utf8(data).map_err(|_| DecodeError::NotUtf8)?;
        Ok(Some(Event { name, data }))
    }
}

/// A time to reconnect: a number of milliseconds, but not zero.
fn retry(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = value.iter().map(|digit| u64::from(digit - b'0'));
    let millis = digits.fold(0_u64, |millis, digit| millis.saturating_mul(10).saturating_add(digit));
    (millis > 0).then(|| Duration::from_millis(millis).clamp(RETRY.0, RETRY.1))
}

#[cfg(test)]
mod tests;
