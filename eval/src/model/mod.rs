//! Flags and segments, prepared for evaluation.
//!
//! Work that can be done once is done when an item is read: operands and references are parsed,
//! lists become hash tables, hash inputs are prepared. The parts of a flag are private, so that
//! they can be condensed further without a breaking change; methods return what plugins and hooks
//! need.

mod change_set;
pub(crate) mod clause;
mod data_set;
pub(crate) mod date;
mod flag;
mod item;
mod item_reader;
mod keys;
pub(crate) mod pattern;
mod problem;
mod read;
pub(crate) mod rollout;
mod segment;
pub(crate) mod version;

pub use change_set::{ChangeSet, Changes, Selector};
pub use data_set::{DataSet, DataSetReader, ReadError};
pub use flag::Flag;
pub(crate) use flag::Serve;
pub use item::{DataKind, Entry, Item, ItemData, Upserted};
pub use item_reader::ItemReader;
pub use pattern::{Pattern, PatternError};
pub use problem::{Defect, Problem};
pub use read::ItemVersion;
pub use segment::Segment;
pub(crate) use segment::SegmentRollout;

#[cfg(test)]
mod tests;
