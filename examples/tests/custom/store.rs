use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem, WriteOutcome};
use vexil::{Text, async_trait};
use vexil_testing::conformance::PersistentStoreHarness;

/// Stands in for a database: the rows of each prefix.
type Database = Arc<Mutex<HashMap<String, Rows>>>;

#[derive(Debug, Default)]
struct Rows {
    items: HashMap<DataKind, BTreeMap<Text, StoredItem>>,
    has_marker: bool,
}

#[derive(Debug)]
struct Store {
    /// `None` if the database cannot be reached.
    database: Option<Database>,
    prefix: String,
}

impl Store {
    /// Runs one statement. A store that cannot reach its database returns an error, never "absent".
    fn run<T>(&self, statement: impl FnOnce(&mut Rows) -> T) -> Result<T, StoreError> {
        let database = self.database.as_ref();
        let database = database.ok_or_else(|| StoreError::unavailable("connection refused"))?;
        let mut rows = database
            .lock()
            .map_err(|_| StoreError::unavailable("poisoned"))?;
        Ok(statement(rows.entry(self.prefix.clone()).or_default()))
    }
}

#[async_trait]
impl PersistentDataStore for Store {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        self.run(|rows| rows.items.get(&kind)?.get(key).cloned())
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.run(|rows| {
            let items = rows.items.get(&kind).into_iter().flatten();
            items
                .map(|(key, item)| (key.clone(), item.clone()))
                .collect()
        })
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.run(|rows| rows.has_marker)
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        self.run(|rows| {
            for collection in data {
                let items = collection.items.iter().cloned().collect();
                rows.items.insert(collection.kind, items);
            }
            rows.has_marker = true;
        })
    }

    async fn upsert(
        &self,
        kind: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        self.run(|rows| {
            let items = rows.items.entry(kind).or_default();
            match items.get(key) {
                Some(old) if old.version >= item.version => {
                    WriteOutcome::Superseded(Some(old.clone()))
                }
                _ => {
                    items.insert(key.into(), item.clone());
                    WriteOutcome::Written
                }
            }
        })
    }
}

/// Each test has its own database. The harness accesses it as another SDK would.
#[derive(Default)]
struct Harness(Database);

impl Harness {
    fn at(&self, prefix: &str) -> Store {
        Store {
            database: Some(Arc::clone(&self.0)),
            prefix: prefix.to_owned(),
        }
    }
}

#[async_trait]
impl PersistentStoreHarness for Harness {
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
        Arc::new(self.at(prefix))
    }

    async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
        Arc::new(Store {
            database: None,
            prefix: String::new(),
        })
    }

    async fn put(&self, prefix: &str, kind: DataKind, key: &str, row: &StoredItem) {
        let put = |rows: &mut Rows| {
            let items = rows.items.entry(kind).or_default();
            items.insert(key.into(), row.clone());
        };
        self.at(prefix).run(put).expect("it is reachable");
    }

    async fn mark(&self, prefix: &str) {
        let mark = |rows: &mut Rows| rows.has_marker = true;
        self.at(prefix).run(mark).expect("it is reachable");
    }

    async fn clear(&self, prefix: &str) {
        let clear = |rows: &mut Rows| *rows = Rows::default();
        self.at(prefix).run(clear).expect("it is reachable");
    }
}

vexil_testing::persistent_store_conformance!(Harness::default());
