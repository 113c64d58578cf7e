//! [`MemoryDatabase`]: shared by several in-memory stores.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use vexil::Text;
use vexil::eval::Membership;
use vexil::model::DataKind;
use vexil::store::{Changes, StoredItem};

use crate::observed::Observed;

/// An in-memory database with one environment per prefix. Clones share the same database.
///
/// Its methods act as another process that writes to the database: a Relay Proxy or another SDK.
///
/// ```
/// use std::time::Duration;
/// use vexil::model::DataKind;
/// use vexil::store::StoredItem;
/// use vexil::{Client, Context};
/// use vexil_testing::{MemoryDatabase, MemoryPersistentStore};
///
/// // Another process writes the flags of an environment.
/// let database = MemoryDatabase::new();
/// let flag = StoredItem::new(r#"{"key": "banner", "version": 1, "variations": ["hello"], "offVariation": 0}"#);
/// database.put("production", DataKind::Flag, "banner", flag);
/// database.set_initialized("production", true);
///
/// let store = MemoryPersistentStore::attached(&database, "production");
/// let client = Client::builder("sdk-key").daemon_mode(store).without_events().start()?;
/// client.blocking_wait_until_ready(Duration::from_secs(30))?;
/// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryDatabase(Arc<Observed<HashMap<String, Environment>>>);

/// The data under one prefix.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub(super) items: HashMap<DataKind, BTreeMap<Text, StoredItem>>,
    pub(super) initialized: bool,
    /// By the hash of the context key.
    pub(super) memberships: HashMap<String, Membership>,
    pub(super) synchronized: Option<u64>,
}

impl Environment {
    pub(super) fn all(&self, kind: DataKind) -> Vec<(Text, StoredItem)> {
        let items = self.items.get(&kind).into_iter().flatten();
        items
            .map(|(key, item)| (key.clone(), item.clone()))
            .collect()
    }
}

impl MemoryDatabase {
    /// Creates an empty database.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes an item or tombstone, whatever the stored version.
    pub fn put(&self, prefix: &str, kind: DataKind, key: impl Into<Text>, item: StoredItem) {
        let key = key.into();
        self.change(prefix, |environment| {
            drop(environment.items.entry(kind).or_default().insert(key, item))
        });
    }

    /// Removes an item without leaving a tombstone.
    pub fn remove(&self, prefix: &str, kind: DataKind, key: &str) {
        self.change(prefix, |environment| {
            drop(environment.items.entry(kind).or_default().remove(key))
        });
    }

    /// Returns the stored item or tombstone.
    #[must_use]
    pub fn item(&self, prefix: &str, kind: DataKind, key: &str) -> Option<StoredItem> {
        self.look(prefix, |environment| {
            environment.items.get(&kind)?.get(key).cloned()
        })
    }

    /// Sets or removes the marker of a complete data set.
    pub fn set_initialized(&self, prefix: &str, initialized: bool) {
        self.change(prefix, |environment| environment.initialized = initialized);
    }

    /// Sets the big segments, by their references, that include and that exclude a context.
    pub fn set_membership<T: Into<Text>>(
        &self,
        prefix: &str,
        context_key: &str,
        included: impl IntoIterator<Item = T>,
        excluded: impl IntoIterator<Item = T>,
    ) {
        let hash = BASE64_STANDARD.encode(Sha256::digest(context_key));
        self.set_membership_of_hash(prefix, hash, Membership::new(included, excluded));
    }

    /// Like [`Self::set_membership`], for a context key that is already hashed.
    pub fn set_membership_of_hash(
        &self,
        prefix: &str,
        context_hash: impl Into<String>,
        membership: Membership,
    ) {
        let hash = context_hash.into();
        self.change(prefix, |environment| {
            drop(environment.memberships.insert(hash, membership))
        });
    }

    /// Sets when big segments were last synchronized with the service, in milliseconds since 1970.
    /// `None` means never.
    pub fn set_synchronized(&self, prefix: &str, time: Option<u64>) {
        self.change(prefix, |environment| environment.synchronized = time);
    }

    /// Removes everything under a prefix.
    pub fn clear(&self, prefix: &str) {
        self.change(prefix, |environment| *environment = Environment::default());
    }

    pub(super) fn look<T>(&self, prefix: &str, look: impl FnOnce(&Environment) -> T) -> T {
        // An unknown prefix gets an empty environment.
        self.0
            .change_quietly(|environments| look(environments.entry(prefix.to_owned()).or_default()))
    }

    pub(super) fn change<T>(&self, prefix: &str, change: impl FnOnce(&mut Environment) -> T) -> T {
        self.0
            .change(|environments| change(environments.entry(prefix.to_owned()).or_default()))
    }

    pub(super) fn changes(&self) -> Changes {
        self.0.changes()
    }
}
