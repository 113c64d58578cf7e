//! [`Variation`]: which of a flag's values is meant.

/// One of a flag's variations: an index, counted from 0, or `true` or `false`, which make the flag
/// [boolean](crate::FlagBuilder::boolean_flag).
///
/// The builders take anything that turns into one. An index that the flag does not have is not
/// refused: flag data can be wrong in this way too, and evaluating such a flag gives the default.
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
            /// The variation at this index.
            fn from(index: $integer) -> Self {
                // No list is long enough for the difference to show.
                Self(Choice::Index(i64::try_from(index).unwrap_or(i64::MAX)))
            }
        }
    )+};
}
variation_from_index!(i32, i64, u32, usize);
