//! [`PerThread`]: a value sharded by thread, for data that every evaluation writes.
//!
//! As long as there are no more threads than shards, no two of them write to the same cache line.

use std::sync::atomic::Ordering;

#[cfg(all(test, vexil_loom))]
use loom::{lazy_static, thread_local};

use crate::sync::atomic::AtomicUsize;

/// Two are enough to explore orders.
const SHARDS: usize = if cfg!(all(test, vexil_loom)) { 2 } else { 32 };

/// The shard of the next new thread.
#[cfg(not(all(test, vexil_loom)))]
static NEXT: AtomicUsize = AtomicUsize::new(0);
#[cfg(all(test, vexil_loom))]
lazy_static! {
    static ref NEXT: AtomicUsize = AtomicUsize::new(0);
}

thread_local! {
    static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
}

#[derive(Debug)]
pub(crate) struct PerThread<T>(Box<[Padded<T>; SHARDS]>);

/// Padded to its own cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded<T>(T);

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Padded::default())))
    }
}

impl<T> PerThread<T> {
    /// Returns the current thread's value.
    pub(crate) fn own(&self) -> &T {
        let shard = SHARD.with(|shard| *shard);
        // The index is always in range; the fallback avoids a panicking path.
        &self.0.get(shard).unwrap_or(&self.0[0]).0
    }

    /// Returns the values of all threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|shard| &shard.0)
    }
}
