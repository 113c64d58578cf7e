//! [`unique`]: a prefix that no other test uses.

use std::hash::{BuildHasher, RandomState};

/// A prefix that no other test uses, of this run or another.
pub(super) fn unique() -> String {
    format!("vexil-{:016x}", RandomState::new().hash_one(()))
}
