//! Reads a [`Value`] from any format of serde.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Array, Object, Value, sorted_members};
use crate::text::Text;

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ValueVisitor {
            levels: Self::MAX_DEPTH,
        }
        .deserialize(deserializer)
    }
}

impl Value {
    /// Reads the JSON of a context, whose attributes may have the maximum depth themselves.
    pub(crate) fn deserialize_context<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        ValueVisitor {
            levels: Self::CONTEXT_DEPTH,
        }
        .deserialize(deserializer)
    }
}

/// Visits a value with a limited number of levels. Not every format limits the depth itself.
#[derive(Clone, Copy)]
struct ValueVisitor {
    levels: usize,
}

impl ValueVisitor {
    fn nested<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        let error = || {
            E::custom(format_args!(
                "more than {} levels of arrays and objects",
                Value::MAX_DEPTH
            ))
        };
        levels.map(|levels| Self { levels }).ok_or_else(error)
    }
}

impl<'de> DeserializeSeed<'de> for ValueVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.nested()?.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut elements = Vec::<Value>::new();
        while let Some(element) = access.next_element_seed(nested)? {
            elements.push(element);
        }
        Ok(Value::Array(Array(elements.into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut members = Vec::<(Text, Value)>::new();
        while let Some(name) = access.next_key()? {
            members.push((name, access.next_value_seed(nested)?));
        }
        Ok(Value::Object(Object(sorted_members(members).into())))
    }
}
