//! [`Cursor`], [`Object`]: JSON is read member by member, also while its text is still arriving.
//!
//! Values are the parser's affair; only what stands between them, in the outermost objects, is read
//! here. So whatever is large in an environment never has to be there as a whole: it is one member
//! after the other.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde_json::Error;

use crate::json::{quiet, replace_lone_surrogates};
use crate::text::Text;

/// A place in JSON text of which more may arrive.
#[derive(Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Whether this is all there will be: then what has no end is an error.
    complete: bool,
}

impl<'t> Cursor<'t> {
    /// The beginning of text that is all there.
    pub fn whole(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            complete: true,
        }
    }

    /// The beginning of text of which more may arrive.
    pub fn arriving(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            complete: false,
        }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Passes white space; gives where the next value begins.
    pub fn value_begins(&mut self) -> usize {
        self.skip_white_space();
        self.at
    }

    /// The text from there to here.
    pub fn since(&self, begin: usize) -> &'t [u8] {
        self.text.get(begin..self.at).unwrap_or_default().as_bytes()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no white space; none if it has not arrived.
    fn peek(&mut self) -> Result<Option<u8>, Error> {
        let next = self.skip_white_space();
        if next.is_none() && self.complete {
            Err(Error::custom("the text ends early"))
        } else {
            Ok(next)
        }
    }

    fn skip_white_space(&mut self) -> Option<u8> {
        let rest = self.rest().trim_start_matches([' ', '\n', '\r', '\t']);
        self.at = self.text.len() - rest.len();
        rest.bytes().next()
    }

    /// Reads a value. Returns `None` if its end has not arrived, and then nothing is read.
    ///
    /// Half surrogates in strings are read as the replacement character. Errors do not quote the
    /// value.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let read = match read(self.rest(), self.complete) {
            Err(error) => self.repaired_value(error).map_err(quiet)?,
            Ok(read) => read,
        };
        Ok(read.map(|(value, length)| {
            self.at += length;
            value
        }))
    }

    /// Reads a value that was refused once more, without the half surrogates that it may contain.
    fn repaired_value<T: DeserializeOwned>(
        &self,
        error: Error,
    ) -> Result<Option<(T, usize)>, Error> {
        // Only this value is repaired, not all the text: skipping it does not decode its strings.
        let text = match read::<IgnoredAny>(self.rest(), self.complete) {
            Ok(Some((_, length))) => self.rest().get(..length).unwrap_or_default(),
            Ok(None) => self.rest(),
            Err(_) => return Err(error),
        };
        let Some(repaired) = replace_lone_surrogates(text) else {
            return Err(error);
        };
        // A number at the end of the slice does not go on: what follows was seen above.
        read(&repaired, self.complete || text.len() < self.rest().len())
    }

    /// The text of a value, unread.
    pub fn text(&mut self) -> Result<Option<&'t str>, Error> {
        self.skip_white_space();
        let begin = self.at;
        let value = self.value::<IgnoredAny>()?;
        Ok(value.and_then(|_| self.text.get(begin..self.at)))
    }

    /// Passes a null. Whether there was one; none if that cannot be told yet.
    pub fn null(&mut self) -> Result<Option<bool>, Error> {
        match self.peek()? {
            Some(b'n') => Ok(self.value::<()>()?.map(|()| true)),
            other => Ok(other.map(|_| false)),
        }
    }

    /// An error if anything but white space follows.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.skip_white_space() {
            None => Ok(()),
            Some(_) => Err(Error::custom("there is more behind the end")),
        }
    }
}

/// Reads the value at the beginning of a text, with its length. Returns `None` if its end has not
/// arrived; `complete` tells that there is no more to arrive.
fn read<'t, T: Deserialize<'t>>(
    text: &'t str,
    complete: bool,
) -> Result<Option<(T, usize)>, Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next().transpose();
    let length = values.byte_offset();
    match value {
        // A number that ends where the text does may go on.
        Ok(_) if length == text.len() && !complete => Ok(None),
        Err(error) if error.is_eof() && !complete => Ok(None),
        value => Ok(value?.map(|value| (value, length))),
    }
}

/// An object that is read member by member.
#[derive(Debug, Default)]
pub struct Object {
    expected: Expected,
    name: Text,
}

/// What comes next in an object.
#[derive(Clone, Copy, Debug, Default)]
enum Expected {
    #[default]
    Begin,
    NameOrEnd,
    Name,
    Colon,
    Value,
    CommaOrEnd,
    Nothing,
}

/// How far an object was read.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a reader must handle each step")]
pub enum Step<'o> {
    /// To a member of this name. Its value comes next; [`Object::value_read`] is to be called after
    /// it.
    Member(&'o Text),
    /// To its end.
    End,
    /// To the end of the text.
    Incomplete,
}

impl Object {
    /// Whether the object's opening brace was read.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !matches!(self.expected, Expected::Begin)
    }

    /// Reads on to the next value or to the end.
    pub fn step(&mut self, cursor: &mut Cursor<'_>) -> Result<Step<'_>, Error> {
        loop {
            match self.expected {
                Expected::Value => return Ok(Step::Member(&self.name)),
                Expected::Nothing => return Ok(Step::End),
                _ => {}
            }
            let Some(byte) = cursor.peek()? else {
                return Ok(Step::Incomplete);
            };
            self.expected = match (self.expected, byte) {
                (Expected::NameOrEnd | Expected::Name, b'"') => {
                    let Some(name) = cursor.value()? else {
                        return Ok(Step::Incomplete);
                    };
                    self.name = name;
                    Expected::Colon
                }
                (expected, byte) => {
                    let next = expected.after(byte)?;
                    cursor.at += 1;
                    next
                }
            };
        }
    }

    /// The value of the member was read.
    pub fn value_read(&mut self) {
        self.expected = Expected::CommaOrEnd;
    }
}

impl Expected {
    /// What comes after one of the bytes that make up an object.
    fn after(self, byte: u8) -> Result<Self, Error> {
        match (self, byte) {
            (Self::Begin, b'{') => Ok(Self::NameOrEnd),
            (Self::Colon, b':') => Ok(Self::Value),
            (Self::CommaOrEnd, b',') => Ok(Self::Name),
            (Self::NameOrEnd | Self::CommaOrEnd, b'}') => Ok(Self::Nothing),
            (Self::Begin, _) => Err(Error::custom("there is no object where one is expected")),
            _ => Err(Error::custom("the members of an object are malformed")),
        }
    }
}
