//! Every callback may start other clients, and use, close and drop its own.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vexil::client::{EnvironmentMetadata, FlagsStateOptions, Plugin, PluginError, PluginMetadata};
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::events::{Event, EventProcessor};
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, async_trait};

use crate::support::{Fixed, SOON, ada, controlled_source, serving};

/// The callbacks of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    PluginHooks,
    PluginRegister,
    SourceRun,
    SourceDrop,
    StoreInit,
    StoreRead,
    StoreUpsert,
    StoreClose,
    HookEvaluation,
    HookTrack,
    EventRecord,
    EventFlush,
    EventClose,
    Listener,
    ValueListener,
    ListenerDrop,
}

const PLACES: [Place; 16] = [
    Place::PluginHooks,
    Place::PluginRegister,
    Place::SourceRun,
    Place::SourceDrop,
    Place::StoreInit,
    Place::StoreRead,
    Place::StoreUpsert,
    Place::StoreClose,
    Place::HookEvaluation,
    Place::HookTrack,
    Place::EventRecord,
    Place::EventFlush,
    Place::EventClose,
    Place::Listener,
    Place::ValueListener,
    Place::ListenerDrop,
];

/// What a callback does.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Starts, uses and drops another client.
    Start,
    Use,
    Close,
    CloseTwice,
    /// Drops the client, which may be the last clone.
    Drop,
    Panic,
}

const ACTS: [Act; 6] = [
    Act::Start,
    Act::Use,
    Act::Close,
    Act::CloseTwice,
    Act::Drop,
    Act::Panic,
];

/// All components of a client, one callback of which acts once.
struct Acting {
    place: Place,
    act: Act,
    /// Whether the callback was called.
    was_reached: AtomicBool,
    /// Receives a message when the callback has acted.
    reached: Mutex<Receiver<()>>,
    reaches: Sender<()>,
    /// The client, from its registration until an act or the test takes it.
    client: Mutex<Option<Client>>,
    memory: MemoryStore,
    /// How often the store was closed.
    closes: AtomicUsize,
    closed: Sender<()>,
}

impl fmt::Debug for Acting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acting")
    }
}

/// Sends a message when it is dropped.
struct OnEnd(Sender<()>);

impl Drop for OnEnd {
    fn drop(&mut self) {
        // Received once; the test may wait for it twice.
        self.0.send(()).ok();
        self.0.send(()).ok();
    }
}

impl Acting {
    /// Waits until the callback has acted.
    #[track_caller]
    fn is_reached(&self) {
        let reached = self.reached.lock().unwrap().recv_timeout(SOON);
        reached.expect("the callback is called");
    }

    fn client(&self) -> Option<Client> {
        self.client.lock().unwrap().clone()
    }

    fn at(&self, place: Place) {
        if place != self.place || self.was_reached.swap(true, Ordering::SeqCst) {
            return;
        }
        let _reached = OnEnd(self.reaches.clone());
        match self.act {
            Act::Start => {
                let other = Client::builder("other").data_source(Fixed::new(&data(1)));
                assert!(other.start().unwrap().bool_variation("flag", &ada(), false));
            }
            Act::Use => {
                if let Some(client) = self.client() {
                    let _ = client.bool_variation("flag", &ada(), false);
                    let _ = client.all_flags_state(&ada(), FlagsStateOptions::default());
                    client.track("event", &ada());
                    client.flush();
                    let id = client.flag_tracker().add_listener(|_| {});
                    client.flag_tracker().remove_listener(id);
                }
            }
            Act::Close | Act::CloseTwice => {
                if let Some(client) = self.client() {
                    // The callback may run on the thread that closes clients, which it blocks.
                    const SHORT: Duration = Duration::from_millis(1);
                    client.blocking_close(SHORT);
                    if matches!(self.act, Act::CloseTwice) {
                        client.blocking_close(SHORT);
                    }
                }
            }
            Act::Drop => {
                let client = self.client.lock().unwrap().take();
                drop(client);
            }
            Act::Panic => panic!("on purpose"),
        }
    }
}

fn data(version: u64) -> serde_json::Value {
    json!({"flags": {"flag": serving(version, true)}})
}

impl Plugin for Acting {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("acting")
    }

    fn hooks(&self, _: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
        self.at(Place::PluginHooks);
        Ok(Vec::new())
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        *self.client.lock().unwrap() = Some(client.clone());
        self.at(Place::PluginRegister);
        Ok(())
    }
}

impl Hook for Acting {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("acting")
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        self.at(Place::HookEvaluation);
        Ok(data)
    }

    fn after_track(&self, _: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        self.at(Place::HookTrack);
        Ok(())
    }
}

#[async_trait]
impl DataStore for Acting {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.at(Place::StoreRead);
        self.memory.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.memory.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.at(Place::StoreInit);
        self.memory.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.at(Place::StoreUpsert);
        self.memory.upsert(item).await
    }

    async fn close(&self) {
        self.closes.fetch_add(1, Ordering::SeqCst);
        // The test may have failed already.
        self.closed.send(()).ok();
        self.at(Place::StoreClose);
    }
}

#[async_trait]
impl EventProcessor for Acting {
    fn record(&self, _: &Event<'_>) {
        self.at(Place::EventRecord);
    }

    fn flush(&self) {
        self.at(Place::EventFlush);
    }

    async fn flush_and_wait(&self) {}

    async fn close(&self) {
        self.at(Place::EventClose);
    }
}

/// Acts in a destructor.
struct OnDrop(Arc<Acting>, Place);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.at(self.1);
    }
}

/// A source whose sink the test uses.
#[derive(Clone, Debug)]
struct Source<S>(Arc<Acting>, S);

#[async_trait]
impl<S: DataSource> DataSource for Source<S> {
    fn reports_events(&self) -> bool {
        true
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let _on_drop = OnDrop(Arc::clone(&self.0), Place::SourceDrop);
        self.0.at(Place::SourceRun);
        self.1.run(sink).await
    }
}

/// Calls every callback of a client, as long as it is not dropped. Between the calls only `acting` owns
/// the client, so a callback can drop it.
fn live(acting: &Arc<Acting>) {
    let (source, controls) = controlled_source();
    let builder = Client::builder("sdk-key")
        .data_source(Source(Arc::clone(acting), source))
        .data_store(Arc::clone(acting))
        .events(Arc::clone(acting))
        .hook(Arc::clone(acting))
        .plugin(Arc::clone(acting));
    drop(builder.start().unwrap());
    let call = |act: &dyn Fn(&Client)| {
        if let Some(client) = acting.client() {
            act(&client);
        }
    };
    call(&|client| listen(acting, client));
    if !matches!((acting.place, acting.act), (Place::SourceRun, Act::Panic)) {
        let controls = controls();
        // Not stored if the store panics.
        let _ = controls.try_init(&data(1));
        call(&|client| {
            let _ = client.bool_variation("flag", &ada(), false);
            client.track("event", &ada());
        });
        let item = serving(2, "another").to_string();
        let item = Item::from_json(DataKind::Flag, "flag", item.as_bytes()).unwrap();
        let _ = controls.upsert(item);
        if matches!(acting.place, Place::Listener | Place::ValueListener) {
            acting.is_reached();
        }
    }
    call(&Client::flush);
    call(&|client| {
        // Fails if a component panics when it is closed.
        let _ = client.blocking_close(SOON);
    });
    let client = acting.client.lock().unwrap().take();
    if let Some(client) = client {
        let _ = client.bool_variation("flag", &ada(), false);
    }
}

fn listen(acting: &Arc<Acting>, client: &Client) {
    let (changes, values) = (Arc::clone(acting), Arc::clone(acting));
    let listener = OnDrop(Arc::clone(acting), Place::ListenerDrop);
    client.flag_tracker().add_listener(move |_| {
        let _ = &listener;
        changes.at(Place::Listener);
    });
    let listener = move |_: &_| values.at(Place::ValueListener);
    client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), listener);
}

/// Runs a client in which this callback acts.
fn acts(place: Place, act: Act) {
    let ((closes, closed), (reaches, reached)) = (channel(), channel());
    let acting = Arc::new(Acting {
        place,
        act,
        was_reached: AtomicBool::new(false),
        reached: Mutex::new(reached),
        reaches,
        client: Mutex::default(),
        memory: MemoryStore::new(),
        closes: AtomicUsize::new(0),
        closed: closes,
    });
    live(&acting);
    acting.is_reached();
    closed.recv_timeout(SOON).expect("the client is closed");
    let (freed, start) = (Arc::downgrade(&acting), Instant::now());
    drop(acting);
    while freed.strong_count() > 0 {
        assert!(start.elapsed() < SOON, "the client is still in memory");
        thread::yield_now();
    }
    closed.try_recv().expect_err("the store is closed once");
}

#[test]
fn every_callback_may_start_use_close_and_drop_clients_and_panic() {
    for place in PLACES {
        for act in ACTS {
            let (ends, ended) = channel();
            let running = thread::spawn(move || {
                acts(place, act);
                ends.send(())
            });
            let is_over = ended.recv_timeout(SOON * 2);
            assert!(
                is_over.is_ok() || running.is_finished(),
                "{act:?} in {place:?} hangs"
            );
            let result = running.join();
            assert!(result.is_ok(), "{act:?} in {place:?}: {result:?}");
        }
    }
}
