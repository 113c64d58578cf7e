//! [`PerThread`]: a value sharded by thread, for data that every evaluation writes.
//!
//! As long as there are no more threads than shards, no two of them write to the same cache line.

use std::sync::atomic::{AtomicUsize, Ordering};

const PLACES: usize = 32;

/// The shard of the next new thread.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES;
}

#[derive(Debug)]
pub(super) struct PerThread<T>(Box<[Place<T>; PLACES]>);

/// Padded to its own cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place<T>(T);

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Place::default())))
    }
}

impl<T> PerThread<T> {
    /// Returns the current thread's value.
    pub(super) fn own(&self) -> &T {
        let place = PLACE.with(|place| *place);
        // The index is always in range; the fallback avoids a panicking path.
        &self.0.get(place).unwrap_or(&self.0[0]).0
    }

    /// Returns the values of all threads.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|place| &place.0)
    }
}
