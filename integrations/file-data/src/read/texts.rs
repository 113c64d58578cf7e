//! [`Texts`]: the items of a file, of which only the keys are parsed.
//!
//! Items that are deserialized directly from a parser do not keep their JSON. If it is needed, the
//! file is parsed as this: JSON is kept as text, YAML is converted to JSON.

use std::collections::HashMap;
use std::fmt::{self, Display};

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use vexil::Text;
use vexil::model::{DataKind, Entry, Flag, Segment};

use super::sections::Contents;

/// A file's items in their order. A section may be repeated, as for [`Contents`].
pub(super) struct Texts<V> {
    pub(super) flags: Vec<(Text, V)>,
    pub(super) values: Vec<(Text, V)>,
    pub(super) segments: Vec<(Text, V)>,
    pub(super) big_segments: Vec<(Text, V)>,
}

impl<'de, V: Deserialize<'de>> Texts<V> {
    /// Parses a file. With `section`, the file is only the object of that section.
    pub(super) fn read<D: Deserializer<'de>>(
        deserializer: D,
        section: Option<DataKind>,
    ) -> Result<Self, D::Error> {
        let mut texts = Self {
            flags: Vec::new(),
            values: Vec::new(),
            segments: Vec::new(),
            big_segments: Vec::new(),
        };
        match section {
            None => deserializer.deserialize_option(File(&mut texts))?,
            Some(DataKind::Flag) => Items(&mut texts.flags).deserialize(deserializer)?,
            Some(DataKind::Segment) => Items(&mut texts.segments).deserialize(deserializer)?,
        }
        Ok(texts)
    }
}

impl<V: Display> Texts<V> {
    /// Adds the JSON to the items.
    pub(super) fn add_to(self, contents: Contents) -> Contents {
        // Of equal keys the last one is used, as for the items.
        let flags: HashMap<_, _> = self.flags.into_iter().collect();
        let segments: HashMap<_, _> = self.segments.into_iter().collect();
        let flag = |entry: Entry<Flag>| match flags.get(entry.key()) {
            Some(json) => entry.with_json(json.to_string()),
            None => entry,
        };
        let segment = |entry: Entry<Segment>| match segments.get(entry.key()) {
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

/// Parses the sections of a file. An empty YAML document has none.
struct File<'t, V>(&'t mut Texts<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for File<'_, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with flags and segments")
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
        while let Some(section) = map.next_key::<Text>()? {
            let items = match section.as_str() {
                "flags" => &mut self.0.flags,
                "flagValues" => &mut self.0.values,
                "segments" => &mut self.0.segments,
                "bigSegments" => &mut self.0.big_segments,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(Items(items))?;
        }
        Ok(())
    }
}

/// Parses the object of a section, or null.
struct Items<'t, V>(&'t mut Vec<(Text, V)>);

impl<'de, V: Deserialize<'de>> DeserializeSeed<'de> for Items<'_, V> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Items<'_, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of items by key")
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
        while let Some(item) = map.next_entry()? {
            self.0.push(item);
        }
        Ok(())
    }
}
