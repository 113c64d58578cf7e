//! [`State`]: shared by all clones of a [`TestData`](crate::TestData).

use std::collections::HashMap;
use std::sync::Arc;

use vexil::Text;
use vexil::data_source::{DataSink, DataSourceState};
use vexil::model::{DataKind, DataSet, Entry, Flag, Item};

use crate::clients::{Attached, Clients, Stage, Status};
use crate::flag_builder::FlagBuilder;

#[derive(Debug, Default)]
pub(crate) struct State {
    /// `None` once the data is ready.
    unready: Option<Unready>,
    /// Includes tombstones, whose versions new items continue.
    items: HashMap<(DataKind, Text), Item>,
    /// The builder each flag was last built with, except for preconfigured flags.
    builders: HashMap<Text, FlagBuilder>,
    pub(crate) clients: Clients,
}

/// Test data that is not ready.
#[derive(Debug, Default)]
struct Unready {
    /// The last status that was reported, for clients that attach later.
    status: Option<Status>,
}

impl Unready {
    /// The stage of a client that attaches.
    fn stage(&self) -> Stage {
        match self.status {
            Some((DataSourceState::Off, _)) => Stage::Ended,
            _ => Stage::Waiting,
        }
    }
}

/// What a client receives first.
pub(crate) enum First {
    /// All flags.
    Data(DataSet),
    /// A status, if one was reported: the data is not ready.
    Status(Option<Status>),
}

impl State {
    /// Creates a state that is not ready.
    pub(crate) fn unready() -> Self {
        Self {
            unready: Some(Unready::default()),
            ..Self::default()
        }
    }

    /// Attaches a client, and returns what it receives first.
    pub(crate) fn attach(&mut self, sink: Arc<dyn DataSink>) -> (Arc<Attached>, First) {
        let (stage, first) = match &self.unready {
            Some(unready) => (unready.stage(), First::Status(unready.status.clone())),
            None => (Stage::Starting, First::Data(self.data_set())),
        };
        (self.clients.attach(sink, stage), first)
    }

    /// Stores a status for clients that attach while the data is not ready. Returns the clients that
    /// are attached, which are notified of it next.
    pub(crate) fn set_status(&mut self, status: Status) -> Vec<Arc<Attached>> {
        let clients = self.clients.all();
        if let Some(unready) = &mut self.unready {
            unready.status = Some(status);
            let stage = unready.stage();
            clients
                .iter()
                .for_each(|client| _ = client.leave(Stage::Waiting, stage));
        }
        clients
    }

    /// Makes the data ready. Returns the clients that have waited, which receive the data next.
    pub(crate) fn make_ready(&mut self) -> (Vec<Arc<Attached>>, DataSet) {
        let mut waiting = self.clients.all();
        self.unready = None;
        // Under the lock of this state, so that changes which the data set lacks wait for it.
        waiting.retain(|client| client.leave(Stage::Waiting, Stage::Starting));
        (waiting, self.data_set())
    }

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
