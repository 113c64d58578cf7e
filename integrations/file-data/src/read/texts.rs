//! The JSON of items, for stores that keep text.
//!
//! Items that are deserialized directly from a parser do not keep their JSON. If a store needs it,
//! the file is parsed a second time: JSON is kept as text, YAML is converted to JSON.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use vexil::Text;
use vexil::model::{Entry, Flag, Segment};

use super::sections::Contents;

/// A file's flags and segments, of which only the keys are parsed. A section may be repeated, as for
/// [`Contents`].
pub(super) struct Texts<V> {
    flags: HashMap<Text, V>,
    segments: HashMap<Text, V>,
}

impl<'de, V: Deserialize<'de> + Display> Texts<V> {
    /// Returns `None` if parsing fails; parsing the items reports the error.
    pub(super) fn read<D: Deserializer<'de>>(deserializer: D) -> Option<Self> {
        Option::deserialize(deserializer).ok().flatten()
    }

    /// Adds the JSON to the items.
    pub(super) fn add_to(self, contents: Contents) -> Contents {
        let flag = |entry: Entry<Flag>| match self.flags.get(entry.key()) {
            Some(json) => entry.with_json(json.to_string()),
            None => entry,
        };
        let segment = |entry: Entry<Segment>| match self.segments.get(entry.key()) {
            Some(json) => entry.with_json(json.to_string()),
            None => entry,
        };
        Contents {
            flags: contents.flags.into_iter().map(flag).collect(),
            values: contents.values,
            segments: contents.segments.into_iter().map(segment).collect(),
            may_be_cut_off: contents.may_be_cut_off,
        }
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Texts<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor(PhantomData))
    }
}

struct TextsVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for TextsVisitor<V> {
    type Value = Texts<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with flags and segments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts<V>, A::Error> {
        let (mut flags, mut segments) = (HashMap::new(), HashMap::new());
        while let Some(section) = map.next_key::<Text>()? {
            let to = match section.as_str() {
                "flags" => &mut flags,
                "segments" => &mut segments,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            to.extend(
                map.next_value::<Option<HashMap<Text, V>>>()?
                    .unwrap_or_default(),
            );
        }
        Ok(Texts { flags, segments })
    }
}
