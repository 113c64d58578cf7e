//! [`Envelope`]: the members of a patch or delete event around its data.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use vexil_eval::json::quiet;

use super::WireError;

/// The members of a complete event. They are slices of the event, because their order is arbitrary
/// and the data can be interpreted only once the path is known. Null counts as missing; of a
/// duplicate member, the last one wins.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) path: Option<Cow<'a, str>>,
    pub(super) data: Option<&'a RawValue>,
    pub(super) version: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Parses the envelope of an event.
    pub(super) fn read(event: &'static str, data: &'a str) -> Result<Self, WireError> {
        serde_json::from_str(data).map_err(|source| WireError::Envelope {
            event,
            source: quiet(source),
        })
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "path" => {
                    envelope.path = map
                        .next_value::<Option<Name<'de>>>()?
                        .map(|Name(path)| path)
                }
                "data" => envelope.data = raw(&mut map)?,
                "version" => envelope.version = raw(&mut map)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

fn raw<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<&'de RawValue>, A::Error> {
    let value: &RawValue = map.next_value()?;
    Ok(Some(value).filter(|value| value.get() != "null"))
}

/// A string that is a slice of the event unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
