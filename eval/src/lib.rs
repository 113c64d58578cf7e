//! The evaluator of [vexil](https://github.com/vexil-rs/vexil) as a separate crate: contexts,
//! flags, segments, and the function that evaluates a flag for a context.
//!
//! The crate has no runtime, performs no I/O, takes no lock, reads no clock and writes no log, so
//! it also works in command-line tools, tests and WebAssembly. The `vexil` crate re-exports
//! everything that an application needs; depend on this crate directly to evaluate flags without a
//! client.
//!
//! Work that can be done once is done when an item is read ([`model`]): operands are parsed, lists
//! become hash tables, hash inputs are prepared. An evaluation then does not allocate. If data is
//! missing, it returns [`Outcome::Needs`]; the caller fetches the data and evaluates again.
//!
//! ```
//! use vexil_eval::model::DataSet;
//! use vexil_eval::{Context, Found, Lookup, Outcome, evaluate};
//! use vexil_eval::model::{Flag, Segment};
//!
//! /// A data set without segments, for flags without prerequisites.
//! struct Nothing;
//!
//! impl Lookup for Nothing {
//!     fn flag(&self, _: &str) -> Found<&Flag> {
//!         Found::Absent
//!     }
//!     fn segment(&self, _: &str) -> Found<&Segment> {
//!         Found::Absent
//!     }
//! }
//!
//! let data = DataSet::from_json(
//!     br#"{"flags": {"theme": {"on": true, "variations": ["light", "dark"], "fallthrough": {"variation": 1}}}}"#,
//! )?;
//! let flag = data.flags[0].present().expect("the flag is not deleted");
//! let context = Context::new("ada")?;
//! let Outcome::Done(evaluation) = evaluate(flag, &context, &Nothing) else { unreachable!() };
//! assert_eq!(evaluation.variation, Some((1, &"dark".into())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `float-roundtrip` (default): JSON numbers parse to the nearest float, as in Go. Without it, the
//!   last digit of long decimals may differ, and parsing is slightly faster. It affects `serde_json`
//!   in the whole binary.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod context;
mod eval;
pub mod explain;
pub mod json;
pub mod migration;
pub mod model;
mod text;
mod value;

pub use context::{
    Context, ContextBuilder, ContextError, MultiContextBuilder, Reference, ReferenceError,
};
pub use eval::{
    BigSegmentsStatus, Detail, EvalErrorKind, Evaluation, Found, Lookup, Membership,
    MembershipAnswer, Need, Outcome, PrerequisiteEvaluation, Reason, ReasonKind, TypeMismatch,
    Verdict, evaluate, evaluate_into,
};
pub use text::{Text, key_hash, short_str_eq};
pub use value::{Array, Number, Object, Value};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
