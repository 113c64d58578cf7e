//! The evaluator: a pure function of a flag, a context and a snapshot of the data.
//!
//! It performs no I/O, takes no lock, reads no clock and does not allocate. If data is missing, it
//! returns [`Outcome::Needs`]; the caller fetches the data and evaluates again, which is safe
//! because the first attempt leaves no state behind. Evaluated prerequisites are part of the
//! result, and the caller decides how to report them.

mod bucket;
mod clause;
mod detail;
mod lookup;
mod segment;
mod trace;

use bucket::bucket;
pub(crate) use bucket::{Bucket, Origin, attribute as bucketed_attribute};
pub use detail::{
    BigSegmentsStatus, Detail, EvalErrorKind, Evaluation, PrerequisiteEvaluation, Reason,
    ReasonKind, TypeMismatch, Verdict,
};
pub use lookup::{Found, Lookup, Membership, MembershipAnswer, Need};
pub(crate) use trace::{BigSegmentQuery, Cause, Trace};

use crate::context::{Context, Kind, Member};
use crate::model::Flag;
use crate::model::flag::{FlagRule, Prerequisite, VariationOrRollout};
use crate::model::rollout::Rollout;
use crate::text::Text;
use crate::value::Value;

/// The outcome of an evaluation.
///
/// ```
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, Found, Lookup, Need, Outcome, evaluate};
///
/// struct Nothing;
///
/// impl Lookup for Nothing {
///     fn flag(&self, _: &str) -> Found<&Flag> {
///         Found::Absent
///     }
///     fn segment(&self, _: &str) -> Found<&Segment> {
///         Found::Absent
///     }
/// }
///
/// let flag: Flag = serde_json::from_str(
///     r#"{"on": true, "variations": ["a", "b"], "fallthrough": {"variation": 1}}"#,
/// )?;
/// let context = Context::new("ada")?;
/// match evaluate(&flag, &context, &Nothing) {
///     Outcome::Done(evaluation) => assert_eq!(evaluation.variation, Some((1, &"b".into()))),
///     Outcome::Needs(Need::Flag(key)) => panic!("the flag {key} has to be fetched first"),
///     Outcome::Needs(need) => panic!("{need:?} has to be fetched first"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an evaluation is done or it is not"
)]
pub enum Outcome<'a> {
    /// The evaluation has a result, which may be an error.
    Done(Evaluation<'a>),
    /// The evaluation has no result because this data must be fetched first.
    Needs(Need),
}

/// Evaluates a flag for a context.
///
/// A malformed flag has no value, and its reason is an error:
///
/// ```
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, EvalErrorKind, Found, Lookup, Outcome, evaluate};
///
/// # struct Nothing;
/// # impl Lookup for Nothing {
/// #     fn flag(&self, _: &str) -> Found<&Flag> {
/// #         Found::Absent
/// #     }
/// #     fn segment(&self, _: &str) -> Found<&Segment> {
/// #         Found::Absent
/// #     }
/// # }
/// let flag: Flag = serde_json::from_str(
///     r#"{"on": true, "variations": ["a"], "fallthrough": {"variation": 7}}"#,
/// )?;
/// let context = Context::new("ada")?;
/// let Outcome::Done(evaluation) = evaluate(&flag, &context, &Nothing) else { unreachable!() };
/// assert_eq!(evaluation.variation, None);
/// assert_eq!(evaluation.reason().error(), Some(EvalErrorKind::MalformedFlag));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate<'a>(flag: &'a Flag, context: &'a Context, data: &'a dyn Lookup) -> Outcome<'a> {
    let mut evaluation = Evaluation::new();
    match evaluate_into(&mut evaluation, flag, context, data) {
        None => Outcome::Done(evaluation),
        Some(need) => Outcome::Needs(need),
    }
}

/// Like [`evaluate`], but writes the result into `evaluation`, which saves a copy. If this returns
/// `Some`, the data must be fetched first and the result is meaningless.
///
/// `evaluation` must be fresh; see [`Evaluation::new`].
///
/// ```
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, Evaluation, Found, Lookup, ReasonKind, evaluate_into};
///
/// # struct Nothing;
/// # impl Lookup for Nothing {
/// #     fn flag(&self, _: &str) -> Found<&Flag> {
/// #         Found::Absent
/// #     }
/// #     fn segment(&self, _: &str) -> Found<&Segment> {
/// #         Found::Absent
/// #     }
/// # }
/// let flag: Flag = serde_json::from_str(r#"{"variations": ["a", "b"], "offVariation": 1}"#)?;
/// let context = Context::new("ada")?;
/// let mut evaluation = Evaluation::new();
/// assert_eq!(evaluate_into(&mut evaluation, &flag, &context, &Nothing), None);
/// assert_eq!(evaluation.variation, Some((1, &"b".into())));
/// assert_eq!(evaluation.verdict, ReasonKind::Off);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn evaluate_into<'a>(
    evaluation: &mut Evaluation<'a>,
    flag: &'a Flag,
    context: &'a Context,
    data: &'a dyn Lookup,
) -> Option<Need> {
    Evaluator {
        context,
        data,
        visits: 0,
        found: evaluation,
        trace: (),
    }
    .run(flag)
}

pub(crate) struct Evaluator<'e, 'a, T> {
    pub(crate) context: &'a Context,
    pub(crate) data: &'a dyn Lookup,
    /// The number of prerequisites and segments visited so far.
    pub(crate) visits: u32,
    /// The result of the flag evaluated last, and the prerequisites and status so far. Results are
    /// written here rather than returned: copying a struct that was just written field by field
    /// stalls on store forwarding.
    pub(crate) found: &'e mut Evaluation<'a>,
    /// Held by value, so that the trace of a plain evaluation has no size.
    pub(crate) trace: T,
}

/// Aborts the whole evaluation. A malformed flag itself does not abort: its result is an error, so
/// that only the prerequisite of a dependent flag fails.
pub(crate) enum Abort {
    Malformed,
    Needs(Need),
}

impl<'a, T: Trace<'a>> Evaluator<'_, 'a, T> {
    /// Evaluates the outermost flag. Returns the data that must be fetched first, if any.
    #[inline]
    pub(crate) fn run(&mut self, flag: &'a Flag) -> Option<Need> {
        self.found.is_override = flag.is_override;
        match self.flag(flag, &Ancestors::Root) {
            Ok(()) => None,
            Err(Abort::Malformed) => {
                self.end(None, Verdict::Error(EvalErrorKind::MalformedFlag));
                None
            }
            Err(Abort::Needs(need)) => Some(need),
        }
    }

    /// Evaluates a flag and writes the result to `found`.
    #[inline]
    fn flag(&mut self, flag: &'a Flag, ancestors: &Ancestors<'_>) -> Result<(), Abort> {
        self.trace.flag_begins(flag);
        self.decide(flag, ancestors)?;
        self.trace.flag_ends(self.found);
        Ok(())
    }

    #[inline]
    fn decide(&mut self, flag: &'a Flag, ancestors: &Ancestors<'_>) -> Result<(), Abort> {
        if !flag.on {
            self.off(flag, Verdict::Off);
            return Ok(());
        }
        if let Some(prerequisite_key) = self.failed_prerequisite(flag, ancestors)? {
            self.off(flag, Verdict::PrerequisiteFailed { prerequisite_key });
            return Ok(());
        }
        if self.is_targeted(flag) {
            return Ok(());
        }
        for (index, rule) in flag.rules.iter().enumerate() {
            if self.rule_matches(flag, index, rule)? {
                return Ok(());
            }
        }
        self.fallthrough(flag);
        Ok(())
    }

    /// Whether an individual target lists the context. If so, its variation is the result.
    #[inline]
    pub(crate) fn is_targeted(&mut self, flag: &'a Flag) -> bool {
        let key_of = |kind: &Kind| self.context.member(kind).map(Member::key);
        let found = flag.targets.find(key_of);
        self.trace.targets(found);
        match found {
            Some((_, target)) => {
                self.variation(flag, target.variation(), Verdict::TargetMatch);
                true
            }
            None => false,
        }
    }

    /// Whether a rule matches. If so, the result is what it serves.
    #[inline]
    pub(crate) fn rule_matches(
        &mut self,
        flag: &'a Flag,
        rule_index: usize,
        rule: &'a FlagRule,
    ) -> Result<bool, Abort> {
        self.trace.rule_begins();
        // Segment cycle detection restarts in each clause, without the ancestors of the flag.
        let matches = self.clauses_match(&rule.clauses, &Ancestors::Root)?;
        if matches {
            let verdict = |in_experiment| Verdict::RuleMatch {
                rule_index,
                rule_id: &rule.id,
                in_experiment,
            };
            self.result(flag, &rule.result, verdict);
        }
        self.trace.rule_ends(matches);
        Ok(matches)
    }

    #[inline]
    pub(crate) fn fallthrough(&mut self, flag: &'a Flag) {
        self.trace.fallthrough_begins();
        self.result(flag, &flag.fallthrough, |in_experiment| {
            Verdict::Fallthrough { in_experiment }
        });
        self.trace.fallthrough_ends();
    }

    /// Returns the key of the first failed prerequisite, if any.
    ///
    /// A prerequisite that is off always fails, even if its off variation is the required one. It
    /// is still evaluated and reported; those after a failed one are not.
    #[inline]
    fn failed_prerequisite(
        &mut self,
        flag: &'a Flag,
        ancestors: &Ancestors<'_>,
    ) -> Result<Option<&'a Text>, Abort> {
        if flag.prerequisites.is_empty() {
            Ok(None)
        } else {
            self.first_failed(flag, ancestors)
        }
    }

    fn first_failed(
        &mut self,
        flag: &'a Flag,
        ancestors: &Ancestors<'_>,
    ) -> Result<Option<&'a Text>, Abort> {
        let ancestors = &self.enter(ancestors, flag.key())?;
        for required in &flag.prerequisites {
            if !self.prerequisite_passes(flag, required, ancestors)? {
                return Ok(Some(&required.key));
            }
        }
        Ok(None)
    }

    #[inline]
    pub(crate) fn prerequisite_passes(
        &mut self,
        flag: &'a Flag,
        required: &'a Prerequisite,
        ancestors: &Ancestors<'_>,
    ) -> Result<bool, Abort> {
        self.trace.prerequisite_begins(required);
        let passed = self.evaluate_prerequisite(flag, required, ancestors)?;
        self.trace.prerequisite_ends(passed);
        Ok(passed)
    }

    #[inline]
    fn evaluate_prerequisite(
        &mut self,
        flag: &'a Flag,
        required: &'a Prerequisite,
        ancestors: &Ancestors<'_>,
    ) -> Result<bool, Abort> {
        let prerequisite = match self.data.flag(&required.key) {
            Found::Present(prerequisite) => prerequisite,
            Found::Absent => return Ok(false),
            Found::Unknown => return Err(Abort::Needs(Need::Flag(required.key.clone()))),
        };
        self.visit()?;
        self.flag(prerequisite, ancestors)?;
        let Evaluation {
            variation, verdict, ..
        } = *self.found;
        self.found.prerequisites.push(PrerequisiteEvaluation {
            flag: prerequisite,
            prerequisite_of: flag.key(),
            variation,
            verdict,
        });
        let index = variation.and_then(|(index, _)| i64::try_from(index).ok());
        Ok(prerequisite.on && index == Some(required.variation))
    }

    /// Counts a visit to a prerequisite or segment.
    fn visit(&mut self) -> Result<(), Abort> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            Err(self.abort(Cause::TooManyVisits))
        } else {
            Ok(())
        }
    }

    /// Goes one level down in prerequisites or segments.
    #[inline]
    fn enter<'p>(
        &mut self,
        ancestors: &'p Ancestors<'p>,
        key: &'p str,
    ) -> Result<Ancestors<'p>, Abort> {
        ancestors.enter(key).map_err(|cause| self.abort(cause))
    }

    #[inline]
    fn abort(&mut self, cause: Cause) -> Abort {
        self.trace.malformed(cause);
        Abort::Malformed
    }

    /// `verdict` receives whether the context takes part in an experiment.
    #[inline]
    fn result(
        &mut self,
        flag: &'a Flag,
        result: &'a VariationOrRollout,
        verdict: impl Fn(bool) -> Verdict<'a>,
    ) {
        match result {
            VariationOrRollout::Variation(index) => self.variation(flag, *index, verdict(false)),
            VariationOrRollout::Rollout(rollout) => match self.share(rollout) {
                Ok((index, in_experiment)) => self.variation(flag, index, verdict(in_experiment)),
                Err(cause) => self.malformed(cause),
            },
            VariationOrRollout::Neither => self.malformed(Cause::NoOutcome),
        }
    }

    /// Returns the variation of a rollout, and whether it is part of an experiment.
    fn share(&mut self, rollout: &'a Rollout) -> Result<(i64, bool), Cause> {
        let bucket = bucket(self.context, &rollout.kind, &rollout.by, &rollout.hasher)
            .map_err(Cause::Reference)?;
        let weighted = rollout.choose(&bucket).ok_or(Cause::NoOutcome)?;
        self.trace.rollout(rollout, &bucket, weighted);
        let in_experiment = rollout.experiment && !weighted.untracked && !bucket.kind_missing();
        Ok((weighted.variation, in_experiment))
    }

    #[inline]
    fn off(&mut self, flag: &'a Flag, verdict: Verdict<'a>) {
        self.trace.off();
        match flag.off_variation {
            Some(index) => self.variation(flag, index, verdict),
            None => self.end(None, verdict),
        }
    }

    #[inline]
    fn variation(&mut self, flag: &'a Flag, index: i64, verdict: Verdict<'a>) {
        match flag.variation(index) {
            Some(found) => self.end(Some(found), verdict),
            None => self.malformed(Cause::Variation(index)),
        }
    }

    fn malformed(&mut self, cause: Cause) {
        self.trace.malformed(cause);
        self.end(None, Verdict::Error(EvalErrorKind::MalformedFlag));
    }

    #[inline]
    fn end(&mut self, variation: Option<(usize, &'a Value)>, verdict: Verdict<'a>) {
        self.found.variation = variation;
        self.found.verdict = verdict;
    }
}

/// The keys on the way from the start of an evaluation to the current item: flags through
/// prerequisites, or segments through rules. A linked list on the stack, one node per level.
pub(crate) enum Ancestors<'p> {
    Root,
    Below {
        key: &'p str,
        depth: usize,
        above: &'p Self,
    },
}

/// The maximum depth of prerequisites and of nested segments. Real data stays below ten; without a
/// limit, data could overflow the stack.
const MAX_DEPTH: usize = 100;

/// The maximum number of prerequisites and segments that one evaluation visits. Repeated
/// dependencies multiply: a chain of thirty flags that each require the next one twice would keep
/// an evaluation busy for minutes.
const MAX_VISITS: u32 = 10_000;

impl<'p> Ancestors<'p> {
    /// Goes one level down. Fails on a cycle or below the maximum depth.
    pub(crate) fn enter(&'p self, key: &'p str) -> Result<Self, Cause> {
        let depth = match self {
            Ancestors::Root => 0,
            Ancestors::Below { depth, .. } => depth + 1,
        };
        if depth >= MAX_DEPTH {
            return Err(Cause::TooDeep);
        }
        if self.holds(key) {
            return Err(Cause::Cycle);
        }
        Ok(Ancestors::Below {
            key,
            depth,
            above: self,
        })
    }

    fn holds(&self, wanted: &str) -> bool {
        let mut ancestors = self;
        while let Ancestors::Below { key, above, .. } = ancestors {
            if *key == wanted {
                return true;
            }
            ancestors = above;
        }
        false
    }
}

#[cfg(test)]
mod tests;
