//! [`Lookup`]: what an evaluation may ask for while it runs, and [`Need`]: how it says what it could not get.

use std::collections::HashMap;

use super::detail::BigSegmentsStatus;
use crate::model::{Flag, Segment};
use crate::text::Text;

/// The data of one moment. It answers at once: what would take I/O is [`Found::Unknown`].
pub trait Lookup {
    /// The flag of a key.
    fn flag(&self, key: &str) -> Found<&Flag>;

    /// The segment of a key.
    fn segment(&self, key: &str) -> Found<&Segment>;

    /// Which big segments a context key belongs to. Data that knows nothing of big segments leaves
    /// this alone; then the evaluation asks for it with [`Need::Membership`]. [`Found::Absent`]
    /// says that there is no store to ask.
    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        let _ = context_key;
        Found::Unknown
    }
}

/// The answer to a look-up. Not there and not known are different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an implementor of Lookup must be able to give each answer"
)]
pub enum Found<T> {
    /// It is there.
    Present(T),
    /// It is certainly not there.
    Absent,
    /// It has to be fetched first.
    Unknown,
}

impl<T> From<Option<T>> for Found<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Absent, Self::Present)
    }
}

/// What an evaluation cannot do without. Fetch it and evaluate again: nothing of the first attempt
/// remains.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller that cannot fetch a need cannot finish the evaluation"
)]
pub enum Need {
    /// The flag of a key.
    Flag(Text),
    /// The segment of a key.
    Segment(Text),
    /// The big segments that a context key belongs to.
    Membership(Text),
}

/// The big segments that one context belongs to, as far as a store knows.
///
/// A segment is named by its reference, `key.g` and the generation. One that is in neither list is
/// undecided, and its rules apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership(HashMap<Text, bool>);

impl Membership {
    /// A membership of these segment references. A reference in both lists is included.
    #[must_use]
    pub fn new<T: Into<Text>>(
        included: impl IntoIterator<Item = T>,
        excluded: impl IntoIterator<Item = T>,
    ) -> Self {
        let excluded = excluded
            .into_iter()
            .map(|reference| (reference.into(), false));
        let included = included
            .into_iter()
            .map(|reference| (reference.into(), true));
        Self(excluded.chain(included).collect())
    }

    /// Whether the context is included or excluded; none if it is neither.
    #[must_use]
    pub fn is_included(&self, segment_reference: &str) -> Option<bool> {
        self.0.get(segment_reference).copied()
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.0
            .keys()
            .map(|reference| size_of::<(Text, bool)>() + reference.len())
            .sum()
    }
}

/// What is known about a context's big segments, and how far it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MembershipAnswer {
    /// The membership; none if the query failed or there is no store.
    pub membership: Option<Membership>,
    /// How far it can be trusted.
    pub status: BigSegmentsStatus,
}

impl MembershipAnswer {
    /// An answer of these parts.
    #[must_use]
    pub fn new(membership: Option<Membership>, status: BigSegmentsStatus) -> Self {
        Self { membership, status }
    }
}
