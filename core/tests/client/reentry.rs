//! Application code may use the client wherever the client calls or drops it: it never runs under a
//! lock.

use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use serde_json::json;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::model::{DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, async_trait};

use crate::support::{SOON, ada, controlled, controlled_with, serving};

/// Runs a test on another thread, and fails if it hangs.
#[track_caller]
fn ends(test: impl FnOnce() + Send + 'static) {
    let (ended, end) = channel();
    let running = thread::spawn(move || {
        test();
        ended.send(()).unwrap();
    });
    assert!(
        end.recv_timeout(SOON).is_ok() || running.is_finished(),
        "the test hangs"
    );
    running.join().unwrap();
}

/// Uses the client when it is dropped.
struct UsesTracker(Client);

impl Drop for UsesTracker {
    fn drop(&mut self) {
        let id = self.0.flag_tracker().add_listener(|_| {});
        self.0.flag_tracker().remove_listener(id);
    }
}

#[test]
fn a_listener_can_use_the_tracker_when_it_is_dropped() {
    ends(|| {
        let (client, _source) = controlled();
        let listen = || {
            let owned = UsesTracker(client.clone());
            client.flag_tracker().add_listener(move |_| {
                let _ = &owned;
            })
        };
        client.flag_tracker().remove_listener(listen());
        listen();
        assert!(client.blocking_close(SOON));
        listen();
    });
}

#[test]
fn a_listener_can_be_the_last_owner_of_the_client_that_drops_it() {
    ends(|| {
        let (client, source) = controlled();
        let owned = client.clone();
        let id = client
            .flag_tracker()
            .add_listener(move |_| drop(owned.clone()));
        drop(source);
        client.flag_tracker().remove_listener(id);
    });
}

/// Runs once, during the next read by the thread that set it. A client also reads its store in a
/// task of its own, for its metrics.
type OnRead = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Reacting(MemoryStore, Mutex<Option<(ThreadId, OnRead)>>);

impl Reacting {
    fn on_read(&self, run: impl FnOnce() + Send + 'static) {
        *self.1.lock().unwrap() = Some((thread::current().id(), Box::new(run)));
    }
}

impl fmt::Debug for Reacting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reacting")
    }
}

#[async_trait]
impl DataStore for Reacting {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        let this = thread::current().id();
        let run = self
            .1
            .lock()
            .unwrap()
            .take_if(|(thread, _)| *thread == this);
        // Take the snapshot first, so that it holds the data from before the action.
        self.0.read(reader);
        if let Some((_, run)) = run {
            run();
        }
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

    async fn close(&self) {}
}

#[test]
fn no_change_is_missed_while_a_store_waits_for_listeners_during_the_first_read() {
    ends(|| {
        let store = Arc::new(Reacting::default());
        let (client, source) =
            controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
        source.init(&json!({"flags": {"flag": serving(1, "a")}}));
        let (notifies, notified) = channel();
        client
            .flag_tracker()
            .add_listener(move |change| notifies.send(change.key.clone()).unwrap());
        store.on_read(move || {
            for version in 2..=3 {
                source.flag("flag", &serving(version, "b"));
                notified.recv_timeout(SOON).unwrap();
            }
        });
        let (changes, changed) = channel();
        let notified = move |change: &vexil::client::FlagValueChange| {
            changes
                .send((change.old_value.clone(), change.new_value.clone()))
                .unwrap();
        };
        client
            .flag_tracker()
            .add_flag_value_change_listener("flag", &ada(), notified);
        assert_eq!(
            changed.recv_timeout(SOON).unwrap(),
            ("a".into(), "b".into())
        );
        assert!(client.blocking_close(SOON));
        changed.try_recv().unwrap_err();
    });
}

/// Exposes what a data source may know about the client.
#[derive(Debug)]
struct Context(std::sync::mpsc::Sender<ClientContext>);

impl Configure<dyn DataStore> for Context {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataStore>, ConfigError> {
        self.0.send(context.clone()).unwrap();
        Ok(Arc::new(MemoryStore::new()))
    }
}

#[test]
fn a_store_can_use_the_client_during_a_status_change_without_losing_a_change() {
    ends(|| {
        let (contexts, context) = channel();
        let (client, _source) =
            controlled_with(Client::builder("sdk-key").data_store(Context(contexts)));
        let reporter = context.recv().unwrap().data_store_status().clone();
        reporter.update(|status| {
            assert!(client.data_store_status().status().available);
            reporter.update(|status| status.items = 7);
            status.available = false;
        });
        let status = client.data_store_status().status();
        assert_eq!((status.available, status.items), (false, 7));
    });
}
