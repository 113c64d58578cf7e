//! [`JsonText`]: a YAML value as compact JSON, with the properties in the order of the file.

use std::fmt::{self, Display, Write};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub(in crate::read) struct JsonText(String);

impl Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = String::new();
        Writer(&mut json).deserialize(deserializer)?;
        Ok(Self(json))
    }
}

/// Appends a value to a text.
struct Writer<'j>(&'j mut String);

impl Writer<'_> {
    fn add<E: Error>(self, value: impl Display) -> Result<(), E> {
        write!(self.0, "{value}").map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.add("null")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.add("null")
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.add(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.add(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.add(value)
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<(), E> {
        self.add(value)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<(), E> {
        self.add(value)
    }

    // The parser refuses infinities, which JSON does not have.
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.add(serde_json::Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.add(serde_json::Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.push('[');
        let begin = self.0.len();
        loop {
            let end = self.0.len();
            if end > begin {
                self.0.push(',');
            }
            if seq.next_element_seed(Writer(self.0))?.is_none() {
                self.0.truncate(end);
                self.0.push(']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut separator = "{";
        while let Some(key) = map.next_key::<String>()? {
            write!(self.0, "{separator}{}:", serde_json::Value::from(key))
                .map_err(A::Error::custom)?;
            map.next_value_seed(Writer(self.0))?;
            separator = ",";
        }
        self.0.push_str(if separator == "{" { "{}" } else { "}" });
        Ok(())
    }
}
