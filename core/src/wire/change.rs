//! Stream events and poll bodies become changes. The path decides what kind of item arrived, never the item's shape.
//!
//! An event is read as a whole before any of it is given out: one malformed item rejects all of it. Events and kinds
//! of items that are not known are skipped unread, so that the service may add some.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Number;
use serde_json::value::RawValue;

use super::WireError;
use crate::model::{DataKind, DataSet, Item};

/// What a stream event means.
#[derive(Debug)]
pub(crate) enum Change {
    /// Everything is replaced.
    All(DataSet),
    /// One item is written or deleted, if it is newer than the one there.
    Item(Item),
    /// Nothing.
    Ignored,
}

/// Reads an event of the stream.
pub(crate) fn read_event(name: &str, data: &str) -> Result<Change, WireError> {
    match name {
        "put" => put(&envelope("put", data)?),
        "patch" => patch(&envelope("patch", data)?),
        "delete" => delete(envelope("delete", data)?),
        _ => Ok(Change::Ignored),
    }
}

/// Reads the answer to a poll.
pub(crate) fn read_poll(body: &[u8]) -> Result<DataSet, WireError> {
    Ok(DataSet::from_json(body)?)
}

fn put(envelope: &Envelope<'_>) -> Result<Change, WireError> {
    match envelope.path.as_deref() {
        None | Some("" | "/") => {}
        Some(_) => return Ok(Change::Ignored),
    }
    let data = envelope.data.ok_or(WireError::Missing { event: "put", property: "data" })?;
    Ok(Change::All(DataSet::from_json(data.get().as_bytes())?))
}

fn patch(envelope: &Envelope<'_>) -> Result<Change, WireError> {
    let path = envelope.path.as_deref().ok_or(WireError::Missing { event: "patch", property: "path" })?;
    let Some((kind, key)) = item(path) else { return Ok(Change::Ignored) };
    let data = envelope.data.ok_or(WireError::Missing { event: "patch", property: "data" })?;
    Ok(Change::Item(Item::from_json(kind, key, data.get().as_bytes())?))
}

fn delete(envelope: Envelope<'_>) -> Result<Change, WireError> {
    let path = envelope.path.ok_or(WireError::Missing { event: "delete", property: "path" })?;
    let Some((kind, key)) = item(&path) else { return Ok(Change::Ignored) };
    let version = envelope.version.ok_or(WireError::Missing { event: "delete", property: "version" })?;
    let version = serde_json::from_str(version.get()).ok().and_then(|number| whole(&number));
    let version = version.ok_or_else(|| WireError::Version { path: path.to_string() })?;
    // Versions start at zero; one below is older than all of them, and so is nothing.
    Ok(Change::Item(Item::deleted(kind, key, u64::try_from(version).unwrap_or(0))))
}

/// The item that a path names: `/flags/KEY` or `/segments/KEY`. The key is raw and may hold slashes.
fn item(path: &str) -> Option<(DataKind, &str)> {
    let named = |prefix| path.strip_prefix(prefix).filter(|key| !key.is_empty());
    let flag = named("/flags/").map(|key| (DataKind::Flag, key));
    flag.or_else(|| named("/segments/").map(|key| (DataKind::Segment, key)))
}

/// A number as an exact integer, also if it is written `3.0`.
fn whole(number: &Number) -> Option<i64> {
    /// 2^63: the first float beyond the integers of 64 bits.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;

    #[expect(clippy::as_conversions, reason = "the value is whole and within bounds, so nothing is cut off")]
    let exact = |float: f64| (float.fract() == 0.0 && (-BOUND..BOUND).contains(&float)).then_some(float as i64);
    match number.as_i64() {
        None if number.is_f64() => number.as_f64().and_then(exact),
        integer => integer,
    }
}

fn envelope<'a>(event: &'static str, data: &'a str) -> Result<Envelope<'a>, WireError> {
    serde_json::from_str(data).map_err(|source| WireError::Envelope { event, source })
}

/// What is around the data of an event. The parts are slices of the event: their order is arbitrary, and the data
/// means nothing before the path is known. Null counts as missing, of a part given twice the last one counts.
#[derive(Default)]
struct Envelope<'a> {
    path: Option<Cow<'a, str>>,
    data: Option<&'a RawValue>,
    version: Option<&'a RawValue>,
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
                "path" => envelope.path = map.next_value::<Option<Name<'de>>>()?.map(|Name(path)| path),
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
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests;
