//! [`Snapshot`]: the flags and segments of a source, as text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use vexil::Text;
use vexil::model::{DataKind, Item, ItemReader};

/// The flags and segments that a source contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) flags: BTreeMap<Text, StoredText>,
    pub(crate) segments: BTreeMap<Text, StoredText>,
    /// Whether a database has the marker of a complete data set. `None` for other sources.
    pub(crate) initialized: Option<bool>,
}

/// A flag or segment as its source contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredText {
    /// The item's JSON, byte for byte. Items of a YAML file are converted, in the order of the file.
    pub(crate) json: Bytes,
    /// Stored beside the text, or the property of the item. 1 if a file contains none.
    pub(crate) version: u64,
    /// Whether the item is a tombstone.
    pub(crate) deleted: bool,
}

/// An item that cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) kind: DataKind,
    pub(crate) key: Text,
    /// Does not contain values of the item.
    pub(crate) error: String,
}

impl Snapshot {
    pub(crate) fn of(&self, kind: DataKind) -> &BTreeMap<Text, StoredText> {
        match kind {
            DataKind::Flag => &self.flags,
            DataKind::Segment => &self.segments,
        }
    }

    pub(crate) fn of_mut(&mut self, kind: DataKind) -> &mut BTreeMap<Text, StoredText> {
        match kind {
            DataKind::Flag => &mut self.flags,
            DataKind::Segment => &mut self.segments,
        }
    }

    /// Returns all items: flags first, by key.
    pub(crate) fn items(&self) -> impl Iterator<Item = (DataKind, &Text, &StoredText)> {
        DataKind::READ_ORDER.into_iter().flat_map(|kind| {
            self.of(kind)
                .iter()
                .map(move |(key, text)| (kind, key, text))
        })
    }
}

impl StoredText {
    /// Returns the JSON as text. A tombstone without text has that of one.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        if self.json.is_empty() {
            return format!(r#"{{"version":{},"deleted":true}}"#, self.version).into();
        }
        // The lossy conversion is slower, also for valid text.
        match std::str::from_utf8(&self.json) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(&self.json),
        }
    }

    /// Reads the item.
    pub(crate) fn item(
        &self,
        kind: DataKind,
        key: &Text,
        reader: &mut ItemReader,
    ) -> Result<Item, Unreadable> {
        if self.deleted {
            return Ok(Item::deleted(kind, key.clone(), self.version));
        }
        let unreadable = |error: &dyn std::fmt::Display| Unreadable {
            kind,
            key: key.clone(),
            error: error.to_string(),
        };
        let text = std::str::from_utf8(&self.json).map_err(|error| unreadable(&error))?;
        match reader.read(kind, key.clone(), text) {
            Ok(item) => Ok(item.with_version(self.version)),
            Err(error) => Err(unreadable(&error.source)),
        }
    }
}
