//! A custom store: flags in a file shared by several processes. No account needed.
//!
//! `cargo run -p vexil-examples --example custom_store`
//!
//! One client receives flags and writes them through the store. Another one reads them in daemon
//! mode, as a second service on the same machine would. The SDK handles caching, versions and
//! outages; the store only reads and writes text. The conformance suite at the end of this file
//! tests the store's contract: `cargo test -p vexil-examples --example custom_store`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::bail;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tracing_subscriber::filter::LevelFilter;
use vexil::config::PersistentStoreConfig;
use vexil::model::DataKind;
use vexil::store::{
    Collection, PersistentDataStore, StoreError, StoredDataSet, StoredItem, WriteOutcome,
};
use vexil::{Client, Context, Text};
use vexil_examples::log_to_stderr;
use vexil_testing::TestData;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Stores flags in `flags.json` in a folder. The file is replaced atomically, so a reader never
/// sees a partial change.
#[derive(Clone, Debug)]
struct FileStore {
    folder: PathBuf,
    /// Held by the write in progress, even after its future was dropped. See [`FileStore::write`].
    writing: Arc<Mutex<()>>,
}

#[derive(Default, Deserialize, Serialize)]
struct Contents {
    initialized: bool,
    /// By kind namespace, then by key.
    items: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Entry {
    version: Option<u64>,
    deleted: Option<bool>,
    /// A string rather than nested JSON, so that the text is kept byte for byte.
    body: String,
}

impl Contents {
    fn collection(&self, kind: DataKind) -> Collection {
        let entries = self.items.get(kind.namespace()).into_iter().flatten();
        Collection::new(
            kind,
            entries
                .map(|(key, entry)| (Text::from(key.as_str()), item(entry)))
                .collect(),
        )
    }
}

impl FileStore {
    fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            writing: Arc::default(),
        }
    }

    fn read(&self) -> io::Result<Contents> {
        match fs::read(self.folder.join("flags.json")) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            // Nothing was written yet. A missing folder is an error instead.
            Err(error) if error.kind() == ErrorKind::NotFound && self.folder.is_dir() => {
                Ok(Contents::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the file under a lock that excludes other processes.
    fn change<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> io::Result<T> {
        let lock = File::create(self.folder.join("lock"))?;
        // Held until the file is closed.
        lock.lock()?;
        let mut contents = self.read()?;
        let outcome = change(&mut contents);
        fs::write(
            self.folder.join("new"),
            serde_json::to_vec_pretty(&contents)?,
        )?;
        fs::rename(self.folder.join("new"), self.folder.join("flags.json"))?;
        Ok(outcome)
    }

    /// Changes the file on a blocking thread, after all earlier writes of this store.
    ///
    /// Blocking work cannot be cancelled: it runs on after its future was dropped, and the threads
    /// of the pool run what they are handed in no particular order. Without a lock, an `init` that
    /// timed out could be written after the one that repeats it. The lock is taken before the work
    /// is handed over and released when the work is done, so a write that was dropped while it
    /// waited is never written, and one that had begun is finished before the next begins.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Contents) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.writing).lock_owned().await;
        self.on_disk(move |store| {
            let outcome = store.change(change);
            drop(turn);
            outcome
        })
        .await
    }

    /// Runs blocking work on the blocking pool.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store))
            .await
            .map_err(StoreError::unavailable)?;
        done.map_err(StoreError::unavailable)
    }
}

#[vexil::async_trait]
impl PersistentDataStore for FileStore {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        let contents = self.on_disk(Self::read).await?;
        Ok(contents
            .items
            .get(kind.namespace())
            .and_then(|items| items.get(key))
            .map(item))
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        Ok(self.on_disk(Self::read).await?.collection(kind).items)
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        Ok(self.on_disk(Self::read).await?.initialized)
    }

    /// Reads the file once, so that the snapshot is consistent.
    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        let contents = self.on_disk(Self::read).await?;
        let collections = DataKind::READ_ORDER.map(|kind| contents.collection(kind));
        Ok(StoredDataSet::new(collections.into(), contents.initialized))
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        let mut new = BTreeMap::new();
        for Collection { kind, items, .. } in data {
            let entries = items
                .iter()
                .map(|(key, item)| Ok((key.to_string(), entry(item)?)));
            new.insert(
                kind.namespace().to_owned(),
                entries.collect::<Result<_, StoreError>>()?,
            );
        }
        self.write(|contents| {
            contents.items.extend(new);
            contents.initialized = true;
        })
        .await
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        let (key, new) = (key.to_owned(), entry(item)?);
        self.write(move |contents| {
            let items = contents
                .items
                .entry(kind.namespace().to_owned())
                .or_default();
            match items.get(&key) {
                Some(old) if old.version >= new.version => {
                    WriteOutcome::Superseded(Some(self::item(old)))
                }
                _ => {
                    items.insert(key, new);
                    WriteOutcome::Written
                }
            }
        })
        .await
    }
}

fn item(
    Entry {
        version,
        deleted,
        body,
    }: &Entry,
) -> StoredItem {
    let mut item = StoredItem::new(body.clone());
    (item.version, item.deleted) = (*version, *deleted);
    item
}

fn entry(item: &StoredItem) -> Result<Entry, StoreError> {
    let body = String::from_utf8(item.body.to_vec()).map_err(StoreError::unavailable)?;
    Ok(Entry {
        version: item.version,
        deleted: item.deleted,
        body,
    })
}

fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::WARN);
    let folder = tempfile::tempdir()?;
    let store = Arc::new(FileStore::new(folder.path()));

    let flags = TestData::new()
        .with("banner", "hello")
        .with("new-checkout", false);
    let writer = Client::builder("sdk-key-of-no-account")
        .data_source(flags.clone())
        .data_store(PersistentStoreConfig::new(Arc::clone(&store)))
        .start()?;
    if !writer
        .data_store_status()
        .blocking_wait_for(|status| status.initialized, TIMEOUT)
    {
        bail!("the store was not initialized in time");
    }
    // A small file is cheap to read. For a database, use a longer interval such as 15 seconds, or
    // change notifications.
    let reading = PersistentStoreConfig::new(store).refresh_interval(Duration::from_millis(100));
    let reader = Client::builder("sdk-key-of-no-account")
        .daemon_mode(reading)
        .without_events()
        .start()?;
    let _closed_at_the_end = reader.close_on_drop(TIMEOUT);
    reader.blocking_wait_until_ready(TIMEOUT)?;

    let ada = Context::new("ada")?;
    println!(
        "Banner of the reader: {}",
        reader.str_variation("banner", &ada, "default")
    );
    let (changes, changed) = mpsc::channel();
    reader
        .flag_tracker()
        .add_flag_value_change_listener("banner", &ada, move |change| {
            // The receiver is dropped after the first change, so later sends fail.
            let _ = changes.send(change.clone());
        });
    println!("The writer receives a new banner …");
    flags.set("banner", "goodbye");
    let change = changed.recv_timeout(TIMEOUT)?;
    println!(
        "… the reader's banner changed from {} to {}.\n",
        change.old_value, change.new_value
    );
    // Completes pending writes.
    if !writer.blocking_close(TIMEOUT) {
        bail!("the writer did not close in time");
    }
    print_file(folder.path())
}

fn print_file(folder: &Path) -> anyhow::Result<()> {
    println!(
        "Contents of the file:\n{}",
        fs::read_to_string(folder.join("flags.json"))?
    );
    Ok(())
}

/// The conformance suite for stores.
#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use vexil_testing::conformance::PersistentStoreHarness;

    use super::*;

    struct Harness(TempDir);

    impl Harness {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn environment(&self, prefix: &str) -> FileStore {
            let folder = self.0.path().join(prefix);
            fs::create_dir_all(&folder).unwrap();
            FileStore::new(folder)
        }
    }

    #[vexil::async_trait]
    impl PersistentStoreHarness for Harness {
        async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
            Arc::new(self.environment(prefix))
        }

        async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
            Arc::new(FileStore::new(self.0.path().join("no such folder")))
        }

        async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
            let (key, row) = (key.to_owned(), entry(row).unwrap());
            let put = |contents: &mut Contents| {
                contents
                    .items
                    .entry(kind.namespace().to_owned())
                    .or_default()
                    .insert(key, row);
            };
            self.environment(prefix).change(put).unwrap();
        }

        async fn mark(&self, prefix: &str) {
            self.environment(prefix)
                .change(|contents| contents.initialized = true)
                .unwrap();
        }

        async fn clear(&self, prefix: &str) {
            let FileStore { folder, .. } = self.environment(prefix);
            fs::remove_dir_all(&folder).unwrap();
            fs::create_dir(folder).unwrap();
        }
    }

    vexil_testing::persistent_store_conformance!(Harness::new());
}
