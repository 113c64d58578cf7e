//! Reading JSON: member by member while it arrives, and leniently where other SDKs accept what
//! `serde_json` rejects.

mod cursor;
mod lenient;

pub use cursor::{Cursor, Object, Step};
pub use lenient::{quiet, replace_lone_surrogates, without_values};
