//! [`Arrivals`]: processes each flag and segment that arrives, before it is stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vexil_eval::Text;
use vexil_eval::model::{DataKind, Entry, ItemData};

/// How many items with logged problems are remembered.
const MEMORY: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// The versions whose problems were logged. Without it, the lines would repeat when a service
    /// delivers the same data with each connection, or when the database is read for each
    /// evaluation. Locked only for items with problems.
    logged: Mutex<HashMap<(DataKind, Text), u64>>,
}

impl Arrivals {
    /// Reuses the compiled patterns of the previous item, and logs the problems of a new version.
    pub(crate) fn meet<'a, T: ItemData + 'a>(
        &self,
        kind: DataKind,
        entry: &Entry<T>,
        before: impl FnOnce() -> Option<&'a T>,
    ) {
        let Some(item) = entry.present() else { return };
        take_over_patterns(entry, before);
        if !item.problems().is_empty() && self.is_new(kind, item.key(), item.version()) {
            for problem in item.problems() {
                tracing::warn!(%kind, key = %item.key(), %problem, "flag data has a defect");
            }
        }
    }

    fn is_new(&self, kind: DataKind, key: &Text, version: u64) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() >= MEMORY {
            logged.clear();
        }
        logged.insert((kind, key.clone()), version) != Some(version)
    }
}

/// Reuses the compiled patterns of the previous item.
pub(super) fn take_over_patterns<'a, T: ItemData + 'a>(
    entry: &Entry<T>,
    before: impl FnOnce() -> Option<&'a T>,
) {
    if let Some(item) = entry.present()
        && item.patterns().next().is_some()
        && let Some(before) = before()
    {
        item.take_over_patterns(before);
    }
}
