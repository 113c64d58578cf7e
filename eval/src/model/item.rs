//! [`Item`]: a flag or segment as delivered by data sources and kept by stores.
//!
//! The key of an item is its name in the enclosing object; a `key` property in the item itself is
//! ignored.

use bytes::Bytes;

use super::entry::Entry;
use super::flag::Flag;
use super::kind::DataKind;
use super::problem::Problem;
use super::segment::Segment;
use crate::text::Text;

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
    /// Creates a deleted item.
    ///
    /// ```
    /// use vexil_eval::model::{DataKind, Item};
    ///
    /// let item = Item::deleted(DataKind::Segment, "staff", 7);
    /// assert!(item.is_deleted());
    /// assert_eq!(item.kind(), DataKind::Segment);
    /// ```
    #[must_use]
    pub fn deleted(kind: DataKind, key: impl Into<Text>, version: u64) -> Self {
        match kind {
            DataKind::Flag => Self::Flag(Entry::deleted(key, version)),
            DataKind::Segment => Self::Segment(Entry::deleted(key, version)),
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
///
/// ```
/// use vexil_eval::model::Upserted;
///
/// /// The rule of all stores: a newer version replaces an older one.
/// fn upsert(stored: &mut u64, version: u64) -> Upserted {
///     if version <= *stored {
///         return Upserted::Stale;
///     }
///     *stored = version;
///     Upserted::Written
/// }
///
/// let mut stored = 3;
/// assert_eq!(upsert(&mut stored, 4), Upserted::Written);
/// assert_eq!(upsert(&mut stored, 4), Upserted::Stale, "the same version changes nothing");
/// ```
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
