//! [`SeenContexts`]: a cache of the contexts that the service knows already.
//!
//! Every evaluation queries it, and nearly always hits; a hit reads a few words of one cache line
//! and writes nothing. Contexts are identified by a hash of their canonical key. The cache has more
//! slots than the configured capacity, in sets of seven; a full set evicts its oldest entry.
//!
//! While the event buffer is full, no index event can be sent, so nothing is evicted: introduced
//! contexts stay known, and threads that meet new contexts only read shared data.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::sync::Mutex;
use crate::sync::atomic::AtomicU64;

const WAYS: usize = 7;

#[derive(Debug)]
pub(super) struct SeenContexts {
    sets: Box<[Set]>,
}

/// Fits on one cache line if a lock takes four bytes.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set {
    /// Hashes; zero marks a free slot.
    hashes: [AtomicU64; WAYS],
    /// The slot of the next entry. Locked to add to the set; lookups take no lock.
    next: Mutex<u8>,
}

impl SeenContexts {
    /// Creates a cache for at least `capacity` contexts.
    pub(super) fn new(capacity: usize) -> Self {
        // Twice the capacity, so that few sets overflow before the whole cache is full.
        let sets = capacity.saturating_mul(2).div_ceil(WAYS).clamp(1, 1 << 20);
        Self {
            sets: (0..sets).map(|_| Set::default()).collect(),
        }
    }

    /// Returns whether a context was seen lately, and adds it if it was not. If its set is full,
    /// the oldest entry is evicted only if `can_introduce`.
    pub(super) fn seen(&self, identity: u64, can_introduce: impl FnOnce() -> bool) -> bool {
        let hash = identity.max(1);
        let Some(set) = self.set_of(hash) else {
            return false;
        };
        if set.holds(hash) {
            return true;
        }
        if !can_introduce() && !set.holds(0) {
            return false;
        }
        set.add(hash)
    }

    /// The set of a hash. Its upper half selects a set, like a fraction of their number.
    fn set_of(&self, hash: u64) -> Option<&Set> {
        let sets = u64::try_from(self.sets.len()).ok()?;
        self.sets
            .get(usize::try_from(((hash >> 32) * sets) >> 32).ok()?)
    }

    /// Forgets all contexts.
    pub(super) fn clear(&self) {
        for slot in self.sets.iter().flat_map(|set| &set.hashes) {
            slot.store(0, Ordering::Relaxed);
        }
    }
}

impl Set {
    fn holds(&self, hash: u64) -> bool {
        self.hashes
            .iter()
            .any(|slot| slot.load(Ordering::Relaxed) == hash)
    }

    /// Adds a hash. Returns whether it was present already: another thread may have been faster,
    /// and only one of them reports a context.
    fn add(&self, hash: u64) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if self.holds(hash) {
            return true;
        }
        if let Some(slot) = self.hashes.get(usize::from(*next)) {
            slot.store(hash, Ordering::Relaxed);
        }
        *next = if usize::from(*next) + 1 < WAYS {
            *next + 1
        } else {
            0
        };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vexil_eval::key_hash;

    /// The number of contexts. Miri is slow.
    const CONTEXTS: usize = if cfg!(miri) { 20 } else { 500 };

    #[cfg(target_os = "linux")]
    #[test]
    fn a_set_is_one_cache_line() {
        assert_eq!(size_of::<Set>(), 64);
    }

    #[test]
    fn a_context_is_new_once_until_the_cache_is_cleared() {
        let keys = SeenContexts::new(2 * CONTEXTS);
        let new = || {
            (0..CONTEXTS)
                .filter(|n| !keys.seen(key_hash(&format!("user-{n}")), || true))
                .count()
        };
        assert_eq!((new(), new()), (CONTEXTS, 0));
        keys.clear();
        assert_eq!(new(), CONTEXTS);
    }

    #[test]
    fn only_one_of_many_threads_reports_a_context() {
        let keys = SeenContexts::new(2 * CONTEXTS);
        let new: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..CONTEXTS)
                            .filter(|n| !keys.seen(key_hash(&format!("user-{n}")), || true))
                            .count()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(new, CONTEXTS);
    }

    #[test]
    fn beyond_the_capacity_the_oldest_contexts_are_evicted() {
        let keys = SeenContexts::new(16);
        let hashes: Vec<_> = (0..10_000)
            .map(|n| key_hash(&format!("user-{n}")))
            .collect();
        assert!(hashes.iter().all(|hash| !keys.seen(*hash, || true)));
        assert!(keys.seen(hashes[9_999], || true));
        assert!(!keys.seen(hashes[0], || true));
    }

    #[test]
    fn no_context_is_evicted_while_none_can_be_introduced() {
        let keys = SeenContexts::new(16);
        let hashes: Vec<_> = (0..10_000)
            .map(|n| key_hash(&format!("user-{n}")))
            .collect();
        assert!(hashes.iter().all(|hash| !keys.seen(*hash, || true)));
        let known: Vec<_> = hashes
            .iter()
            .filter(|hash| keys.seen(**hash, || false))
            .collect();
        assert!((16..=64).contains(&known.len()), "{}", known.len());

        let strangers: Vec<_> = (0..10_000)
            .map(|n| key_hash(&format!("stranger-{n}")))
            .collect();
        assert!(strangers.iter().all(|hash| !keys.seen(*hash, || false)));
        assert!(known.iter().all(|hash| keys.seen(**hash, || false)));

        // Free slots are still used, so that a recurring context is not new each time.
        keys.clear();
        assert!(!keys.seen(strangers[0], || false));
        assert!(keys.seen(strangers[0], || false));
    }
}
