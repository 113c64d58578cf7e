//! A client with a data system that keeps a database up to date: FDV2-8, and the rows FDV2-F34 to
//! FDV2-F37.

use std::time::Duration;

use tokio::time::sleep;
use vexil::client::DataAvailability;
use vexil::config::{DataSystem, PersistentStoreConfig};
use vexil::data_source::DataSourceState;
use vexil::model::{ChangeSet, Selector};
use vexil::store::PersistentDataStore;
use vexil_testing::{StoreFault, StoreMethod, StoreWrite};

use super::*;

/// In this time a change set is in the database.
const WRITTEN: Duration = Duration::from_secs(1);

/// Delivers change sets that are not for the database.
#[derive(Clone, Debug, Default)]
struct Transient(Scripted);

#[vexil::async_trait]
impl DataSource for Transient {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        self.0.run(sink).await
    }

    fn is_persistent(&self) -> bool {
        false
    }
}

pub(crate) fn synchronized(
    source: impl DataSource + Clone,
    store: PersistentStoreConfig,
) -> ClientBuilder {
    let system = DataSystem::custom().synchronizer(source);
    builder().data_system(system).data_store(store)
}

pub(crate) fn full(flags: &Json) -> ChangeSet {
    let data = data_set(&json!({ "flags": flags }));
    ChangeSet::full(data).with_selector(Selector::new("s1"))
}

pub(crate) fn flag(key: &str, version: u64) -> Item {
    let json = serving(version, version).to_string();
    Item::from_json(DataKind::Flag, key, json.as_bytes()).unwrap()
}

fn delta(items: impl IntoIterator<Item = Item>) -> ChangeSet {
    ChangeSet::delta(items.into_iter().collect()).with_selector(Selector::new("s2"))
}

/// Whether the database has the marker of a complete data set.
pub(crate) async fn has_marker(database: &MemoryDatabase) -> bool {
    let store = MemoryPersistentStore::attached(database, PREFIX);
    store.is_initialized().await.unwrap()
}

/// The versions of some flags in the database.
fn stored<const N: usize>(database: &MemoryDatabase, keys: [&str; N]) -> [Option<u64>; N] {
    keys.map(|key| {
        let item = database.item(PREFIX, DataKind::Flag, key)?;
        let json: Json = serde_json::from_slice(&item.body).unwrap();
        json["version"].as_u64()
    })
}

/// A client that has received the flags `a` and `b`, each in version 1, and has written them.
async fn writing() -> (MemoryDatabase, Arc<MemoryPersistentStore>, Scripted, Client) {
    let (database, store) = store();
    put(&database, "foreign", &serving(9, 9));
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(Arc::clone(&store));
    let client = synchronized(source.clone(), config).start().unwrap();
    let flags = json!({"a": serving(1, 1), "b": serving(1, 1)});
    source.sink().apply(full(&flags)).await.unwrap();
    sleep(WRITTEN).await;
    assert_eq!(
        stored(&database, ["a", "b", "foreign"]),
        [Some(1), Some(1), None]
    );
    assert!(has_marker(&database).await);
    (database, store, source, client)
}

fn inits(store: &MemoryPersistentStore) -> usize {
    let writes = store.writes();
    writes
        .iter()
        .filter(|write| matches!(write, StoreWrite::Init(_)))
        .count()
}

// STO-9.3, STO-F22: a client that writes checks that its marker is there, also without flags
#[tokio::test(start_paused = true)]
async fn the_marker_of_an_empty_environment_is_written_again() {
    let (database, store) = store();
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(store);
    let _client = synchronized(source.clone(), config).start().unwrap();
    source.sink().apply(full(&json!({}))).await.unwrap();
    sleep(WRITTEN).await;
    assert!(has_marker(&database).await);
    database.clear(PREFIX);
    until_some(async || has_marker(&database).await.then_some(())).await;
}

// SRC-5.2: a concurrent reader finds what an item refers to
#[tokio::test(start_paused = true)]
async fn the_items_of_a_partial_change_set_are_written_after_those_they_refer_to() {
    let (_, store, source, client) = writing().await;
    let needs = json!({"prerequisites": [{"key": "z", "variation": 0}], "version": 2});
    let needs = Item::from_json(DataKind::Flag, "a", needs.to_string().as_bytes()).unwrap();
    let segment = Item::from_json(DataKind::Segment, "s", br#"{"version": 1}"#).unwrap();
    let changes = [needs, flag("b", 2), segment, flag("z", 1)];
    source.sink().apply(delta(changes)).await.unwrap();
    client.close(SOON).await;
    let written = store.writes().into_iter().filter_map(|write| match write {
        StoreWrite::Upsert { key, .. } => Some(key.to_string()),
        StoreWrite::Init(_) => None,
    });
    assert_eq!(written.collect::<Vec<_>>(), ["s", "z", "a", "b"]);
}

// FDV2-8.1, FDV2-8.5, FDV2-F11
#[tokio::test(start_paused = true)]
async fn a_full_change_set_is_an_init_and_a_partial_one_is_upserts_by_version() {
    let (database, store, source, client) = writing().await;
    assert_eq!((inits(&store), store.writes().len()), (1, 1));
    let text = r#"{ "key":"c","version":3,"on":false,"prerequisites":[],"salt":"","targets":[],"rules":[],"fallthrough":{},"offVariation":null,"variations":[],"deleted":false,"news":1.50 }"#;
    let exact = Item::from_json(DataKind::Flag, "c", text.as_bytes()).unwrap();
    let changes = [flag("a", 0), Item::deleted(DataKind::Flag, "b", 7), exact];
    source.sink().apply(delta(changes)).await.unwrap();
    // Memory serves what was received, whatever the version.
    assert_eq!(evaluated(&client, "a").await, fallthrough(0));
    assert_eq!(evaluated(&client, "b").await, failed("FLAG_NOT_FOUND"));
    sleep(WRITTEN).await;
    assert_eq!((inits(&store), store.writes().len()), (1, 4));
    assert_eq!(
        stored(&database, ["a", "b", "c"]),
        [Some(1), Some(7), Some(3)]
    );
    let body = |key| database.item(PREFIX, DataKind::Flag, key).unwrap().body;
    assert_eq!(body("c"), text, "byte for byte");
    let tombstone: Json = serde_json::from_slice(&body("b")).unwrap();
    assert_eq!(tombstone["deleted"], true);
}

// FDV2-F36
#[tokio::test(start_paused = true)]
async fn newer_versions_in_the_database_yield_to_an_init_only() {
    let (database, _store, source, client) = writing().await;
    put(&database, "a", &serving(9, 9));
    source.sink().apply(delta([flag("a", 2)])).await.unwrap();
    sleep(WRITTEN).await;
    assert_eq!(stored(&database, ["a"]), [Some(9)]);
    assert_eq!(evaluated(&client, "a").await, fallthrough(2));
    let flags = json!({"a": serving(2, 2)});
    source.sink().apply(full(&flags)).await.unwrap();
    sleep(WRITTEN).await;
    assert_eq!(stored(&database, ["a", "b"]), [Some(2), None]);
}

// FDV2-F37
#[tokio::test(start_paused = true)]
async fn two_clients_write_one_database() {
    let (database, _store, first, _client) = writing().await;
    let store = Arc::new(MemoryPersistentStore::attached(&database, PREFIX));
    let second = Scripted::default();
    let config = PersistentStoreConfig::new(store);
    let other = synchronized(second.clone(), config).start().unwrap();
    let flags = json!({"a": serving(5, 5)});
    second.sink().apply(full(&flags)).await.unwrap();
    sleep(WRITTEN).await;
    assert_eq!(stored(&database, ["a", "b"]), [Some(5), None]);
    first
        .sink()
        .apply(delta([flag("a", 4), flag("c", 1)]))
        .await
        .unwrap();
    sleep(WRITTEN).await;
    assert_eq!(stored(&database, ["a", "c"]), [Some(5), Some(1)]);
    assert_eq!(evaluated(&other, "c").await, failed("FLAG_NOT_FOUND"));
}

/// Breaks the database, and repairs it once the client has noticed. Its content is lost meanwhile.
async fn outage(database: &MemoryDatabase, store: &MemoryPersistentStore, client: &Client) {
    store.calls().fault_all(StoreFault::Fail);
    until(client, |status| !status.available).await;
    database.clear(PREFIX);
    store.calls().heal();
    until(client, |status| status.available).await;
    sleep(WRITTEN).await;
}

// FDV2-8.6
#[tokio::test(start_paused = true)]
async fn after_an_outage_all_of_memory_is_written() {
    let (database, store, source, client) = writing().await;
    store.calls().fault_all(StoreFault::Fail);
    source
        .sink()
        .apply(delta([flag("a", 2), flag("c", 1)]))
        .await
        .unwrap();
    assert_eq!(evaluated(&client, "a").await, fallthrough(2));
    outage(&database, &store, &client).await;
    assert_eq!(
        stored(&database, ["a", "b", "c"]),
        [Some(2), Some(1), Some(1)]
    );
    assert!(has_marker(&database).await);
    let status = client.data_source_status().status();
    assert_eq!((status.state, status.error), (DataSourceState::Valid, None));
}

// FDV2-8.6
#[tokio::test(start_paused = true)]
async fn after_a_change_set_that_is_not_persistent_nothing_is_written() {
    let flags = json!({"mine": serving(1, 1)});
    for changes in [full(&flags), delta([flag("mine", 1)])] {
        let (database, store, source, client) = writing().await;
        let transient = changes.not_persistent();
        source.sink().apply(transient).await.unwrap();
        assert_eq!(evaluated(&client, "mine").await, fallthrough(1));
        sleep(WRITTEN).await;
        assert_eq!(stored(&database, ["a", "mine"]), [Some(1), None]);
        let before = store.writes().len();
        // The database is not even checked for losses.
        let checks = store.calls().count(StoreMethod::IsInitialized);
        database.clear(PREFIX);
        sleep(Duration::from_secs(600)).await;
        assert_eq!(store.writes().len(), before);
        assert_eq!(store.calls().count(StoreMethod::IsInitialized), checks);
        // The next data of the service is written.
        let flags = json!({"a": serving(3, 3)});
        source.sink().apply(full(&flags)).await.unwrap();
        sleep(WRITTEN).await;
        assert_eq!(stored(&database, ["a", "mine"]), [Some(3), None]);
    }
}

// FDV2-8.6: a write that failed before the change set that is not persistent
#[tokio::test(start_paused = true)]
async fn an_outage_that_ends_after_data_that_is_not_persistent_writes_nothing() {
    let (database, store, source, client) = writing().await;
    store.calls().fault_all(StoreFault::Fail);
    source.sink().apply(delta([flag("a", 2)])).await.unwrap();
    until(&client, |status| !status.available).await;
    let transient = delta([flag("mine", 1)]).not_persistent();
    source.sink().apply(transient).await.unwrap();
    store.calls().heal();
    until(&client, |status| status.available).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(stored(&database, ["a", "mine"]), [Some(1), None]);
    assert_eq!(evaluated(&client, "mine").await, fallthrough(1));
}

// FDV2-4.1, FDV2-9.1, FDV2-9.2
#[tokio::test(start_paused = true)]
async fn data_of_a_local_source_is_not_written_and_later_data_of_the_service_is() {
    let (database, store) = store();
    let (local, service) = (Transient::default(), Scripted::default());
    let system = DataSystem::custom()
        .initializer(local.clone())
        .synchronizer(service.clone());
    let config = PersistentStoreConfig::new(Arc::clone(&store));
    let client = builder()
        .data_system(system)
        .data_store(config)
        .start()
        .unwrap();
    let flags = json!({"mine": serving(1, 1)});
    let without_state = full(&flags).with_selector(None);
    local.0.sink().apply(without_state).await.unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    assert_eq!(client.data_availability(), DataAvailability::Cached);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(store.writes(), []);
    assert!(!has_marker(&database).await);
    let flags = json!({"a": serving(1, 1)});
    service.sink().apply(full(&flags)).await.unwrap();
    sleep(WRITTEN).await;
    assert_eq!(stored(&database, ["a", "mine"]), [Some(1), None]);
    assert_eq!(client.data_availability(), DataAvailability::Refreshed);
}

// FDV2-F34
#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_at_the_start_is_written_when_it_is_back() {
    for fault in [StoreFault::Fail, StoreFault::TimeOut, StoreFault::Panic] {
        let (database, store) = store();
        put(&database, "old", &serving(9, 9));
        database.set_initialized(PREFIX, true);
        store.calls().fault_all(fault);
        let source = Scripted::default();
        let config = PersistentStoreConfig::new(Arc::clone(&store));
        let client = synchronized(source.clone(), config).start().unwrap();
        sleep(Duration::from_secs(20)).await;
        assert_eq!(evaluated(&client, "old").await, failed("CLIENT_NOT_READY"));
        let flags = json!({"a": serving(1, 1)});
        source.sink().apply(full(&flags)).await.unwrap();
        client.wait_until_ready(Duration::ZERO).await.unwrap();
        assert_eq!(evaluated(&client, "a").await, fallthrough(1));
        let status = client.data_source_status().status();
        assert_eq!((status.state, status.error), (DataSourceState::Valid, None));
        store.calls().heal();
        until_some(async || stored(&database, ["a"])[0]).await;
        assert_eq!(stored(&database, ["old"]), [None]);
    }
}

// FDV2-F35
#[tokio::test(start_paused = true)]
async fn the_database_and_all_sources_are_down_at_the_start() {
    let (database, store) = store();
    put(&database, "old", &serving(9, 9));
    database.set_initialized(PREFIX, true);
    store.calls().fault_all(StoreFault::Fail);
    let source = Scripted::default();
    let config = PersistentStoreConfig::new(Arc::clone(&store));
    let client = synchronized(source.clone(), config).start().unwrap();
    sleep(Duration::from_secs(100)).await;
    assert!(client.wait_until_ready(Duration::ZERO).await.is_err());
    let status = client.data_source_status().status();
    assert_eq!(
        (status.state, status.error),
        (DataSourceState::Initializing, None)
    );
    assert_eq!(evaluated(&client, "old").await, failed("CLIENT_NOT_READY"));
    // The database is back first.
    store.calls().heal();
    client.wait_until_ready(SOON * 10).await.unwrap();
    assert_eq!(evaluated(&client, "old").await, fallthrough(9));
    assert_eq!(client.data_availability(), DataAvailability::Cached);
}

// FDV2-4.2: a new process starts without a state
#[tokio::test(start_paused = true)]
async fn the_state_is_not_stored() {
    let (database, _store, _source, client) = writing().await;
    client.close(SOON).await;
    let source = Scripted::default();
    let store = MemoryPersistentStore::attached(&database, PREFIX);
    let config = PersistentStoreConfig::new(store);
    let client = started(synchronized(source.clone(), config)).await;
    assert_eq!(evaluated(&client, "a").await, fallthrough(1));
    assert_eq!(source.sink().selector(), None);
}

// FDV2-4.3: an item that is identical, in a store that keeps the JSON
#[tokio::test(start_paused = true)]
async fn an_item_that_is_received_again_is_not_announced() {
    let (_database, _store, source, client) = writing().await;
    let (changed, mut changes) = tokio::sync::mpsc::unbounded_channel();
    client.flag_tracker().add_listener(move |change| {
        let _ = changed.send(change.key.to_string());
    });
    let other = serving(1, "other").to_string();
    let other = Item::from_json(DataKind::Flag, "b", other.as_bytes()).unwrap();
    source
        .sink()
        .apply(delta([flag("a", 1), other]))
        .await
        .unwrap();
    sleep(WRITTEN).await;
    assert_eq!(changes.recv().await.unwrap(), "b");
    assert!(changes.try_recv().is_err());
}
