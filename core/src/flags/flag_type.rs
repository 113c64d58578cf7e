//! [`FlagType`]: the JSON type that a Rust type has, as its `Deserialize` requests it.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use vexil_eval::Value;

/// The type of a flag, as `vexil check --declared` distinguishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FlagType {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string; also for enums without data.
    String,
    /// Any JSON: objects, arrays, null, or several types.
    Json,
}

impl FlagType {
    /// Determines the type that `T` is deserialized from.
    pub(super) fn of<T: DeserializeOwned>() -> Self {
        match T::deserialize(Probe) {
            Err(Requested::Type(flag_type)) => flag_type,
            Err(Requested::Enum(variants)) => {
                let is_unit = |name: &&str| T::deserialize(&Value::from(*name)).is_ok();
                if variants.iter().all(is_unit) {
                    Self::String
                } else {
                    Self::Json
                }
            }
            Ok(_) => Self::Json,
        }
    }
}

/// A deserializer that fails with the type that is requested of it.
struct Probe;

#[derive(Debug)]
enum Requested {
    Type(FlagType),
    Enum(&'static [&'static str]),
}

impl fmt::Display for Requested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Requested {}

/// An error of the type itself.
impl de::Error for Requested {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self::Type(FlagType::Json)
    }
}

macro_rules! requests {
    ($($flag_type:ident: $($method:ident)+;)+) => {$($(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Requested> {
            Err(Requested::Type(FlagType::$flag_type))
        }
    )+)+};
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Requested;

    requests! {
        Boolean: deserialize_bool;
        Number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
            deserialize_f32 deserialize_f64;
        String: deserialize_char deserialize_str deserialize_string;
        Json: deserialize_any;
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Requested> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Requested> {
        Err(Requested::Enum(variants))
    }

    forward_to_deserialize_any! {
        bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    use serde::Deserialize;
    use vexil_eval::Text;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Theme {
        Light,
        VeryDark,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the type counts")]
    enum Shape {
        Dot,
        Circle(f64),
    }

    #[derive(Deserialize)]
    struct Named<T>(T);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the type counts")]
    struct Limits {
        rps: u32,
    }

    #[test]
    fn types_are_those_that_are_deserialized() {
        assert_eq!(FlagType::of::<bool>(), FlagType::Boolean);
        for number in [
            FlagType::of::<u8>(),
            FlagType::of::<i64>(),
            FlagType::of::<u128>(),
            FlagType::of::<usize>(),
            FlagType::of::<f32>(),
            FlagType::of::<Named<u32>>(),
        ] {
            assert_eq!(number, FlagType::Number);
        }
        for string in [
            FlagType::of::<String>(),
            FlagType::of::<Text>(),
            FlagType::of::<char>(),
            FlagType::of::<Theme>(),
            FlagType::of::<Named<Theme>>(),
        ] {
            assert_eq!(string, FlagType::String);
        }
        for json in [
            FlagType::of::<Value>(),
            FlagType::of::<serde_json::Value>(),
            FlagType::of::<Option<bool>>(),
            FlagType::of::<Vec<bool>>(),
            FlagType::of::<BTreeMap<String, bool>>(),
            FlagType::of::<Shape>(),
            FlagType::of::<Limits>(),
            FlagType::of::<()>(),
        ] {
            assert_eq!(json, FlagType::Json);
        }
        assert_eq!(FlagType::of::<IpAddr>(), FlagType::String);
    }
}
