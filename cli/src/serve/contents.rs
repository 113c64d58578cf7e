//! [`Loaded`]: the contents of a source, as an environment serves them; and how they follow it.

use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;
use vexil::model::{DataKind, ItemReader};

use super::environment::Environment;
use crate::exit::Failure;
use crate::output::escaped;
use crate::snapshot::{Snapshot, StoredText, Unreadable};
use crate::source::{Change, Follow};

/// The items of a source.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(super) items: Vec<(DataKind, String, Arc<str>)>,
}

/// Whether the source can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum SourceState {
    #[default]
    Valid,
    /// The contents are malformed. The last good ones are served.
    Broken { message: String },
    /// The source cannot be reached. The last contents are served.
    Unreachable { message: String },
}

/// Contents cannot be served. Nothing was changed.
#[derive(Debug)]
pub(crate) struct ContentsError(String);

impl ContentsError {
    pub(super) fn new(error: &dyn Display) -> Self {
        Self(error.to_string())
    }

    pub(super) fn item(kind: DataKind, key: &str, error: &dyn Display) -> Self {
        Self(format!("{kind} {key:?} cannot be read: {error}"))
    }
}

impl Display for ContentsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&escaped(&self.0))
    }
}

impl Loaded {
    /// Returns the items of a source.
    pub(crate) fn all(snapshot: &Snapshot) -> Self {
        let present = snapshot.items().filter(|(_, _, stored)| !stored.deleted);
        let items = present.map(|(kind, key, stored)| (kind, key.to_string(), text(stored)));
        Self {
            items: items.collect(),
        }
    }

    /// Returns the items of a source that can be read, and those that cannot.
    pub(crate) fn readable(mut snapshot: Snapshot) -> (Self, Vec<Unreadable>) {
        let mut reader = ItemReader::new(false);
        let mut unreadable = Vec::new();
        for kind in DataKind::READ_ORDER {
            snapshot.of_mut(kind).retain(|key, stored| {
                let read = stored.item(kind, key, &mut reader);
                read.map_err(|error| unreadable.push(error)).is_ok()
            });
        }
        (Self::all(&snapshot), unreadable)
    }
}

fn text(stored: &StoredText) -> Arc<str> {
    stored.text().into()
}

impl Environment {
    /// Serves each change of the source, until the source has failed for good.
    pub(crate) async fn follow(
        self: Arc<Self>,
        mut follow: Follow,
        mut known: Snapshot,
        tolerant: bool,
    ) {
        loop {
            match follow.next().await {
                Ok(Change::Whole(snapshot)) => known = snapshot,
                Ok(Change::Item { kind, key, item }) => {
                    known.of_mut(kind).insert(key, item);
                }
                Ok(Change::OutageBegan(message)) => {
                    tracing::warn!(source = %self.source, "the source cannot be read: {message}");
                    self.set_source_state(match self.is_production() {
                        true => SourceState::Unreachable { message },
                        false => SourceState::Broken { message },
                    });
                    continue;
                }
                Ok(Change::OutageEnded) => {
                    tracing::info!(source = %self.source, "the source can be read again");
                    self.set_source_state(SourceState::Valid);
                    continue;
                }
                Err(Failure { message, .. }) => {
                    tracing::warn!(source = %self.source, "the source is not followed any more: {message}");
                    self.set_source_state(SourceState::Broken { message });
                    return;
                }
            }
            self.serve_contents(&known, tolerant);
        }
    }

    fn serve_contents(&self, contents: &Snapshot, tolerant: bool) {
        let loaded = match tolerant {
            true => Loaded::readable(contents.clone()).0,
            false => Loaded::all(contents),
        };
        let state = match self.load(loaded) {
            Ok(()) => SourceState::Valid,
            Err(error) => {
                tracing::warn!(source = %self.source, "the last good contents are served: {error}");
                let message = error.to_string();
                SourceState::Broken { message }
            }
        };
        if state != self.source_state() {
            self.set_source_state(state);
        }
    }
}
