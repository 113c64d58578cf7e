//! [`ContextKeys`]: the contexts that the service knows already.
//!
//! Every evaluation asks, and nearly always the answer is yes; so asking reads a few words of one cache line and writes
//! nothing. Contexts are remembered by a hash of their canonical key. The places are more than the capacity asked for,
//! in sets of eight; where a set is full, the oldest of its entries makes room.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const WAYS: usize = 8;

#[derive(Debug)]
pub(super) struct ContextKeys {
    /// A power of two.
    sets: Box<[Set]>,
    /// One for each set: held by whoever adds to it, with the place that the next one takes. Asking takes no lock.
    writers: Box<[Mutex<usize>]>,
}

/// Hashes; zero is a free place.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

impl ContextKeys {
    /// Room for at least `capacity` contexts.
    pub(super) fn new(capacity: usize) -> Self {
        // Twice the room, so that chance fills few sets before the whole is full.
        let sets = capacity.saturating_mul(2).div_ceil(WAYS).clamp(1, 1 << 20).next_power_of_two();
        Self {
            sets: (0..sets).map(|_| Set::default()).collect(),
            writers: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// Whether a context was seen lately; from now on it was.
    pub(super) fn seen(&self, identity: u64) -> bool {
        let hash = identity.max(1);
        let Some(place) = usize::try_from(hash >> 32).ok().map(|high| high & (self.sets.len() - 1)) else {
            return false;
        };
        let (Some(set), Some(writer)) = (self.sets.get(place), self.writers.get(place)) else {
            return false;
        };
        if set.holds(hash) {
            return true;
        }
        let mut next = writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster; only one of them reports the context.
        if set.holds(hash) {
            return true;
        }
        if let Some(slot) = set.0.get(*next) {
            slot.store(hash, Ordering::Relaxed);
        }
        *next = (*next + 1) % WAYS;
        false
    }

    /// Forgets all contexts.
    pub(super) fn clear(&self) {
        for slot in self.sets.iter().flat_map(|set| &set.0) {
            slot.store(0, Ordering::Relaxed);
        }
    }
}

impl Set {
    fn holds(&self, hash: u64) -> bool {
        self.0.iter().any(|slot| slot.load(Ordering::Relaxed) == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::identity;

    #[test]
    fn a_context_is_new_once_until_all_are_forgotten() {
        let keys = ContextKeys::new(1_000);
        let new = || (0..500).filter(|n| !keys.seen(identity(&format!("user-{n}")))).count();
        assert_eq!((new(), new()), (500, 0));
        keys.clear();
        assert_eq!(new(), 500);
    }

    #[test]
    fn of_many_threads_one_reports_a_context() {
        let keys = ContextKeys::new(1_000);
        let new: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..500).filter(|n| !keys.seen(identity(&format!("user-{n}")))).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(new, 500);
    }

    #[test]
    fn far_beyond_the_capacity_the_oldest_are_forgotten() {
        let keys = ContextKeys::new(16);
        let hashes: Vec<_> = (0..10_000).map(|n| identity(&format!("user-{n}"))).collect();
        assert!(hashes.iter().all(|hash| !keys.seen(*hash)));
        assert!(keys.seen(hashes[9_999]));
        assert!(!keys.seen(hashes[0]));
    }
}
