//! [`ItemReader`]: reads items that arrive one by one.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};

use super::entry::{Entry, ItemData, entry, read_entry};
use super::error::ReadError;
use super::item::Item;
use super::kind::DataKind;
use super::pattern::Patterns;
use crate::json::Cursor;
use crate::text::Text;

/// Reads items from their JSON. Items with the same regular expression share its compiled form.
///
/// ```
/// use vexil_eval::model::{DataKind, ItemReader};
///
/// let mut reader = ItemReader::new(true);
/// let item = reader.read(DataKind::Flag, "banner", r#"{"on": false, "version": 3}"#)?;
/// assert_eq!((item.key().as_str(), item.version()), ("banner", 3));
///
/// let error = reader.read(DataKind::Flag, "banner", "[]").unwrap_err();
/// assert_eq!(error.to_string(), "flag \"banner\" cannot be read");
/// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct ItemReader {
    patterns: Patterns,
    keep_json: bool,
}

impl ItemReader {
    /// Creates a reader. `keep_json` selects whether the items keep their JSON text.
    #[must_use]
    pub fn new(keep_json: bool) -> Self {
        Self {
            patterns: Patterns::default(),
            keep_json,
        }
    }

    /// Whether the items keep their JSON text.
    #[must_use]
    pub fn keeps_json(&self) -> bool {
        self.keep_json
    }

    /// Reads a flag or segment. `key` is its key; a `key` property of the item is ignored.
    ///
    /// # Errors
    /// Returns an error that names the item if the JSON is malformed.
    pub fn read(
        &mut self,
        kind: DataKind,
        key: impl Into<Text>,
        json: &str,
    ) -> Result<Item, ReadError<serde_json::Error>> {
        let key = key.into();
        let mut cursor = Cursor::whole(json);
        let item = self.read_at(kind, key.clone(), &mut cursor)?;
        let read = cursor.end().and_then(|()| {
            // The cursor was created with complete text, so truncation is already an error.
            item.ok_or_else(|| serde_json::Error::custom("unexpected end of text"))
        });
        read.map_err(|source| ReadError {
            item: Some((kind, key)),
            source,
        })
    }

    /// Reads a flag or segment at a cursor. Returns `None` and consumes nothing if its end has not
    /// arrived.
    ///
    /// ```
    /// use vexil_eval::json::Cursor;
    /// use vexil_eval::model::{DataKind, ItemReader};
    ///
    /// let mut reader = ItemReader::new(false);
    /// let mut cursor = Cursor::whole(r#"{"version": 3}, {"version": 4}"#);
    /// let item = reader.read_at(DataKind::Flag, "banner", &mut cursor)?;
    /// assert_eq!(item.map(|item| item.version()), Some(3));
    /// assert_eq!(cursor.position(), 14);
    ///
    /// let mut cursor = Cursor::arriving(r#"{"version": "#);
    /// assert!(reader.read_at(DataKind::Flag, "banner", &mut cursor)?.is_none());
    /// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error that names the item if the JSON is malformed.
    pub fn read_at(
        &mut self,
        kind: DataKind,
        key: impl Into<Text>,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Item>, ReadError<serde_json::Error>> {
        let key = key.into();
        let read = match kind {
            DataKind::Flag => self
                .entry(key.clone(), cursor)
                .map(|entry| entry.map(Item::Flag)),
            DataKind::Segment => self
                .entry(key.clone(), cursor)
                .map(|entry| entry.map(Item::Segment)),
        };
        read.map_err(|source| ReadError {
            item: Some((kind, key)),
            source,
        })
    }

    /// Reads a flag or segment from any serde format. It keeps no JSON text; see
    /// [`Entry::with_json`].
    ///
    /// ```
    /// use vexil_eval::model::{DataKind, ItemReader};
    ///
    /// let value = serde_json::json!({"version": 3});
    /// let item = ItemReader::new(false).deserialize(DataKind::Flag, "banner", value)?;
    /// assert_eq!((item.key().as_str(), item.version()), ("banner", 3));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns the error of the format. Some items are malformed here although
    /// [`read`](Self::read) accepts them, because it reads them a second time, in a more tolerant
    /// way.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        &mut self,
        kind: DataKind,
        key: impl Into<Text>,
        deserializer: D,
    ) -> Result<Item, D::Error> {
        Ok(match kind {
            DataKind::Flag => Item::Flag(self.parse(key.into(), deserializer)?),
            DataKind::Segment => Item::Segment(self.parse(key.into(), deserializer)?),
        })
    }

    fn parse<'de, T: ItemData, D: Deserializer<'de>>(
        &mut self,
        key: Text,
        deserializer: D,
    ) -> Result<Entry<T>, D::Error> {
        let raw = T::Raw::deserialize(deserializer)?;
        Ok(entry(raw, key, &mut self.patterns))
    }

    fn entry<T: ItemData>(
        &mut self,
        key: Text,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Entry<T>>, serde_json::Error> {
        read_entry(key, cursor, &mut self.patterns, self.keep_json)
    }
}

impl Item {
    /// Reads an item. Its key is `key`, the name under which it arrived.
    ///
    /// ```
    /// use vexil_eval::model::{DataKind, Item};
    ///
    /// let item = Item::from_json(DataKind::Flag, "banner", br#"{"version": 3, "on": true}"#)?;
    /// assert_eq!((item.key().as_str(), item.version()), ("banner", 3));
    ///
    /// let deleted = Item::from_json(DataKind::Flag, "banner", br#"{"version": 4, "deleted": true}"#)?;
    /// assert!(deleted.is_deleted());
    ///
    /// let error = Item::from_json(DataKind::Segment, "staff", b"[]").unwrap_err();
    /// assert_eq!(error.to_string(), "segment \"staff\" cannot be read");
    /// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the text is not a JSON object of that kind; it names the item.
    pub fn from_json(
        kind: DataKind,
        key: impl Into<Text>,
        json: &[u8],
    ) -> Result<Self, ReadError<serde_json::Error>> {
        match std::str::from_utf8(json) {
            Ok(json) => ItemReader::new(true).read(kind, key, json),
            Err(error) => Err(ReadError {
                item: Some((kind, key.into())),
                source: serde_json::Error::custom(error),
            }),
        }
    }
}
