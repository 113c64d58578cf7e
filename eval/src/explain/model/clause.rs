//! [`ClauseStep`] and [`SegmentStep`], which contain each other: a clause names segments, whose rules
//! have clauses.

use serde::Serialize;

use super::absent::{is_empty, is_false, is_zero};
use super::found::FoundValue;
use super::note::{ClauseNote, OperandMatch};
use super::rollout::ShareStep;
use crate::eval::BigSegmentsStatus;
use crate::text::Text;
use crate::value::Value;

/// A clause of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClauseStep {
    /// The JSON pointer to the clause, inside the flag or segment.
    pub at: Text,
    /// The context kind, which the attribute `kind` ignores. Empty for `segmentMatch`.
    #[serde(skip_serializing_if = "is_empty")]
    pub kind: Text,
    /// The attribute: a name, or a reference. Empty for `segmentMatch`.
    #[serde(skip_serializing_if = "is_empty")]
    pub attribute: Text,
    /// The operator; `None` if it is not known without the item's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<Text>,
    /// The operands, at most [`MAX_OPERANDS`](crate::explain::MAX_OPERANDS).
    pub values: Vec<Value>,
    /// The number of operands that are left out of `values`.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_values: usize,
    /// Whether the result is negated.
    #[serde(skip_serializing_if = "is_false")]
    pub negate: bool,
    /// The value of the attribute; `None` for `segmentMatch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundValue>,
    /// The operand that the value matches, the first of several; `None` if none does, or the value
    /// is private. With `negate`, this is why the clause does not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_operand: Option<OperandMatch>,
    /// The segments that a `segmentMatch` clause evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentStep>,
    /// Whether the clause matches.
    pub matched: bool,
    /// What is unusual about the clause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<ClauseNote>,
}

/// A segment that a clause names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SegmentStep {
    /// The key of the segment.
    pub key: Text,
    /// The version of the segment; `None` if it does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Whether the segment contains the context.
    pub contains: bool,
    /// What decided.
    pub decision: SegmentDecision,
}

/// What decides whether a segment contains a context.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum SegmentDecision {
    /// There is no such segment.
    Missing,
    /// A list of the segment names the context.
    Listed {
        /// Whether the list includes contexts; otherwise it excludes them.
        included: bool,
        /// The JSON pointer to the list; `None` if the segment's text is not kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<Text>,
        /// The kind of the context.
        kind: Text,
        /// The key of the context.
        key: Text,
    },
    /// No list names the context. The rules up to the first that matches; empty if the segment has
    /// none.
    Rules(Vec<SegmentRuleStep>),
    /// The segment is a big segment.
    Big(BigSegmentStep),
}

/// A query for a big segment, whose lists are kept in a separate store.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BigSegmentStep {
    /// The name of the segment in the store; `None` before the first synchronisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
    /// The kind of the contexts that the segment lists.
    pub kind: Text,
    /// The answer.
    pub answer: BigSegmentAnswer,
    /// The status of the query; `None` if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<BigSegmentsStatus>,
    /// The rules, which decide if the store does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SegmentRuleStep>,
}

/// The answer to a query for a big segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum BigSegmentAnswer {
    /// The context is included.
    Included,
    /// The context is excluded.
    Excluded,
    /// The context is neither included nor excluded; the rules decide.
    Undecided,
    /// The segment has no generation yet and contains no context.
    NoGeneration,
    /// The context has no member of the segment's kind, and is not in the segment.
    NoKind,
    /// There is no big-segment store; the rules decide.
    NoStore,
    /// The store could not be queried; the rules decide.
    StoreError,
}

/// A rule of a segment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SegmentRuleStep {
    /// The JSON pointer to the rule, inside the segment.
    pub at: Text,
    /// Whether all clauses match and the context is in the rule's share.
    pub matched: bool,
    /// The clauses up to the first that does not match.
    pub clauses: Vec<ClauseStep>,
    /// The number of clauses that were not evaluated.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_evaluated: usize,
    /// The share of contexts to which the rule applies; `None` if it applies to all, or was not
    /// evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareStep>,
}
