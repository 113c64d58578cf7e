//! [`Data`]: the service's flags and segments, and the builders that flags were made with.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;
use vexil::Text;
use vexil::model::DataKind;
use vexil_service::{Items, ItemsError};

use crate::flag_builder::FlagBuilder;
use crate::preconfigured::PreconfiguredError;

#[derive(Debug)]
pub(super) struct Data {
    pub(super) items: Items,
    /// The builder each flag was last built with, except for preconfigured flags.
    builders: HashMap<Text, FlagBuilder>,
}

/// What a change has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Item,
    All,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            items: Items::new(new_payload_id()),
            builders: HashMap::new(),
        }
    }
}

impl Data {
    pub(super) fn builder(&self, key: &str) -> Option<&FlagBuilder> {
        self.builders.get(key)
    }

    /// Returns an entity tag of the current items.
    pub(super) fn etag(&self) -> String {
        let items = &self.items;
        format!("\"revision-{}-{}\"", items.revision(), items.payload_id())
    }

    pub(super) fn start_new_payload(&mut self) {
        self.items.set_payload_id(new_payload_id());
    }

    /// Stores a built flag.
    pub(super) fn put_built(&mut self, flag: FlagBuilder) -> Change {
        let key = flag.key().clone();
        self.items.put(DataKind::Flag, &key, flag.to_json());
        self.builders.insert(key, flag);
        Change::Item
    }

    /// Stores a preconfigured item.
    pub(super) fn put_ready(
        &mut self,
        kind: DataKind,
        json: Value,
    ) -> Result<Change, PreconfiguredError> {
        let key = json
            .get("key")
            .and_then(Value::as_str)
            .filter(|key| !key.is_empty())
            .map(str::to_owned);
        let key = key.ok_or(PreconfiguredError::NoKey { kind })?;
        self.forget_builder(kind, &key);
        self.items.put(kind, &key, json);
        Ok(Change::Item)
    }

    /// Deletes an item.
    pub(super) fn delete(&mut self, kind: DataKind, key: &str) -> Change {
        self.forget_builder(kind, key);
        self.items.delete(kind, key);
        Change::Item
    }

    /// Replaces all items.
    pub(super) fn replace(&mut self, text: &str) -> Result<Change, ItemsError> {
        self.items.replace_as_given(text)?;
        self.builders.clear();
        Ok(Change::All)
    }

    fn forget_builder(&mut self, kind: DataKind, key: &str) {
        if kind == DataKind::Flag {
            self.builders.remove(key);
        }
    }
}

/// Names a history that no other service has, so that no service takes a state of another one for
/// its own.
fn new_payload_id() -> String {
    // The standard library's source of random numbers.
    format!("fake-{:016x}", RandomState::new().hash_one(()))
}
