//! [`PerThread`]: what every evaluation writes, once for each thread.
//!
//! Until there are more threads than places, no two of them write to the same cache lines.

use std::sync::atomic::{AtomicUsize, Ordering};

const PLACES: usize = 32;

/// The next thread's place.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES;
}

#[derive(Debug)]
pub(super) struct PerThread<T>(Box<[Place<T>; PLACES]>);

/// Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place<T>(T);

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Place::default())))
    }
}

impl<T> PerThread<T> {
    /// The value of this thread.
    pub(super) fn own(&self) -> &T {
        let place = PLACE.with(|place| *place);
        // The place is one of them; the first serves where the compiler cannot know.
        &self.0.get(place).unwrap_or(&self.0[0]).0
    }

    /// The values of all threads.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|place| &place.0)
    }
}
