//! Source code from flags: a module for Rust, with a field for each flag.

mod docs;
mod literal;
mod names;
mod rust;

pub(crate) use rust::{MARKER, module};

use vexil::Value;

/// A flag of a source, as far as source code shows it.
#[derive(Clone, Debug)]
pub(crate) struct SourceFlag {
    pub(crate) key: String,
    pub(crate) variations: Vec<Value>,
    pub(crate) off_variation: Option<usize>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
}
