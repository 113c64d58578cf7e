//! [`OperandMatch`] and [`ClauseNote`]: what an explanation adds to the result of a clause.

use serde::Serialize;

use super::found::ValueType;
use crate::text::Text;
use crate::value::Value;

/// The operand of a clause that a value matches.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OperandMatch {
    /// The index of the operand, counted from 0.
    pub operand: usize,
    /// The operand.
    pub value: Value,
    /// The index of the element that matches, if the value of the attribute is an array, or of the
    /// kind that matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<usize>,
}

/// What is unusual about a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "note",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum ClauseNote {
    /// The clause is negated, but does not match, because the context lacks the attribute.
    NegateIgnored,
    /// The operator is unknown and matches nothing.
    UnknownOperator,
    /// No operand can match.
    NoUsableOperand,
    /// An operand can never match.
    OperandIgnored {
        /// The index of the operand, counted from 0.
        operand: usize,
        /// The reason, in one sentence.
        reason: Text,
    },
    /// The value does not have the type that the operator compares.
    TypeMismatch {
        /// The type of the value.
        found: ValueType,
        /// What the operator compares, with its article: `a number`, `a date`.
        expected: &'static str,
    },
    /// The value is an array without elements.
    EmptyArray,
}
