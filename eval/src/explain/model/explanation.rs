//! [`Explanation`] and [`Step`]: the evaluation of a flag.

use serde::Serialize;

use super::absent::{is_false, is_true, is_zero};
use super::clause::ClauseStep;
use super::rollout::Serve;
use crate::context::{Context, ContextError};
use crate::eval::{EvalErrorKind, Reason};
use crate::text::Text;
use crate::value::Value;

/// Why a flag has its value for a context, step by step.
///
/// [`Display`](std::fmt::Display) renders it as a tree, [`tree`](Self::tree) with options, and serde
/// as JSON, in which absent members are left out and bucket numbers have six digits.
///
/// ```
/// use vexil_eval::explain::{ExplainOptions, explain};
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, Found, Lookup};
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
/// let flag: Flag =
///     serde_json::from_str(r#"{"key": "theme", "version": 4, "variations": ["light"], "offVariation": 0}"#)?;
/// let ada = Context::new("ada")?;
/// let explanation = explain(&flag, &ada, &Nothing, &ExplainOptions::default())
///     .expect("the flag refers to no other data");
/// assert_eq!(
///     serde_json::to_value(&explanation)?,
///     serde_json::json!({
///         "flag": "theme", "version": 4, "context": [{"kind": "user", "key": "ada"}],
///         "value": "light", "variation": 0, "reason": {"kind": "OFF"},
///         "steps": [{"step": "on", "at": "/on", "on": false},
///             {"step": "off", "at": "/offVariation", "variation": 0}],
///         "notReached": {"rules": 0, "fallthrough": true},
///     }),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// The key of the flag.
    pub flag: Text,
    /// The version of the flag; `None` if there is no such flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The kinds and keys of the context; empty in the explanation of a prerequisite, which is
    /// evaluated for the same context.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<ContextKey>,
    /// The value; `None` means the caller's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The index of the variation; `None` if `value` is `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variation: Option<usize>,
    /// The reason, as an evaluation returns it.
    pub reason: Reason,
    /// The steps in order. The steps that were not reached come last.
    pub steps: Vec<Step>,
    /// What the evaluation did not reach.
    pub not_reached: NotReached,
    /// Whether operators and operands are shown as written. `false` if the flag, a prerequisite or
    /// a segment does not keep its JSON text: their operands are then shown as prepared for
    /// evaluation, that is, condensed and without those that cannot match, and the positions of
    /// targets, the seeds of experiments and the names of unknown operators may be missing.
    #[serde(skip_serializing_if = "is_true")]
    pub as_written: bool,
    /// Whether steps are missing because there are more than
    /// [`MAX_STEPS`](crate::explain::MAX_STEPS).
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
}

/// The kind and key of a context, or of one member of a multi-context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ContextKey {
    /// The kind.
    pub kind: Text,
    /// The key.
    pub key: Text,
}

/// The parts of a flag that its evaluation did not reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotReached {
    /// The number of prerequisites.
    #[serde(skip_serializing_if = "is_zero")]
    pub prerequisites: usize,
    /// The number of rules.
    pub rules: usize,
    /// Whether the fallthrough was not reached.
    pub fallthrough: bool,
}

/// A step of the evaluation of a flag.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// The JSON pointer to the part of the flag; `None` if there is no flag, or the position is not
    /// known without the flag's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// Whether the evaluation reached the step. The steps behind the decision are evaluated only
    /// with [`ExplainOptions::beyond`](crate::explain::ExplainOptions::beyond), and have no effect.
    #[serde(skip_serializing_if = "is_true")]
    pub reached: bool,
    /// The step.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum StepKind {
    /// There is no such flag.
    FlagMissing,
    /// The context is invalid.
    InvalidContext {
        /// The reason, in one sentence.
        error: Text,
    },
    /// Whether targeting is on.
    On {
        /// Whether it is on.
        on: bool,
    },
    /// A prerequisite.
    Prerequisite(PrerequisiteStep),
    /// The lists of individual targets. Absent if the flag has none.
    Targets {
        /// The number of lists; `None` if the flag's text is not kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        lists: Option<usize>,
        /// The list that names the context.
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<Target>,
    },
    /// A rule.
    Rule(RuleStep),
    /// The fallthrough.
    Fallthrough {
        /// What it serves; `None` if that could not be evaluated.
        #[serde(skip_serializing_if = "Option::is_none")]
        serve: Option<Serve>,
    },
    /// The off variation, of a flag that is off or has a failed prerequisite.
    Off {
        /// The index as written in the flag; `None` if there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        variation: Option<i64>,
    },
    /// The flag is malformed, which makes its result an error.
    Malformed {
        /// The cause.
        cause: MalformedCause,
    },
}

/// A prerequisite of a flag.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PrerequisiteStep {
    /// The key of the prerequisite.
    pub key: Text,
    /// The index of the variation that the flag requires.
    pub required: i64,
    /// The outcome.
    pub outcome: PrerequisiteOutcome,
    /// How the prerequisite was evaluated; `None` if it does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<Explanation>>,
}

/// Whether a prerequisite is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum PrerequisiteOutcome {
    /// The prerequisite has the required variation.
    Passed,
    /// There is no such flag.
    Missing,
    /// The prerequisite is off, so it fails even if its off variation is the required one.
    Off,
    /// The prerequisite has another variation.
    OtherVariation {
        /// The index of its variation.
        variation: usize,
    },
    /// The prerequisite has no variation, because it is malformed or has no off variation.
    NoVariation,
    /// The evaluation of the prerequisite stopped with an error that makes the outer flag malformed
    /// too.
    Error,
}

/// The list of individual targets that names a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Target {
    /// The JSON pointer to the list; `None` if the flag's text is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// The kind of the context.
    pub kind: Text,
    /// The key of the context.
    pub key: Text,
    /// The index of the variation, as written in the flag.
    pub variation: i64,
}

/// A rule of a flag.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuleStep {
    /// The index, counted from 0.
    pub index: usize,
    /// The id; empty if the rule has none.
    pub id: Text,
    /// Whether all clauses match.
    pub matched: bool,
    /// The clauses up to the first that does not match.
    pub clauses: Vec<ClauseStep>,
    /// The number of clauses that were not evaluated.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_evaluated: usize,
    /// What the rule serves; `None` for a rollout that was not evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serve: Option<Serve>,
}

/// Why a flag is malformed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum MalformedCause {
    /// Prerequisites form a cycle.
    PrerequisiteCycle {
        /// The keys of the flags from the outermost flag to the repeated one.
        path: Vec<Text>,
    },
    /// Segments form a cycle.
    SegmentCycle {
        /// The keys of the segments from the clause's segment to the repeated one.
        path: Vec<Text>,
    },
    /// Prerequisites or segments are nested more than 100 levels deep.
    TooDeep,
    /// The evaluation would visit more than 10,000 prerequisites and segments.
    TooManyVisits,
    /// An attribute reference is invalid.
    InvalidReference {
        /// The reason, in one sentence.
        error: Text,
    },
    /// A regular expression exceeded its step limit.
    PatternTooCostly,
    /// There is no variation with this index.
    VariationOutOfRange {
        /// The index.
        variation: i64,
        /// The number of variations.
        variations: usize,
    },
    /// There is neither a variation nor a rollout with shares.
    NoOutcome,
}

impl Explanation {
    /// Creates the explanation of a flag that was not evaluated, because of an error.
    ///
    /// ```
    /// use vexil_eval::{Context, EvalErrorKind};
    /// use vexil_eval::explain::Explanation;
    ///
    /// let ada = Context::new("ada")?;
    /// let explanation = Explanation::not_evaluated("theme", Some(&ada), EvalErrorKind::FlagNotFound);
    /// assert_eq!(explanation.value, None);
    /// assert!(explanation.to_string().contains("there is no such flag"));
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn not_evaluated(
        flag: impl Into<Text>,
        context: Option<&Context>,
        error: EvalErrorKind,
    ) -> Self {
        let steps = match error {
            EvalErrorKind::FlagNotFound => vec![Step::unplaced(StepKind::FlagMissing)],
            _ => Vec::new(),
        };
        let context = context.map(context_keys).unwrap_or_default();
        Self::failed(flag.into(), context, error, steps)
    }

    /// Creates the explanation of a flag that was not evaluated, because the context is invalid.
    ///
    /// ```
    /// use vexil_eval::Context;
    /// use vexil_eval::explain::Explanation;
    ///
    /// let error = Context::new("").unwrap_err();
    /// let explanation = Explanation::invalid_context("theme", &error);
    /// assert!(explanation.to_string().contains("context key must not be null or empty"));
    /// ```
    #[must_use]
    pub fn invalid_context(flag: impl Into<Text>, error: &ContextError) -> Self {
        let step = Step::unplaced(StepKind::InvalidContext {
            error: error.to_string().into(),
        });
        let kind = EvalErrorKind::UserNotSpecified;
        Self::failed(flag.into(), Vec::new(), kind, vec![step])
    }

    fn failed(
        flag: Text,
        context: Vec<ContextKey>,
        error: EvalErrorKind,
        steps: Vec<Step>,
    ) -> Self {
        Self {
            flag,
            version: None,
            context,
            value: None,
            variation: None,
            reason: error.into(),
            steps,
            not_reached: NotReached::default(),
            as_written: true,
            truncated: false,
        }
    }
}

impl Step {
    fn unplaced(kind: StepKind) -> Self {
        Self {
            at: None,
            reached: true,
            kind,
        }
    }
}

/// Returns the kinds and keys of a context.
pub(in crate::explain) fn context_keys(context: &Context) -> Vec<ContextKey> {
    let members = context.individual_contexts();
    members
        .map(|member| ContextKey {
            kind: member.kind().into(),
            key: member.key().into(),
        })
        .collect()
}
