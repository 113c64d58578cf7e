#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    reason = "an input for which a property does not hold ends in a panic"
)]

mod evaluations;
mod inputs;
mod mutations;
mod targets;

pub use mutations::Mutations;
pub use targets::{TARGETS, Target};
