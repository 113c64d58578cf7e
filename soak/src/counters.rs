//! [`Counters`]: what was seen of one client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::accounting::Counts;
use crate::checker::Wrong;
use crate::environment::{ITEMS, Item};

#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) evaluations: AtomicU64,
    /// Evaluations that returned a newer version than all before.
    pub(crate) changes: AtomicU64,
    /// Calls of listeners for changes of flags and of values.
    pub(crate) listeners: AtomicU64,
    pub(crate) hooks_before: AtomicU64,
    pub(crate) hooks_after: AtomicU64,
    pub(crate) faults: AtomicU64,
    /// Times at which a status of the client left its good state.
    pub(crate) outages: AtomicU64,
    pub(crate) custom: AtomicU64,
    /// Evaluations of each flag, those as a prerequisite included.
    counts: [AtomicU64; ITEMS],
    wrong: Mutex<WrongValues>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct WrongValues {
    pub(crate) count: u64,
    /// The number of each kind, and the first value.
    pub(crate) kinds: BTreeMap<String, (u64, String)>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let zero = AtomicU64::default;
        Self {
            evaluations: zero(),
            changes: zero(),
            listeners: zero(),
            hooks_before: zero(),
            hooks_after: zero(),
            faults: zero(),
            outages: zero(),
            custom: zero(),
            counts: std::array::from_fn(|_| zero()),
            wrong: Mutex::default(),
        }
    }

    pub(crate) fn count(&self, item: Item) {
        if let Some(count) = self.counts.get(item.number()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            evaluations: self.counts.each_ref().map(read),
            custom: read(&self.custom),
        }
    }

    pub(crate) fn wrong(&self, wrong: Wrong, example: impl FnOnce() -> String) {
        let mut values = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        values.count += 1;
        let kind = values.kinds.entry(format!("{wrong:?}"));
        kind.or_insert_with(|| (0, example())).0 += 1;
    }

    pub(crate) fn wrong_values(&self) -> WrongValues {
        let values = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        values.clone()
    }
}
