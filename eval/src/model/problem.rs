//! [`Problem`]: what is wrong inside a flag or segment that can be used all the same.
//!
//! An operator from the future, a pattern that does not compile, a date that is none: the protocol
//! says what each of them means (mostly "no match"), so the item is accepted. Whoever receives it
//! can still tell a person about it.

use std::fmt;

use thiserror::Error;

use super::pattern::PatternError;
use crate::context::ReferenceError;
use crate::text::Text;
use crate::value::Value;

/// A defect of a flag or segment, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The rule, counted from 0; none for the fallthrough.
    pub rule: Option<usize>,
    /// What is wrong.
    pub defect: Defect,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(index) => write!(f, "rule {index}: {}", self.defect),
            None => write!(f, "fallthrough: {}", self.defect),
        }
    }
}

/// What can be wrong with a part of a flag or segment.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// The operator is unknown; the clause matches nothing.
    #[error("unknown operator \"{op}\"")]
    Operator {
        /// The operator.
        op: Text,
    },
    /// A regular expression is refused: its syntax is not that of RE2 as Go reads it, or it is too
    /// large. It matches nothing.
    // Without the expression: lists of addresses are written as one, and this is logged.
    #[error("regular expression of {} bytes is refused: {error}", pattern.len())]
    Pattern {
        /// The expression.
        pattern: Text,
        /// Why it is refused, and where.
        error: PatternError,
    },
    /// A value is no date or no version where one is needed; it matches nothing. The message does
    /// not quote the value.
    #[error("a value is not of the type that the operator compares")]
    Operand {
        /// The value.
        value: Value,
    },
    /// An attribute reference is invalid; a flag that comes to use it is malformed.
    #[error("attribute reference \"{reference}\": {error}")]
    Attribute {
        /// The reference as it was written.
        reference: Text,
        /// What is wrong with it.
        error: ReferenceError,
    },
    /// There is neither a variation nor a rollout; a flag that comes to use it is malformed.
    #[error("neither a variation nor a rollout")]
    NoOutcome,
}
