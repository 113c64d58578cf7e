//! [`MemoryStore`]: the default store. It swaps immutable snapshots.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataSet, Item};

use super::environment::Environment;
use super::{DataStore, Snapshot, StoreError, Upserted};
use crate::sync::{ArcSwap, Guard, Mutex};

/// A store that keeps all data in memory. Readers take no lock and never wait for a writer. Clones
/// share the same data.
///
/// ```
/// use vexil::model::{DataKind, DataSet, Item};
/// use vexil::store::{DataStore, MemoryStore, Upserted};
///
/// # pollster::block_on(async {
/// let store = MemoryStore::new();
/// store.init(DataSet::default()).await?;
/// let flag = Item::from_json(DataKind::Flag, "banner", br#"{"version": 1}"#)?;
/// assert_eq!(store.upsert(flag.clone()).await?, Upserted::Written);
/// assert_eq!(store.upsert(flag).await?, Upserted::Stale);
/// store.read(&mut |snapshot| assert_eq!(snapshot.flags().count(), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Memory>);

#[derive(Debug)]
struct Memory {
    current: ArcSwap<Environment>,
    /// Held while the next environment is derived from the current one, so that no update is lost.
    /// Readers never take it.
    writer: Mutex<()>,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        let empty = DataSet::default();
        let current = ArcSwap::from_pointee(Environment::new(empty, false));
        Self(Arc::new(Memory {
            current,
            writer: Mutex::default(),
        }))
    }

    /// The current environment, which the guard keeps alive.
    #[inline]
    pub(crate) fn load(&self) -> Guard<Arc<Environment>> {
        self.0.current.load()
    }

    /// The current environment, for as long as the caller keeps it.
    pub(crate) fn pin(&self) -> Arc<Environment> {
        Arc::clone(&self.load())
    }

    /// The infallible implementation of `init`.
    pub(super) fn replace(&self, data: DataSet) {
        let next = Arc::new(Environment::new(data, true));
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.current.store(next);
    }

    /// The infallible implementation of `apply`.
    pub(super) fn change(&self, changes: ChangeSetKind) {
        match changes {
            ChangeSetKind::Full(data) => self.replace(data),
            ChangeSetKind::Delta(items) => {
                let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
                let next = self.load().with_all(items);
                self.0.current.store(Arc::new(next));
            }
        }
    }

    /// The infallible implementation of `upsert`.
    pub(super) fn insert_if_newer(&self, item: Item) -> Upserted {
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = self.load().with(item) else {
            return Upserted::Stale;
        };
        self.0.current.store(Arc::new(next));
        Upserted::Written
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DataStore for MemoryStore {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        reader(&**self.load());
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        Some(self.pin())
    }

    fn is_initialized(&self) -> bool {
        self.load().is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.replace(data);
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        Ok(self.insert_if_newer(item))
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), StoreError> {
        self.change(changes.kind);
        Ok(())
    }

    async fn close(&self) {}
}

/// Every order of a few threads, explored by `scripts/loom`.
#[cfg(test)]
#[cfg(vexil_loom)]
mod orders {
    use loom::thread;
    use vexil_eval::Found;
    use vexil_eval::model::DataKind;

    use super::*;
    use crate::sync::explore;

    fn flag(key: &str, version: u64) -> Item {
        let json = format!(r#"{{"version": {version}}}"#);
        Item::from_json(DataKind::Flag, key, json.as_bytes()).unwrap()
    }

    /// The versions of the flags `a` and `b`, read from one snapshot; 0 stands for an absent flag.
    fn versions(store: &MemoryStore) -> [u64; 2] {
        let mut versions = [0, 0];
        store.read(&mut |snapshot| {
            versions = ["a", "b"].map(|key| match snapshot.flag(key) {
                Found::Present(flag) => flag.version(),
                Found::Absent | Found::Unknown => 0,
            });
        });
        versions
    }

    #[test]
    fn no_update_is_lost_and_no_reader_goes_backwards() {
        let items = [flag("a", 1), flag("a", 2), flag("b", 1)];
        explore("memory store, updates", move || {
            let store = MemoryStore::new();
            let writers: Vec<_> = [
                vec![items[0].clone(), items[2].clone()],
                vec![items[1].clone()],
            ]
            .into_iter()
            .map(|items| {
                let store = store.clone();
                thread::spawn(move || {
                    for item in items {
                        store.insert_if_newer(item);
                    }
                })
            })
            .collect();
            let (first, second) = (versions(&store), versions(&store));
            assert!(
                first[0] <= second[0] && first[1] <= second[1],
                "{first:?} {second:?}"
            );
            for writer in writers {
                writer.join().unwrap();
            }
            assert_eq!(versions(&store), [2, 1]);
        });
    }

    #[test]
    fn a_reader_sees_all_of_a_change_set_or_nothing() {
        let sets: Vec<_> = (1..=3).map(|n| vec![flag("a", n), flag("b", n)]).collect();
        explore("memory store, change sets", move || {
            let store = MemoryStore::new();
            let writer = {
                let (store, sets) = (store.clone(), sets.clone());
                thread::spawn(move || {
                    for (n, items) in sets.into_iter().enumerate() {
                        store.change(match n {
                            0 => ChangeSetKind::Full(items.into_iter().collect()),
                            _ => ChangeSetKind::Delta(items),
                        });
                    }
                })
            };
            let mut last = 0;
            for _ in 0..3 {
                let is_initialized = store.is_initialized();
                let [a, b] = versions(&store);
                assert_eq!(a, b);
                assert!(last <= a, "{a} after {last}");
                assert!(!is_initialized || a > 0);
                last = a;
            }
            writer.join().unwrap();
            assert_eq!(versions(&store), [3, 3]);
        });
    }

    #[test]
    fn a_full_set_and_an_update_take_effect_one_after_the_other() {
        let (item, set) = (flag("a", 2), vec![flag("a", 1), flag("b", 1)]);
        explore("memory store, a full set and an update", move || {
            let store = MemoryStore::new();
            let writer = {
                let (store, set) = (store.clone(), set.clone());
                thread::spawn(move || store.replace(set.into_iter().collect()))
            };
            assert_eq!(store.insert_if_newer(item.clone()), Upserted::Written);
            let between = versions(&store);
            writer.join().unwrap();
            let end = versions(&store);
            assert!(end == [2, 1] || end == [1, 1], "{end:?}");
            assert!(between == [2, 0] || between == end, "{between:?} {end:?}");
        });
    }
}
