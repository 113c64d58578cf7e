//! [`Problem`]: a defect of a flag or segment that can nevertheless be used.
//!
//! The protocol defines the effect of an unknown operator, an invalid pattern or an invalid date
//! (mostly "no match"), so the item is accepted. Problems let the application report the defect.

use std::fmt;

use thiserror::Error;

use super::pattern::PatternError;
use crate::context::ReferenceError;
use crate::text::Text;
use crate::value::Value;

/// A defect of a flag or segment, and its location.
///
/// ```
/// use vexil_eval::model::Flag;
///
/// let flag: Flag = serde_json::from_str(
///     r#"{"fallthrough": {"variation": 0},
///         "rules": [{"variation": 0, "clauses": [{"attribute": "a", "op": "near", "values": [1]}]}]}"#,
/// )?;
/// assert_eq!(flag.problems()[0].to_string(), "rule 0: unknown operator \"near\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The index of the rule, counted from 0; `None` for the fallthrough.
    pub rule: Option<usize>,
    /// The defect.
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

/// The kinds of defects in a flag or segment.
///
/// ```
/// use vexil_eval::model::{Defect, Flag};
///
/// let flag: Flag = serde_json::from_str(
///     r#"{"rules": [{"variation": 0, "clauses": [
///         {"attribute": "email", "op": "matches", "values": ["[a-"]}]}]}"#,
/// )?;
/// let found: Vec<_> = flag.problems().iter().map(|problem| match &problem.defect {
///     Defect::Pattern { pattern, error } => format!("{pattern} at {}", error.offset()),
///     Defect::NoOutcome => "no outcome".to_owned(),
///     other => other.to_string(),
/// }).collect();
/// assert_eq!(found, ["[a- at 0", "no outcome"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// The operator is unknown; the clause matches nothing.
    #[error("unknown operator \"{op}\"")]
    Operator {
        /// The operator.
        op: Text,
    },
    /// A regular expression is rejected: it is not valid in Go's RE2 syntax, or it is too large.
    /// It matches nothing.
    // The message omits the expression: it may list e-mail addresses, and messages are logged.
    #[error("regular expression of {} bytes is rejected: {error}", pattern.len())]
    Pattern {
        /// The expression.
        pattern: Text,
        /// Why it is rejected, and where.
        error: PatternError,
    },
    /// An operand is not a valid date or version although the operator needs one; it matches
    /// nothing. The message does not quote the value.
    #[error("a value is not of the type that the operator compares")]
    Operand {
        /// The value.
        value: Value,
    },
    /// An attribute reference is invalid. A flag whose evaluation uses it is malformed.
    #[error("attribute reference \"{reference}\": {error}")]
    Attribute {
        /// The reference as written in the flag data.
        reference: Text,
        /// Why the reference is invalid.
        error: ReferenceError,
    },
    /// A rule or fallthrough has neither a variation nor a rollout. A flag whose evaluation uses it
    /// is malformed.
    #[error("neither a variation nor a rollout")]
    NoOutcome,
}
