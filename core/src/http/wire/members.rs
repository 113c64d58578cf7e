//! [`members`]: the members of an event around its data.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use vexil_eval::json::{quiet, replace_lone_surrogates};

use super::WireError;

/// Some members of an object, as slices of its text: their order is arbitrary, and one may be
/// needed to interpret another. Null counts as missing; of a duplicate member, the last one wins.
pub(super) type Members<'a, const N: usize> = [Option<&'a RawValue>; N];

/// Reads the members with these names of a complete event, and passes them to `read`. If that
/// fails, unpaired surrogates, for instance in a path, are replaced and it is tried again.
pub(super) fn open<const N: usize, R>(
    event: &'static str,
    data: &str,
    names: [&str; N],
    mut read: impl FnMut(Members<'_, N>) -> Result<R, WireError>,
) -> Result<R, WireError> {
    let mut attempt = |data: &str| read(members(event, data, names)?);
    attempt(data).or_else(|error| match replace_lone_surrogates(data) {
        Some(repaired) => attempt(&repaired),
        None => Err(error),
    })
}

/// Reads the members with these names.
pub(super) fn members<'a, const N: usize>(
    event: &'static str,
    data: &'a str,
    names: [&str; N],
) -> Result<Members<'a, N>, WireError> {
    let mut text = serde_json::Deserializer::from_str(data);
    let members = MembersSeed(names).deserialize(&mut text);
    members
        .and_then(|members| text.end().map(|()| members))
        .map_err(|source| malformed(event, source))
}

/// A required member.
pub(super) fn required<'a>(
    event: &'static str,
    property: &'static str,
    member: Option<&'a RawValue>,
) -> Result<&'a RawValue, WireError> {
    member.ok_or(WireError::Missing { event, property })
}

/// The text of a required member that is a string: a slice of the event unless it has escapes.
pub(super) fn text<'a>(
    event: &'static str,
    property: &'static str,
    member: Option<&'a RawValue>,
) -> Result<Cow<'a, str>, WireError> {
    let member = required(event, property, member)?;
    let Name(text) =
        serde_json::from_str(member.get()).map_err(|source| malformed(event, source))?;
    Ok(text)
}

/// A member that is used if it has the expected type.
pub(super) fn lenient<T: DeserializeOwned>(member: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(member?.get()).ok()
}

pub(super) fn malformed(event: &'static str, source: serde_json::Error) -> WireError {
    WireError::Envelope {
        event,
        source: quiet(source),
    }
}

/// Reads the members with these names.
struct MembersSeed<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for MembersSeed<'_, N> {
    type Value = Members<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for MembersSeed<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = [None; N];
        while let Some(Name(name)) = map.next_key()? {
            let wanted = self.0.iter().position(|wanted| *wanted == name);
            match wanted.and_then(|index| members.get_mut(index)) {
                Some(member) => {
                    let value: &RawValue = map.next_value()?;
                    *member = Some(value).filter(|value| value.get() != "null");
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(members)
    }
}

/// A string that is a slice of the text unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
