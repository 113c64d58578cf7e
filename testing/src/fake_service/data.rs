//! [`Data`]: the service's flags and segments, as JSON, and what changed when. The protocols present
//! it in their own ways: [`classic`](super::classic), [`change_sets`](super::change_sets).

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;
use vexil::Text;
use vexil::model::DataKind;

use crate::flag_builder::FlagBuilder;
use crate::preconfigured::PreconfiguredError;

/// Items are kept as the original JSON, because another SDK may support properties that this one
/// does not.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// Includes tombstones, whose versions new items continue.
    items: BTreeMap<(Category, String), Stored>,
    /// The builder each flag was last built with, except for preconfigured flags.
    builders: HashMap<Text, FlagBuilder>,
    /// The number of changes so far.
    revision: u64,
    payload_id: PayloadId,
}

/// Names the history of the data, so that no service takes a state of another one for its own.
#[derive(Debug)]
struct PayloadId(String);

impl Default for PayloadId {
    fn default() -> Self {
        // The standard library's source of random numbers.
        Self(format!("fake-{:016x}", RandomState::new().hash_one(())))
    }
}

/// What a change has replaced.
#[derive(Debug)]
pub(super) enum Change {
    Item(Category, String),
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Category {
    Flags,
    Segments,
}

#[derive(Debug)]
pub(super) struct Stored {
    pub(super) version: u64,
    /// `None` if the item was deleted.
    pub(super) json: Option<Value>,
    /// The number of the last change of this item.
    revision: u64,
}

impl Category {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Segments => "segments",
        }
    }

    pub(super) fn kind(self) -> DataKind {
        match self {
            Self::Flags => DataKind::Flag,
            Self::Segments => DataKind::Segment,
        }
    }
}

impl Data {
    pub(super) fn builder(&self, key: &str) -> Option<&FlagBuilder> {
        self.builders.get(key)
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn payload_id(&self) -> &str {
        &self.payload_id.0
    }

    pub(super) fn start_new_payload(&mut self) {
        self.payload_id = PayloadId::default();
    }

    /// Returns an item, or its tombstone.
    pub(super) fn item(&self, category: Category, key: &str) -> Option<&Stored> {
        self.items.get(&(category, key.to_owned()))
    }

    /// Returns all items with their keys, without tombstones.
    pub(super) fn items(&self) -> impl Iterator<Item = (Category, &str, &Value)> {
        self.items
            .iter()
            .filter_map(|((category, key), item)| Some((*category, &**key, item.json.as_ref()?)))
    }

    /// Returns the items and tombstones that have changed after this revision.
    pub(super) fn changed_after(
        &self,
        revision: u64,
    ) -> impl Iterator<Item = (Category, &str, &Stored)> {
        self.items
            .iter()
            .filter(move |(_, item)| item.revision > revision)
            .map(|((category, key), item)| (*category, &**key, item))
    }

    /// Stores a built flag.
    pub(super) fn put_built(&mut self, flag: FlagBuilder) -> Change {
        let (key, json) = (flag.key().clone(), flag.to_json());
        let change = self.put(Category::Flags, &key, json);
        self.builders.insert(key, flag);
        change
    }

    /// Stores a preconfigured item.
    pub(super) fn put_ready(
        &mut self,
        category: Category,
        json: Value,
    ) -> Result<Change, PreconfiguredError> {
        let key = json
            .get("key")
            .and_then(Value::as_str)
            .filter(|key| !key.is_empty())
            .map(str::to_owned);
        let key = key.ok_or(PreconfiguredError::NoKey {
            kind: category.kind(),
        })?;
        Ok(self.put(category, &key, json))
    }

    /// Deletes an item.
    pub(super) fn delete(&mut self, category: Category, key: &str) -> Change {
        let version = self.next_version(category, key);
        self.store(category, key, version, None)
    }

    /// Replaces all items.
    pub(super) fn replace(&mut self, text: &str) -> Result<Change, DataError> {
        let data: Value =
            serde_json::from_str(text).map_err(|source| DataError::NotJson { source })?;
        let mut items = BTreeMap::new();
        for category in [Category::Flags, Category::Segments] {
            let found = match data.get(category.name()) {
                None => continue,
                Some(Value::Object(found)) => found,
                Some(_) => {
                    return Err(DataError::NoMap {
                        property: category.name(),
                    });
                }
            };
            for (key, json) in found {
                items.insert((category, key.clone()), json.clone());
            }
        }
        if !data.is_object() {
            return Err(DataError::NoObject);
        }
        self.revision += 1;
        self.builders.clear();
        for (place, item) in &mut self.items {
            if item.json.is_some() && !items.contains_key(place) {
                item.json = None;
                item.version = item.version.saturating_add(1);
                item.revision = self.revision;
            }
        }
        for (place, json) in items {
            let known = self.items.get(&place);
            if known.is_none_or(|known| known.json.as_ref() != Some(&json)) {
                let item = Stored {
                    version: version(&json),
                    json: Some(json),
                    revision: self.revision,
                };
                self.items.insert(place, item);
            }
        }
        Ok(Change::All)
    }

    fn put(&mut self, category: Category, key: &str, mut json: Value) -> Change {
        let version = self.next_version(category, key).max(version(&json));
        if let Some(object) = json.as_object_mut() {
            object.insert("version".to_owned(), version.into());
        }
        self.store(category, key, version, Some(json))
    }

    fn store(
        &mut self,
        category: Category,
        key: &str,
        version: u64,
        json: Option<Value>,
    ) -> Change {
        if category == Category::Flags {
            self.builders.remove(key);
        }
        self.revision += 1;
        let item = Stored {
            version,
            json,
            revision: self.revision,
        };
        self.items.insert((category, key.to_owned()), item);
        Change::Item(category, key.to_owned())
    }

    fn next_version(&self, category: Category, key: &str) -> u64 {
        self.item(category, key)
            .map_or(0, |item| item.version)
            .saturating_add(1)
    }
}

fn version(json: &Value) -> u64 {
    json.get("version").and_then(Value::as_u64).unwrap_or(0)
}

/// An error of reading a text as the service's data.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// The text is not valid JSON.
    NotJson {
        /// The parse error, with its position.
        source: serde_json::Error,
    },
    /// The JSON is not an object.
    NoObject,
    /// `flags` or `segments` is not a map from keys to items.
    NoMap {
        /// The name of the property.
        property: &'static str,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { .. } => f.write_str("the text is not valid JSON"),
            Self::NoObject => f.write_str("the data is not a JSON object"),
            Self::NoMap { property } => {
                write!(
                    f,
                    "the property `{property}` of the data is not a JSON object"
                )
            }
        }
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotJson { source } => Some(source),
            Self::NoObject | Self::NoMap { .. } => None,
        }
    }
}
