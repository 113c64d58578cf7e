//! [`Items`]: flags and segments as JSON, with their versions and the revision of each change.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use vexil_eval::model::DataKind;

use crate::by_kind::ByKind;
use crate::complete;
use crate::parallel::by_chunks;

/// The flags and segments of an environment. Both protocols present it in their own ways:
/// [`fdv1`](crate::fdv1), [`fdv2`](crate::fdv2).
///
/// Items are kept as their JSON text, because an SDK may support properties that this one does not.
/// They need not be valid.
///
/// Every call that changes something counts as one change, which has the next revision. An item
/// knows the revision of its last change, and deleted items are kept as tombstones, so the difference
/// to any earlier revision is known.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_service::Items;
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"key": "banner", "on": true}));
/// items.put(DataKind::Segment, "staff", json!({"key": "staff", "included": ["ada"]}));
/// items.delete(DataKind::Flag, "banner");
///
/// assert_eq!(items.revision(), 3);
/// let banner = items.get(DataKind::Flag, "banner").expect("a tombstone is kept");
/// assert_eq!((banner.version(), banner.json()), (2, None));
/// assert_eq!(items.changed_after(2).count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Items {
    items: ByKind<Arc<VersionedItem>>,
    revision: u64,
    payload_id: String,
}

/// An item or its tombstone.
#[derive(Clone, Debug)]
pub struct VersionedItem {
    kind: DataKind,
    key: String,
    version: u64,
    /// The text that the item was made from, an object. `None` if the item was deleted.
    source: Option<Arc<str>>,
    /// The text that SDKs receive, once it was asked for.
    served: OnceLock<Arc<str>>,
    revision: u64,
}

impl VersionedItem {
    /// Returns the version, which SDKs compare.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether the item was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.source.is_none()
    }

    /// Returns the JSON, or `None` if the item was deleted. It is completed when it is first asked for.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        let source = self.source.as_ref()?;
        let served = self.served.get_or_init(|| {
            match complete(self.kind, &self.key, self.version, source) {
                Ok(Cow::Owned(text)) => text.into(),
                // The text is an object, so there is no error.
                Ok(Cow::Borrowed(_)) | Err(_) => Arc::clone(source),
            }
        });
        Some(served)
    }

    /// Returns the JSON that the item was made from, before it was completed. `None` if the item was
    /// deleted.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Returns the revision of the last change of this item.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl PartialEq for VersionedItem {
    fn eq(&self, other: &Self) -> bool {
        let parts = |item: &Self| (item.version, item.revision);
        parts(self) == parts(other) && self.source == other.source && self.json() == other.json()
    }
}

impl Eq for VersionedItem {}

impl Items {
    /// Creates an empty set. The payload id names its history: no two histories may share one, or a
    /// client could take a state of one for a state of the other. It is part of the selectors of the
    /// second protocol.
    #[must_use]
    pub fn new(payload_id: impl Into<String>) -> Self {
        Self {
            items: ByKind::default(),
            revision: 0,
            payload_id: payload_id.into(),
        }
    }

    /// Returns the number of changes so far.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the name of the history.
    #[must_use]
    pub fn payload_id(&self) -> &str {
        &self.payload_id
    }

    /// Renames the history, so that all earlier selectors are unknown.
    pub fn set_payload_id(&mut self, payload_id: impl Into<String>) {
        self.payload_id = payload_id.into();
    }

    /// Returns an item or its tombstone.
    #[must_use]
    pub fn get(&self, kind: DataKind, key: &str) -> Option<&VersionedItem> {
        self.items.of(kind).get(key).map(|item| &**item)
    }

    /// Returns the items and tombstones of one kind, by key.
    pub fn of_kind(&self, kind: DataKind) -> impl Iterator<Item = (&str, &VersionedItem)> {
        let items = self.items.of(kind).iter();
        items.map(|(key, item)| (&**key, &**item))
    }

    /// Returns all items and tombstones: flags, then segments, by key.
    pub fn iter(&self) -> impl Iterator<Item = (DataKind, &str, &VersionedItem)> {
        let items = self.items.iter();
        items.map(|(kind, key, item)| (kind, key, &**item))
    }

    /// Returns the items and tombstones that have changed after this revision.
    pub fn changed_after(
        &self,
        revision: u64,
    ) -> impl Iterator<Item = (DataKind, &str, &VersionedItem)> {
        self.iter()
            .filter(move |(_, _, item)| item.revision > revision)
    }

    /// Adds or replaces an item. The version in the JSON is raised if it is not newer than the last
    /// one of this key.
    pub fn put(&mut self, kind: DataKind, key: &str, mut json: Value) {
        let version = self.next_version(kind, key).max(version(&json));
        if let Some(object) = json.as_object_mut() {
            object.insert("version".to_owned(), version.into());
        }
        self.store(kind, key, version, Some(json.to_string()));
    }

    /// Deletes an item. The tombstone's version is one more than the item's last version.
    pub fn delete(&mut self, kind: DataKind, key: &str) {
        let version = self.next_version(kind, key);
        self.store(kind, key, version, None);
    }

    /// Replaces all items by those of a poll response, `{"flags": {…}, "segments": {…}}`, with their
    /// versions as given, also lower ones. Items that are not among them are deleted.
    ///
    /// # Errors
    /// Returns an error if the text is not a JSON object, or its `flags` or `segments` is not one.
    ///
    /// ```
    /// use vexil_eval::model::DataKind;
    /// use vexil_service::{Items, ItemsError};
    ///
    /// let mut items = Items::new("shop-1f0c");
    /// items.replace_as_given(r#"{"flags": {"banner": {"key": "banner", "version": 7}}}"#)?;
    /// assert_eq!(items.get(DataKind::Flag, "banner").map(|item| item.version()), Some(7));
    /// assert!(matches!(items.replace_as_given("[]"), Err(ItemsError::NoObject)));
    /// # Ok::<(), ItemsError>(())
    /// ```
    pub fn replace_as_given(&mut self, text: &str) -> Result<(), ItemsError> {
        let data: Value =
            serde_json::from_str(text).map_err(|source| ItemsError::NotJson { source })?;
        if !data.is_object() {
            return Err(ItemsError::NoObject);
        }
        let all = |property: &'static str| match data.get(property) {
            None => Ok(None),
            Some(Value::Object(found)) => Ok(Some(found)),
            Some(_) => Err(ItemsError::NoMap { property }),
        };
        let (flags, segments) = (all("flags")?, all("segments")?);
        self.revision += 1;
        let revision = self.revision;
        for (kind, found) in [(DataKind::Flag, flags), (DataKind::Segment, segments)] {
            let table = self.items.of_mut(kind);
            for (key, item) in table.iter_mut() {
                let is_gone = found.is_none_or(|found| !found.contains_key(key));
                if is_gone && let Some(gone) = item.removed(revision) {
                    *item = Arc::new(gone);
                }
            }
            for (key, json) in found.into_iter().flatten() {
                let text = json.to_string();
                let known = table.get(key).and_then(|item| item.json());
                if known != Some(&text) {
                    let item =
                        VersionedItem::as_given(kind, key, version(json), Some(text), revision);
                    table.insert(key.clone(), Arc::new(item));
                }
            }
        }
        Ok(())
    }

    /// Makes the items with these keys those of the texts, or deletes them. All of it is one change.
    /// Returns whether anything has changed.
    ///
    /// SDKs receive the texts [completed](crate::complete). A text whose content differs gets a higher
    /// version than all earlier ones of its key, also one that was there before. The version in the
    /// text counts if it is higher still. A text that differs in its version only is no change, unless
    /// that version is higher.
    ///
    /// ```
    /// use vexil_eval::model::DataKind::Flag;
    /// use vexil_service::Items;
    ///
    /// let mut items = Items::new("shop-1f0c");
    /// let version = |items: &Items| items.get(Flag, "banner").map(|item| item.version());
    /// items.update([(Flag, "banner".to_owned(), Some(r#"{"version": 7, "on": true}"#.into()))])?;
    /// assert_eq!(version(&items), Some(7));
    /// items.update([(Flag, "banner".to_owned(), Some(r#"{"version": 7, "on": false}"#.into()))])?;
    /// assert_eq!(version(&items), Some(8));
    /// items.update([(Flag, "banner".to_owned(), Some(r#"{"version": 7, "on": true}"#.into()))])?;
    /// assert_eq!(version(&items), Some(9));
    /// assert!(!items.update([(Flag, "banner".to_owned(), Some(r#"{"version": 3, "on": true}"#.into()))])?);
    /// # Ok::<(), vexil_service::ItemsError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if a text is not a JSON object; then nothing is changed.
    pub fn update(
        &mut self,
        wanted: impl IntoIterator<Item = (DataKind, String, Option<Arc<str>>)>,
    ) -> Result<bool, ItemsError> {
        let revision = self.revision + 1;
        let wanted: Vec<_> = wanted.into_iter().collect();
        let chunks = by_chunks(&wanted, |wanted| self.changed_by(wanted, revision));
        let mut changed = Vec::new();
        for chunk in chunks {
            changed.extend(chunk?);
        }
        if changed.is_empty() {
            return Ok(false);
        }
        self.revision = revision;
        for item in changed {
            let table = self.items.of_mut(item.kind);
            table.insert(item.key.clone(), Arc::new(item));
        }
        Ok(true)
    }

    /// Returns the items that these texts change.
    fn changed_by(
        &self,
        wanted: &[(DataKind, String, Option<Arc<str>>)],
        revision: u64,
    ) -> Result<Vec<VersionedItem>, ItemsError> {
        let mut changed = Vec::new();
        for (kind, key, text) in wanted {
            let known = self.get(*kind, key);
            let item = match text {
                Some(text) => {
                    VersionedItem::updated(known, *kind, key, Arc::clone(text), revision)?
                }
                None => known.and_then(|known| known.removed(revision)),
            };
            changed.extend(item);
        }
        Ok(changed)
    }

    fn store(&mut self, kind: DataKind, key: &str, version: u64, text: Option<String>) {
        self.revision += 1;
        let item = VersionedItem::as_given(kind, key, version, text, self.revision);
        self.items
            .of_mut(kind)
            .insert(key.to_owned(), Arc::new(item));
    }

    fn next_version(&self, kind: DataKind, key: &str) -> u64 {
        self.get(kind, key)
            .map_or(0, VersionedItem::version)
            .saturating_add(1)
    }
}

impl VersionedItem {
    /// Returns an item whose text SDKs receive as it is, or a tombstone.
    fn as_given(
        kind: DataKind,
        key: &str,
        version: u64,
        text: Option<String>,
        revision: u64,
    ) -> Self {
        let source: Option<Arc<str>> = text.map(Into::into);
        Self {
            kind,
            key: key.to_owned(),
            version,
            served: source.clone().map_or_else(OnceLock::new, OnceLock::from),
            source,
            revision,
        }
    }

    /// Returns the item with this text. `None` if it is the same.
    fn updated(
        known: Option<&Self>,
        kind: DataKind,
        key: &str,
        source: Arc<str>,
        revision: u64,
    ) -> Result<Option<Self>, ItemsError> {
        let given = given_version(kind, key, &source).map_err(|source| {
            let key = key.to_owned();
            ItemsError::Item { kind, key, source }
        })?;
        let version = match known {
            None => given.unwrap_or(1),
            Some(known) => {
                let given = given.unwrap_or(0);
                let is_same = known.source().is_some_and(|text| {
                    // Texts that differ can have the same content for SDKs.
                    let completed = || complete(kind, key, known.version, &source).ok();
                    let is_served = |text: &str| {
                        completed().is_some_and(|wanted| has_same_content(text, &wanted))
                    };
                    has_same_content(text, &source) || known.json().is_some_and(is_served)
                });
                match is_same {
                    true if given <= known.version => return Ok(None),
                    true => given,
                    false => given.max(known.version.saturating_add(1)),
                }
            }
        };
        Ok(Some(Self {
            kind,
            key: key.to_owned(),
            version,
            source: Some(source),
            served: OnceLock::new(),
            revision,
        }))
    }

    /// Returns the tombstone of the item. `None` if it is one.
    fn removed(&self, revision: u64) -> Option<Self> {
        let version = self.version.saturating_add(1);
        let removed = || Self::as_given(self.kind, &self.key, version, None, revision);
        (!self.is_deleted()).then(removed)
    }
}

fn version(json: &Value) -> u64 {
    integer(&json["version"].to_string()).unwrap_or(0)
}

/// Returns a number without its fraction. `None` if the text is not a number, or a negative integer.
fn integer(json: &str) -> Option<u64> {
    match json.contains(['.', 'e', 'E']) {
        false => json.parse().ok(),
        // Exact only up to 2^53, beyond which no version has a fraction. The cast saturates.
        true => json.parse::<f64>().ok().map(|number| number as u64),
    }
}

/// Returns the version in the text of an item, without its fraction; `None` if it has none that is a
/// number.
///
/// # Errors
/// Returns an error if the text cannot be [completed](complete).
fn given_version(kind: DataKind, key: &str, text: &str) -> Result<Option<u64>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head<'t> {
        #[serde(borrow)]
        version: Option<&'t RawValue>,
    }
    // A list of the members would be read as them.
    let is_object = text.trim_ascii_start().starts_with('{');
    let head = is_object.then(|| serde_json::from_str::<Head<'_>>(text));
    let Some(Ok(head)) = head else {
        // Repeated members are no error.
        return complete(kind, key, 0, text).map(|_| None);
    };
    Ok(head.version.and_then(|version| integer(version.get())))
}

/// Whether two texts differ in their versions only. Texts that cannot be parsed differ.
pub(crate) fn has_same_content(a: &str, b: &str) -> bool {
    let content = |text| {
        let mut json: Value = serde_json::from_str(text).ok()?;
        json.as_object_mut()?.remove("version");
        Some(json)
    };
    a == b || content(a).is_some_and(|a| content(b).is_some_and(|b| a == b))
}

/// An error of reading a text as flags and segments.
#[derive(Debug)]
#[non_exhaustive]
pub enum ItemsError {
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
    /// An item is not a JSON object.
    Item {
        /// Flag or segment.
        kind: DataKind,
        /// The key of the item.
        key: String,
        /// The parse error, with its position in the item.
        source: serde_json::Error,
    },
}

impl fmt::Display for ItemsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { .. } => f.write_str("the text is not valid JSON"),
            Self::Item { kind, key, .. } => write!(f, "the {kind} {key:?} is not a JSON object"),
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

impl Error for ItemsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotJson { source } | Self::Item { source, .. } => Some(source),
            Self::NoObject | Self::NoMap { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
