//! Flags and segments, prepared for evaluation.
//!
//! Work that can be done once is done when an item is read: operands and references are parsed,
//! lists become hash tables, hash inputs are prepared. The parts of a flag are private, so that
//! they can be condensed further without a breaking change; methods return what plugins and hooks
//! need.

pub(crate) mod bucket_hasher;
mod change_set;
pub(crate) mod clause;
mod data_set;
pub(crate) mod date;
mod entry;
mod error;
pub(crate) mod flag;
mod item;
mod item_reader;
mod keys;
mod kind;
mod operand;
pub(crate) mod pattern;
mod preparation;
mod problem;
mod read;
pub(crate) mod rollout;
pub(crate) mod segment;
pub(crate) mod version;
pub(crate) mod written;

pub use change_set::{ChangeSet, ChangeSetKind, Selector};
pub use data_set::{DataSet, DataSetReader};
pub use entry::{Entry, ItemData, Tombstone};
pub use error::ReadError;
pub use flag::Flag;
pub use item::{Item, Upserted};
pub use item_reader::ItemReader;
pub use kind::DataKind;
pub use operand::check_operand;
pub use pattern::{Pattern, PatternError};
pub use problem::{Defect, Problem};
pub use read::ItemVersion;
pub use segment::Segment;

#[cfg(test)]
mod tests;
