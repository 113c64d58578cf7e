//! JSON reading: incremental, member by member, and lenient where other SDKs accept text that
//! `serde_json` rejects.

mod cursor;
mod lenient;

pub use cursor::{ArrayReader, ArrayStep, Cursor, ObjectReader, Step};
pub use lenient::{quiet, replace_lone_surrogates, without_values};
