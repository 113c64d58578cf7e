//! Client components that record their calls.

mod events;
mod hook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use events::{EventRecorder, RecordedEvaluation, RecordedEvent};
pub use hook::{HookRecorder, RecordedSeries, RecordedStage};

/// A record, in order. Clones share it.
#[derive(Clone, Debug)]
struct Records<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Records<T> {
    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.lock())
    }

    fn all(&self) -> Vec<T> {
        self.lock().clone()
    }

    fn extend(&self, records: impl IntoIterator<Item = T>) {
        self.lock().extend(records);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
