//! Encodes and decodes stored items (STO-1.2 and STO-1.3).
//!
//! Items are written byte for byte as the service sent them; only properties that other readers
//! require are added if they are missing. Stored items may come from any LaunchDarkly SDK of any
//! age: a tombstone has five forms, and each item is decoded on its own, so that a corrupt item
//! does not affect others.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use vexil_eval::Text;
use vexil_eval::json::{quiet, replace_lone_surrogates};
use vexil_eval::model::{DataKind, DataSet, Item};

use super::{Collection, StoreError, StoredItem};

/// Decodes the item that a store holds under a key.
pub(crate) fn decode(kind: DataKind, key: &Text, stored: &StoredItem) -> Result<Item, StoreError> {
    let version = stored.version.filter(|version| *version > 0);
    let text = stored.body.trim_ascii();
    if stored.deleted == Some(true) || text.is_empty() || text == b"null" {
        return Ok(Item::deleted(
            kind,
            key.clone(),
            version.unwrap_or_default(),
        ));
    }
    match Item::from_json(kind, key.clone(), text) {
        Ok(item) => {
            let version = version.unwrap_or_else(|| item.version());
            Ok(item.with_version(version))
        }
        Err(error) => Err(StoreError::corrupt(kind, key.clone(), error.source)),
    }
}

/// Decodes all items of a store. Also returns the errors of the items that cannot be decoded.
pub(crate) fn decode_all(collections: &[Collection]) -> (DataSet, Vec<StoreError>) {
    let mut corrupt = Vec::new();
    let stored = collections
        .iter()
        .flat_map(|Collection { kind, items, .. }| items.iter().map(move |item| (*kind, item)));
    let items = stored.filter_map(|(kind, (key, stored))| match decode(kind, key, stored) {
        Ok(item) => Some(item),
        Err(error) => {
            corrupt.push(error);
            None
        }
    });
    (items.collect(), corrupt)
}

/// Encodes an item.
///
/// # Errors
/// Returns [`StoreError::Corrupt`] if the item has no JSON, or its JSON is not valid.
pub(crate) fn encode(item: &Item) -> Result<StoredItem, StoreError> {
    let (kind, version) = (item.kind(), item.version());
    if item.is_deleted() {
        return Ok(StoredItem::new(tombstone(kind, version))
            .with_version(version)
            .with_deleted(true));
    }
    let corrupt = |source: Box<dyn Error + Send + Sync>| {
        StoreError::corrupt(kind, item.key().clone(), source)
    };
    let json = item
        .json()
        .ok_or_else(|| corrupt("the data source did not keep its JSON".into()))?;
    let text = std::str::from_utf8(&json).map_err(|error| corrupt(error.into()))?;
    let repaired_text;
    let properties = match serde_json::from_str(text) {
        // Unlike values, property names are decoded, which fails for lone surrogates.
        Err(error) => match replace_lone_surrogates(text) {
            Some(repaired) => {
                repaired_text = repaired;
                serde_json::from_str(&repaired_text)
            }
            None => Err(error),
        },
        properties => properties,
    };
    let Properties(properties) = properties.map_err(|error| corrupt(quiet(error).into()))?;
    let body = match repaired(item, &properties) {
        Some(repaired) => repaired.into(),
        None => json,
    };
    Ok(StoredItem::new(body)
        .with_version(version)
        .with_deleted(false))
}

/// A tombstone as the Relay Proxy writes it: a complete object, which even readers without support
/// for tombstones can parse.
fn tombstone(kind: DataKind, version: u64) -> String {
    match kind {
        DataKind::Flag => format!(
            r#"{{"key":"$deleted","on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"fallthrough":{{}},"offVariation":null,"variations":[],"clientSide":false,"salt":"","trackEvents":false,"trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":{version},"deleted":true}}"#
        ),
        DataKind::Segment => format!(
            r#"{{"key":"$deleted","included":[],"excluded":[],"includedContexts":[],"excludedContexts":[],"salt":"","rules":[],"version":{version},"generation":null,"deleted":true}}"#
        ),
    }
}

/// The properties of a flag that readers without defaults require, each with its neutral value.
const NEEDED_OF_A_FLAG: &[(&str, &str)] = &[
    ("on", "false"),
    ("prerequisites", "[]"),
    ("salt", "\"\""),
    ("targets", "[]"),
    ("rules", "[]"),
    ("fallthrough", "{}"),
    ("offVariation", "null"),
    ("variations", "[]"),
    ("deleted", "false"),
];

/// The same for a segment.
const NEEDED_OF_A_SEGMENT: &[(&str, &str)] = &[
    ("included", "[]"),
    ("excluded", "[]"),
    ("salt", "\"\""),
    ("rules", "[]"),
    ("deleted", "false"),
];

/// The item's JSON with missing properties added: its key, its version as the SDK knows it, and the
/// properties that readers require. Returns `None` if nothing is missing. All other properties are
/// copied unchanged.
fn repaired(item: &Item, properties: &[(Cow<'_, str>, &RawValue)]) -> Option<String> {
    let needed = match item.kind() {
        DataKind::Flag => NEEDED_OF_A_FLAG,
        DataKind::Segment => NEEDED_OF_A_SEGMENT,
    };
    let is_there = |name: &str| properties.iter().any(|(known, _)| known == name);
    let version_is_right = properties
        .iter()
        .rfind(|(name, _)| name == "version")
        .is_some_and(|(_, value)| {
            serde_json::from_str(value.get()).is_ok_and(|version: u64| version == item.version())
        });
    let key_is_there = is_there("key");
    if key_is_there && version_is_right && needed.iter().all(|(name, _)| is_there(name)) {
        return None;
    }
    let mut json = String::from("{");
    let mut add = |name: &str, value: &str| {
        let comma = if json.len() == 1 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(json, "{comma}{}:{value}", serde_json::Value::from(name));
    };
    if !key_is_there {
        add(
            "key",
            &serde_json::Value::from(item.key().as_str()).to_string(),
        );
    }
    for (name, value) in properties
        .iter()
        .filter(|(name, _)| version_is_right || name != "version")
    {
        add(name, value.get());
    }
    if !version_is_right {
        add("version", &item.version().to_string());
    }
    for (name, value) in needed.iter().filter(|(name, _)| !is_there(name)) {
        add(name, value);
    }
    json.push('}');
    Some(json)
}

/// The properties of an object in their order, with unparsed values.
struct Properties<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Properties<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PropertiesVisitor;

        impl<'de> Visitor<'de> for PropertiesVisitor {
            type Value = Properties<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties<'de>, A::Error> {
                let mut properties = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    properties.push((name.0, map.next_value()?));
                }
                Ok(Properties(properties))
            }
        }

        deserializer.deserialize_map(PropertiesVisitor)
    }
}

/// A property's name, a slice of the text unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
