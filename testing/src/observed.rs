//! [`Observed`]: state shared by several threads, whose changes can be awaited.

use std::sync::{Mutex, MutexGuard, PoisonError};

use vexil::store::{ChangeNotifier, Changes};

#[derive(Debug, Default)]
pub(crate) struct Observed<T> {
    /// Locked for a single read or change, never across an await.
    state: Mutex<T>,
    /// Marked after each change, to wake waiting tasks.
    changed: ChangeNotifier,
}

impl<T> Observed<T> {
    pub(crate) fn new(state: T) -> Self {
        Self {
            state: Mutex::new(state),
            changed: ChangeNotifier::new(),
        }
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify();
        result
    }

    /// Makes a change without waking waiting tasks.
    pub(crate) fn change_quietly<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.lock())
    }

    pub(crate) fn changes(&self) -> Changes {
        self.changed.subscribe()
    }

    /// Evaluates `look` now and after each change until it returns `Some`.
    pub(crate) async fn until<R>(&self, mut look: impl FnMut(&T) -> Option<R>) -> R {
        let mut changes = self.changes();
        loop {
            if let Some(found) = self.look(&mut look) {
                return found;
            }
            changes.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
