//! [`Pinned`]: the data that all evaluations of a scope see.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::availability::DataAvailability;
use super::fetched::{Fetch, Fetched};
use super::read_path::{PinnedData, ReadPath};
use crate::store::environment::Environment;
use crate::store::{DataStore, Snapshot};

/// The data of one moment, and what was fetched since then because that data lacked it.
#[expect(
    unnameable_types,
    reason = "a method of a sealed trait returns it, which other crates cannot call"
)]
pub struct Pinned {
    /// That of the client at the moment.
    pub(super) availability: DataAvailability,
    data: PinnedData,
    /// What single evaluations have fetched; `None` if nothing was. Locked only to copy the handle
    /// or to add an answer.
    fetched: Mutex<Option<Arc<Fetched>>>,
    /// All data of a store whose snapshots are incomplete, once it was fetched.
    everything: OnceLock<Arc<dyn Snapshot + Send + Sync>>,
}

impl Pinned {
    /// The availability must be determined before this call: otherwise data that was pinned too
    /// early could count as refreshed.
    pub(super) fn new(availability: DataAvailability, reads: &ReadPath) -> Self {
        Self {
            availability,
            data: reads.pin(),
            fetched: Mutex::default(),
            everything: OnceLock::new(),
        }
    }

    /// The complete data without overrides, if it was in memory.
    #[inline]
    pub(super) fn memory(&self) -> Option<&Environment> {
        self.data.memory()
    }

    pub(super) fn is_overridden(&self, key: &str) -> bool {
        self.data.is_overridden(key)
    }

    /// Runs `reader` on the data, without what single evaluations have fetched. Returns `None` if
    /// the store panics or provides no snapshot.
    pub(super) fn read<R>(
        &self,
        store: &dyn DataStore,
        reader: impl Fn(&dyn Snapshot) -> R,
    ) -> Option<R> {
        let everything = self.everything.get().map(|everything| &**everything as _);
        self.data.read(store, everything, reader)
    }

    /// What was fetched so far; `None` if nothing was.
    pub(super) fn fetched(&self) -> Option<Arc<Fetched>> {
        self.lock().clone()
    }

    /// Remembers an answer, unless there is an earlier one, and returns all answers.
    pub(super) fn remember(&self, fetch: Fetch) -> Arc<Fetched> {
        let mut fetched = self.lock();
        let fetched = fetched.get_or_insert_default();
        Arc::make_mut(fetched).add(fetch);
        Arc::clone(fetched)
    }

    /// All data, if it was fetched.
    pub(super) fn everything(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        self.everything.get().cloned()
    }

    /// Remembers all data, unless it is known already, and returns it.
    pub(super) fn remember_everything(
        &self,
        everything: Arc<dyn Snapshot + Send + Sync>,
    ) -> Arc<dyn Snapshot + Send + Sync> {
        Arc::clone(self.everything.get_or_init(|| everything))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Fetched>>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned")
            .field("availability", &self.availability)
            .finish_non_exhaustive()
    }
}
