//! [`Variation`]: refers to one of a flag's values.

/// One of a flag's variations: an index, counted from 0, or a boolean, which makes the flag
/// [boolean](crate::FlagBuilder::boolean_flag).
///
/// The builders accept any type that converts into one. An index out of range is accepted, because
/// real flag data can be wrong in the same way: evaluating such a flag returns the default.
///
/// ```
/// use vexil_testing::FlagBuilder;
///
/// let boolean = FlagBuilder::new("new-checkout").fallthrough_variation(true);
/// let of_three = FlagBuilder::new("theme").variations(["light", "dark", "sepia"]).fallthrough_variation(2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variation(pub(crate) Choice);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    Bool(bool),
    Index(i64),
}

impl From<bool> for Variation {
    fn from(value: bool) -> Self {
        Self(Choice::Bool(value))
    }
}

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
