//! [`Losses`]: when a database has lost data.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The losses of data of one database.
#[derive(Debug)]
pub(crate) struct Losses {
    zero: Instant,
    count: AtomicU64,
    is_incomplete: AtomicBool,
    /// When the database was last completed, in milliseconds since `zero`; 0 if it never lost data.
    completed: AtomicU64,
}

impl Losses {
    pub(crate) fn new() -> Self {
        Self {
            zero: Instant::now(),
            count: AtomicU64::new(0),
            is_incomplete: AtomicBool::new(false),
            completed: AtomicU64::new(0),
        }
    }

    /// Returns the time for [`Self::may_show`].
    pub(crate) fn now(&self) -> Duration {
        self.zero.elapsed()
    }

    /// Called before the database loses data.
    pub(crate) fn begin(&self) {
        self.is_incomplete.store(true, Ordering::SeqCst);
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// Called when the database is complete again.
    pub(crate) fn end(&self) {
        let now = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        self.completed.store(now.max(1), Ordering::SeqCst);
        self.is_incomplete.store(false, Ordering::SeqCst);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether a read that began at this time, or up to `late` earlier, may have seen an incomplete
    /// database.
    pub(crate) fn may_show(&self, began: Duration, late: Duration) -> bool {
        let completed = self.completed.load(Ordering::SeqCst);
        self.is_incomplete.load(Ordering::SeqCst)
            || completed > 0 && began <= Duration::from_millis(completed) + late
    }
}
