//! [`Entry`]: a flag or segment that is present or deleted, and its readers.
//!
//! A deleted item keeps its version, so that an older update that arrives late has no effect.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::clause::Clause;
use super::kind::DataKind;
use super::pattern::{Pattern, Patterns};
use super::problem::Problem;
use super::read::{RawItem, RawTombstone};
use crate::json::Cursor;
use crate::text::Text;

/// The common interface of [`Flag`](super::Flag) and [`Segment`](super::Segment), which are its
/// only implementors.
///
/// ```
/// use vexil_eval::model::{Entry, Flag, ItemData, Segment};
///
/// fn describe(entry: &Entry<impl ItemData>) -> String {
///     format!("{} {}", entry.key(), entry.version())
/// }
///
/// let flag: Flag = serde_json::from_str(r#"{"key": "banner", "version": 3}"#)?;
/// let segment: Segment = serde_json::from_str(r#"{"key": "staff", "version": 5}"#)?;
/// assert_eq!(describe(&flag.into()), "banner 3");
/// assert_eq!(describe(&segment.into()), "staff 5");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[expect(
    private_bounds,
    reason = "the private trait seals this one, whose implementors are known"
)]
pub trait ItemData: Prepared {
    /// Returns the key.
    fn key(&self) -> &Text {
        &self.meta().key
    }

    /// Returns the version.
    fn version(&self) -> u64 {
        self.meta().version
    }

    /// Returns defects that do not prevent the item from being used.
    fn problems(&self) -> &[Problem] {
        self.meta().problems()
    }

    /// Returns the regular expressions of the rules.
    fn patterns(&self) -> impl Iterator<Item = &Arc<Pattern>> {
        self.clauses().flat_map(Clause::patterns)
    }

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
    fn json(&self) -> Option<&Bytes> {
        self.meta().json()
    }
}

/// The part of an item that does not depend on its type.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) key: Text,
    pub(super) version: u64,
    /// Boxed, because few items have problems, and clients without a database keep no text.
    extra: Option<Box<Extra>>,
}

/// The part of an item's data that most items have not.
#[derive(Clone, Debug, Default)]
struct Extra {
    problems: Box<[Problem]>,
    /// The JSON text, if stores may need it.
    json: Option<Bytes>,
}

impl Meta {
    pub(super) fn new(key: Text, version: u64, problems: Box<[Problem]>) -> Self {
        let extra = (!problems.is_empty()).then(|| {
            Box::new(Extra {
                problems,
                json: None,
            })
        });
        Self {
            key,
            version,
            extra,
        }
    }

    pub(super) fn problems(&self) -> &[Problem] {
        self.extra.as_ref().map_or(&[], |extra| &extra.problems)
    }

    fn json(&self) -> Option<&Bytes> {
        self.extra.as_ref()?.json.as_ref()
    }

    fn set_json(&mut self, json: Option<Bytes>) {
        if json.is_some() || self.extra.is_some() {
            self.extra.get_or_insert_default().json = json;
        }
    }
}

/// Items that are prepared from their raw form.
pub(super) trait Prepared: Clone {
    const KIND: DataKind;

    type Raw: RawItem + DeserializeOwned;

    fn prepare(raw: Self::Raw, key: Text, patterns: &mut Patterns) -> Self;

    fn meta(&self) -> &Meta;

    fn meta_mut(&mut self) -> &mut Meta;

    /// Returns the clauses of all rules.
    fn clauses(&self) -> impl Iterator<Item = &Clause>;
}

/// A flag or segment, or the tombstone of a deleted one.
///
/// ```
/// use vexil_eval::model::{Entry, Flag};
///
/// let flag: Flag = serde_json::from_str(r#"{"key": "banner", "version": 3}"#)?;
/// let present = Entry::from(flag);
/// assert!(present.present().is_some_and(|flag| !flag.is_on()));
///
/// let deleted = Entry::<Flag>::deleted("banner", 4);
/// assert!(deleted.present().is_none());
/// assert!(deleted.version() > present.version());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an item is either present or deleted"
)]
pub enum Entry<T> {
    /// The item is present.
    Present(Arc<T>),
    /// The item was deleted. Boxed, because a map of flags has few tombstones, and a large entry
    /// would take its space for each flag.
    Deleted(Box<Tombstone>),
}

/// The key and the version of a deleted item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "nothing else is kept of a deleted item"
)]
pub struct Tombstone {
    /// The key of the deleted item.
    pub key: Text,
    /// The version of the deletion.
    pub version: u64,
}

/// Shares the item, so `T` need not be `Clone`.
impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Present(item) => Self::Present(Arc::clone(item)),
            Self::Deleted(tombstone) => Self::Deleted(tombstone.clone()),
        }
    }
}

impl<T> Entry<T> {
    /// Creates the tombstone of a deleted item.
    ///
    /// ```
    /// use vexil_eval::model::{Entry, Flag};
    ///
    /// let deleted = Entry::<Flag>::deleted("banner", 4);
    /// assert_eq!((deleted.key().as_str(), deleted.version()), ("banner", 4));
    /// ```
    #[must_use]
    pub fn deleted(key: impl Into<Text>, version: u64) -> Self {
        let key = key.into();
        Self::Deleted(Box::new(Tombstone { key, version }))
    }

    /// Returns the flag or segment, or `None` if it was deleted.
    #[must_use]
    pub fn present(&self) -> Option<&Arc<T>> {
        match self {
            Self::Present(item) => Some(item),
            Self::Deleted(_) => None,
        }
    }
}

impl<T: ItemData> Entry<T> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &Text {
        match self {
            Self::Present(item) => item.key(),
            Self::Deleted(tombstone) => &tombstone.key,
        }
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Present(item) => item.version(),
            Self::Deleted(tombstone) => tombstone.version,
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
    ///
    /// ```
    /// use vexil_eval::model::{Entry, Flag};
    ///
    /// let deleted = Entry::<Flag>::deleted("banner", 3);
    /// assert_eq!(deleted.with_version(4).version(), 4);
    /// ```
    #[must_use]
    pub fn with_version(mut self, to: u64) -> Self {
        match &mut self {
            Self::Present(item) if item.version() != to => {
                Arc::make_mut(item).meta_mut().version = to;
            }
            Self::Present(_) => {}
            Self::Deleted(tombstone) => tombstone.version = to,
        }
        self
    }

    fn with_text(mut self, json: Option<Bytes>) -> Self {
        if let Self::Present(item) = &mut self {
            Arc::make_mut(item).meta_mut().set_json(json);
        }
        self
    }
}

impl<T> From<T> for Entry<T> {
    fn from(item: T) -> Self {
        Self::Present(Arc::new(item))
    }
}

/// Reads an item; `None` if its end has not arrived. `keep_json` selects whether it keeps its text.
pub(super) fn read_entry<T: ItemData>(
    key: Text,
    cursor: &mut Cursor<'_>,
    patterns: &mut Patterns,
    keep_json: bool,
) -> Result<Option<Entry<T>>, serde_json::Error> {
    let begin = cursor.value_begins();
    let read = match cursor.value::<T::Raw>() {
        Ok(raw) => raw.map(|raw| entry(raw, key, patterns)),
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
/// properties, and malformed properties that a later duplicate replaces.
fn loose_entry<T: Prepared>(
    value: serde_json::Value,
    key: Text,
    patterns: &mut Patterns,
) -> Result<Entry<T>, serde_json::Error> {
    if value.get("deleted") == Some(&serde_json::Value::Bool(true)) {
        let tombstone: RawTombstone = serde_json::from_value(value)?;
        return Ok(Entry::deleted(key, tombstone.version.0));
    }
    let raw = serde_json::from_value(value)?;
    Ok(entry(raw, key, patterns))
}

pub(super) fn entry<T: Prepared>(raw: T::Raw, key: Text, patterns: &mut Patterns) -> Entry<T> {
    match raw.deleted() {
        Some(version) => Entry::deleted(key, version),
        None => Entry::from(T::prepare(raw, key, patterns)),
    }
}

/// Reads a flag or segment by itself. Its key is its property `key`, and its text is kept.
pub(super) fn deserialize<'de, T: Prepared, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let json = serde_json::Value::deserialize(deserializer)?;
    let text = Bytes::from(json.to_string());
    let raw = T::Raw::deserialize(json).map_err(D::Error::custom)?;
    if raw.deleted().is_some() {
        let kind = T::KIND;
        return Err(D::Error::custom(format_args!(
            "a deleted {kind} is not a {kind}; read it as an item"
        )));
    }
    let key = raw.key().clone();
    let mut item = T::prepare(raw, key, &mut Patterns::default());
    item.meta_mut().set_json(Some(text));
    Ok(item)
}
