//! The table "states of a client" in the documentation of `Client`.

use std::time::Duration;

use serde_json::json;
use vexil::Client;
use vexil::client::DataAvailability::{self, Cached, Defaults, Refreshed};
use vexil::config::PersistentStoreConfig;
use vexil::data_source::DataSourceState::{self, Initializing, Interrupted, Off, Valid};
use vexil::model::DataKind;
use vexil::store::{CacheMode, PersistentDataStore, StoreError, StoredItem};
use vexil::{ClientBuilder, Text, async_trait};
use vexil_testing::TestData;

use crate::support::{SOON, controlled_with};

/// Whether the client is ready and initialized, and the states of its data.
type State = (bool, bool, DataAvailability, DataSourceState);

fn state(client: &Client) -> State {
    (
        client.blocking_wait_until_ready(Duration::ZERO).is_ok(),
        client.is_initialized(),
        client.data_availability(),
        client.data_source_status().status().state,
    )
}

fn builder() -> ClientBuilder {
    Client::builder("sdk-key").without_events()
}

/// A database without flags that has the marker of a complete data set, or is down.
#[derive(Clone, Copy, Debug)]
struct Database {
    is_down: bool,
}

impl Database {
    fn answer<T>(self, answer: T) -> Result<T, StoreError> {
        match self.is_down {
            true => Err(StoreError::unavailable("down")),
            false => Ok(answer),
        }
    }
}

#[async_trait]
impl PersistentDataStore for Database {
    async fn get(&self, _: DataKind, _: &str) -> Result<Option<StoredItem>, StoreError> {
        self.answer(None)
    }

    async fn get_all(&self, _: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.answer(Vec::new())
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.answer(true)
    }
}

fn database(is_down: bool) -> PersistentStoreConfig {
    PersistentStoreConfig::new(Database { is_down })
}

#[test]
fn a_client_with_a_data_source() {
    let (client, source) = controlled_with(builder());
    assert_eq!(state(&client), (false, false, Defaults, Initializing));
    source.init(&json!({}));
    assert_eq!(state(&client), (true, true, Refreshed, Valid));
    source.network_error(Interrupted, "down");
    assert_eq!(state(&client), (true, true, Refreshed, Interrupted));
    client.blocking_close(SOON);
    assert_eq!(state(&client), (true, true, Refreshed, Off));
}

#[test]
fn a_client_with_a_data_source_and_a_persistent_store() {
    let (client, source) = controlled_with(builder().data_store(database(true)));
    assert_eq!(state(&client), (false, false, Defaults, Initializing));
    source.init(&json!({}));
    assert_eq!(state(&client), (true, true, Refreshed, Valid));

    let (client, source) = controlled_with(builder().data_store(database(false)));
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(state(&client), (true, true, Cached, Initializing));
    source.init(&json!({}));
    assert_eq!(state(&client), (true, true, Refreshed, Valid));
}

#[test]
fn a_client_in_daemon_mode() {
    let client = builder().daemon_mode(database(true)).start().unwrap();
    assert_eq!(state(&client), (false, true, Defaults, Valid));

    let client = builder().daemon_mode(database(false)).start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(state(&client), (true, true, Refreshed, Valid));
}

#[test]
fn a_client_in_daemon_mode_that_reads_through_a_cache() {
    let start = |is_down| {
        let store = database(is_down).cache(CacheMode::Ttl(Duration::from_secs(15)));
        builder().daemon_mode(store).start().unwrap()
    };
    assert_eq!(state(&start(true)), (false, true, Cached, Valid));
    let client = start(false);
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(state(&client), (true, true, Cached, Valid));
}

#[test]
fn a_client_that_is_offline() {
    let client = builder().offline(true).start().unwrap();
    assert_eq!(state(&client), (true, true, Defaults, Valid));
}

#[test]
fn a_client_with_test_data() {
    let client = builder().data_source(TestData::new()).start().unwrap();
    assert_eq!(state(&client), (true, true, Refreshed, Valid));
}
