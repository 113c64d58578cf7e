//! Logs of destructors, which may run while the thread-locals of a thread are dropped.
//!
//! A subscriber keeps its buffers in thread-locals. If they are dropped before a client, the
//! subscriber panics, and a panic in the destructor of a thread-local aborts the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Logs, unless the subscriber panics. Returns whether it has logged.
pub(crate) fn attempt(log: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(log)).is_ok()
}
