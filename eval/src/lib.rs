//! The evaluator of [vexil](https://github.com/vexil-rs/vexil), alone: contexts, flags, segments,
//! and the function that evaluates one for the other.
//!
//! The crate performs no I/O. It has no runtime, takes no lock, reads no clock and writes no log,
//! so it serves a server, a command line, a test and WebAssembly alike. Bytes come in, values come
//! out. The `vexil` crate re-exports everything that an application needs; depend on this crate
//! directly where flags are evaluated without a client.
//!
//! All work that can be done once is done when an item is read ([`model`]): operands are parsed,
//! lists become hash tables, hash inputs are prepared. An evaluation then allocates nothing. What
//! it cannot know it names ([`Outcome::Needs`]): the caller fetches that and evaluates again.
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

mod context;
mod eval;
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
