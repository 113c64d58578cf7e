//! The data on which both sides are measured.
//!
//! The flag data is generated rather than stored: seven megabytes of JSON do not belong in a
//! repository, and a generator can be reviewed. Its random generator is its own and has a fixed
//! seed, so the bytes are the same on every machine. The digests in the tests pin them, so results
//! of any SDK that reads the same bytes are comparable.
//!
//! This module does not depend on either SDK: it returns data as JSON text and contexts as plain
//! values.

mod context;
mod fixed;
mod generate;
mod large;
mod parts;
mod patch;
mod payload;
mod plain;
mod rng;
mod shape;

pub(crate) use context::{AttributeData, ContextData, ORG, USER};
pub(crate) use generate::generate;
pub(crate) use large::{LARGE_CLAUSE, LARGE_SEGMENT, add_large, clause_of, segment_of};
pub(crate) use patch::{Patch, patch_of, patches};
pub(crate) use payload::{current, delta, full_payload, poll_body, stream_text};
pub(crate) use plain::{plain_flags, plain_patches};
pub(crate) use shape::Data;

#[cfg(test)]
mod tests;
