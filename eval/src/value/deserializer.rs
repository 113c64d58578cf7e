//! `&Value` as a [`Deserializer`], so that application types are read without copying the value.
//!
//! Accepts what `serde_json::Value` accepts, except integers beyond ±(2^53−1): numbers are floats
//! here, which cannot represent every integer beyond that, so such an integer is rejected rather
//! than changed.

use serde::Deserializer;
use serde::de::value::{
    BorrowedStrDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer,
};
use serde::de::{Error as _, IntoDeserializer, Unexpected, Visitor};
use serde_json::Error;

use super::{Number, Object, Value};

/// Deserializes an integer, or a map key that holds one.
macro_rules! integers {
    ($read:ident: $($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$read(visitor)
        }
    )+};
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match number.as_exact_i64() {
                Some(integer) => visit_integer(integer, visitor),
                None => visitor.visit_f64(number.as_f64()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(elements) => {
                let mut elements = SeqDeserializer::new(elements.iter());
                let value = visitor.visit_seq(&mut elements)?;
                elements.end()?;
                Ok(value)
            }
            Value::Object(object) => {
                let mut members = members(object);
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    integers! { read_integer:
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Number(number) => visitor.visit_f64(number.as_f64()),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Value::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Value::String(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Value::Object(object) if object.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(members(object)))
            }
            Value::Object(_) => Err(Error::invalid_value(
                Unexpected::Map,
                &"an object with a single member",
            )),
            other => Err(Error::invalid_type(
                other.unexpected(),
                &"a string or an object",
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, Error> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl Value {
    fn read_integer<'de, V: Visitor<'de>>(&'de self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Number(number) => match number.as_exact_i64() {
                Some(integer) => visit_integer(integer, visitor),
                None if number.as_f64().fract() == 0.0 => Err(inexact(*number)),
                None => visitor.visit_f64(number.as_f64()),
            },
            other => other.deserialize_any(visitor),
        }
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Number(number) => Unexpected::Float(number.as_f64()),
            Self::String(text) => Unexpected::Str(text),
            Self::Array(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }
}

/// Visits a non-negative integer as unsigned: types behind an untagged enum accept nothing else.
fn visit_integer<'de, V: Visitor<'de>>(integer: i64, visitor: V) -> Result<V::Value, Error> {
    match u64::try_from(integer) {
        Ok(integer) => visitor.visit_u64(integer),
        Err(_negative) => visitor.visit_i64(integer),
    }
}

fn inexact(number: Number) -> Error {
    Error::custom(format_args!(
        "the number {} is beyond ±(2^53−1), where integers are not exact",
        number.as_f64()
    ))
}

fn members(object: &Object) -> MapDeserializer<'_, impl Iterator<Item = (Key<'_>, &Value)>, Error> {
    MapDeserializer::new(object.iter().map(|(name, value)| (Key(name), value)))
}

/// The name of a member. Map keys may be numbers or booleans, which JSON writes as strings.
struct Key<'de>(&'de str);

/// Deserializes a key by parsing its text; if that fails, it is an unexpected string.
macro_rules! parsed_keys {
    ($($method:ident $type:ty => $visit:ident;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse::<$type>() {
                Ok(key) => visitor.$visit(key),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )+};
}

impl<'de> IntoDeserializer<'de, Error> for Key<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    parsed_keys! {
        deserialize_bool bool => visit_bool;
        deserialize_i8 i8 => visit_i8;
        deserialize_i16 i16 => visit_i16;
        deserialize_i32 i32 => visit_i32;
        deserialize_i64 i64 => visit_i64;
        deserialize_i128 i128 => visit_i128;
        deserialize_u8 u8 => visit_u8;
        deserialize_u16 u16 => visit_u16;
        deserialize_u32 u32 => visit_u32;
        deserialize_u64 u64 => visit_u64;
        deserialize_u128 u128 => visit_u128;
        deserialize_f32 f32 => visit_f32;
        deserialize_f64 f64 => visit_f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        BorrowedStrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    enum Shape {
        Dot,
        Circle(f32),
        Line(u8, u8),
        Box { width: i64 },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Whole {
        small: i8,
        large: u64,
        fraction: f64,
        name: String,
        letter: char,
        shapes: Vec<Shape>,
        pair: (bool, ()),
        maybe: Option<u32>,
        #[serde(default)]
        absent: Option<u32>,
        by_number: BTreeMap<u16, Wrapped>,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(i32);

    fn read<T: DeserializeOwned>(json: serde_json::Value) -> Result<T, String> {
        T::deserialize(&Value::from(json)).map_err(|error| error.to_string())
    }

    /// Asserts that the value deserializes as with `serde_json`.
    #[track_caller]
    fn same<T: DeserializeOwned + PartialEq + std::fmt::Debug>(json: serde_json::Value) {
        let expected = serde_json::from_value::<T>(json.clone());
        assert_eq!(read::<T>(json.clone()).ok(), expected.ok(), "{json}");
    }

    #[test]
    fn types_are_deserialized_as_by_serde_json() {
        let whole = json!({"small": -7, "large": 9_007_199_254_740_991_u64, "fraction": 2, "name": "n", "letter": "l",
            "shapes": ["Dot", {"Circle": 1.5}, {"Line": [1, 2]}, {"Box": {"width": -3}}], "pair": [true, null],
            "maybe": null, "by_number": {"7": 1}, "extra": [1, {"a": 2.5}]});
        assert!(read::<Whole>(whole.clone()).is_ok());
        same::<Whole>(whole.clone());
        for key in [
            "small",
            "large",
            "fraction",
            "name",
            "letter",
            "shapes",
            "pair",
            "maybe",
            "by_number",
            "extra",
        ] {
            for other in [
                json!(null),
                json!(true),
                json!(1),
                json!(-1),
                json!(300),
                json!(0.5),
                json!("Dot"),
                json!([]),
                json!([1, 2, 3]),
                json!({}),
                json!({"Dot": null}),
                json!({"Circle": 1, "Dot": 2}),
                json!({"x": 1}),
            ] {
                let mut whole = whole.clone();
                whole[key] = other;
                same::<Whole>(whole);
            }
            let mut whole = whole.clone();
            whole.as_object_mut().unwrap().remove(key);
            same::<Whole>(whole);
        }
    }

    #[test]
    fn top_level_values_are_deserialized_as_by_serde_json() {
        for json in [
            json!(null),
            json!(false),
            json!(3),
            json!(-3),
            json!(0.5),
            json!("Dot"),
            json!("x"),
            json!(["a"]),
            json!([1, 2]),
            json!({"a": 1}),
            json!({"1": 1, "2": 2}),
            json!({"true": 1}),
            json!({"Line": [1]}),
        ] {
            same::<serde_json::Value>(json.clone());
            same::<Option<bool>>(json.clone());
            same::<Shape>(json.clone());
            same::<Vec<i32>>(json.clone());
            same::<(u8, u8)>(json.clone());
            same::<f32>(json.clone());
            same::<i128>(json.clone());
            same::<()>(json.clone());
            same::<BTreeMap<i8, i8>>(json.clone());
            same::<BTreeMap<bool, u8>>(json.clone());
            same::<BTreeMap<String, f64>>(json.clone());
            same::<Wrapped>(json);
        }
    }

    #[test]
    fn integers_beyond_the_precision_of_floats_are_rejected() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only whether it can be read counts")]
        struct Flattened {
            #[serde(flatten)]
            inner: BTreeMap<String, u64>,
        }
        for number in [
            9_007_199_254_740_992_i64,
            9_007_199_254_740_993,
            -9_007_199_254_740_992,
            i64::MAX,
        ] {
            let error = read::<i64>(json!(number)).unwrap_err();
            assert!(error.contains("2^53"), "{error}");
            read::<i128>(json!(number)).unwrap_err();
            read::<Flattened>(json!({"n": number})).unwrap_err();
            assert!(read::<f64>(json!(number)).is_ok());
        }
        assert!(read::<u64>(json!(1e300)).unwrap_err().contains("2^53"));
        assert_eq!(
            read::<i64>(json!(-9_007_199_254_740_991_i64)),
            Ok(-9_007_199_254_740_991)
        );
        assert!(read::<u8>(json!(256)).unwrap_err().contains("256"));
        assert!(read::<i64>(json!(1.5)).is_err());
    }

    #[test]
    fn strings_are_borrowed() {
        let value = Value::from("a string that is longer than what fits inline");
        let text = <&str>::deserialize(&value).unwrap();
        assert!(std::ptr::eq(text, value.as_str().unwrap()));
    }
}
