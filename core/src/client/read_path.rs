//! [`ReadPath`]: how evaluations read the data store.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::store::persistent::write_behind::WriteBehind;
use crate::store::{DataStore, MemoryStore, Snapshot};

/// How evaluations read the data store. Determined once, when the client starts.
#[derive(Debug)]
pub(super) enum ReadPath {
    /// The memory store that holds the data, read without a virtual call.
    Memory(MemoryStore),
    /// Any other store.
    Seam(Arc<dyn DataStore>),
}

impl ReadPath {
    pub(super) fn of(store: &Arc<dyn DataStore>) -> Self {
        let any: &dyn Any = &**store;
        if let Some(memory) = any.downcast_ref::<MemoryStore>() {
            Self::Memory(memory.clone())
        } else if let Some(store) = any.downcast_ref::<WriteBehind>() {
            Self::Memory(store.memory().clone())
        } else {
            Self::Seam(Arc::clone(store))
        }
    }

    /// Runs `reader` on the current snapshot. Returns `None` if the store panics or provides no
    /// snapshot.
    #[inline]
    pub(super) fn read<R>(&self, reader: impl Fn(&dyn Snapshot) -> R) -> Option<R> {
        match self {
            Self::Memory(memory) => Some(reader(&**memory.load())),
            Self::Seam(store) => read_seam(&**store, reader),
        }
    }
}

fn read_seam<R>(store: &dyn DataStore, reader: impl Fn(&dyn Snapshot) -> R) -> Option<R> {
    let mut result = None;
    // Unwind-safe: after a panic, `result` is unset and nothing else was modified.
    let read = || store.read(&mut |snapshot| result = Some(reader(snapshot)));
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(()) => result,
        Err(_panic) => None,
    }
}
