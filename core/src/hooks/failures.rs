//! [`Failures`]: how often each stage of a hook has failed, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use vexil_eval::Text;

use super::stage::Stage;

/// The failures of one hook.
#[derive(Debug)]
pub(crate) struct Failures {
    /// The name of the hook.
    pub(crate) hook: Text,
    /// In the order of `Stage::ALL`. Taken when they are published.
    stages: [AtomicU64; Stage::ALL.len()],
}

impl Failures {
    pub(super) fn new(hook: Text) -> Self {
        Self {
            hook,
            stages: Default::default(),
        }
    }

    pub(super) fn count(&self, stage: Stage) {
        let counts = Stage::ALL.iter().zip(&self.stages);
        for (_, count) in counts.filter(|(of, _)| **of == stage) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the failures since the last call, by the name of the stage.
    pub(crate) fn take(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Stage::ALL.iter().zip(&self.stages);
        counts.map(|(stage, count)| (stage.name(), count.swap(0, Ordering::Relaxed)))
    }
}
