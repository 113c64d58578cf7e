//! Clients with a database: what they read and write, and how they behave when the database is
//! unavailable, slow, corrupt or emptied. The tests use an in-memory database with injected faults
//! and Tokio's paused time.

#![cfg(test)]

mod big_segments;
mod change_sets;
mod classic;
mod daemon;
mod daemon_losses;
mod daemon_outages;
mod daemon_refills;
mod hand_over;
#[path = "../support/interest.rs"]
mod interest;
#[path = "../support/log.rs"]
mod log;
#[path = "../support/mod.rs"]
mod support;
mod write_behind;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::runtime::Handle;
use vexil::config::PersistentStoreConfig;
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::model::{DataKind, Item};
use vexil::status::DataStoreStatus;
use vexil::store::StoredItem;
use vexil::{Client, ClientBuilder, Value};
use vexil_testing::{MemoryDatabase, MemoryPersistentStore};

use crate::support::{SOON, ada, data_set, serving};

/// The prefix of the stores in these tests.
const PREFIX: &str = "ld";

fn builder() -> ClientBuilder {
    interest::always_interested();
    Client::builder("sdk-key")
        .runtime(Handle::current())
        .without_events()
}

/// Delivers items on behalf of a test.
#[derive(Clone, Debug, Default)]
struct Scripted(Arc<std::sync::Mutex<Option<Arc<dyn DataSink>>>>);

#[vexil::async_trait]
impl DataSource for Scripted {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        *self.0.lock().unwrap() = Some(sink);
        std::future::pending().await
    }
}

impl Scripted {
    fn sink(&self) -> Arc<dyn DataSink> {
        self.0.lock().unwrap().clone().unwrap()
    }

    async fn init(&self, data: &Json) {
        self.sink().init(data_set(data)).await.unwrap();
    }

    async fn upsert(&self, key: &str, flag: &Json) {
        let item = Item::from_json(DataKind::Flag, key, flag.to_string().as_bytes()).unwrap();
        self.sink().upsert(item).await.unwrap();
    }
}

/// An empty database, and a store that is attached to it.
fn store() -> (MemoryDatabase, Arc<MemoryPersistentStore>) {
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryPersistentStore::attached(&database, PREFIX));
    (database, store)
}

fn put(database: &MemoryDatabase, key: &str, flag: &Json) {
    database.put(
        PREFIX,
        DataKind::Flag,
        key,
        StoredItem::new(flag.to_string()),
    );
}

/// Writes numbered, identical flags.
fn put_many(database: &MemoryDatabase, count: usize, version: u64) {
    for n in 0..count {
        put(database, &format!("flag-{n}"), &serving(version, version));
    }
}

fn remove_all(database: &MemoryDatabase, count: usize) {
    for n in 0..count {
        database.remove(PREFIX, DataKind::Flag, &format!("flag-{n}"));
    }
}

async fn started(builder: ClientBuilder) -> Client {
    let client = builder.start().unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    client
}

/// A client in daemon mode.
async fn daemon(store: impl Into<PersistentStoreConfig>) -> Client {
    started(builder().daemon_mode(store)).await
}

/// The value and the reason of a flag.
async fn evaluated(client: &Client, key: &str) -> (Json, Json) {
    let detail = client
        .variation_detail_async(key, &ada(), Value::from("default"))
        .await;
    (
        serde_json::to_value(&detail.value).unwrap(),
        serde_json::to_value(&detail.reason).unwrap(),
    )
}

async fn value(client: &Client, key: &str) -> Json {
    evaluated(client, key).await.0
}

fn fallthrough(value: impl Into<Json>) -> (Json, Json) {
    (value.into(), json!({"kind": "FALLTHROUGH"}))
}

fn failed(kind: &str) -> (Json, Json) {
    (json!("default"), support::error(kind))
}

/// Waits for a status and returns it.
async fn until(client: &Client, is_it: impl Fn(&DataStoreStatus) -> bool) -> DataStoreStatus {
    until_some(async || Some(client.data_store_status().status()).filter(&is_it)).await
}

/// Waits until a flag has this value.
async fn until_value(client: &Client, key: &str, expected: impl Into<Json>) {
    let expected = expected.into();
    until_some(async || (value(client, key).await == expected).then_some(())).await;
}

/// Polls every few milliseconds of Tokio's time. Its ten minutes pass instantly, and are longer
/// than anything a test waits for.
async fn until_some<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(600), waiting)
        .await
        .expect("the condition is met in time")
}
