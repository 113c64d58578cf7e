//! Conversions of Rust values to [`Value`].

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Array, Number, Object, Value};
use crate::text::Text;

impl Value {
    /// Converts what a type serializes to, for example the value of a custom event's data. Integers
    /// beyond 2^53 lose precision, and arrays and objects that are nested too deeply become `null`,
    /// as in every `Value`.
    ///
    /// ```
    /// use serde::Serialize;
    /// use vexil_eval::Value;
    ///
    /// #[derive(Serialize)]
    /// struct Purchase {
    ///     item: &'static str,
    ///     price: f64,
    /// }
    ///
    /// let data = Value::from_serialize(&Purchase { item: "lamp", price: 9.5 })?;
    /// assert_eq!(data.to_string(), r#"{"item":"lamp","price":9.5}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if serializing fails, or if a map has keys that are not strings or numbers.
    pub fn from_serialize(value: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        serde_json::to_value(value).map(Self::from)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Infinities and NaN become `null`, because JSON cannot represent them.
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Number::new(value).map_or(Self::Null, Self::Number)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::from(f64::from(value))
    }
}

macro_rules! value_from_integer {
    ($($integer:ty),+) => {$(
        impl From<$integer> for Value {
            /// Integers beyond 2^53 lose precision, as JSON numbers do in this protocol.
            fn from(value: $integer) -> Self {
                #[expect(clippy::allow_attributes, reason = "only some of the types are lossless")]
                #[allow(clippy::as_conversions, clippy::cast_lossless, reason = "one numeric type, the float")]
                Self::from(value as f64)
            }
        }
    )+};
}
value_from_integer!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl From<&str> for Value {
    #[inline]
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::String(value.into())
    }
}

impl From<Text> for Value {
    fn from(value: Text) -> Self {
        Self::String(value)
    }
}

impl From<Array> for Value {
    fn from(value: Array) -> Self {
        Self::Array(value)
    }
}

impl From<Object> for Value {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Self {
        elements.into_iter().collect()
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Value {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}

impl<T: Clone + Into<Self>> From<&[T]> for Value {
    fn from(elements: &[T]) -> Self {
        elements.iter().cloned().collect()
    }
}

impl<K: Into<Text>, V: Into<Self>> From<BTreeMap<K, V>> for Value {
    fn from(members: BTreeMap<K, V>) -> Self {
        Self::Object(members.into_iter().collect())
    }
}

impl<K: Into<Text>, V: Into<Self>> From<HashMap<K, V>> for Value {
    fn from(members: HashMap<K, V>) -> Self {
        Self::Object(members.into_iter().collect())
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::Array(elements.into_iter().collect())
    }
}
