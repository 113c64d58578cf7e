//! [`Arrivals`]: what is done with each flag and segment that arrives, before it counts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vexil_eval::Text;
use vexil_eval::model::{DataKind, Entry, ItemData};

/// How many items with problems are remembered.
const MEMORY: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// The versions of which the problems were logged. A service that delivers the same data with
    /// each connection, or a database that is read for each evaluation, would repeat the lines
    /// otherwise. Locked for items with problems only.
    logged: Mutex<HashMap<(DataKind, Text), u64>>,
}

impl Arrivals {
    /// Takes over what is compiled of the patterns of the item before, and logs the problems of a
    /// new version.
    pub(crate) fn meet<'a, T: ItemData + 'a>(
        &self,
        kind: DataKind,
        entry: &Entry<T>,
        before: impl FnOnce() -> Option<&'a T>,
    ) {
        let Some(item) = entry.present() else { return };
        if item.patterns().next().is_some()
            && let Some(before) = before()
        {
            item.take_over_patterns(before);
        }
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
