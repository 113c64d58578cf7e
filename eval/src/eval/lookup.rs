//! [`Lookup`]: the data that an evaluation reads; [`Need`]: data that must be fetched first.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::detail::BigSegmentsStatus;
use crate::model::{Flag, Segment};
use crate::text::Text;

/// A snapshot of flag data. Answers at once: data that requires I/O is [`Found::Unknown`].
///
/// ```
/// use std::collections::HashMap;
///
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, Found, Lookup, Outcome, evaluate};
///
/// struct Snapshot {
///     flags: HashMap<String, Flag>,
///     segments: HashMap<String, Segment>,
/// }
///
/// impl Lookup for Snapshot {
///     fn flag(&self, key: &str) -> Found<&Flag> {
///         self.flags.get(key).into()
///     }
///
///     fn segment(&self, key: &str) -> Found<&Segment> {
///         self.segments.get(key).into()
///     }
/// }
///
/// let staff = serde_json::from_str(r#"{"key": "staff", "included": ["ada"]}"#)?;
/// let data = Snapshot {
///     flags: HashMap::new(),
///     segments: HashMap::from([("staff".to_owned(), staff)]),
/// };
/// let flag: Flag = serde_json::from_str(
///     r#"{"on": true, "variations": [false, true], "fallthrough": {"variation": 0},
///         "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["staff"]}]}]}"#,
/// )?;
/// let context = Context::new("ada")?;
/// let Outcome::Done(evaluation) = evaluate(&flag, &context, &data) else { unreachable!() };
/// assert_eq!(evaluation.variation, Some((1, &true.into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Lookup {
    /// Returns the flag with the given key.
    fn flag(&self, key: &str) -> Found<&Flag>;

    /// Returns the segment with the given key.
    fn segment(&self, key: &str) -> Found<&Segment>;

    /// Returns the big segments that a context key belongs to. The default implementation returns
    /// [`Found::Unknown`], so that the evaluation reports [`Need::Membership`].
    /// [`Found::Absent`] means that there is no big-segment store.
    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        let _ = context_key;
        Found::Unknown
    }
}

/// The result of a lookup, which distinguishes missing from not yet fetched data.
///
/// ```
/// use vexil_eval::Found;
///
/// assert_eq!(Found::from(Some(7)), Found::Present(7));
/// assert_eq!(Found::from(None::<i32>), Found::Absent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "implementors of Lookup must be able to return each variant"
)]
pub enum Found<T> {
    /// The data is available.
    Present(T),
    /// The data does not exist.
    Absent,
    /// The data must be fetched first.
    Unknown,
}

impl<T> From<Option<T>> for Found<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Absent, Self::Present)
    }
}

/// Data that an evaluation requires. Fetch it and evaluate again; the first attempt leaves no state
/// behind.
///
/// ```
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, Found, Lookup, Need, Outcome, evaluate};
///
/// /// Data that was not fetched yet.
/// struct Remote;
///
/// impl Lookup for Remote {
///     fn flag(&self, _: &str) -> Found<&Flag> {
///         Found::Unknown
///     }
///
///     fn segment(&self, _: &str) -> Found<&Segment> {
///         Found::Unknown
///     }
/// }
///
/// let flag: Flag =
///     serde_json::from_str(r#"{"on": true, "prerequisites": [{"key": "base", "variation": 0}]}"#)?;
/// let context = Context::new("ada")?;
/// let fetch = match evaluate(&flag, &context, &Remote) {
///     Outcome::Needs(Need::Flag(key)) => format!("/flags/{key}"),
///     Outcome::Needs(Need::Segment(key)) => format!("/segments/{key}"),
///     Outcome::Needs(Need::Membership(context_key)) => format!("/memberships/{context_key}"),
///     Outcome::Done(_) => unreachable!(),
/// };
/// assert_eq!(fetch, "/flags/base");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller that cannot fetch a need cannot finish the evaluation"
)]
pub enum Need {
    /// The flag with this key.
    Flag(Text),
    /// The segment with this key.
    Segment(Text),
    /// The big segments that this context key belongs to.
    Membership(Text),
}

/// The big segments that a context belongs to, according to a store.
///
/// A segment is named by its reference, `key.g` and the generation. For a segment that is neither
/// included nor excluded, the rules of the segment decide. Clones share the references.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership(Arc<HashMap<Text, bool, RandomState>>);

impl Membership {
    /// Creates a membership from segment references. A reference in both lists counts as included.
    ///
    /// ```
    /// use vexil_eval::Membership;
    ///
    /// let membership = Membership::new(["vip.g2"], ["trial.g1"]);
    /// assert_eq!(membership.is_included("vip.g2"), Some(true));
    /// assert_eq!(membership.is_included("trial.g1"), Some(false));
    /// assert_eq!(membership.is_included("vip.g1"), None);
    /// ```
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
        Self(Arc::new(excluded.chain(included).collect()))
    }

    /// Whether the context is included (`true`) or excluded (`false`); `None` if it is neither.
    ///
    /// ```
    /// use vexil_eval::Membership;
    ///
    /// let membership = Membership::new(["vip.g2"], ["trial.g1"]);
    /// // `None` leaves the decision to the rules of the segment.
    /// let described = ["vip.g2", "trial.g1", "beta.g1"].map(|segment| {
    ///     match membership.is_included(segment) {
    ///         Some(true) => "included",
    ///         Some(false) => "excluded",
    ///         None => "by the rules",
    ///     }
    /// });
    /// assert_eq!(described, ["included", "excluded", "by the rules"]);
    /// ```
    #[must_use]
    pub fn is_included(&self, segment_reference: &str) -> Option<bool> {
        self.0.get(segment_reference).copied()
    }

    /// Returns the approximate size in bytes.
    pub fn weight(&self) -> usize {
        self.0
            .keys()
            .map(|reference| size_of::<(Text, bool)>() + reference.len())
            .sum()
    }
}

/// The big-segment memberships of a context, and how reliable they are.
///
/// ```
/// use vexil_eval::{BigSegmentsStatus, Membership, MembershipAnswer};
///
/// let membership = Membership::new(["vip.g2"], []);
/// let answer = MembershipAnswer::new(Some(membership), BigSegmentsStatus::Stale);
/// assert_eq!(answer.status, BigSegmentsStatus::Stale);
///
/// let failed = MembershipAnswer::new(None, BigSegmentsStatus::StoreError);
/// assert_eq!(failed.membership, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MembershipAnswer {
    /// The membership; `None` if the query failed or there is no store.
    pub membership: Option<Membership>,
    /// How reliable the membership is.
    pub status: BigSegmentsStatus,
}

impl MembershipAnswer {
    /// Creates an answer from its parts.
    #[must_use]
    pub fn new(membership: Option<Membership>, status: BigSegmentsStatus) -> Self {
        Self { membership, status }
    }
}
