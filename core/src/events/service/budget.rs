//! [`Budget`]: a memory limit that is shared by threads and rarely reached.

use std::sync::atomic::Ordering;

use crate::sync::atomic::AtomicUsize;

/// A number of bytes that may be in use at once. A rejected charge only reads, so threads that keep
/// hitting the limit do not contend for its cache line.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    /// Returns whether `bytes` could be charged now.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.with(self.used.load(Ordering::Relaxed), bytes)
            .is_some()
    }

    /// Charges `bytes`. Returns `false`, and charges nothing, if fewer are left.
    pub(super) fn charge(&self, bytes: usize) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                self.with(used, bytes)
            })
            .is_ok()
    }

    /// Releases bytes charged before.
    pub(super) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn with(&self, used: usize, bytes: usize) -> Option<usize> {
        used.checked_add(bytes).filter(|total| *total <= self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_beyond_the_limit_takes_nothing() {
        let budget = Budget::new(10);
        assert!(budget.charge(7));
        assert!(!budget.charge(4) && !budget.has_room(4));
        assert!(!budget.charge(usize::MAX));
        assert!(budget.charge(3));
        budget.release(7);
        assert!(budget.has_room(7) && !budget.has_room(8));
    }
}
