//! [`Header`]: the version of an item's text, and whether it is a tombstone.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use vexil::model::ItemVersion;

/// The properties that are read even if the rest of an item is malformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: Option<u64>,
    pub(crate) deleted: bool,
}

impl Header {
    /// Reads the properties of a JSON text. What is malformed counts as missing.
    pub(crate) fn of(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Properties)
    }
}

struct Properties;

impl<'de> Visitor<'de> for Properties {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    /// Of a repeated property, the last one is used.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key()? {
            match name {
                Name::Version => {
                    let version: Value = map.next_value()?;
                    let version: Option<ItemVersion> = serde_json::from_value(version).ok();
                    header.version = version.map(|ItemVersion(version)| version);
                }
                Name::Deleted => header.deleted = map.next_value::<Value>()? == Value::Bool(true),
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(header)
    }
}

/// A property's name.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Name {
    Version,
    Deleted,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_tombstone_are_read_from_items_that_are_malformed_otherwise() {
        for (json, version, deleted) in [
            (r#"{"version": 8}"#, Some(8), false),
            (
                r#"{"on": 7, "version": 8.0, "deleted": true}"#,
                Some(8),
                true,
            ),
            (r#"{"version": 1, "version": 2}"#, Some(2), false),
            (r#"{"version": "x"}"#, None, false),
            (r#"{"version": null, "deleted": 1}"#, None, false),
            ("{}", None, false),
            ("[1]", None, false),
            ("null", None, false),
            ("{\"version\": 3", None, false),
        ] {
            assert_eq!(Header::of(json), Header { version, deleted }, "{json}");
        }
    }
}
