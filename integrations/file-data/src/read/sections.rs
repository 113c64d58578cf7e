//! [`Contents`]: the sections of a file.
//!
//! The SDK deserializes flags and segments and skips all other sections. [`Sections`] sits between
//! it and the parser and extracts the plain values, so that a file is parsed only once.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use vexil::model::{DataKind, DataSet, Entry, Flag, Segment};
use vexil::{Text, Value};

/// The contents of one file.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) flags: Vec<Entry<Flag>>,
    /// The flags made from the section of plain values.
    pub(crate) values: Vec<Entry<Flag>>,
    pub(crate) segments: Vec<Entry<Segment>>,
    /// Whether the file is empty and may be incomplete. Only YAML can be: JSON has a closing brace.
    pub(crate) may_be_cut_off: bool,
}

/// A parser's error, and the item in which it occurred.
pub(super) struct Malformed<E> {
    pub(super) item: Option<(DataKind, Text)>,
    /// Boxed, because those of YAML are large.
    pub(super) source: Box<E>,
}

impl Contents {
    pub(super) fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.values.is_empty() && self.segments.is_empty()
    }

    pub(super) fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, Malformed<D::Error>> {
        let mut values = Values::default();
        match DataSet::read(Sections {
            inner: deserializer,
            values: &mut values,
        }) {
            Ok(data) => Ok(Self {
                flags: data.flags,
                values: values.flags,
                segments: data.segments,
                may_be_cut_off: false,
            }),
            Err(error) => {
                let item = error
                    .item
                    .or(values.current.map(|key| (DataKind::Flag, key)));
                Err(Malformed {
                    item,
                    source: Box::new(error.source),
                })
            }
        }
    }
}

/// The plain values read so far.
#[derive(Default)]
struct Values {
    flags: Vec<Entry<Flag>>,
    /// The key being parsed, which is named if parsing fails.
    current: Option<Text>,
}

/// Wraps a parser, its visitor or its map, and extracts the section of plain values.
struct Sections<'v, T> {
    inner: T,
    values: &'v mut Values,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Sections<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        // As an option, because a YAML document may be empty.
        self.inner.deserialize_option(Sections {
            inner: visitor,
            values: self.values,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Sections<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner
            .visit_map(MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Sections {
            inner: map,
            values: self.values,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Sections<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(section) = self.inner.next_key::<Text>()? {
            if section != "flagValues" {
                return seed
                    .deserialize(section.as_str().into_deserializer())
                    .map(Some);
            }
            self.inner.next_value_seed(&mut *self.values)?;
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Values {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for &mut Values {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of values by flag key")
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
        while let Some(key) = map.next_key::<Text>()? {
            self.current = Some(key.clone());
            let flag = constant(&key, &map.next_value()?, true).map_err(A::Error::custom)?;
            self.flags.push(flag.into());
            self.current = None;
        }
        Ok(())
    }
}

/// Turns a flag made from a plain value off. It still serves that value to all contexts.
pub(crate) fn turned_off(entry: Entry<Flag>) -> Entry<Flag> {
    // Succeeds for every such flag: it has one variation, which was read before.
    let flag = entry
        .present()
        .and_then(|flag| constant(flag.key(), flag.variations().first()?, false).ok());
    flag.map_or(entry, Entry::from)
}

/// A flag that serves one value to all contexts.
fn constant(key: &Text, value: &Value, on: bool) -> Result<Flag, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "key": key,
        "on": on,
        "variations": [value],
        "fallthrough": { "variation": 0 },
        "offVariation": 0,
    }))
}
