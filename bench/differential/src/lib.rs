//! Random flags and contexts, evaluated by vexil and by the published evaluator: the answers must
//! be equal.
//!
//! Tests written from a specification share the reader's misunderstandings. The published evaluator
//! does not, so it is asked the same questions, many more of them than anyone would write down.
//! Where it is known to be wrong it is corrected by name ([`deviation`]), never excused.
//!
//! A seed stands for a case for ever ([`generate`]); [`compare`] asks both and [`tally`] shows what
//! was exercised. `cargo run -p vexil-differential --release -- --pairs 1000000` runs for long.

pub mod case;
pub mod compare;
pub mod deviation;
mod dice;
pub mod generate;
pub mod observed;
pub mod ours;
pub mod peer;
mod shape;
mod shrink;
pub mod tally;
