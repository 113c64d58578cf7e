//! Clones, independent clients, the end of a client, and secrets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use pollster::block_on;
use serde_json::json;
use vexil::client::FlagsStateOptions;
use vexil::config::{ClientContext, SdkKey};
use vexil::data_source::DataSourceState;
use vexil::model::{DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, Context, async_trait};

use crate::support::{
    self, Fixed, Guarded, Panicking, PanicsIn, SOON, ada, controlled, controlled_with, serving,
};

// SRC-4.4
#[test]
fn after_closing_flags_are_evaluated_with_the_last_data() {
    let client = support::client_with(&serving(1, true));
    block_on(client.close(SOON));
    block_on(client.close(SOON));
    assert!(client.bool_variation("flag", &ada(), false));
    assert!(block_on(client.variation_async("flag", &ada(), false)));
    assert!(
        client
            .all_flags_state(&ada(), FlagsStateOptions::default())
            .is_valid()
    );
    assert!(client.is_initialized());
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Off
    );
}

#[test]
fn closing_stops_the_source() {
    let (source, dropped) = Guarded::new(&json!({}));
    let client = Client::builder("sdk-key")
        .data_source(source)
        .start()
        .unwrap();
    block_on(client.close(SOON));
    dropped.recv_timeout(SOON).unwrap();
}

#[test]
fn only_dropping_the_last_clone_stops_the_source() {
    let (source, dropped) = Guarded::new(&json!({"flags": {"flag": serving(1, true)}}));
    let client = Client::builder("sdk-key")
        .data_source(source)
        .start()
        .unwrap();
    let last = client.clone();
    drop(client);
    assert_eq!(
        last.data_source_status().status().state,
        DataSourceState::Valid
    );
    assert!(last.bool_variation("flag", &ada(), false));
    assert!(dropped.try_recv().is_err());
    drop(last);
    dropped.recv_timeout(SOON).unwrap();
}

// SRC-4.4
#[test]
fn closing_a_client_is_the_last_change_that_subscribers_receive() {
    let (client, source) = controlled();
    let mut changes = client.data_source_status().subscribe();
    source.init(&json!({}));
    drop((client, source));
    let states: Vec<_> = std::iter::from_fn(|| changes.blocking_next(SOON))
        .map(|status| status.state)
        .collect();
    assert_eq!(states, [DataSourceState::Valid, DataSourceState::Off]);
}

#[test]
fn two_clones_are_one_client() {
    let (client, source) = controlled();
    let clone = client.clone();
    source.init(&json!({"flags": {"flag": serving(1, true)}}));
    assert!(
        client.bool_variation("flag", &ada(), false) && clone.bool_variation("flag", &ada(), false)
    );
    let (notified, changes) = channel();
    clone
        .flag_tracker()
        .add_listener(move |change| notified.send(change.key.clone()).unwrap());
    source.flag("flag", &serving(2, false));
    assert_eq!(changes.recv_timeout(SOON).unwrap(), "flag");
    block_on(clone.close(SOON));
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Off
    );
}

#[test]
fn clones_of_a_builder_start_independent_clients() {
    let builder = Client::builder("sdk-key")
        .data_source(Fixed::new(&json!({"flags": {"flag": serving(1, true)}})));
    let first = builder.clone().start().unwrap();
    let second = builder.clone().sdk_key("another").start().unwrap();
    let third = builder.offline(true).start().unwrap();
    block_on(first.close(SOON));
    assert_eq!(
        second.data_source_status().status().state,
        DataSourceState::Valid
    );
    assert!(
        second.bool_variation("flag", &ada(), false)
            && !third.bool_variation("flag", &ada(), false)
    );
    assert_eq!(
        [first.sdk_key().as_str(), second.sdk_key().as_str()],
        ["sdk-key", "another"]
    );
}

/// Counts calls of `close`.
#[derive(Debug)]
struct Closable(MemoryStore, AtomicUsize, Sender<()>);

#[async_trait]
impl DataStore for Closable {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.0.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.0.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.0.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.0.upsert(item).await
    }

    async fn close(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.2.send(()).unwrap();
    }
}

fn closable() -> (Arc<Closable>, std::sync::mpsc::Receiver<()>) {
    let (closed, is_closed) = channel();
    (
        Arc::new(Closable(MemoryStore::new(), AtomicUsize::new(0), closed)),
        is_closed,
    )
}

#[test]
fn a_store_is_closed_once_by_close() {
    let (store, closed) = closable();
    let (client, _source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    block_on(client.close(SOON));
    closed.try_recv().unwrap();
    block_on(client.close(SOON));
    drop(client);
    assert_eq!(store.1.load(Ordering::SeqCst), 1);
}

#[test]
fn a_store_is_closed_when_the_client_is_dropped() {
    let (store, closed) = closable();
    let (client, _source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    drop(client);
    closed.recv_timeout(SOON).unwrap();
}

#[test]
fn a_store_that_panics_in_close_does_not_affect_the_client() {
    let store = Arc::new(Panicking(PanicsIn::Close, MemoryStore::new()));
    let (client, _source) = controlled_with(Client::builder("sdk-key").data_store(store));
    block_on(client.close(SOON));
}

// EVAL-1.13 and EVAL-7.5
#[test]
fn the_secure_mode_hash_matches_the_protocol() {
    let user = |key: &str| {
        Context::builder(key)
            .name("any")
            .set("other", "attributes")
            .build()
            .unwrap()
    };
    let kind = |key: &str, kind: &str| Context::with_kind(key, kind).unwrap();
    let multi = |first: &Context, second: &Context| {
        Context::multi([first.clone(), second.clone()]).unwrap()
    };
    let one = "sdk-01234567-89ab-cdef-0123-456789abcdef";
    let two = "sdk-11234567-89ab-cdef-0123-456789abcdef";
    for (sdk_key, context, hash) in [
        (
            one,
            user("user-key-123"),
            "73df666a13f2c474e50aa34ca5a761e89abb737fb139ff65fdde7fa85c9dcacd",
        ),
        (
            two,
            user("user-key-123"),
            "63538426a9845721a5547b4715f4284b060c21743702a896e1ff8a9a5b57215d",
        ),
        (
            one,
            user("user-key-456"),
            "55be6b5ceb2a11acc6a7e9c60dbee5022d9c7084baf9ecd8cf69d12bce5a92fb",
        ),
        (
            one,
            kind("user-key-123", "other"),
            "98a933ca26d2951547fc021981ebcdeda95fbca2ac3f767ae67f7042d5458f72",
        ),
        (
            "secret",
            user("Message"),
            "aa747c502a898200f9e4fa21bac68136f886a0e27aec70ba06daf2e2a5cb5597",
        ),
        (
            "secret",
            multi(&kind("org-key|1", "org"), &user("user-key:2")),
            "5687e6383b920582ed50c2a96c98a115f1b6aad85a60579d761d9b8797415163",
        ),
        (
            "sdk-abc",
            multi(&user("bob"), &kind("acme:1", "org")),
            "4276b50d631af807f1fd27455e992a9468c99bf718fd54f3fb3e49e0a44acf55",
        ),
    ] {
        let offline = Client::builder(sdk_key).offline(true).start().unwrap();
        assert_eq!(offline.secure_mode_hash(&context), hash);
        let (not_ready, _source) = controlled_with(Client::builder(sdk_key));
        assert_eq!(not_ready.secure_mode_hash(&context), hash);
    }
}

#[test]
fn no_debug_output_contains_the_sdk_key() {
    const SECRET: &str = "sdk-do-not-print-me";
    let key = SdkKey::from(SECRET);
    assert_eq!(key.as_str(), SECRET);
    let builder = Client::builder(SECRET).data_source(Guarded::new(&json!({})).0);
    let client = builder.clone().start().unwrap();
    let offline = Client::builder(SECRET).offline(true);
    let printed = [
        format!("{key:?} {key:#?}"),
        format!("{builder:?} {builder:#?}"),
        format!("{client:?} {client:#?}"),
        format!("{offline:?} {:?}", offline.clone().start()),
        format!("{:?}", Client::builder(SECRET).start()),
        format!(
            "{:?} {:?}",
            client.data_source_status(),
            client.flag_tracker()
        ),
        format!("{:?}", printed_context(SECRET)),
    ];
    for text in printed {
        assert!(!text.contains("do-not-print") && !text.is_empty(), "{text}");
    }
}

/// Exposes everything that a data source configuration could print.
fn printed_context(sdk_key: &str) -> String {
    use vexil::config::{ConfigError, Configure};

    #[derive(Debug)]
    struct Prints(Sender<String>);

    impl Configure<dyn DataStore> for Prints {
        fn configure(
            self: Arc<Self>,
            context: &ClientContext,
        ) -> Result<Arc<dyn DataStore>, ConfigError> {
            self.0.send(format!("{context:?}")).unwrap();
            Ok(Arc::new(MemoryStore::new()))
        }
    }

    let (prints, printed) = channel();
    drop(
        Client::builder(sdk_key)
            .offline(true)
            .data_store(Prints(prints))
            .start()
            .unwrap(),
    );
    printed.recv_timeout(SOON).unwrap()
}
