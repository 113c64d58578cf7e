//! The model of explanations.
//!
//! It holds values and no references into flag data, so that it can be kept, sent and rendered
//! elsewhere. JSON leaves out what is absent, and members may be added.

mod absent;
mod clause;
mod explanation;
mod found;
mod note;
mod rollout;

pub use clause::{
    BigSegmentAnswer, BigSegmentStep, ClauseStep, SegmentDecision, SegmentRuleStep, SegmentStep,
};
pub(super) use explanation::context_keys;
pub use explanation::{
    ContextKey, Explanation, MalformedCause, NotReached, PrerequisiteOutcome, PrerequisiteStep,
    RuleStep, Step, StepKind, Target,
};
pub use found::{FoundValue, ValueType};
pub use note::{ClauseNote, OperandMatch};
pub use rollout::{RolloutStep, Serve, Share, ShareStep};
