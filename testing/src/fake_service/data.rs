//! [`Data`]: the service's flags and segments, as JSON.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use vexil::Text;
use vexil::model::DataKind;

use super::sse;
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Category {
    Flags,
    Segments,
}

#[derive(Debug)]
struct Stored {
    version: u64,
    /// `None` if the item was deleted.
    json: Option<Value>,
}

impl Category {
    fn name(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Segments => "segments",
        }
    }

    fn kind(self) -> DataKind {
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

    /// Stores a built flag and returns the event that announces it.
    pub(super) fn put_built(&mut self, flag: FlagBuilder) -> Bytes {
        let (key, json) = (flag.key().clone(), flag.to_json());
        let event = self.put(Category::Flags, &key, json);
        self.builders.insert(key, flag);
        event
    }

    /// Stores a preconfigured item and returns the event that announces it.
    pub(super) fn put_ready(
        &mut self,
        category: Category,
        json: Value,
    ) -> Result<Bytes, PreconfiguredError> {
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

    /// Deletes an item and returns the event that announces it.
    pub(super) fn delete(&mut self, category: Category, key: &str) -> Bytes {
        let version = self.next_version(category, key);
        self.forget_builder(category, key);
        self.items.insert(
            (category, key.to_owned()),
            Stored {
                version,
                json: None,
            },
        );
        self.revision += 1;
        sse::event(
            "delete",
            &json!({"path": path(category, key), "version": version}).to_string(),
        )
    }

    /// Replaces all items and returns the event that announces it.
    pub(super) fn replace(&mut self, text: &str) -> Result<Bytes, DataError> {
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
                items.insert(
                    (category, key.clone()),
                    Stored {
                        version: version(json),
                        json: Some(json.clone()),
                    },
                );
            }
        }
        if !data.is_object() {
            return Err(DataError::NoObject);
        }
        self.items = items;
        self.builders.clear();
        self.revision += 1;
        Ok(self.put_event())
    }

    /// Returns the first event of a stream.
    pub(super) fn put_event(&self) -> Bytes {
        sse::event(
            "put",
            &json!({"path": "/", "data": self.to_json()}).to_string(),
        )
    }

    /// Returns the body of a poll response.
    pub(super) fn body(&self) -> Bytes {
        self.to_json().to_string().into()
    }

    /// Returns an entity tag of this state of the data.
    pub(super) fn etag(&self) -> String {
        format!("\"revision-{}\"", self.revision)
    }

    fn put(&mut self, category: Category, key: &str, mut json: Value) -> Bytes {
        let version = self.next_version(category, key).max(version(&json));
        if let Some(object) = json.as_object_mut() {
            object.insert("version".to_owned(), version.into());
        }
        self.forget_builder(category, key);
        let event = sse::event(
            "patch",
            &json!({"path": path(category, key), "data": &json}).to_string(),
        );
        self.items.insert(
            (category, key.to_owned()),
            Stored {
                version,
                json: Some(json),
            },
        );
        self.revision += 1;
        event
    }

    fn next_version(&self, category: Category, key: &str) -> u64 {
        self.items
            .get(&(category, key.to_owned()))
            .map_or(0, |item| item.version)
            .saturating_add(1)
    }

    fn forget_builder(&mut self, category: Category, key: &str) {
        if category == Category::Flags {
            self.builders.remove(key);
        }
    }

    fn to_json(&self) -> Value {
        let all = |wanted| {
            let items = self
                .items
                .iter()
                .filter(|((category, _), _)| *category == wanted);
            items
                .filter_map(|((_, key), item)| Some((key.clone(), item.json.clone()?)))
                .collect::<Map<_, _>>()
        };
        json!({"flags": all(Category::Flags), "segments": all(Category::Segments)})
    }
}

fn path(category: Category, key: &str) -> String {
    format!("/{}/{key}", category.name())
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
