//! [`PatternError`]: why a regular expression is rejected.

use thiserror::Error;

/// Why a regular expression is rejected, and where.
///
/// ```
/// use vexil_eval::model::{Defect, check_operand};
///
/// // A look-ahead, which other engines support.
/// let Err(Defect::Pattern { error, .. }) = check_operand("matches", &"ada(?=@)".into()) else {
///     panic!("Go's RE2 has none");
/// };
/// assert_eq!(error.offset(), 3);
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason} at byte {offset}")]
pub struct PatternError {
    reason: &'static str,
    offset: usize,
}

impl PatternError {
    pub(in crate::model) fn new(reason: &'static str, offset: usize) -> Self {
        Self { reason, offset }
    }

    /// Returns the offset of the rejected part, in bytes from the start of the pattern.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}
