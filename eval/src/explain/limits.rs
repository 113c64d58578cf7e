//! The maximum size of an explanation.

/// The maximum number of steps of an explanation, those of prerequisites and segments included.
pub const MAX_STEPS: usize = 10_000;

/// The maximum number of operands that one [`ClauseStep`](super::ClauseStep) shows.
pub const MAX_OPERANDS: usize = 1_000;
