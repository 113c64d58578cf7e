//! [`Frame`]: a step that has begun and not yet ended.
//!
//! Steps nest, so the recorder keeps a stack of them. When a step ends, it becomes part of the one
//! below it.

use std::rc::Rc;

use crate::context::Kind;
use crate::eval::{BigSegmentQuery, EvalErrorKind, Reason};
use crate::explain::model::{
    ClauseStep, Explanation, NotReached, SegmentRuleStep, SegmentStep, Serve, ShareStep, Step,
};
use crate::model::clause::Clause;
use crate::model::flag::Prerequisite;
use crate::model::written::{RawFlag, RawSegment};
use crate::model::{Flag, Segment};
use crate::text::Text;
use crate::value::Value;

pub(super) struct Frame<'a> {
    /// Whether the step becomes part of the explanation; `false` beyond the maximum number.
    pub(super) admitted: bool,
    pub(super) part: Part<'a>,
}

pub(super) enum Part<'a> {
    Flag(FlagPart<'a>),
    Prerequisite(PrerequisitePart<'a>),
    Rule(RulePart),
    Fallthrough(Option<Serve>),
    Clause(ClausePart<'a>),
    Segment(SegmentPart<'a>),
    SegmentRule(SegmentRulePart),
}

pub(super) struct FlagPart<'a> {
    pub(super) flag: &'a Flag,
    pub(super) written: Option<Rc<RawFlag>>,
    /// The number of items without text when the flag began.
    pub(super) without_text: usize,
    pub(super) steps: Vec<Step>,
    /// The number of prerequisites and rules that have begun.
    pub(super) prerequisites: usize,
    pub(super) rules: usize,
    pub(super) targets_reached: bool,
    pub(super) fallthrough_reached: bool,
    /// The step to add when the current step has ended, because that makes the flag malformed.
    pub(super) malformed: Option<Step>,
    /// The explanation so far, without steps, once the result of the flag is known. The steps that
    /// begin later are not reached.
    pub(super) decided: Option<Box<Explanation>>,
}

pub(super) struct PrerequisitePart<'a> {
    pub(super) required: &'a Prerequisite,
    pub(super) at: Text,
    /// Whether the prerequisite is met; `None` if its evaluation was aborted.
    pub(super) passed: Option<bool>,
    /// Whether the prerequisite is on, and its variation; `None` if it does not exist.
    pub(super) found: Option<(bool, Option<usize>)>,
    pub(super) explanation: Option<Box<Explanation>>,
}

/// The clauses of a rule.
#[derive(Default)]
pub(super) struct Clauses {
    /// The index of the rule.
    pub(super) rule: usize,
    pub(super) begun: usize,
    pub(super) ended: Vec<ClauseStep>,
    /// Whether the rule matches.
    pub(super) matched: bool,
}

#[derive(Default)]
pub(super) struct RulePart {
    pub(super) clauses: Clauses,
    pub(super) serve: Option<Serve>,
}

#[derive(Default)]
pub(super) struct SegmentRulePart {
    pub(super) clauses: Clauses,
    pub(super) share: Option<ShareStep>,
}

pub(super) struct ClausePart<'a> {
    pub(super) clause: &'a Clause,
    pub(super) at: Text,
    pub(super) wording: ClauseWording,
    pub(super) value: Option<&'a Value>,
    pub(super) segments: Vec<SegmentStep>,
    pub(super) matched: bool,
}

/// A clause as written, or as much of it as preparing has left.
#[derive(Default)]
pub(super) struct ClauseWording {
    pub(super) kind: Text,
    pub(super) attribute: Text,
    pub(super) op: Option<Text>,
    pub(super) values: Vec<Value>,
}

pub(super) struct SegmentPart<'a> {
    pub(super) key: &'a Text,
    pub(super) segment: Option<&'a Segment>,
    pub(super) written: Option<Rc<RawSegment>>,
    /// The kind by which a list names the context, and whether it includes it.
    pub(super) listed: Option<(&'a Kind, bool)>,
    pub(super) query: Option<BigSegmentQuery<'a>>,
    /// The number of rules that have begun.
    pub(super) rules: usize,
    pub(super) ended: Vec<SegmentRuleStep>,
    pub(super) contains: bool,
}

impl FlagPart<'_> {
    /// Returns the explanation of the flag while its result is not known, without steps.
    pub(super) fn undecided(&self) -> Explanation {
        Explanation {
            flag: self.flag.key().clone(),
            version: Some(self.flag.version()),
            context: Vec::new(),
            value: None,
            variation: None,
            reason: Reason {
                is_override: self.flag.is_override,
                ..EvalErrorKind::MalformedFlag.into()
            },
            steps: Vec::new(),
            not_reached: NotReached {
                prerequisites: self
                    .flag
                    .prerequisites
                    .len()
                    .saturating_sub(self.prerequisites),
                rules: self.flag.rules.len().saturating_sub(self.rules),
                fallthrough: !self.fallthrough_reached,
            },
            as_written: true,
            truncated: false,
        }
    }
}

/// The JSON pointer to a rule.
pub(super) fn rule_pointer(index: usize) -> Text {
    format!("/rules/{index}").into()
}
