//! [`Value`]: a JSON value that is cheap to clone.
//!
//! Flags return these values and contexts contain them. As in the protocol, the only numeric type
//! is the 64-bit float: `1`, `1.0` and `1e0` are the same value and compare equal, unlike in
//! `serde_json::Value`. Clones share arrays, objects and long strings, so reading a flag copies
//! nothing.

mod deserialize;
mod deserializer;
mod from;
mod json;
mod number;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

pub use number::Number;
use serde::{Serialize, Serializer};

use crate::text::Text;

/// A JSON value. Clones are cheap, because they share arrays, objects and long strings.
///
/// ```
/// use vexil_eval::Value;
///
/// let limits = Value::from(serde_json::json!({"rps": 100, "hosts": ["a", "b"]}));
/// assert_eq!(limits.get("rps"), Some(&Value::from(100.0)));
/// assert_eq!(limits.get("hosts").and_then(Value::as_array).map(<[_]>::len), Some(2));
/// ```
///
/// # Depth
///
/// A value has at most [`Value::MAX_DEPTH`] levels of arrays and objects. This bounds the stack
/// that recursive operations need (serializing, comparing, dropping), wherever the value came from:
///
/// - When a value is built, an array or object on a deeper level becomes `null`.
/// - When a value is deserialized, more levels are an error.
/// - JSON and YAML text (flag data of streams, polls, databases and files, contexts) is also
///   rejected if it has more than 127 levels in all, counted from the outermost bracket. Text that
///   the SDK writes stays below that limit.
///
/// ```
/// use vexil_eval::Value;
///
/// let deep = (0..50_000).fold(Value::from("x"), |inner, _| Value::from([inner]));
/// assert!(deep.to_string().contains("null"));
/// ```
///
/// # Deserializing into other types
///
/// `&Value` is a [`serde::Deserializer`], so a value can be read as any type without serializing it
/// first:
///
/// ```
/// use serde::Deserialize;
/// use vexil_eval::Value;
///
/// #[derive(Deserialize)]
/// struct Limits {
///     rps: u32,
/// }
///
/// let value = Value::from(serde_json::json!({"rps": 100}));
/// assert_eq!(Limits::deserialize(&value)?.rps, 100);
/// // Numbers are floats, which cannot represent every integer beyond 2^53.
/// assert!(u64::deserialize(&Value::from(9_007_199_254_740_993_u64)).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "JSON defines exactly these six types"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Any number.
    Number(Number),
    /// A string.
    String(Text),
    /// An array.
    Array(Array),
    /// An object.
    Object(Object),
}

impl Value {
    /// The maximum number of levels of arrays and objects; see [Depth](Value#depth).
    pub const MAX_DEPTH: usize = 100;

    /// The depth limit of context JSON: an attribute is nested in the object of its kind, and that
    /// in the object of a multi-context.
    const CONTEXT_DEPTH: usize = Self::MAX_DEPTH + 2;

    /// Whether this is `null`.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert!(Value::from(None::<bool>).is_null());
    /// assert!(!Value::from("").is_null());
    /// ```
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the boolean, or `None` if the value has another type.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert_eq!(Value::from(true).as_bool(), Some(true));
    /// assert_eq!(Value::from("true").as_bool(), None);
    /// ```
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the number, or `None` if the value has another type.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert_eq!(Value::from(2.5).as_f64(), Some(2.5));
    /// assert_eq!(Value::from("2.5").as_f64(), None);
    /// ```
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// Returns the number if it has no fraction and fits into an `i64`: `33333.0` does, `1.5` does
    /// not.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert_eq!(Value::from(33_333.0).as_i64(), Some(33_333));
    /// assert_eq!(Value::from(1.5).as_i64(), None);
    /// ```
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Returns the string, or `None` if the value has another type.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert_eq!(Value::from("dark").as_str(), Some("dark"));
    /// assert_eq!(Value::from(1).as_str(), None);
    /// ```
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the elements, or `None` if the value is not an array.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// let hosts = Value::from(["a", "b"]);
    /// assert_eq!(hosts.as_array().and_then(<[_]>::first), Some(&"a".into()));
    /// assert_eq!(Value::from("a").as_array(), None);
    /// ```
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the members, or `None` if the value is not an object.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// let limits = Value::from(serde_json::json!({"rps": 100}));
    /// assert_eq!(limits.as_object().map(|object| object.len()), Some(1));
    /// assert_eq!(Value::Null.as_object(), None);
    /// ```
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the approximate size of the value in bytes, in memory and as JSON.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert!(Value::from("x".repeat(1_000)).weight() > Value::from("x").weight());
    /// ```
    pub fn weight(&self) -> usize {
        const EACH: usize = size_of::<Value>();
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => EACH,
            Self::String(text) => EACH + text.len(),
            Self::Array(elements) => EACH + elements.iter().map(Self::weight).sum::<usize>(),
            Self::Object(members) => {
                EACH + members
                    .iter()
                    .map(|(name, value)| EACH + name.len() + value.weight())
                    .sum::<usize>()
            }
        }
    }

    /// Returns the name of the JSON type with its article, for messages.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// assert_eq!(Value::from([1, 2]).type_name(), "an array");
    /// assert_eq!(Value::Null.type_name(), "null");
    /// ```
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// Prepares the value to be nested in another one, cutting it where it would become too deep.
    fn nested(self) -> Self {
        const LEVELS: usize = Value::MAX_DEPTH - 1;
        if self.has_at_most(LEVELS) {
            self
        } else {
            self.cut(LEVELS)
        }
    }

    /// Returns the attribute value from JSON read by [`Value::deserialize_context`].
    pub(crate) fn attribute(&self) -> Self {
        if self.has_at_most(Self::MAX_DEPTH) {
            self.clone()
        } else {
            self.cut(Self::MAX_DEPTH)
        }
    }

    fn has_at_most(&self, levels: usize) -> bool {
        let nested = |value: &Self| levels > 0 && value.has_at_most(levels - 1);
        match self {
            Self::Array(elements) => levels > 0 && elements.iter().all(nested),
            Self::Object(members) => levels > 0 && members.iter().all(|(_, value)| nested(value)),
            _ => true,
        }
    }

    /// Returns a copy in which arrays and objects below the given number of levels are null.
    fn cut(&self, levels: usize) -> Self {
        match self {
            Self::Array(_) | Self::Object(_) if levels == 0 => Self::Null,
            Self::Array(elements) => Self::Array(Array(
                elements
                    .iter()
                    .map(|element| element.cut(levels - 1))
                    .collect(),
            )),
            Self::Object(Object(members)) => {
                let cut = members
                    .iter()
                    .map(|(name, value)| (name.clone(), value.cut(levels - 1)));
                Self::Object(Object(cut.collect()))
            }
            scalar => scalar.clone(),
        }
    }

    /// Returns the member `name`, or `None` if the value is not an object or has no such member.
    ///
    /// ```
    /// use vexil_eval::Value;
    ///
    /// let limits = Value::from(serde_json::json!({"rps": 100}));
    /// assert_eq!(limits.get("rps"), Some(&100.into()));
    /// assert_eq!(limits.get("burst"), None);
    /// assert_eq!(Value::from(100).get("rps"), None);
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }
}

/// Compact JSON text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => text.serialize(serializer),
            Self::Array(elements) => serializer.collect_seq(elements.iter()),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

/// The elements of a JSON array. Dereferences to a slice; cheap to clone.
///
/// ```
/// use vexil_eval::{Array, Value};
///
/// let hosts: Array = ["a", "b"].into_iter().collect();
/// assert_eq!(hosts.first(), Some(&Value::from("a")));
/// assert_eq!(Value::from(hosts).to_string(), r#"["a","b"]"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Array(Arc<[Value]>);

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Into<Value>> FromIterator<T> for Array {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self(
            elements
                .into_iter()
                .map(|element| element.into().nested())
                .collect(),
        )
    }
}

impl<T: Into<Value>> From<Vec<T>> for Array {
    fn from(elements: Vec<T>) -> Self {
        elements.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The members of a JSON object, ordered by name. If a name is repeated, the last one wins.
///
/// ```
/// use vexil_eval::{Object, Value};
///
/// let limits: Object = [("rps", 100), ("burst", 10), ("rps", 200)].into_iter().collect();
/// assert_eq!(Value::from(limits).to_string(), r#"{"burst":10,"rps":200}"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Object(Arc<[(Text, Value)]>);

impl Object {
    /// Returns the member `name`.
    ///
    /// ```
    /// use vexil_eval::Object;
    ///
    /// let limits: Object = [("rps", 100)].into_iter().collect();
    /// assert_eq!(limits.get("rps"), Some(&100.into()));
    /// assert_eq!(limits.get("burst"), None);
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self
            .0
            .binary_search_by(|(member, _)| member.as_str().cmp(name))
            .ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Iterates over the members in the order of their names.
    ///
    /// ```
    /// use vexil_eval::Object;
    ///
    /// let limits: Object = [("rps", 100), ("burst", 10)].into_iter().collect();
    /// let names: Vec<_> = limits.iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["burst", "rps"]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let members = members
            .into_iter()
            .map(|(name, value)| (name.into(), value.into().nested()));
        Self(sorted_members(members.collect()).into())
    }
}

/// Sorts members by name and keeps the last of those with the same name.
pub(crate) fn sorted_members<N: AsRef<str>>(mut members: Vec<(N, Value)>) -> Vec<(N, Value)> {
    members.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
    members.dedup_by(|later, earlier| {
        let same = later.0.as_ref() == earlier.0.as_ref();
        if same {
            // `dedup_by` drops the later one, so its content is swapped into the one that is kept.
            std::mem::swap(later, earlier);
        }
        same
    });
    members
}

#[cfg(test)]
mod tests;
