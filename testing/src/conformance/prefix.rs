//! [`unique`]: a prefix that no other test uses.

use std::hash::{BuildHasher, RandomState};

/// Returns a prefix that no other test uses, in this run or another.
pub(super) fn unique() -> String {
    format!("vexil-{:016x}", RandomState::new().hash_one(()))
}
