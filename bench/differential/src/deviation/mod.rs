//! The known deviations of the published evaluator, each with a name.
//!
//! A test that skips whole cases proves little: one odd segment would exclude everything about the
//! flag. So no case is skipped. Each deviation has a *compensation*, a change to the peer's copy of
//! the case after which the peer's rule returns the result that ours must return. With all
//! compensations applied, the evaluators must agree on every pair, so the test also fails if our
//! evaluator shares a deviation. How often a deviation matters is found by leaving its compensation
//! out.
//!
//! Not covered: data that we must reject and the peer accepts (string weights, malformed rollouts),
//! `anonymous: null`, and everything outside an evaluation. The generator does not produce these.

mod dates;
mod patterns;
mod prerequisite;
mod reading;
mod segment;
mod structure;

use serde_json::{Map, Value};

use crate::case::Case;

pub(crate) use prerequisite::UNDEMANDED_INDEX;

/// A deviation of the published evaluator, version 2.2.1: what the peer does; then the correct
/// behaviour.
///
/// The variants are in the order of compensation: those that concern reading come first, so that
/// the others find complete data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deviation {
    /// Missing members and nulls are parse errors; defaults are right.
    MissingMembers,
    /// `1.0` for an integer is a parse error; it is the integer 1.
    IntegerWrittenAsFloat,
    /// Tombstones are read as items; they are deleted and do not exist.
    Deleted,
    /// A kind that no context can have is a parse error, or is read as kind `user` with a literal
    /// attribute; it is a plain string that matches nothing, and the empty string means no kind.
    UnusableKind,
    /// `bucketBy: ""` is malformed; it means the key.
    EmptyBucketBy,
    /// An unknown rollout kind is malformed; it is a plain rollout.
    UnknownRolloutKind,
    /// `in` matches equal objects, lists and nulls; they never match.
    InWithStructures,
    /// Dates with a space, a leap second, more than nine digits or a typographic minus are
    /// accepted; they are invalid.
    LooseDates,
    /// `\d`, `\w`, `\s` and `\b` in patterns cover all of Unicode; they mean ASCII, as in Go.
    UnicodeClasses,
    /// Milliseconds beyond the peer's calendar are invalid dates; they compare as numbers.
    FarDates,
    /// Integers beyond 2^53 cannot be bucketed; all 64-bit integers can.
    BigIntegerBucket,
    /// Every entry of `targets` with the variation of a context target is tried; only the first
    /// one matters.
    RepeatedUserTargets,
    /// Big segments are read as regular ones.
    BigSegments,
    /// A weighted segment rule matches contexts that lack its rollout kind; it must not.
    SegmentRolloutWithoutKind,
    /// A negative weight of a segment rule matches every context; it matches none.
    NegativeSegmentWeight,
    /// A prerequisite that is itself malformed makes the dependent flag malformed; the prerequisite
    /// just fails.
    PrerequisiteLocalError,
    /// A failed prerequisite stays on the path and is reported as a cycle when it is reached again;
    /// it is not a cycle.
    FailedPrerequisiteOnPath,
    /// An index out of range stays in the result beside the error; it is omitted.
    IndexLeftInError,
}

impl Deviation {
    /// All deviations, in the order of compensation.
    pub const ALL: [Self; 18] = [
        Self::MissingMembers,
        Self::IntegerWrittenAsFloat,
        Self::Deleted,
        Self::UnusableKind,
        Self::EmptyBucketBy,
        Self::UnknownRolloutKind,
        Self::InWithStructures,
        Self::LooseDates,
        Self::UnicodeClasses,
        Self::FarDates,
        Self::BigIntegerBucket,
        Self::RepeatedUserTargets,
        Self::BigSegments,
        Self::SegmentRolloutWithoutKind,
        Self::NegativeSegmentWeight,
        Self::PrerequisiteLocalError,
        Self::FailedPrerequisiteOnPath,
        Self::IndexLeftInError,
    ];

    /// Returns the name under which the deviation is counted.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether leaving the deviation uncompensated could change any result of the case; `complete`
    /// is the case with everything compensated.
    pub(crate) fn is_in(self, case: &Case, complete: &Prepared) -> bool {
        // These two are not visible in the data.
        matches!(
            self,
            Self::FailedPrerequisiteOnPath | Self::IndexLeftInError
        ) || Prepared::new(case, DeviationSet::ALL.without(self)) != *complete
    }

    fn compensate(self, prepared: &mut Prepared) {
        let case = &mut prepared.case;
        match self {
            Self::MissingMembers => reading::complete(case),
            Self::IntegerWrittenAsFloat => reading::write_integers(case),
            Self::Deleted => reading::drop_tombstones(case),
            Self::UnusableKind => reading::replace_unusable_kinds(case),
            Self::EmptyBucketBy => structure::drop_empty_bucket_by(case),
            Self::UnknownRolloutKind => structure::replace_unknown_rollout_kinds(case),
            Self::InWithStructures => structure::drop_structures(case),
            Self::LooseDates => dates::spoil_loose(case),
            Self::UnicodeClasses => patterns::restrict_to_ascii(case),
            Self::FarDates => dates::bring_near(case),
            Self::BigIntegerBucket => structure::bucket_by_text(case),
            Self::RepeatedUserTargets => structure::keep_first_targets(case),
            Self::BigSegments => segment::unbounded_without_store(case),
            Self::SegmentRolloutWithoutKind => segment::block_absent_kinds(case),
            Self::NegativeSegmentWeight => segment::raise_negative_weights(case),
            Self::PrerequisiteLocalError => {
                prerequisite::accept_local_errors(&mut prepared.prerequisites);
            }
            // These two cannot be expressed in the data: the peer's store and result are adapted.
            Self::FailedPrerequisiteOnPath | Self::IndexLeftInError => {}
        }
    }
}

/// A set of deviations to compensate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviationSet(u32);

impl DeviationSet {
    /// No deviation: the unmodified peer.
    pub const NONE: Self = Self(0);
    /// All deviations: the corrected peer.
    pub const ALL: Self = Self(u32::MAX);

    /// Returns the set without one of its members.
    #[must_use]
    pub fn without(self, deviation: Deviation) -> Self {
        Self(self.0 & !(1 << deviation as u32))
    }

    /// Whether the deviation is to be compensated.
    #[must_use]
    pub fn contains(self, deviation: Deviation) -> bool {
        self.0 & (1 << deviation as u32) != 0
    }
}

/// The peer's copy of a case.
#[derive(PartialEq)]
pub(crate) struct Prepared {
    pub(crate) case: Case,
    /// The flags as prerequisites of others; a directly evaluated flag is taken from the case.
    pub(crate) prerequisites: Map<String, Value>,
}

impl Prepared {
    pub(crate) fn new(case: &Case, compensated: DeviationSet) -> Self {
        let mut prepared = Self {
            case: case.clone(),
            prerequisites: Map::new(),
        };
        let (on_data, on_prerequisites): (Vec<_>, Vec<_>) = Deviation::ALL
            .into_iter()
            .filter(|deviation| compensated.contains(*deviation))
            .partition(|deviation| *deviation != Deviation::PrerequisiteLocalError);
        for deviation in on_data {
            deviation.compensate(&mut prepared);
        }
        prepared.prerequisites = prepared.case.flags.clone();
        for deviation in on_prerequisites {
            deviation.compensate(&mut prepared);
        }
        prepared
    }
}
