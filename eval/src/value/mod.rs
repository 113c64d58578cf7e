//! [`Value`]: a JSON value that is cheap to clone.
//!
//! Flags return these values and contexts contain them. As in the protocol, the only numeric type
//! is the 64-bit float: `1`, `1.0` and `1e0` are the same value and compare equal, unlike in
//! `serde_json::Value`. Clones share arrays, objects and long strings, so reading a flag copies
//! nothing.

mod de;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

    /// Reads the JSON of a context, whose attributes may have the maximum depth themselves.
    pub(crate) fn deserialize_context<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        ValueVisitor {
            levels: Self::CONTEXT_DEPTH,
        }
        .deserialize(deserializer)
    }

    /// Converts the JSON of a context from a `serde_json` value.
    pub(crate) fn from_context(json: serde_json::Value) -> Self {
        converted(json, Self::CONTEXT_DEPTH)
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

/// A finite 64-bit float, the only numeric type.
///
/// ```
/// use vexil_eval::Value;
///
/// let share = Value::from(serde_json::json!(0.25));
/// assert!(matches!(share, Value::Number(number) if number.as_f64() == 0.25));
/// // Integers are floats too, as in the service.
/// assert_eq!(Value::from(7), Value::from(7.0));
/// ```
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// Creates a number. Returns `None` for infinities and NaN, which JSON cannot represent.
    ///
    /// ```
    /// use vexil_eval::Number;
    ///
    /// assert_eq!(Number::new(0.5).map(Number::as_f64), Some(0.5));
    /// assert_eq!(Number::new(f64::NAN), None);
    /// ```
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns negative zero into positive zero, so that equal numbers have equal
        // hashes.
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// Returns the number as a float.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// Returns the number as an integer if it has no fraction and lies within ±(2^53−1). Beyond
    /// that, floats do not represent every integer, so the original one is unknown.
    ///
    /// ```
    /// use vexil_eval::Number;
    ///
    /// let exact = |number| Number::new(number).and_then(Number::as_exact_i64);
    /// assert_eq!(exact(7.0), Some(7));
    /// assert_eq!(exact(7.5), None);
    /// assert_eq!(exact(9_007_199_254_740_992.0), None);
    /// ```
    pub fn as_exact_i64(self) -> Option<i64> {
        const LIMIT: i64 = (1 << 53) - 1;
        self.as_i64()
            .filter(|number| (-LIMIT..=LIMIT).contains(number))
    }

    /// Returns the number as an integer if it has no fraction and lies within ±2^63.
    ///
    /// ```
    /// use vexil_eval::Number;
    ///
    /// let number = |value| Number::new(value).and_then(Number::as_i64);
    /// assert_eq!(number(-7.0), Some(-7));
    /// assert_eq!(number(0.5), None);
    /// assert_eq!(number(1e300), None);
    /// ```
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        // Converted there and back, because rounding is a function call on most processors.
        #[expect(
            clippy::as_conversions,
            reason = "a whole number within the range of i64 is converted exactly"
        )]
        let (whole, back) = (self.0 as i64, self.0 as i64 as f64);
        (back == self.0 && self.0 < LIMIT).then_some(whole)
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_i64() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
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

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        converted(value, Self::MAX_DEPTH)
    }
}

/// Converts a value with at most `levels` levels of arrays and objects; deeper ones become null.
fn converted(value: serde_json::Value, levels: usize) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(value) => value.as_f64().map_or(Value::Null, Value::from),
        serde_json::Value::String(value) => Value::from(value),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) if levels == 0 => {
            take_apart(value);
            Value::Null
        }
        serde_json::Value::Array(elements) => {
            let elements = elements
                .into_iter()
                .map(|element| converted(element, levels - 1));
            Value::Array(Array(elements.collect()))
        }
        serde_json::Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (Text::from(name), converted(value, levels - 1)));
            Value::Object(Object(sorted_members(members.collect()).into()))
        }
    }
}

/// Drops a value iteratively: the recursive drop of `serde_json` overflows the stack if the value
/// is deep enough.
fn take_apart(value: serde_json::Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            serde_json::Value::Array(elements) => rest.extend(elements),
            serde_json::Value::Object(members) => {
                rest.extend(members.into_iter().map(|(_, value)| value))
            }
            _ => {}
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => whole.into(),
                None => number.as_f64().into(),
            },
            Value::String(text) => Self::String(text.as_str().to_owned()),
            Value::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect(),
            ),
        }
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

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ValueVisitor {
            levels: Self::MAX_DEPTH,
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

#[cfg(test)]
mod tests;
