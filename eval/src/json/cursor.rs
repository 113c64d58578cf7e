//! [`Cursor`], [`ObjectReader`], [`ArrayReader`]: incremental reading of JSON, member by member.
//!
//! Values are parsed by `serde_json`; only the outermost objects, with the punctuation between
//! values, are read here. A large environment is therefore never held in memory as a whole, only
//! one member at a time.

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny};
use serde_json::Error;

use crate::json::{quiet, replace_lone_surrogates};
use crate::text::Text;

/// A position in JSON text, more of which may arrive.
///
/// ```
/// use vexil_eval::json::Cursor;
///
/// let mut cursor = Cursor::whole(r#" [1, 2] "off""#);
/// assert_eq!(cursor.value::<Vec<u8>>()?, Some(vec![1, 2]));
/// assert_eq!(cursor.text()?, Some("\"off\""));
/// cursor.end()?;
///
/// // The rest of this value may still arrive.
/// assert_eq!(Cursor::arriving("[1, 2").value::<Vec<u8>>()?, None);
/// assert!(Cursor::whole("[1, 2").value::<Vec<u8>>().is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Whether the text is complete, so that a value without an end is an error.
    complete: bool,
}

impl<'t> Cursor<'t> {
    /// Starts reading a complete text.
    pub fn whole(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            complete: true,
        }
    }

    /// Starts reading a text, more of which may arrive.
    pub fn arriving(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            complete: false,
        }
    }

    /// Returns the number of bytes read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Skips white space and returns the position of the next value.
    pub fn value_begins(&mut self) -> usize {
        self.skip_white_space();
        self.at
    }

    /// Returns the text from `begin` to the current position.
    pub fn since(&self, begin: usize) -> &'t [u8] {
        self.text.get(begin..self.at).unwrap_or_default().as_bytes()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Returns the next byte that is not white space; `None` if it has not arrived.
    fn peek(&mut self) -> Result<Option<u8>, Error> {
        let next = self.skip_white_space();
        if next.is_none() && self.complete {
            Err(Error::custom("unexpected end of text"))
        } else {
            Ok(next)
        }
    }

    fn skip_white_space(&mut self) -> Option<u8> {
        let rest = self.rest().trim_start_matches([' ', '\n', '\r', '\t']);
        self.at = self.text.len() - rest.len();
        rest.bytes().next()
    }

    /// Reads a value. Returns `None` and consumes nothing if the end of the value has not arrived.
    ///
    /// Lone surrogates in strings become the replacement character. Errors do not quote the value.
    ///
    /// # Errors
    /// Returns an error if the text is not valid JSON or does not fit the type.
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

    /// Reads a value with a seed. Returns `None` and consumes nothing if the end of the value has not
    /// arrived. In contrast to [`value`](Self::value), the value may borrow from the text, and lone
    /// surrogates are an error.
    ///
    /// ```
    /// use std::marker::PhantomData;
    /// use vexil_eval::json::Cursor;
    ///
    /// let mut cursor = Cursor::whole(r#" ["a", "b"]"#);
    /// assert_eq!(cursor.value_with(PhantomData::<Vec<&str>>)?, Some(vec!["a", "b"]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error, which may quote the value, if the text is not valid JSON or does not fit the
    /// seed.
    pub fn value_with<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let rest = self.rest();
        let mut json = serde_json::Deserializer::from_str(rest);
        let value = seed.deserialize(&mut json);
        let length = json.into_iter::<IgnoredAny>().byte_offset();
        let value = arrived(value, rest, length, self.complete)?;
        if value.is_some() {
            self.at += length;
        }
        Ok(value)
    }

    /// Reads a rejected value again, with its lone surrogates replaced.
    fn repaired_value<T: DeserializeOwned>(
        &self,
        error: Error,
    ) -> Result<Option<(T, usize)>, Error> {
        // Only this value is repaired, not the whole text: skipping it does not decode its strings.
        let text = match read::<IgnoredAny>(self.rest(), self.complete) {
            Ok(Some((_, length))) => self.rest().get(..length).unwrap_or_default(),
            Ok(None) => self.rest(),
            Err(_) => return Err(error),
        };
        let Some(repaired) = replace_lone_surrogates(text) else {
            return Err(error);
        };
        // A number at the end of the slice is complete: the text after it was seen above.
        read(&repaired, self.complete || text.len() < self.rest().len())
    }

    /// Returns the text of a value without parsing it.
    ///
    /// # Errors
    /// Returns an error if the text is not valid JSON.
    pub fn text(&mut self) -> Result<Option<&'t str>, Error> {
        self.skip_white_space();
        let begin = self.at;
        let value = self.value::<IgnoredAny>()?;
        Ok(value.and_then(|_| self.text.get(begin..self.at)))
    }

    /// Skips a null. Returns whether there was one; `None` if too little text has arrived.
    ///
    /// # Errors
    /// Returns an error if the text is not valid JSON.
    pub fn null(&mut self) -> Result<Option<bool>, Error> {
        match self.peek()? {
            Some(b'n') => Ok(self.value::<()>()?.map(|()| true)),
            other => Ok(other.map(|_| false)),
        }
    }

    /// Checks that only white space follows.
    ///
    /// # Errors
    /// Returns an error if anything but white space follows.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.skip_white_space() {
            None => Ok(()),
            Some(_) => Err(Error::custom("unexpected data after the end")),
        }
    }
}

/// Parses the value at the beginning of a text and returns it with its length. Returns `None` if
/// the end of the value has not arrived; `complete` means that no more text will.
fn read<'t, T: Deserialize<'t>>(
    text: &'t str,
    complete: bool,
) -> Result<Option<(T, usize)>, Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next().transpose();
    let length = values.byte_offset();
    let value = arrived(value, text, length, complete)?;
    Ok(value.flatten().map(|value| (value, length)))
}

/// Returns `None` if the end of a value may not have arrived, which was read up to `length`.
fn arrived<T>(
    value: Result<T, Error>,
    text: &str,
    length: usize,
    complete: bool,
) -> Result<Option<T>, Error> {
    match value {
        // A number at the end of the text may continue.
        Ok(_) if length == text.len() && !complete => Ok(None),
        Err(error) if !complete && (error.is_eof() || text.ends_with(IN_NUMBER)) => Ok(None),
        value => value.map(Some),
    }
}

/// What a number may be cut off after. `serde_json` regards a number that it skips and that is cut
/// off there as malformed. A value that is malformed for another reason is rejected later.
const IN_NUMBER: [char; 5] = ['-', '+', '.', 'e', 'E'];

/// An object that is read member by member.
///
/// ```
/// use vexil_eval::json::{Cursor, ObjectReader, Step};
///
/// let mut cursor = Cursor::whole(r#"{"path": "/all", "data": [7]}"#);
/// let mut object = ObjectReader::default();
/// let mut members = Vec::new();
/// while let Step::Member(name) = object.step(&mut cursor)? {
///     members.push((name.clone(), cursor.text()?));
///     object.value_read();
/// }
/// assert_eq!(members[1], ("data".into(), Some("[7]")));
/// cursor.end()?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ObjectReader {
    expected: Expected,
    name: Text,
}

/// The next token expected in an object.
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

/// The result of a step through an object.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a reader must handle each step")]
pub enum Step<'o> {
    /// A member of this name. Read its value next, then call [`ObjectReader::value_read`].
    Member(&'o Text),
    /// The end of the object.
    End,
    /// The end of the text that has arrived so far.
    Incomplete,
}

impl ObjectReader {
    /// Whether the opening brace was read.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !matches!(self.expected, Expected::Begin)
    }

    /// Advances to the value of the next member, or to the end.
    ///
    /// # Errors
    /// Returns an error if the text is not a valid object.
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

    /// Records that the value of the current member was read.
    pub fn value_read(&mut self) {
        self.expected = Expected::CommaOrEnd;
    }
}

/// An array that is read element by element.
///
/// ```
/// use vexil_eval::json::{ArrayReader, ArrayStep, Cursor};
///
/// let mut cursor = Cursor::whole(r#"[1, "two"]"#);
/// let mut array = ArrayReader::default();
/// let mut elements = Vec::new();
/// while array.step(&mut cursor)? == ArrayStep::Element {
///     elements.extend(cursor.text()?);
///     array.value_read();
/// }
/// assert_eq!(elements, ["1", "\"two\""]);
///
/// assert!(ArrayReader::default().step(&mut Cursor::whole("{}")).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ArrayReader(ArrayState);

/// The next token expected in an array.
#[derive(Clone, Copy, Debug, Default)]
enum ArrayState {
    #[default]
    Begin,
    ElementOrEnd,
    Element,
    CommaOrEnd,
    Nothing,
}

/// The result of a step through an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a reader must handle each step")]
pub enum ArrayStep {
    /// An element follows. Read its value next, then call [`ArrayReader::value_read`].
    Element,
    /// The end of the array.
    End,
    /// The end of the text that has arrived so far.
    Incomplete,
}

impl ArrayReader {
    /// Advances to the next element, or to the end.
    ///
    /// # Errors
    /// Returns an error if the text is not a valid array.
    pub fn step(&mut self, cursor: &mut Cursor<'_>) -> Result<ArrayStep, Error> {
        loop {
            let state = match self.0 {
                ArrayState::Element => return Ok(ArrayStep::Element),
                ArrayState::Nothing => return Ok(ArrayStep::End),
                state => state,
            };
            let Some(byte) = cursor.peek()? else {
                return Ok(ArrayStep::Incomplete);
            };
            self.0 = match (state, byte) {
                (ArrayState::Begin, b'[') => ArrayState::ElementOrEnd,
                (ArrayState::ElementOrEnd | ArrayState::CommaOrEnd, b']') => ArrayState::Nothing,
                (ArrayState::CommaOrEnd, b',') => ArrayState::Element,
                (ArrayState::ElementOrEnd, _) => {
                    self.0 = ArrayState::Element;
                    continue;
                }
                (ArrayState::Begin, _) => return Err(Error::custom("expected an array")),
                _ => return Err(Error::custom("malformed array")),
            };
            cursor.at += 1;
        }
    }

    /// Records that the value of the current element was read.
    pub fn value_read(&mut self) {
        self.0 = ArrayState::CommaOrEnd;
    }
}

impl Expected {
    /// Returns the expectation after one of the structural bytes of an object.
    fn after(self, byte: u8) -> Result<Self, Error> {
        match (self, byte) {
            (Self::Begin, b'{') => Ok(Self::NameOrEnd),
            (Self::Colon, b':') => Ok(Self::Value),
            (Self::CommaOrEnd, b',') => Ok(Self::Name),
            (Self::NameOrEnd | Self::CommaOrEnd, b'}') => Ok(Self::Nothing),
            (Self::Begin, _) => Err(Error::custom("expected an object")),
            _ => Err(Error::custom("malformed object")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_value_may_be_cut_off_anywhere() {
        let value = r#"{"a": [-0.5e+1, 1E-7, true, null], "\u00e9": {"b": "\\"}}"#;
        for cut in 1..value.len() {
            let arrived = value.get(..cut).unwrap();
            let read = Cursor::arriving(arrived).value::<IgnoredAny>();
            assert!(matches!(read, Ok(None)), "{arrived}: {read:?}");
            assert!(Cursor::whole(arrived).value::<IgnoredAny>().is_err());
        }
        assert!(Cursor::whole(value).value::<IgnoredAny>().is_ok());
    }
}
