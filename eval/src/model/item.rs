//! [`Item`]: a flag or segment as delivered by data sources and kept by stores.
//!
//! An item is present or deleted. A deleted item keeps its version, so that an older update that
//! arrives late has no effect. The key of an item is its name in the enclosing object; a `key`
//! property in the item itself is ignored.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::Error as _;

use super::data_set::ReadError;
use super::flag::Flag;
use super::item_reader::ItemReader;
use super::pattern::{Pattern, Patterns};
use super::problem::Problem;
use super::read::{MapOnly, RawFlag, RawSegment, RawTombstone};
use super::segment::Segment;
use crate::json::Cursor;
use crate::text::Text;

/// The kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must handle every kind of item"
)]
pub enum DataKind {
    /// Feature flags.
    Flag,
    /// Segments.
    Segment,
}

impl DataKind {
    /// The write order of stores without atomic writes: segments before the flags that refer to
    /// them.
    pub const WRITE_ORDER: [Self; 2] = [Self::Segment, Self::Flag];

    /// The read order of stores without atomic reads: flags first, so that the segments are at
    /// least as new as the flags.
    pub const READ_ORDER: [Self; 2] = [Self::Flag, Self::Segment];

    /// Returns the name of the kind in a database.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Flag => "features",
            Self::Segment => "segments",
        }
    }
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        })
    }
}

/// The common interface of [`Flag`] and [`Segment`], which are its only implementors.
pub trait ItemData: sealed::Sealed {
    /// Returns the key.
    fn key(&self) -> &Text;

    /// Returns the version.
    fn version(&self) -> u64;

    /// Returns defects that do not prevent the item from being used.
    fn problems(&self) -> &[Problem];

    /// Returns the regular expressions of the rules.
    fn patterns(&self) -> impl Iterator<Item = &Arc<Pattern>>;

    /// Reuses the compiled form of patterns that an earlier version of the item also has.
    fn take_over_patterns(&self, before: &Self) {
        let compiled: HashMap<_, _> = before
            .patterns()
            .map(|pattern| (pattern.text(), pattern))
            .collect();
        for pattern in self.patterns() {
            if let Some(before) = compiled.get(pattern.text()) {
                pattern.take_over(before);
            }
        }
    }

    /// Returns the JSON text of the item, if it was kept.
    fn json(&self) -> Option<&Bytes>;
}

mod sealed {
    #[expect(unnameable_types, reason = "this seals `ItemData`")]
    pub trait Sealed {}

    impl Sealed for super::Flag {}
    impl Sealed for super::Segment {}
}

/// Items that are prepared from their raw form.
pub(super) trait Prepared: ItemData + Clone {
    type Raw: IsDeleted + for<'de> Deserialize<'de>;

    fn set_json(&mut self, json: Option<Bytes>);
    fn set_version(&mut self, version: u64);

    fn prepare(raw: Self::Raw, key: Option<Text>, patterns: &mut Patterns) -> Self;
}

/// Whether a raw item is a tombstone, and its version.
pub(super) trait IsDeleted {
    fn deleted(&self) -> Option<u64>;
}

impl IsDeleted for RawFlag {
    fn deleted(&self) -> Option<u64> {
        self.deleted.then_some(self.version.0)
    }
}

impl IsDeleted for RawSegment {
    fn deleted(&self) -> Option<u64> {
        self.deleted.then_some(self.version.0)
    }
}

/// A flag or segment, or the tombstone of a deleted one.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an item is either present or deleted"
)]
pub enum Entry<T> {
    /// The item is present.
    Present(Arc<T>),
    /// The item was deleted.
    Deleted {
        /// The key of the deleted item.
        key: Text,
        /// The version of the deletion.
        version: u64,
    },
}

/// Shares the item, so `T` need not be `Clone`.
impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Present(item) => Self::Present(Arc::clone(item)),
            Self::Deleted { key, version } => Self::Deleted {
                key: key.clone(),
                version: *version,
            },
        }
    }
}

impl<T> Entry<T> {
    /// Returns the flag or segment, or `None` if it was deleted.
    #[must_use]
    pub fn present(&self) -> Option<&Arc<T>> {
        match self {
            Self::Present(item) => Some(item),
            Self::Deleted { .. } => None,
        }
    }
}

impl<T: ItemData> Entry<T> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &Text {
        match self {
            Self::Present(item) => item.key(),
            Self::Deleted { key, .. } => key,
        }
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Present(item) => item.version(),
            Self::Deleted { version, .. } => *version,
        }
    }

    /// Returns defects that do not prevent the item from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.present().map_or(&[], |item| item.problems())
    }

    /// Returns the JSON text of the item, byte for byte; `None` if it was deleted or its text was
    /// not kept.
    #[must_use]
    pub fn json(&self) -> Option<Bytes> {
        self.present()?.json().cloned()
    }
}

#[expect(
    private_bounds,
    reason = "the bound holds for the two types of items and no others"
)]
impl<T: Prepared> Entry<T> {
    /// Adds the JSON text to an item that was read without it. Stores that save the text need it.
    #[must_use]
    pub fn with_json(self, json: impl Into<Bytes>) -> Self {
        self.with_text(Some(json.into()))
    }

    /// Drops the JSON text.
    #[must_use]
    pub fn without_json(self) -> Self {
        match self.present().and_then(|item| item.json()) {
            Some(_) => self.with_text(None),
            None => self,
        }
    }

    /// Returns the same item with another version.
    #[must_use]
    pub fn with_version(mut self, to: u64) -> Self {
        match &mut self {
            Self::Present(item) if item.version() != to => Arc::make_mut(item).set_version(to),
            Self::Present(_) => {}
            Self::Deleted { version, .. } => *version = to,
        }
        self
    }

    fn with_text(mut self, json: Option<Bytes>) -> Self {
        if let Self::Present(item) = &mut self {
            Arc::make_mut(item).set_json(json);
        }
        self
    }
}

impl<T> From<T> for Entry<T> {
    fn from(item: T) -> Self {
        Self::Present(Arc::new(item))
    }
}

/// A flag or segment, present or deleted: the content of an update.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must handle every kind of item"
)]
pub enum Item {
    /// A flag.
    Flag(Entry<Flag>),
    /// A segment.
    Segment(Entry<Segment>),
}

impl Item {
    /// Reads an item. Its key is `key`, the name under which it arrived.
    ///
    /// # Errors
    /// Returns an error if the text is not a JSON object of that kind; it names the item.
    pub fn from_json(
        kind: DataKind,
        key: impl Into<Text>,
        json: &[u8],
    ) -> Result<Self, ReadError<serde_json::Error>> {
        let key = key.into();
        match std::str::from_utf8(json) {
            Ok(json) => ItemReader::new(true).read(kind, key, json),
            Err(error) => Err(ReadError {
                item: Some((kind, key)),
                source: serde_json::Error::custom(error),
            }),
        }
    }

    /// Creates a deleted item.
    #[must_use]
    pub fn deleted(kind: DataKind, key: impl Into<Text>, version: u64) -> Self {
        let key = key.into();
        match kind {
            DataKind::Flag => Self::Flag(Entry::Deleted { key, version }),
            DataKind::Segment => Self::Segment(Entry::Deleted { key, version }),
        }
    }

    /// Returns whether this is a flag or a segment.
    #[must_use]
    pub fn kind(&self) -> DataKind {
        match self {
            Self::Flag(_) => DataKind::Flag,
            Self::Segment(_) => DataKind::Segment,
        }
    }

    /// Whether the item was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        match self {
            Self::Flag(entry) => entry.present().is_none(),
            Self::Segment(entry) => entry.present().is_none(),
        }
    }

    /// Returns the same item with another version.
    #[must_use]
    pub fn with_version(self, version: u64) -> Self {
        match self {
            Self::Flag(entry) => Self::Flag(entry.with_version(version)),
            Self::Segment(entry) => Self::Segment(entry.with_version(version)),
        }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &Text {
        match self {
            Self::Flag(entry) => entry.key(),
            Self::Segment(entry) => entry.key(),
        }
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Flag(entry) => entry.version(),
            Self::Segment(entry) => entry.version(),
        }
    }

    /// Returns the JSON text of the item, byte for byte; `None` if it was deleted or its text was
    /// not kept.
    #[must_use]
    pub fn json(&self) -> Option<Bytes> {
        match self {
            Self::Flag(entry) => entry.json(),
            Self::Segment(entry) => entry.json(),
        }
    }

    /// Drops the JSON text.
    #[must_use]
    pub fn without_json(self) -> Self {
        match self {
            Self::Flag(entry) => Self::Flag(entry.without_json()),
            Self::Segment(entry) => Self::Segment(entry.without_json()),
        }
    }

    /// Returns defects that do not prevent the item from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Flag(entry) => entry.problems(),
            Self::Segment(entry) => entry.problems(),
        }
    }
}

/// The result of an `upsert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an update is applied or it is not")]
pub enum Upserted {
    /// The item was written.
    Written,
    /// The store has the same or a newer version; nothing changed.
    Stale,
}

impl From<Flag> for Item {
    fn from(flag: Flag) -> Self {
        Self::Flag(flag.into())
    }
}

impl From<Segment> for Item {
    fn from(segment: Segment) -> Self {
        Self::Segment(segment.into())
    }
}

/// Reads an item; `None` if its end has not arrived. `keep_json` selects whether it keeps its text.
pub(super) fn read_entry<T: Prepared>(
    key: Text,
    cursor: &mut Cursor<'_>,
    patterns: &mut Patterns,
    keep_json: bool,
) -> Result<Option<Entry<T>>, serde_json::Error> {
    let begin = cursor.value_begins();
    let read = match cursor.value::<MapOnly<T::Raw>>() {
        Ok(raw) => raw.map(|MapOnly(raw)| entry(raw, key, patterns)),
        Err(error) => match cursor.value() {
            Ok(value) => value
                .map(|value| loose_entry(value, key, patterns))
                .transpose()
                .map_err(|_| error)?,
            Err(_) => return Err(error),
        },
    };
    let keep = |entry: Entry<T>| {
        entry.with_text(keep_json.then(|| Bytes::copy_from_slice(cursor.since(begin))))
    };
    Ok(read.map(keep))
}

/// Slow path for items that the strict reader rejects: accepts tombstones with arbitrary other
/// properties, and duplicate properties, of which the last wins.
fn loose_entry<T: Prepared>(
    value: serde_json::Value,
    key: Text,
    patterns: &mut Patterns,
) -> Result<Entry<T>, serde_json::Error> {
    if value.get("deleted") == Some(&serde_json::Value::Bool(true)) {
        let tombstone: RawTombstone = serde_json::from_value(value)?;
        return Ok(Entry::Deleted {
            key,
            version: tombstone.version.0,
        });
    }
    let MapOnly(raw) = serde_json::from_value(value)?;
    Ok(entry(raw, key, patterns))
}

pub(super) fn entry<T: Prepared>(raw: T::Raw, key: Text, patterns: &mut Patterns) -> Entry<T> {
    match raw.deleted() {
        Some(version) => Entry::Deleted { key, version },
        None => Entry::Present(Arc::new(T::prepare(raw, Some(key), patterns))),
    }
}
