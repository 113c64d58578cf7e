//! [`Trace`]: observes the steps of an evaluation, for explanations.
//!
//! The evaluator is the only implementation of the rules of the protocol, so an explanation observes
//! it instead of evaluating by itself. A trace cannot change a result. `()` ignores all steps,
//! and the evaluator with it compiles to the same code as one without a trace.

use super::bucket::Bucket;
use super::detail::Evaluation;
use super::lookup::MembershipAnswer;
use crate::context::{Kind, ReferenceError};
use crate::model::clause::Clause;
use crate::model::flag::{Prerequisite, Target};
use crate::model::rollout::{Rollout, Weighted};
use crate::model::segment::SegmentRollout;
use crate::model::{Flag, Segment};
use crate::text::Text;
use crate::value::Value;

/// An observer of an evaluation. If a step aborts the evaluation, the steps around it do not end.
pub(crate) trait Trace<'a> {
    #[inline(always)]
    fn flag_begins(&mut self, _flag: &'a Flag) {}

    #[inline(always)]
    fn flag_ends(&mut self, _found: &Evaluation<'a>) {}

    #[inline(always)]
    fn prerequisite_begins(&mut self, _required: &'a Prerequisite) {}

    #[inline(always)]
    fn prerequisite_ends(&mut self, _passed: bool) {}

    /// The kind and the list of the target that lists the context, if one does.
    #[inline(always)]
    fn targets(&mut self, _found: Option<(&'a Kind, &'a Target)>) {}

    #[inline(always)]
    fn rule_begins(&mut self) {}

    #[inline(always)]
    fn rule_ends(&mut self, _matched: bool) {}

    #[inline(always)]
    fn fallthrough_begins(&mut self) {}

    #[inline(always)]
    fn fallthrough_ends(&mut self) {}

    #[inline(always)]
    fn off(&mut self) {}

    #[inline(always)]
    fn clause_begins(&mut self, _clause: &'a Clause) {}

    /// The value of the attribute that the clause tests.
    #[inline(always)]
    fn attribute(&mut self, _value: Option<&'a Value>) {}

    #[inline(always)]
    fn clause_ends(&mut self, _matched: bool) {}

    #[inline(always)]
    fn segment_begins(&mut self, _key: &'a Text, _segment: Option<&'a Segment>) {}

    /// A list of the segment names the context.
    #[inline(always)]
    fn segment_lists(&mut self, _included: bool) {}

    #[inline(always)]
    fn big_segment(&mut self, _answer: BigSegmentQuery<'a>) {}

    #[inline(always)]
    fn segment_ends(&mut self, _contains: bool) {}

    #[inline(always)]
    fn segment_rule_begins(&mut self) {}

    #[inline(always)]
    fn segment_rule_ends(&mut self, _matched: bool) {}

    #[inline(always)]
    fn rollout(&mut self, _rollout: &'a Rollout, _bucket: &Bucket, _chosen: &'a Weighted) {}

    #[inline(always)]
    fn segment_rollout(&mut self, _rollout: &'a SegmentRollout, _bucket: &Bucket, _inside: bool) {}

    /// The current step makes the flag malformed.
    #[inline(always)]
    fn malformed(&mut self, _cause: Cause) {}
}

impl Trace<'_> for () {}

/// How the lists of a big segment were queried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BigSegmentQuery<'a> {
    /// Not at all: the segment has no generation.
    NoGeneration,
    /// Not at all: the context lacks the kind of the segment.
    NoKind,
    /// Not at all: there is no store.
    NoStore,
    Answered(&'a MembershipAnswer),
}

/// Why a flag is malformed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// The prerequisites or segments on the path form a cycle.
    Cycle,
    /// Prerequisites or segments are nested beyond the limit.
    TooDeep,
    /// More prerequisites and segments than the limit.
    TooManyVisits,
    Reference(ReferenceError),
    /// A regular expression exceeded its step limit.
    Pattern,
    /// There is no variation with this index.
    Variation(i64),
    /// Neither a variation nor a rollout.
    NoOutcome,
}
