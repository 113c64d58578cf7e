//! The data that both sides are measured on.
//!
//! The flag data is generated, not stored: seven megabytes of JSON do not belong in a repository,
//! and a generator can be read. It draws every random choice from a generator of its own with a
//! fixed seed, so the bytes are the same on every machine; the digests in the tests pin them, and
//! numbers taken from any SDK that was fed the same bytes can be put side by side.
//!
//! Nothing here knows either SDK: data leaves as JSON text, contexts as plain values.

mod context;
mod fixed;
mod generate;
mod large;
mod parts;
mod patch;
mod rng;
mod shape;

pub(crate) use context::{AttributeData, ContextData, ORG, USER};
pub(crate) use generate::generate;
pub(crate) use large::{LARGE_CLAUSE, LARGE_SEGMENT, add_large, clause_of, segment_of};
pub(crate) use patch::{Patch, patches};
pub(crate) use shape::Data;

#[cfg(test)]
mod tests;
