//! [`FoundValue`]: what a context has where a clause or a rollout looks.

use std::fmt;

use serde::Serialize;

use crate::text::Text;
use crate::value::Value;

/// The value of an attribute of a context.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FoundValue {
    /// The value, without the private members of an object.
    Value(Value),
    /// The value is private.
    Private(ValueType),
    /// The context has no member of the kind.
    MissingKind {
        /// The kind.
        kind: Text,
    },
    /// The context has no such attribute.
    MissingAttribute {
        /// The number of names on the path that were found before the first missing one.
        depth: usize,
    },
    /// The attribute reference is invalid.
    InvalidReference {
        /// The reason, in one sentence.
        error: Text,
    },
    /// The kinds of the context, for the attribute `kind`.
    Kinds(Vec<Text>),
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ValueType {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl From<&Value> for ValueType {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

/// The type with its article.
impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}
