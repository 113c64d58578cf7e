//! Evaluates random flags and contexts with vexil and with the published evaluator, and compares
//! the results, which must be equal.
//!
//! Tests written from a specification share their author's misunderstandings. The published
//! evaluator does not, so both evaluate the same cases, many more than could be written by hand.
//! Known deviations of the published evaluator are compensated by name ([`deviation`]); no case is
//! skipped.
//!
//! A seed always yields the same case ([`generate`]). [`compare`] runs both evaluators, and
//! [`tally`] shows what was exercised. For a long run, use
//! `cargo run -p vexil-differential --release -- --pairs 1000000`.

pub mod case;
pub mod compare;
pub mod corpus;
pub mod deviation;
mod dice;
pub mod generate;
pub mod observed;
pub mod ours;
pub mod peer;
mod shape;
mod shrink;
pub mod tally;
