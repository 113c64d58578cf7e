//! [`State`]: shared by all clones of a [`TestData`](crate::TestData).

use std::collections::HashMap;
use std::sync::Arc;

use vexil::Text;
use vexil::model::{DataKind, DataSet, Entry, Flag, Item};

use crate::clients::Clients;
use crate::flag_builder::FlagBuilder;

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Includes tombstones, whose versions new items continue.
    items: HashMap<(DataKind, Text), Item>,
    /// The builder each flag was last built with, except for preconfigured flags.
    builders: HashMap<Text, FlagBuilder>,
    pub(crate) clients: Clients,
}

impl State {
    pub(crate) fn builder(&self, key: &str) -> Option<&FlagBuilder> {
        self.builders.get(key)
    }

    /// Stores a flag built by `builder`.
    pub(crate) fn put_built(&mut self, builder: FlagBuilder, flag: Flag) -> Item {
        let version = self.next_version(DataKind::Flag, flag.key());
        self.builders.insert(builder.key().clone(), builder);
        self.put(flag.with_version(version).into())
    }

    /// Stores a preconfigured item. Its version is raised if it is not newer than the previous one.
    pub(crate) fn put_ready(&mut self, item: Item) -> Item {
        let version = self
            .next_version(item.kind(), item.key())
            .max(item.version());
        if item.kind() == DataKind::Flag {
            self.builders.remove(item.key());
        }
        self.put(with_version(item, version))
    }

    pub(crate) fn delete(&mut self, kind: DataKind, key: Text) -> Item {
        self.put_ready(Item::deleted(kind, key, 0))
    }

    /// Returns all items, sorted by key.
    pub(crate) fn data_set(&self) -> DataSet {
        let mut data: DataSet = self.items.values().cloned().collect();
        data.flags.sort_by(|a, b| a.key().cmp(b.key()));
        data.segments.sort_by(|a, b| a.key().cmp(b.key()));
        data
    }

    fn next_version(&self, kind: DataKind, key: &Text) -> u64 {
        self.items
            .get(&(kind, key.clone()))
            .map_or(0, Item::version)
            .saturating_add(1)
    }

    fn put(&mut self, item: Item) -> Item {
        self.items
            .insert((item.kind(), item.key().clone()), item.clone());
        item
    }
}

/// Creates the state of a whole environment, with its versions.
impl From<DataSet> for State {
    fn from(data: DataSet) -> Self {
        let mut state = Self::default();
        let items = data
            .flags
            .into_iter()
            .map(Item::Flag)
            .chain(data.segments.into_iter().map(Item::Segment));
        for item in items {
            state.put(item);
        }
        state
    }
}

fn with_version(item: Item, version: u64) -> Item {
    match item {
        item if item.version() == version => item,
        Item::Flag(Entry::Present(flag)) => Arc::unwrap_or_clone(flag).with_version(version).into(),
        Item::Segment(Entry::Present(segment)) => {
            Arc::unwrap_or_clone(segment).with_version(version).into()
        }
        deleted => Item::deleted(deleted.kind(), deleted.key().clone(), version),
    }
}
