//! [`Item`], [`DataSet`]: what data sources deliver and stores keep.
//!
//! An item is a flag or a segment, present or deleted; a deleted one keeps its version, so that an older update that
//! arrives late stays without effect. The key of the map that an item arrives in is its key, whatever it says itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::clause::Patterns;
use super::flag::Flag;
use super::problem::Problem;
use super::read::{RawFlag, RawSegment, RawTombstone, Strict};
use super::segment::Segment;
use super::source_text::{Document, SourceText};
use crate::text::Text;

/// The two kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataKind {
    /// Feature flags.
    Flag,
    /// Segments.
    Segment,
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        })
    }
}

/// What flags and segments have in common.
pub(crate) trait Keyed {
    fn key(&self) -> &Text;
    fn version(&self) -> u64;
    fn problems(&self) -> &[Problem];
    fn source(&self) -> Option<&SourceText>;
    fn set_source(&mut self, source: Option<SourceText>);
    fn set_version(&mut self, version: u64);
}

/// How flags and segments are made of what was read.
pub(super) trait Prepared: Keyed + Sized {
    type Raw: IsDeleted + for<'de> Deserialize<'de>;

    fn prepare(raw: Self::Raw, key: Option<Text>, patterns: &mut Patterns) -> Self;
}

/// Whether a raw item is a tombstone, and of which version.
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

/// A flag or segment, or what is left of a deleted one.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an item is there or it is not")]
pub enum Entry<T> {
    /// It is there.
    Present(Arc<T>),
    /// It was deleted.
    Deleted {
        /// The key it had.
        key: Text,
        /// The version of the deletion.
        version: u64,
    },
}

/// Shares the item, whether or not it could be cloned itself.
impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Present(item) => Self::Present(Arc::clone(item)),
            Self::Deleted { key, version } => Self::Deleted { key: key.clone(), version: *version },
        }
    }
}

impl<T> Entry<T> {
    /// The flag or segment, unless it was deleted.
    #[must_use]
    pub fn present(&self) -> Option<&Arc<T>> {
        match self {
            Self::Present(item) => Some(item),
            Self::Deleted { .. } => None,
        }
    }
}

#[expect(private_bounds, reason = "the bound holds for the two types of items and no others")]
impl<T: Keyed> Entry<T> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &Text {
        match self {
            Self::Present(item) => item.key(),
            Self::Deleted { key, .. } => key,
        }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Present(item) => item.version(),
            Self::Deleted { version, .. } => *version,
        }
    }

    /// Defects that do not keep the item from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.present().map_or(&[], |item| item.problems())
    }

    /// The JSON that the item was read from, byte for byte; none if it was deleted, or if its text was not kept.
    #[must_use]
    pub fn json(&self) -> Option<Bytes> {
        self.present()?.source()?.json()
    }
}

#[expect(private_bounds, reason = "the bound holds for the two types of items and no others")]
impl<T: Keyed + Clone> Entry<T> {
    /// Adds the JSON that the item was read from, if it was read in a way that does not keep it. Stores that keep text
    /// need it.
    #[must_use]
    pub fn with_json(self, json: impl Into<Bytes>) -> Self {
        self.with_source(Some(SourceText::new(json)))
    }

    /// Lets go of the JSON that the item was read from.
    pub(crate) fn without_json(self) -> Self {
        match self.present().and_then(|item| item.source()) {
            Some(_) => self.with_source(None),
            None => self,
        }
    }

    /// The same item in another version.
    #[must_use]
    pub fn with_version(mut self, to: u64) -> Self {
        match &mut self {
            Self::Present(item) if item.version() != to => Arc::make_mut(item).set_version(to),
            Self::Present(_) => {}
            Self::Deleted { version, .. } => *version = to,
        }
        self
    }

    fn with_source(mut self, source: Option<SourceText>) -> Self {
        if let Self::Present(item) = &mut self {
            Arc::make_mut(item).set_source(source);
        }
        self
    }
}

impl<T> From<T> for Entry<T> {
    fn from(item: T) -> Self {
        Self::Present(Arc::new(item))
    }
}

/// One flag or segment, present or deleted: what an update carries.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store that does not know a kind could not keep it")]
pub enum Item {
    /// A flag.
    Flag(Entry<Flag>),
    /// A segment.
    Segment(Entry<Segment>),
}

impl Item {
    /// Reads one item. `key` is where it arrived and becomes its key.
    ///
    /// # Errors
    /// If the text is no JSON object of that kind; the error names the item.
    pub fn from_json(kind: DataKind, key: impl Into<Text>, json: &[u8]) -> Result<Self, ReadError<serde_json::Error>> {
        let key = key.into();
        let patterns = &mut Patterns::default();
        let read = match kind {
            DataKind::Flag => entry_from_json(key.clone(), json, patterns).map(Self::Flag),
            DataKind::Segment => entry_from_json(key.clone(), json, patterns).map(Self::Segment),
        };
        read.map_err(|source| ReadError { item: Some((kind, key)), source })
    }

    /// A deleted item.
    #[must_use]
    pub fn deleted(kind: DataKind, key: impl Into<Text>, version: u64) -> Self {
        let key = key.into();
        match kind {
            DataKind::Flag => Self::Flag(Entry::Deleted { key, version }),
            DataKind::Segment => Self::Segment(Entry::Deleted { key, version }),
        }
    }

    /// Whether it is a flag or a segment.
    #[must_use]
    pub fn kind(&self) -> DataKind {
        match self {
            Self::Flag(_) => DataKind::Flag,
            Self::Segment(_) => DataKind::Segment,
        }
    }

    /// Whether it was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        match self {
            Self::Flag(entry) => entry.present().is_none(),
            Self::Segment(entry) => entry.present().is_none(),
        }
    }

    /// The same item in another version.
    #[must_use]
    pub fn with_version(self, version: u64) -> Self {
        match self {
            Self::Flag(entry) => Self::Flag(entry.with_version(version)),
            Self::Segment(entry) => Self::Segment(entry.with_version(version)),
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Text {
        match self {
            Self::Flag(entry) => entry.key(),
            Self::Segment(entry) => entry.key(),
        }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Flag(entry) => entry.version(),
            Self::Segment(entry) => entry.version(),
        }
    }

    /// The JSON that the item was read from, byte for byte; none if it was deleted, or if its text was not kept.
    #[must_use]
    pub fn json(&self) -> Option<Bytes> {
        match self {
            Self::Flag(entry) => entry.json(),
            Self::Segment(entry) => entry.json(),
        }
    }

    /// Lets go of the JSON that the item was read from.
    pub(crate) fn without_json(self) -> Self {
        match self {
            Self::Flag(entry) => Self::Flag(entry.without_json()),
            Self::Segment(entry) => Self::Segment(entry.without_json()),
        }
    }

    /// Defects that do not keep the item from being used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Flag(entry) => entry.problems(),
            Self::Segment(entry) => entry.problems(),
        }
    }
}

/// What became of an `upsert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an update is applied or it is not")]
pub enum Upserted {
    /// The item was written.
    Written,
    /// The store has the same version or a newer one; nothing changed.
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

fn entry_from_json<T: Prepared>(
    key: Text,
    json: &[u8],
    patterns: &mut Patterns,
) -> Result<Entry<T>, serde_json::Error> {
    let source = SourceText::new(Bytes::copy_from_slice(json));
    match serde_json::from_slice::<Strict<T::Raw>>(json) {
        Ok(Strict(raw)) => Ok(entry(raw, key, patterns, Some(source))),
        Err(error) => {
            let loose = serde_json::from_slice(json).and_then(|value| loose_entry(value, key, patterns, source));
            loose.map_err(|_| error)
        }
    }
}

/// Reads what the strict and fast reader refuses without need: what a tombstone holds beside its version is nobody's
/// business, and of a property that is written twice the last one counts.
fn loose_entry<T: Prepared>(
    value: serde_json::Value,
    key: Text,
    patterns: &mut Patterns,
    source: SourceText,
) -> Result<Entry<T>, serde_json::Error> {
    if value.get("deleted") == Some(&serde_json::Value::Bool(true)) {
        let tombstone: RawTombstone = serde_json::from_value(value)?;
        return Ok(Entry::Deleted { key, version: tombstone.version.0 });
    }
    let Strict(raw) = serde_json::from_value(value)?;
    Ok(entry(raw, key, patterns, Some(source)))
}

fn entry<T: Prepared>(raw: T::Raw, key: Text, patterns: &mut Patterns, source: Option<SourceText>) -> Entry<T> {
    if let Some(version) = raw.deleted() {
        return Entry::Deleted { key, version };
    }
    let mut item = T::prepare(raw, Some(key), patterns);
    item.set_source(source);
    Entry::Present(Arc::new(item))
}

/// A whole environment: all flags and all segments. Of two items with the same key the last one counts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DataSet {
    /// The flags.
    pub flags: Vec<Entry<Flag>>,
    /// The segments.
    pub segments: Vec<Entry<Segment>>,
}

impl DataSet {
    /// A data set of these items.
    #[must_use]
    pub fn new(flags: Vec<Entry<Flag>>, segments: Vec<Entry<Segment>>) -> Self {
        Self { flags, segments }
    }

    /// Lets go of the JSON that the items were read from.
    pub(crate) fn without_json(self) -> Self {
        let flags = self.flags.into_iter().map(Entry::without_json).collect();
        let segments = self.segments.into_iter().map(Entry::without_json).collect();
        Self { flags, segments }
    }

    /// Reads `{"flags": {…}, "segments": {…}}`. Both are optional; other properties are skipped.
    ///
    /// ```
    /// use vexil::model::DataSet;
    ///
    /// let data = DataSet::from_json(br#"{"flags": {"banner": {"on": false, "version": 3}}}"#)?;
    /// assert_eq!(data.flags[0].key(), "banner");
    ///
    /// let error = DataSet::from_json(br#"{"flags": {"banner": {"on": "yes"}}}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "flag \"banner\" cannot be read");
    /// # Ok::<(), vexil::model::ReadError<serde_json::Error>>(())
    /// ```
    ///
    /// The items keep their text, for stores that want it.
    ///
    /// # Errors
    /// If the text is no JSON, or any item is malformed. The error names the item.
    pub fn from_json(json: &[u8]) -> Result<Self, ReadError<serde_json::Error>> {
        // Checking the encoding of the whole text once is faster than checking that of each string.
        let text = std::str::from_utf8(json).map_err(|error| ReadError { item: None, source: Error::custom(error) })?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Self::read_from(&mut deserializer, Some(Document::new(text)))
            .and_then(|data| deserializer.end().map(|()| data).map_err(|source| ReadError { item: None, source }));
        read.or_else(|error| Self::from_loose_json(text).map_err(|_| error))
    }

    fn from_loose_json(text: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Loose<'a> {
            #[serde(borrow)]
            flags: Option<HashMap<Text, &'a RawValue>>,
            #[serde(borrow)]
            segments: Option<HashMap<Text, &'a RawValue>>,
        }

        fn entries<T: Prepared>(
            items: Option<HashMap<Text, &RawValue>>,
            patterns: &mut Patterns,
        ) -> Result<Vec<Entry<T>>, serde_json::Error> {
            let items = items.into_iter().flatten();
            items.map(|(key, json)| entry_from_json(key, json.get().as_bytes(), patterns)).collect()
        }

        let Strict(loose) = serde_json::from_str::<Strict<Loose<'_>>>(text)?;
        let patterns = &mut Patterns::default();
        Ok(Self { flags: entries(loose.flags, patterns)?, segments: entries(loose.segments, patterns)? })
    }

    /// Reads the same from any format that serde knows. The items keep no text; see [`Entry::with_json`].
    ///
    /// # Errors
    /// If the data ends early or any item is malformed. The error names the item.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, ReadError<D::Error>> {
        Self::read_from(deserializer, None)
    }

    fn read_from<'de, D: Deserializer<'de>>(
        deserializer: D,
        document: Option<Document<'de>>,
    ) -> Result<Self, ReadError<D::Error>> {
        let mut reader = Reader { patterns: Patterns::default(), current: None, document };
        let read = DataSetSeed(&mut reader).deserialize(deserializer);
        read.map_err(|source| ReadError { item: reader.current, source })
    }
}

/// Flag data that cannot be read, and the item where reading ended.
#[derive(Debug, Error)]
#[error("{}", self.message())]
#[non_exhaustive]
pub struct ReadError<E> {
    /// The malformed item; none if the fault lies outside all items.
    pub item: Option<(DataKind, Text)>,
    /// What is wrong, and where, in the words of the format's parser.
    #[source]
    pub source: E,
}

impl<E> ReadError<E> {
    fn message(&self) -> String {
        match &self.item {
            Some((kind, key)) => format!("{kind} \"{key}\" cannot be read"),
            None => "flag data cannot be read".to_owned(),
        }
    }
}

/// What is carried through the reading of one data set.
struct Reader<'t> {
    patterns: Patterns,
    /// The item that is being read: the culprit, if reading fails.
    current: Option<(DataKind, Text)>,
    /// The text, if the items shall keep it.
    document: Option<Document<'t>>,
}

struct DataSetSeed<'r, 't>(&'r mut Reader<'t>);

impl<'de> DeserializeSeed<'de> for DataSetSeed<'_, 'de> {
    type Value = DataSet;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DataSet, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DataSetSeed<'_, 'de> {
    type Value = DataSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with flags and segments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DataSet, A::Error> {
        let mut data = DataSet::default();
        while let Some(section) = map.next_key::<Text>()? {
            match section.as_str() {
                "flags" => {
                    map.next_value_seed(Section { kind: DataKind::Flag, to: &mut data.flags, reader: self.0 })?
                }
                "segments" => {
                    map.next_value_seed(Section { kind: DataKind::Segment, to: &mut data.segments, reader: self.0 })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(data)
    }
}

/// The map of one kind of items.
struct Section<'r, 't, T> {
    kind: DataKind,
    to: &'r mut Vec<Entry<T>>,
    reader: &'r mut Reader<'t>,
}

impl<'de, T: Prepared> DeserializeSeed<'de> for Section<'_, 'de, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Prepared> Visitor<'de> for Section<'_, 'de, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object of {}s by key", self.kind)
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
        while let Some(Key { text: key, source }) = map.next_key_seed(KeySeed(self.reader.document.as_ref()))? {
            self.reader.current = Some((self.kind, key.clone()));
            let patterns = &mut self.reader.patterns;
            if self.reader.document.is_some() && source.is_none() {
                // A key with escapes is no part of the text, so where its value is has to be asked of the parser.
                let json = map.next_value::<&RawValue>()?.get();
                self.to.push(entry_from_json(key, json.as_bytes(), patterns).map_err(A::Error::custom)?);
            } else {
                let Strict(raw) = map.next_value::<Strict<T::Raw>>()?;
                self.to.push(entry(raw, key, patterns, source));
            }
            self.reader.current = None;
        }
        Ok(())
    }
}

/// The key of an item, and the text of what follows.
struct Key {
    text: Text,
    source: Option<SourceText>,
}

struct KeySeed<'r, 't>(Option<&'r Document<'t>>);

impl<'de> DeserializeSeed<'de> for KeySeed<'_, 'de> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, 'de> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key, E> {
        Ok(Key { text: key.into(), source: self.0.and_then(|document| document.value_of(key)) })
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key { text: key.into(), source: None })
    }
}
