//! Components are accepted by value, in an `Arc`, and as a shared trait object.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use vexil::big_segments::BigSegmentStore;
use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::eval::Membership;
use vexil::events::{Event, EventProcessor};
use vexil::hooks::{Hook, HookMetadata};
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::{
    DataStore, MemoryStore, PersistentDataStore, Snapshot, StoreError, StoredItem, Upserted,
};
use vexil::{Client, ClientBuilder, Text, async_trait};

use crate::support::{SOON, ada, serving};

/// Implements every seam. Deliberately not `Clone`.
#[derive(Debug, Default)]
struct Component {
    memory: MemoryStore,
    uses: AtomicUsize,
}

impl Component {
    fn used(&self) {
        self.uses.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl DataSource for Component {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        self.used();
        let flags = json!({"flags": {"flag": serving(1, true)}});
        let data = DataSet::from_json(flags.to_string().as_bytes())
            .map_err(DataSourceError::invalid_data)?;
        sink.init(data).await.map_err(DataSourceError::store)
    }
}

#[async_trait]
impl DataStore for Component {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.used();
        self.memory.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.memory.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.memory.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.memory.upsert(item).await
    }

    async fn close(&self) {}
}

#[async_trait]
impl PersistentDataStore for Component {
    async fn get(&self, _: DataKind, _: &str) -> Result<Option<StoredItem>, StoreError> {
        Ok(None)
    }

    async fn get_all(&self, _: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        Ok(Vec::new())
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn describe(&self) -> &'static str {
        self.used();
        "component"
    }
}

#[async_trait]
impl BigSegmentStore for Component {
    async fn membership(&self, _: &str) -> Result<Option<Membership>, StoreError> {
        Ok(None)
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        self.used();
        Ok(None)
    }
}

#[async_trait]
impl EventProcessor for Component {
    fn record(&self, _: &Event<'_>) {
        self.used();
    }

    fn flush(&self) {}

    async fn flush_and_wait(&self) {}

    async fn close(&self) {}
}

impl Hook for Component {
    fn metadata(&self) -> HookMetadata {
        self.used();
        HookMetadata::new("component")
    }
}

impl Plugin for Component {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("component")
    }

    fn register(&self, _: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        self.used();
        Ok(())
    }
}

/// Starts a client, evaluates a flag, and returns how often the component was used.
fn uses(builder: ClientBuilder, component: &Component) -> usize {
    let before = component.uses.load(Ordering::SeqCst);
    let client = builder.start().unwrap();
    let _ = client.bool_variation("flag", &ada(), false);
    // Waits for the first query of the big-segment store, if there is one.
    assert!(
        client
            .big_segment_store_status()
            .blocking_status(SOON)
            .is_some()
    );
    component.uses.load(Ordering::SeqCst) - before
}

/// Passes a component to a method of the builder by value, in an `Arc` and as a trait object. A
/// client uses the component that it shares with the application.
macro_rules! accepts_every_form {
    ($seam:ident, $builder:expr, $method:ident) => {
        assert!($builder.$method(Component::default()).start().is_ok());
        let shared = Arc::new(Component::default());
        assert!(uses($builder.$method(Arc::clone(&shared)), &shared) > 0);
        let dynamic: Arc<dyn $seam> = Arc::<Component>::clone(&shared);
        assert!(uses($builder.$method(dynamic), &shared) > 0);
    };
}

fn base() -> ClientBuilder {
    Client::builder("sdk-key")
        .data_source(Component::default())
        .without_events()
}

#[test]
fn every_seam_accepts_a_value_an_arc_and_a_trait_object() {
    accepts_every_form!(DataSource, base(), data_source);
    accepts_every_form!(DataStore, base(), data_store);
    accepts_every_form!(PersistentDataStore, base(), daemon_mode);
    accepts_every_form!(BigSegmentStore, base(), big_segments);
    accepts_every_form!(EventProcessor, base(), events);
    accepts_every_form!(Hook, base(), hook);
    accepts_every_form!(Plugin, base(), plugin);
}

#[test]
fn configurations_of_databases_accept_a_value_and_an_arc() {
    let shared = || Arc::new(Component::default());
    for store in [
        PersistentStoreConfig::new(Component::default()),
        PersistentStoreConfig::new(shared()),
        PersistentStoreConfig::new(shared() as Arc<dyn PersistentDataStore>),
    ] {
        assert!(base().data_store(store).start().is_ok());
    }
    for store in [
        BigSegmentsConfig::new(Component::default()),
        BigSegmentsConfig::new(shared()),
        BigSegmentsConfig::new(shared() as Arc<dyn BigSegmentStore>),
    ] {
        assert!(base().big_segments(store).start().is_ok());
    }
}

#[test]
fn clients_of_one_builder_share_a_finished_component() {
    let shared = Arc::new(Component::default());
    let builder = base().data_store(Arc::clone(&shared));
    assert!(uses(builder.clone(), &shared) > 0);
    assert!(uses(builder, &shared) > 0);
}
