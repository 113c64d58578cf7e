//! [`DataSet`]: the flags and segments of an environment, and their reader.
//!
//! JSON is read item by item as it arrives, so the text of an environment is never held in memory
//! as a whole. Other formats are read with serde.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use super::entry::{Entry, ItemData, entry, read_entry};
use super::error::ReadError;
use super::flag::Flag;
use super::item::Item;
use super::kind::DataKind;
use super::pattern::Patterns;
use super::segment::Segment;
use crate::json::{Cursor, ObjectReader, Step};
use crate::text::Text;

/// All flags and segments of an environment. If a key is repeated, the last item wins.
///
/// ```
/// use vexil_eval::model::DataSet;
///
/// let data = DataSet::from_json(
///     br#"{"flags": {"banner": {"version": 3}, "old": {"version": 7, "deleted": true}},
///         "segments": {"staff": {"included": ["ada"]}}}"#,
/// )?;
/// let present = data.flags.iter().filter_map(|flag| flag.present()).count();
/// assert_eq!((data.flags.len(), present, data.segments.len()), (2, 1, 1));
/// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DataSet {
    /// The flags.
    pub flags: Vec<Entry<Flag>>,
    /// The segments.
    pub segments: Vec<Entry<Segment>>,
}

impl DataSet {
    /// Creates a data set from its items.
    ///
    /// ```
    /// use vexil_eval::model::{DataSet, Flag};
    ///
    /// let flag: Flag = serde_json::from_str(r#"{"key": "banner"}"#)?;
    /// let data = DataSet::new(vec![flag.into()], vec![]);
    /// assert_eq!(data.flags[0].key(), "banner");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new(flags: Vec<Entry<Flag>>, segments: Vec<Entry<Segment>>) -> Self {
        Self { flags, segments }
    }

    /// Drops the JSON text of all items.
    ///
    /// ```
    /// use vexil_eval::model::DataSet;
    ///
    /// let data = DataSet::from_json(br#"{"flags": {"banner": {}}}"#)?;
    /// assert_eq!(data.flags[0].json().as_deref(), Some(&b"{}"[..]));
    /// assert_eq!(data.without_json().flags[0].json(), None);
    /// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
    /// ```
    #[must_use]
    pub fn without_json(self) -> Self {
        let flags = self.flags.into_iter().map(Entry::without_json).collect();
        let segments = self.segments.into_iter().map(Entry::without_json).collect();
        Self { flags, segments }
    }

    /// Reads `{"flags": {…}, "segments": {…}}`. Both are optional; other properties are ignored.
    ///
    /// ```
    /// use vexil_eval::model::DataSet;
    ///
    /// let data = DataSet::from_json(br#"{"flags": {"banner": {"on": false, "version": 3}}}"#)?;
    /// assert_eq!(data.flags[0].key(), "banner");
    ///
    /// let error = DataSet::from_json(br#"{"flags": {"banner": {"on": "yes"}}}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "flag \"banner\" cannot be read");
    /// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
    /// ```
    ///
    /// The items keep their JSON text, which stores may need.
    ///
    /// # Errors
    /// Returns an error if the text is not valid JSON or an item is malformed; it names the item.
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError<serde_json::Error>> {
        // Validating the whole text as UTF-8 once is faster than validating each string.
        let text = std::str::from_utf8(json);
        let text = text.map_err(|error| ReadError {
            item: None,
            source: serde_json::Error::custom(error),
        })?;
        let mut reader = DataSetReader::new(true);
        reader.document(&mut Cursor::whole(text))?;
        Ok(reader.finish())
    }

    /// Reads the same structure from any serde format. The items keep no JSON text; see
    /// [`Entry::with_json`].
    ///
    /// ```
    /// use vexil_eval::model::DataSet;
    ///
    /// let value = serde_json::json!({"segments": {"staff": {"included": ["ada"]}}});
    /// assert_eq!(DataSet::read(value)?.segments[0].key(), "staff");
    ///
    /// let error = DataSet::read(serde_json::json!({"segments": {"staff": []}})).unwrap_err();
    /// assert_eq!(error.to_string(), "segment \"staff\" cannot be read");
    /// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the data is truncated or an item is malformed; it names the item.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, ReadError<D::Error>> {
        let mut reading = Reading::default();
        let read = DataSetSeed(&mut reading).deserialize(deserializer);
        read.map_err(|source| ReadError {
            item: reading.item,
            source,
        })
    }
}

impl FromIterator<Item> for DataSet {
    fn from_iter<I: IntoIterator<Item = Item>>(items: I) -> Self {
        let mut data = Self::default();
        for item in items {
            match item {
                Item::Flag(entry) => data.flags.push(entry),
                Item::Segment(entry) => data.segments.push(entry),
            }
        }
        data
    }
}

/// The state of reading one data set.
#[derive(Debug, Default)]
struct Reading {
    patterns: Patterns,
    /// The item being read, for the error message.
    item: Option<(DataKind, Text)>,
    keep_json: bool,
}

/// Reads a data set from JSON, more of which may arrive.
///
/// ```
/// use vexil_eval::json::Cursor;
/// use vexil_eval::model::DataSetReader;
///
/// let mut text = r#"{"flags": {"banner": {"version": 3}, "the"#.to_owned();
/// let mut reader = DataSetReader::new(true);
/// let mut cursor = Cursor::arriving(&text);
/// assert!(!reader.advance(&mut cursor)?, "the end has not arrived");
///
/// // The first flag has been read, so its text is no longer needed.
/// let position = cursor.position();
/// text.drain(..position);
/// text.push_str(r#"me": {"version": 4}}}"#);
/// assert!(reader.advance(&mut Cursor::arriving(&text))?);
/// assert_eq!(reader.finish().flags[1].key(), "theme");
/// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct DataSetReader {
    object: ObjectReader,
    /// The object `flags` or `segments`, whichever is being read.
    section: ObjectReader,
    reading: Reading,
    data: DataSet,
}

impl DataSetReader {
    /// Creates a reader. `keep_json` selects whether the items keep their JSON text.
    #[must_use]
    pub fn new(keep_json: bool) -> Self {
        Self {
            reading: Reading {
                keep_json,
                ..Reading::default()
            },
            ..Self::default()
        }
    }

    /// Reads what has arrived. Returns whether the end was reached.
    ///
    /// # Errors
    /// Returns an error if the text is not valid JSON, or an item does not have the format of the service.
    pub fn advance(
        &mut self,
        cursor: &mut Cursor<'_>,
    ) -> Result<bool, ReadError<serde_json::Error>> {
        self.members(cursor).map_err(|source| ReadError {
            item: self.reading.item.take(),
            source,
        })
    }

    /// Like `advance`, for a document that must not be followed by anything.
    ///
    /// # Errors
    /// Returns the errors of [`advance`](Self::advance), and one if something else follows.
    pub fn document(
        &mut self,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ReadError<serde_json::Error>> {
        if self.advance(cursor)? {
            cursor
                .end()
                .map_err(|source| ReadError { item: None, source })?;
        }
        Ok(())
    }

    /// Returns the data set.
    #[must_use]
    pub fn finish(self) -> DataSet {
        self.data
    }

    fn members(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, serde_json::Error> {
        loop {
            let (section, reading) = (&mut self.section, &mut self.reading);
            let read = match self.object.step(cursor)? {
                Step::Incomplete => return Ok(false),
                Step::End => return Ok(true),
                Step::Member(name) => match name.as_str() {
                    "flags" => items(section, reading, &mut self.data.flags, cursor)?,
                    "segments" => items(section, reading, &mut self.data.segments, cursor)?,
                    // Read as a data set, a payload of change sets would be an empty environment.
                    "events" => {
                        return Err(serde_json::Error::custom(
                            "these are change sets, not a data set",
                        ));
                    }
                    _ => cursor.value::<IgnoredAny>()?.is_some(),
                },
            };
            if !read {
                return Ok(false);
            }
            self.object.value_read();
        }
    }
}

/// Reads items of one kind. Returns whether the end of their object was reached.
fn items<T: ItemData>(
    section: &mut ObjectReader,
    reading: &mut Reading,
    to: &mut Vec<Entry<T>>,
    cursor: &mut Cursor<'_>,
) -> Result<bool, serde_json::Error> {
    if !section.has_begun() {
        match cursor.null()? {
            Some(false) => {}
            other => return Ok(other.is_some()),
        }
    }
    loop {
        let key = match section.step(cursor)? {
            Step::Incomplete => return Ok(false),
            Step::Member(key) => key.clone(),
            Step::End => {
                *section = ObjectReader::default();
                return Ok(true);
            }
        };
        reading.item = Some((T::KIND, key.clone()));
        let entry = read_entry(key, cursor, &mut reading.patterns, reading.keep_json)?;
        let Some(entry) = entry else { return Ok(false) };
        to.push(entry);
        reading.item = None;
        section.value_read();
    }
}

struct DataSetSeed<'r>(&'r mut Reading);

impl<'de> DeserializeSeed<'de> for DataSetSeed<'_> {
    type Value = DataSet;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DataSet, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DataSetSeed<'_> {
    type Value = DataSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with flags and segments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DataSet, A::Error> {
        let mut data = DataSet::default();
        while let Some(section) = map.next_key::<Text>()? {
            match section.as_str() {
                "flags" => map.next_value_seed(Section {
                    to: &mut data.flags,
                    reading: self.0,
                })?,
                "segments" => {
                    map.next_value_seed(Section {
                        to: &mut data.segments,
                        reading: self.0,
                    })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(data)
    }
}

/// Deserializes the object of one kind of items.
struct Section<'r, T> {
    to: &'r mut Vec<Entry<T>>,
    reading: &'r mut Reading,
}

impl<'de, T: ItemData> DeserializeSeed<'de> for Section<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: ItemData> Visitor<'de> for Section<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object of {}s by key", T::KIND)
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text>()? {
            self.reading.item = Some((T::KIND, key.clone()));
            let raw = map.next_value::<T::Raw>()?;
            self.to.push(entry(raw, key, &mut self.reading.patterns));
            self.reading.item = None;
        }
        Ok(())
    }
}
