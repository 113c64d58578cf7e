//! Explanations: why a flag has its value for a context, step by step.
//!
//! [`explain`] runs the evaluator that [`evaluate`](crate::evaluate) runs, with a recorder of
//! each step, so an explanation cannot differ from an evaluation. The recorder adds what evaluating
//! does not need: the operators and operands as written, the operand that matched, the position in
//! the flag's JSON.
//!
//! An explanation is for people. It allocates freely and is not meant for hot paths.

mod limits;
mod mask;
mod model;
mod options;
mod recorder;
mod tree;

pub use limits::{MAX_OPERANDS, MAX_STEPS};
pub use model::{
    BigSegmentAnswer, BigSegmentStep, ClauseNote, ClauseStep, ContextKey, Explanation, FoundValue,
    MalformedCause, NotReached, OperandMatch, PrerequisiteOutcome, PrerequisiteStep, RolloutStep,
    RuleStep, SegmentDecision, SegmentRuleStep, SegmentStep, Serve, Share, ShareStep, Step,
    StepKind, Target, ValueType,
};
pub use options::{ExplainOptions, Mask};
use recorder::Recorder;
pub use tree::Tree;

use crate::context::Context;
use crate::eval::{Evaluation, Evaluator, Lookup, Need};
use crate::model::Flag;

/// Explains the value of a flag for a context.
///
/// The flag's value and reason are those of [`evaluate`](crate::evaluate). Operators and operands are
/// shown as written if the flag and the segments keep their JSON text; see
/// [`Explanation::as_written`].
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
/// let flag: Flag = serde_json::from_str(
///     r#"{"key": "lounge", "on": true, "variations": [true, false], "fallthrough": {"variation": 1},
///         "rules": [{"id": "gold", "variation": 0, "clauses": [
///             {"attribute": "tier", "op": "in", "values": ["gold", "platinum"]}]}]}"#,
/// )?;
/// let ada = Context::builder("ada").set("tier", "silver").build()?;
/// let explanation = explain(&flag, &ada, &Nothing, &ExplainOptions::default())
///     .expect("the flag refers to no other data");
/// assert_eq!(explanation.variation, Some(1));
/// assert_eq!(
///     explanation.to_string(),
///     r#"lounge = false (variation 1)             no target or rule matched
/// context: user "ada"
/// ├ ✓ on
/// ├ ✗ rule 0 "gold" → variation 0
/// │  └ ✗ user.tier in ["gold","platinum"]  found "silver"
/// └ ✓ fallthrough → variation 1
/// "#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Returns the data that must be fetched first, as [`Outcome::Needs`](crate::Outcome::Needs) does.
pub fn explain(
    flag: &Flag,
    context: &Context,
    data: &dyn Lookup,
    options: &ExplainOptions,
) -> Result<Explanation, Need> {
    let mut recorder = Recorder::new(context, data, options);
    let mut evaluation = Evaluation::new();
    let mut evaluator = Evaluator {
        context,
        data,
        visits: 0,
        found: &mut evaluation,
        trace: &mut recorder,
    };
    match evaluator.run(flag) {
        None => recorder.finish(flag, &evaluation),
        Some(need) => Err(need),
    }
}

#[cfg(test)]
mod tests;
