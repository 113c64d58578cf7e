//! Evaluation of flags as a pure function, and its result types.
//!
//! Re-exported from the crate `vexil-eval`, which performs no I/O and can be used without a client.
//! A [`Client`](crate::Client) calls [`evaluate`] with the data of its store.

pub use vexil_eval::{
    BigSegmentsStatus, Detail, EvalErrorKind, Evaluation, Found, Lookup, Membership,
    MembershipAnswer, Need, Outcome, PrerequisiteEvaluation, Reason, ReasonKind, TypeMismatch,
    Verdict, evaluate,
};
