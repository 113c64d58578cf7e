//! [`RedisDataStore`]: flags and segments in two hashes and a marker, in the layout of the Relay
//! Proxy and the other SDKs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::time::timeout;
use vexil::model::DataKind;
use vexil::store::{
    Changes, Collection, PersistentDataStore, StoreError, StoredDataSet, StoredItem, WriteOutcome,
};
use vexil::{PerProcess, Text, async_trait};

use crate::builder::RedisStoreBuilder;
use crate::connection::StoreHandle;
use crate::error::{CommandError, store_error};
use crate::keys::Keys;
use crate::request::{Request, RequestClass};
use crate::startup_checks::{StartupChecks, find_flag_keys};
use crate::upsert::{self, Write};

/// Maximum number of items in one `HSET`.
const CHUNK: usize = 500;

/// Maximum number of prefixes that are listed.
const PREFIXES: usize = 1_000;

/// Stores flags and segments in Redis, where other processes, SDKs in other languages and Relay
/// Proxies can read and write them.
///
/// ```
/// use vexil_redis::RedisDataStore;
///
/// let flags = RedisDataStore::builder().url("redis://cache.example.com:6379/2").prefix("ld:shop").build()?;
/// assert!(format!("{flags:?}").contains("ld:shop"));
/// # Ok::<(), vexil_redis::RedisConfigError>(())
/// ```
///
/// # Key layout
///
/// With the prefix `P`: the hash `P:features` has a field for each flag, the hash `P:segments` one
/// for each segment, and the string `P:$inited` exists once a complete data set has been written.
/// No key expires.
#[derive(Debug)]
pub struct RedisDataStore {
    handle: Arc<StoreHandle>,
    keys: Keys,
    changes: PerProcess<Changes>,
    /// Whether the keys are on different nodes of a cluster and cannot be in one transaction.
    split: AtomicBool,
    warned_of_split: AtomicBool,
    /// Whether the server refuses scripts.
    scripts_refused: AtomicBool,
    startup_checks: StartupChecks,
}

impl RedisDataStore {
    /// Returns a builder with the defaults: the server at `redis://localhost:6379`, the prefix
    /// `launchdarkly`.
    ///
    /// ```
    /// use vexil_redis::RedisDataStore;
    ///
    /// let shown = format!("{:?}", RedisDataStore::builder());
    /// assert!(shown.contains("redis://localhost:6379") && shown.contains("launchdarkly"));
    /// ```
    pub fn builder() -> RedisStoreBuilder<Self> {
        RedisStoreBuilder::new()
    }

    pub(crate) fn new(handle: StoreHandle, prefix: &str) -> Self {
        let (handle, keys) = (Arc::new(handle), Keys::new(prefix));
        let changes = PerProcess::new({
            let (handle, keys) = (Arc::clone(&handle), keys.clone());
            move || handle.watch(&keys)
        });
        // Registered now, so that the first connection subscribes to changes.
        changes.get();
        Self {
            changes,
            split: AtomicBool::new(!handle.is_on_one_node(&keys)),
            warned_of_split: AtomicBool::new(false),
            scripts_refused: AtomicBool::new(false),
            startup_checks: StartupChecks::default(),
            handle,
            keys,
        }
    }

    /// Searches the database for other prefixes that have flags, for programs that help to correct a
    /// wrong prefix. The result is sorted.
    ///
    /// The search ends after this time, with the prefixes found so far. It needs the permission
    /// `+scan` for all keys; without it, and during an outage, the result is empty. In a cluster
    /// only one node is searched.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil_redis::RedisDataStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = RedisDataStore::builder().url("redis://127.0.0.1:1").build()?;
    /// assert!(store.other_prefixes(Duration::from_secs(1)).await.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn other_prefixes(&self, limit: Duration) -> Vec<String> {
        let mut found = Vec::new();
        let search = find_flag_keys(&self.handle, &self.keys, usize::MAX, PREFIXES, &mut found);
        // What was found in time is good enough.
        let _ = timeout(limit, search).await;
        let suffix = format!(":{}", DataKind::Flag.namespace());
        let prefixes = found.iter().filter_map(|key| key.strip_suffix(&suffix));
        let mut prefixes: Vec<_> = prefixes
            .filter(|prefix| *prefix != self.keys.prefix())
            .map(str::to_owned)
            .collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes.truncate(PREFIXES);
        prefixes
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn handle(&self) -> &StoreHandle {
        &self.handle
    }

    async fn read_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, CommandError> {
        let hash = self.keys.items(kind);
        items(
            self.handle
                .send_one(&Request::one(&hash, get_all(&hash), RequestClass::Bulk))
                .await?,
        )
    }

    async fn read_marker(&self, class: RequestClass) -> Result<bool, CommandError> {
        let marker = self.keys.marker();
        is_there(
            &self
                .handle
                .send_one(&Request::one(&marker, exists(&marker), class))
                .await?,
        )
    }

    /// Reads everything atomically.
    async fn read_at_once(&self) -> Result<StoredDataSet, CommandError> {
        let marker = self.keys.marker();
        let mut commands: Vec<Cmd> = DataKind::READ_ORDER
            .map(|kind| get_all(&self.keys.items(kind)))
            .into();
        commands.push(exists(&marker));
        let mut replies = self
            .handle
            .send(&Request::transaction(&marker, commands, RequestClass::Bulk))
            .await?;
        let initialized = is_there(&replies.pop().ok_or(CommandError::Unexpected)?)?;
        let collect = |(kind, reply)| Ok(Collection::new(kind, items(reply)?));
        let collections = DataKind::READ_ORDER
            .into_iter()
            .zip(replies)
            .map(collect)
            .collect::<Result<_, CommandError>>()?;
        Ok(StoredDataSet::new(collections, initialized))
    }

    /// Reads the flags, then the segments that they refer to, then the marker, one after the other.
    async fn read_one_by_one(&self) -> Result<StoredDataSet, CommandError> {
        let mut collections = Vec::new();
        for kind in DataKind::READ_ORDER {
            collections.push(Collection::new(kind, self.read_all(kind).await?));
        }
        Ok(StoredDataSet::new(
            collections,
            self.read_marker(RequestClass::Bulk).await?,
        ))
    }

    /// Replaces everything atomically.
    async fn write_at_once(&self, data: &[Collection]) -> Result<(), CommandError> {
        let mut commands: Vec<Cmd> = data
            .iter()
            .flat_map(|collection| self.replace(collection))
            .collect();
        commands.push(self.set_marker());
        self.handle
            .send(&Request::transaction(
                &self.keys.marker(),
                commands,
                RequestClass::Bulk,
            ))
            .await
            .map(drop)
    }

    /// Replaces each kind atomically. The marker is written last.
    async fn write_one_by_one(&self, data: &[Collection]) -> Result<(), CommandError> {
        for collection in data {
            let hash = self.keys.items(collection.kind);
            self.handle
                .send(&Request::transaction(
                    &hash,
                    self.replace(collection),
                    RequestClass::Bulk,
                ))
                .await?;
        }
        self.handle
            .send(&Request::one(
                &self.keys.marker(),
                self.set_marker(),
                RequestClass::Bulk,
            ))
            .await
            .map(drop)
    }

    /// The commands that replace all items of a kind.
    fn replace(&self, collection: &Collection) -> Vec<Cmd> {
        let hash = self.keys.items(collection.kind);
        let mut delete = redis::cmd("DEL");
        delete.arg(&hash);
        let set = |chunk: &[(Text, StoredItem)]| {
            let mut set = redis::cmd("HSET");
            set.arg(&hash);
            for (key, item) in chunk {
                set.arg(key.as_str()).arg(&item.body[..]);
            }
            set
        };
        std::iter::once(delete)
            .chain(collection.items.chunks(CHUNK).map(set))
            .collect()
    }

    fn set_marker(&self) -> Cmd {
        let mut set = redis::cmd("SET");
        set.arg(self.keys.marker()).arg("");
        set
    }

    fn is_split(&self) -> bool {
        self.split.load(Ordering::Relaxed)
    }

    /// Starts the one-time check of the settings, after the first read.
    fn check_settings(&self, is_empty: bool) {
        self.startup_checks
            .start(&self.handle, &self.keys, is_empty);
    }
}

#[async_trait]
impl PersistentDataStore for RedisDataStore {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        let hash = self.keys.items(kind);
        let mut command = redis::cmd("HGET");
        command.arg(&hash).arg(key);
        match self
            .handle
            .send_one(&Request::one(&hash, command, RequestClass::Read))
            .await
            .map_err(store_error)?
        {
            Value::Nil => Ok(None),
            Value::BulkString(body) => Ok(Some(body)
                .filter(|body| !body.is_empty())
                .map(StoredItem::new)),
            _ => Err(store_error(CommandError::Unexpected)),
        }
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.read_all(kind).await.map_err(store_error)
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.read_marker(RequestClass::Read)
            .await
            .map_err(store_error)
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        if !self.is_split() {
            match self.write_at_once(data).await {
                Err(error) if error.is_split() => self.split.store(true, Ordering::Relaxed),
                outcome => return outcome.map_err(store_error),
            }
        }
        if !self.warned_of_split.swap(true, Ordering::Relaxed) {
            let prefix = self.keys.prefix();
            tracing::warn!(
                prefix,
                "flags and segments are on different nodes of a cluster, so readers may see new \
                 and old data mixed; a prefix with a hash tag, such as \"{{{prefix}}}\", keeps \
                 them together"
            );
        }
        self.write_one_by_one(data).await.map_err(store_error)
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        let hash = self.keys.items(kind);
        let write = Write {
            hash: &hash,
            key,
            item,
        };
        let outcome = if self.scripts_refused.load(Ordering::Relaxed) {
            write.by_watching(&self.handle).await
        } else {
            match write.by_script(&self.handle).await {
                Err(error) if upsert::is_refused(&error) => {
                    let written = write.by_watching(&self.handle).await;
                    // If the write fails too, the cause is not the missing scripts.
                    self.scripts_refused
                        .store(written.is_ok(), Ordering::Relaxed);
                    written
                }
                outcome => outcome,
            }
        };
        let outcome = outcome.map_err(store_error)?;
        if outcome.replaced_unreadable {
            tracing::warn!(%kind, key, "replaced a stored item whose version cannot be read");
        }
        Ok(outcome.upsert)
    }

    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        let mut snapshot = None;
        if !self.is_split() {
            match self.read_at_once().await {
                Err(error) if error.is_split() => self.split.store(true, Ordering::Relaxed),
                outcome => snapshot = Some(outcome.map_err(store_error)?),
            }
        }
        let snapshot = match snapshot {
            Some(snapshot) => snapshot,
            None => self.read_one_by_one().await.map_err(store_error)?,
        };
        let is_empty = snapshot
            .collections
            .iter()
            .all(|collection| collection.items.is_empty());
        self.check_settings(is_empty && !snapshot.initialized);
        Ok(snapshot)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.read_marker(RequestClass::Probe)
            .await
            .map(drop)
            .map_err(store_error)
    }

    fn changes(&self) -> Option<Changes> {
        Some(Changes::clone(&self.changes.get()))
    }

    fn describe(&self) -> &'static str {
        "Redis"
    }

    async fn close(&self) {
        self.startup_checks.stop();
        self.handle.release();
    }
}

fn get_all(hash: &str) -> Cmd {
    let mut command = redis::cmd("HGETALL");
    command.arg(hash);
    command
}

fn exists(key: &str) -> Cmd {
    let mut command = redis::cmd("EXISTS");
    command.arg(key);
    command
}

/// Parses the reply to `EXISTS`.
fn is_there(reply: &Value) -> Result<bool, CommandError> {
    match reply {
        Value::Int(count) => Ok(*count > 0),
        _ => Err(CommandError::Unexpected),
    }
}

/// Parses the reply to `HGETALL`: a map, or in RESP2 a list of alternating keys and values.
fn items(reply: Value) -> Result<Vec<(Text, StoredItem)>, CommandError> {
    match reply {
        Value::Map(pairs) => pairs
            .into_iter()
            .filter_map(|(key, body)| item(key, body).transpose())
            .collect(),
        Value::Array(mut parts) => {
            let mut items = Vec::with_capacity(parts.len() / 2);
            let mut parts = parts.drain(..);
            while let (Some(key), Some(body)) = (parts.next(), parts.next()) {
                items.extend(item(key, body)?);
            }
            Ok(items)
        }
        _ => Err(CommandError::Unexpected),
    }
}

/// Parses one item. Returns `None` if its key is not UTF-8, which no SDK writes, or if the body is
/// empty, which means that the item is absent.
fn item(key: Value, body: Value) -> Result<Option<(Text, StoredItem)>, CommandError> {
    let (Value::BulkString(key), Value::BulkString(body)) = (key, body) else {
        return Err(CommandError::Unexpected);
    };
    match String::from_utf8(key) {
        Ok(key) if !body.is_empty() => Ok(Some((key.into(), StoredItem::new(body)))),
        Ok(_) => Ok(None),
        Err(error) => {
            let key = String::from_utf8_lossy(error.as_bytes()).into_owned();
            tracing::warn!(key, "skipped an item whose key is not UTF-8");
            Ok(None)
        }
    }
}
