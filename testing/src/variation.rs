//! [`Variation`]: refers to one of a flag's values.

use vexil::{Text, Value};

/// One of a flag's variations: an index, counted from 0, or a value.
///
/// The methods of the builders accept any type that converts into one:
///
/// | argument | variation |
/// | --- | --- |
/// | an integer | the one with this index |
/// | `true`, `false` | this value; makes the flag [boolean](crate::FlagBuilder::boolean_flag) |
/// | a string or float | this value |
/// | [`Variation::value`] | this value, of any type |
///
/// A value that is not among the flag's variations becomes the last of them, so the flag always
/// serves the value that was named. If the flag is boolean, the value replaces both of its
/// variations, and is also the fallthrough and the off variation until others are set.
///
/// An index out of range is accepted, because real flag data can be wrong in the same way:
/// evaluating such a flag returns the default.
///
/// ```
/// use serde_json::json;
/// use vexil_testing::{FlagBuilder, Variation};
///
/// let boolean = FlagBuilder::new("new-checkout").fallthrough_variation(true);
/// let theme = FlagBuilder::new("theme").variations(["light", "dark", "sepia"]);
/// let by_value = theme.clone().fallthrough_variation("sepia");
/// assert_eq!(by_value.to_json(), theme.fallthrough_variation(2).to_json());
///
/// // A number or object by value. The third one is not among the variations.
/// let limit = FlagBuilder::new("limit").variations([10, 20]).fallthrough_variation(Variation::value(20));
/// let limit = limit.variation_for_user("ada", Variation::value(500));
/// assert_eq!(limit.to_json()["variations"], json!([10, 20, 500]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Variation(pub(crate) Choice);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    Index(i64),
    Value(Value),
}

impl Variation {
    /// The variation with this value, of any JSON type: for numbers and objects, as an integer
    /// alone is an index.
    pub fn value(value: impl Into<Value>) -> Self {
        Self(Choice::Value(value.into()))
    }
}

macro_rules! variation_from_value {
    ($($value:ty),+) => {$(
        impl From<$value> for Variation {
            /// Refers to the variation with this value.
            fn from(value: $value) -> Self {
                Self::value(value)
            }
        }
    )+};
}
variation_from_value!(bool, f64, &str, String, Text, Value);

macro_rules! variation_from_index {
    ($($integer:ty),+) => {$(
        impl From<$integer> for Variation {
            /// Converts the index of a variation.
            fn from(index: $integer) -> Self {
                // No variation list is long enough for saturation to matter.
                Self(Choice::Index(i64::try_from(index).unwrap_or(i64::MAX)))
            }
        }
    )+};
}
variation_from_index!(i32, i64, u32, usize);
