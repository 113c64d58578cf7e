//! [`ReadPath`]: how evaluations read the data store. [`PinnedData`]: its data of one moment.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use vexil_eval::{Found, Lookup};

use super::layered::Layered;
use crate::store::environment::Environment;
use crate::store::overrides::{Overrides, lay_over};
use crate::store::persistent::hand_over::HandOver;
use crate::store::persistent::write_behind::WriteBehind;
use crate::store::{DataStore, MemoryStore, Snapshot, contained_snapshot};

/// How evaluations read the data store. Determined once, when the client starts.
#[derive(Debug)]
pub(super) enum ReadPath {
    /// The memory store that holds the data, read without a virtual call.
    Memory(MemoryStore),
    /// A database that is read item by item until the data source has delivered, and memory from
    /// then on.
    HandOver(HandOver),
    /// Any other store.
    Seam(Arc<dyn DataStore>),
    /// Any store, with overrides laid over its data.
    Overridden(Overrides, Arc<dyn DataStore>),
}

impl ReadPath {
    pub(super) fn of(store: &Arc<dyn DataStore>, overrides: Option<Overrides>) -> Self {
        let any: &dyn Any = &**store;
        if let Some(overrides) = overrides {
            Self::Overridden(overrides, Arc::clone(store))
        } else if let Some(memory) = any.downcast_ref::<MemoryStore>() {
            Self::Memory(memory.clone())
        } else if let Some(store) = any.downcast_ref::<WriteBehind>() {
            Self::Memory(store.memory().clone())
        } else if let Some(store) = any.downcast_ref::<HandOver>() {
            Self::HandOver(store.clone())
        } else {
            Self::Seam(Arc::clone(store))
        }
    }

    /// Whether an evaluation can find out that the store is initialized, because it asks the
    /// database.
    pub(super) fn asks_the_database(&self) -> bool {
        match self {
            Self::HandOver(_) => true,
            Self::Overridden(_, store) => {
                let any: &dyn Any = &**store;
                any.is::<HandOver>()
            }
            Self::Memory(_) | Self::Seam(_) => false,
        }
    }

    /// Whether there is an override of this flag.
    pub(super) fn is_overridden(&self, key: &str) -> bool {
        matches!(self, Self::Overridden(overrides, _) if overrides.has_flag(key))
    }

    /// The data of this moment.
    pub(super) fn pin(&self) -> PinnedData {
        let base = match self {
            Self::Memory(memory) => Base::Memory(memory.pin()),
            Self::HandOver(store) => match store.memory() {
                Some(memory) => Base::Memory(memory.pin()),
                None => Base::of(store),
            },
            Self::Seam(store) | Self::Overridden(_, store) => Base::of(&**store),
        };
        let overrides = match self {
            Self::Overridden(overrides, _) => Some(overrides.pin()),
            Self::Memory(_) | Self::HandOver(_) | Self::Seam(_) => None,
        };
        PinnedData { overrides, base }
    }

    /// Runs `reader` on data of the store that is not its current snapshot.
    pub(super) fn read_from<R>(
        &self,
        data: &dyn Snapshot,
        reader: impl Fn(&dyn Snapshot) -> R,
    ) -> R {
        match self {
            Self::Overridden(overrides, _) => lay_over(&overrides.load(), data, reader),
            Self::Memory(_) | Self::HandOver(_) | Self::Seam(_) => reader(data),
        }
    }

    /// Runs `reader` on the current snapshot. Returns `None` if the store panics or provides no
    /// snapshot.
    #[inline]
    pub(super) fn read<R>(&self, reader: impl Fn(&dyn Snapshot) -> R) -> Option<R> {
        match self {
            Self::Memory(memory) => Some(reader(&**memory.load())),
            Self::HandOver(store) => match store.memory() {
                Some(memory) => Some(reader(&**memory.load())),
                None => read_seam(store, reader),
            },
            Self::Seam(store) => read_seam(&**store, reader),
            Self::Overridden(overrides, store) => {
                read_seam(&**store, |base| lay_over(&overrides.load(), base, &reader))
            }
        }
    }
}

/// The data of one moment, which later updates do not change.
pub(super) struct PinnedData {
    overrides: Option<Arc<Environment>>,
    base: Base,
}

/// The data that overrides are laid over.
enum Base {
    /// Complete data in memory, read without a virtual call.
    Memory(Arc<Environment>),
    Snapshot(Arc<dyn Snapshot + Send + Sync>),
    /// The current data of a store that only lends snapshots.
    Current,
}

impl Base {
    /// Counts a panic as a store that only lends snapshots.
    fn of(store: &dyn DataStore) -> Self {
        contained_snapshot(store).map_or(Self::Current, Self::Snapshot)
    }

    fn read<R>(&self, store: &dyn DataStore, reader: impl Fn(&dyn Snapshot) -> R) -> Option<R> {
        match self {
            Self::Memory(memory) => Some(reader(&**memory)),
            // Unwind-safe: nothing is modified.
            Self::Snapshot(snapshot) => catch_unwind(AssertUnwindSafe(|| reader(&**snapshot))).ok(),
            Self::Current => read_seam(store, reader),
        }
    }
}

impl PinnedData {
    /// The data without overrides, if it is in memory and there is no source of overrides.
    #[inline]
    pub(super) fn memory(&self) -> Option<&Environment> {
        match self {
            Self {
                overrides: None,
                base: Base::Memory(memory),
            } => Some(memory),
            _ => None,
        }
    }

    /// Whether there is an override of this flag.
    pub(super) fn is_overridden(&self, key: &str) -> bool {
        let overrides = self.overrides.as_ref();
        overrides.is_some_and(|overrides| matches!(overrides.flag(key), Found::Present(_)))
    }

    /// Runs `reader` on the data. What it does not know is looked up in `everything`, if that is
    /// known. Returns `None` if the store panics or provides no snapshot. `store` is read if it only
    /// lends snapshots.
    pub(super) fn read<R>(
        &self,
        store: &dyn DataStore,
        everything: Option<&(dyn Snapshot + Send + Sync)>,
        reader: impl Fn(&dyn Snapshot) -> R,
    ) -> Option<R> {
        let reader = |base: &dyn Snapshot| match &self.overrides {
            Some(overrides) => lay_over(overrides, base, &reader),
            None => reader(base),
        };
        self.base.read(store, |upper| match everything {
            Some(lower) => reader(&Layered { upper, lower }),
            None => reader(upper),
        })
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

#[cfg(test)]
mod tests {
    use vexil_eval::Text;
    use vexil_eval::model::{DataKind, DataSet, Item, Upserted};

    use super::*;
    use crate::config::PersistentStoreConfig;
    use crate::store::{CacheMode, PersistentDataStore, StoreError, StoredItem};
    use crate::{Client, ClientBuilder, async_trait};

    #[derive(Clone, Debug)]
    struct EmptyDatabase;

    #[async_trait]
    impl PersistentDataStore for EmptyDatabase {
        async fn get(&self, _: DataKind, _: &str) -> Result<Option<StoredItem>, StoreError> {
            Ok(None)
        }

        async fn get_all(&self, _: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
            Ok(Vec::new())
        }

        async fn is_initialized(&self) -> Result<bool, StoreError> {
            Ok(true)
        }
    }

    #[derive(Debug)]
    struct OwnStore(MemoryStore);

    #[async_trait]
    impl DataStore for OwnStore {
        fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
            self.0.read(reader);
        }

        fn is_initialized(&self) -> bool {
            self.0.is_initialized()
        }

        async fn init(&self, data: DataSet) -> Result<(), StoreError> {
            self.0.init(data).await
        }

        async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
            self.0.upsert(item).await
        }

        async fn close(&self) {}
    }

    /// Whether evaluations read memory directly.
    fn reads_memory(configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> bool {
        let client = configure(Client::builder("sdk-key").without_events())
            .start()
            .unwrap();
        matches!(client.shared.resolver.reads, ReadPath::Memory(_))
    }

    #[test]
    fn data_in_memory_is_read_directly_and_any_other_store_through_the_seam() {
        let database = || PersistentStoreConfig::new(EmptyDatabase);
        let cached = || database().cache(CacheMode::Off);
        assert!(reads_memory(|client| client.offline(true)));
        assert!(reads_memory(|client| client.daemon_mode(database())));
        assert!(!reads_memory(|client| client.daemon_mode(cached())));
        for (store, expected) in [(database(), true), (cached(), false)] {
            let found = reads_memory(|client| client.offline(true).data_store(store));
            assert_eq!(found, expected);
        }
        let own = OwnStore(MemoryStore::new());
        assert!(!reads_memory(|client| client.offline(true).data_store(own)));
    }
}
