//! [`Overrides`]: flags and segments that are laid over those of another store (FDV2-9.4).

use std::sync::Arc;

use async_trait::async_trait;
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataSet, Entry, Flag, Item, Segment};
use vexil_eval::{Found, Lookup, MembershipAnswer};

use super::environment::Environment;
use super::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use crate::sync::Guard;

/// The store of overrides, which marks its flags. Clones share the same data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides(MemoryStore);

impl Overrides {
    /// Whether there is an override of this flag.
    pub(crate) fn has_flag(&self, key: &str) -> bool {
        !is_absent(self.0.load().flag(key))
    }

    /// The current overrides, which the guard keeps alive.
    pub(crate) fn load(&self) -> Guard<Arc<Environment>> {
        self.0.load()
    }

    /// The overrides of this moment.
    pub(crate) fn pin(&self) -> Arc<Environment> {
        self.0.pin()
    }
}

/// Runs `reader` on a snapshot of another store, with overrides laid over it.
pub(crate) fn lay_over<R>(
    overrides: &Environment,
    base: &dyn Snapshot,
    reader: impl FnOnce(&dyn Snapshot) -> R,
) -> R {
    reader(&Overridden { overrides, base })
}

#[async_trait]
impl DataStore for Overrides {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.0.read(reader);
    }

    fn snapshot(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        self.0.snapshot()
    }

    fn is_initialized(&self) -> bool {
        self.0.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.0.init(marked_set(data)).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.0.upsert(marked_item(item)).await
    }

    async fn apply(&self, mut changes: ChangeSet) -> Result<(), StoreError> {
        changes.kind = match changes.kind {
            ChangeSetKind::Full(data) => ChangeSetKind::Full(marked_set(data)),
            ChangeSetKind::Delta(items) => {
                ChangeSetKind::Delta(items.into_iter().map(marked_item).collect())
            }
        };
        self.0.apply(changes).await
    }

    async fn close(&self) {}
}

fn marked_set(mut data: DataSet) -> DataSet {
    data.flags = data.flags.into_iter().map(marked).collect();
    data
}

fn marked_item(item: Item) -> Item {
    match item {
        Item::Flag(entry) => Item::Flag(marked(entry)),
        Item::Segment(entry) => Item::Segment(entry),
    }
}

fn marked(entry: Entry<Flag>) -> Entry<Flag> {
    match entry {
        Entry::Present(flag) => Arc::unwrap_or_clone(flag).into_override().into(),
        deleted @ Entry::Deleted(_) => deleted,
    }
}

/// A snapshot of a store with overrides laid over it.
struct Overridden<'a> {
    overrides: &'a Environment,
    base: &'a dyn Snapshot,
}

impl Lookup for Overridden<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        match self.overrides.flag(key) {
            Found::Present(flag) => Found::Present(flag),
            Found::Absent | Found::Unknown => self.base.flag(key),
        }
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        match self.overrides.segment(key) {
            Found::Present(segment) => Found::Present(segment),
            Found::Absent | Found::Unknown => self.base.segment(key),
        }
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        self.base.membership(context_key)
    }
}

impl Snapshot for Overridden<'_> {
    fn flags(&self) -> Box<dyn Iterator<Item = &Arc<Flag>> + '_> {
        let overrides = self.overrides;
        let is_kept = move |flag: &&Arc<Flag>| is_absent(overrides.flag(flag.key()));
        let kept = self.base.flags().filter(is_kept);
        Box::new(self.overrides.flags().chain(kept))
    }

    fn segments(&self) -> Box<dyn Iterator<Item = &Arc<Segment>> + '_> {
        let overrides = self.overrides;
        let is_kept = move |item: &&Arc<Segment>| is_absent(overrides.segment(item.key()));
        let kept = self.base.segments().filter(is_kept);
        Box::new(self.overrides.segments().chain(kept))
    }

    fn is_complete(&self) -> bool {
        self.base.is_complete()
    }
}

fn is_absent<T>(found: Found<T>) -> bool {
    matches!(found, Found::Absent)
}

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use vexil_eval::model::DataKind;

    use super::*;

    fn item(key: &str) -> Item {
        Item::from_json(DataKind::Flag, key, br#"{"version": 1}"#).unwrap()
    }

    /// The flags that are marked as overrides, and how many there are in all.
    fn marked(overrides: &Overrides) -> (Vec<String>, usize) {
        let mut found = (Vec::new(), 0);
        overrides.read(&mut |snapshot| {
            let marked = snapshot.flags().filter(|flag| flag.is_override());
            let mut marked: Vec<_> = marked.map(|flag| flag.key().to_string()).collect();
            marked.sort();
            found = (marked, snapshot.flags().count());
        });
        found
    }

    #[test]
    fn flags_are_marked_however_they_are_delivered() {
        let overrides = Overrides::default();
        let data: DataSet = [item("a"), item("b")].into_iter().collect();
        block_on(overrides.init(data.clone())).unwrap();
        block_on(overrides.upsert(item("c"))).unwrap();
        block_on(overrides.apply(ChangeSet::delta(vec![item("d")]))).unwrap();
        assert_eq!(
            marked(&overrides),
            (["a", "b", "c", "d"].map(String::from).to_vec(), 4)
        );
        block_on(overrides.apply(ChangeSet::full(data))).unwrap();
        assert_eq!(
            marked(&overrides),
            (["a", "b"].map(String::from).to_vec(), 2)
        );
    }

    #[test]
    fn there_are_overrides_from_the_first_data_set_on() {
        let overrides = Overrides::default();
        block_on(overrides.upsert(item("a"))).unwrap();
        assert!(!overrides.is_initialized());
        block_on(overrides.init(DataSet::default())).unwrap();
        assert!(overrides.is_initialized());
        assert!(!overrides.has_flag("a"));
    }
}
