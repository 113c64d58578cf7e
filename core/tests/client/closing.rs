//! Closing runs to its end even if its caller gives up, and nothing that owns the client survives
//! it.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context as Cx, Waker};
use std::thread;
use std::time::Duration;

use pollster::block_on;
use serde_json::json;
use tokio::sync::Semaphore;
use vexil::big_segments::BigSegmentStore;
use vexil::client::{EnvironmentMetadata, FlagsStateOptions, Plugin, PluginError, PluginMetadata};
use vexil::config::{BigSegmentsConfig, EventsConfig, ServiceEndpoints};
use vexil::data_source::DataSourceState;
use vexil::eval::Membership;
use vexil::events::{Event, EventProcessor};
use vexil::hooks::{Hook, HookMetadata};
use vexil::model::{DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};
use vexil::{Client, ClientBuilder, async_trait};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

use crate::interest::always_interested;
use crate::log::Log;
use crate::support::{
    Fixed, Panicking, PanicsIn, SOON, ada, controlled_with, current_thread, serving,
};

/// Too short for anything that has to wait.
const SHORT: Duration = Duration::from_millis(1);

/// Upper limit for operations that must end earlier by themselves.
const LONG: Duration = Duration::from_secs(600);

/// A component whose `close` starts, waits for the test and ends.
#[derive(Debug)]
struct Slow {
    memory: MemoryStore,
    starts: AtomicUsize,
    started: Sender<()>,
    go_on: Semaphore,
    ended: Sender<()>,
    /// Reports when the component is dropped.
    _dropped: Sender<()>,
}

/// The test's view of the component.
struct Seen {
    started: Receiver<()>,
    ended: Receiver<()>,
    dropped: Receiver<()>,
}

fn slow() -> (Arc<Slow>, Seen) {
    let ((starts, started), (ends, ended), (drops, dropped)) = (channel(), channel(), channel());
    let (memory, go_on) = (MemoryStore::new(), Semaphore::new(0));
    let slow = Slow {
        memory,
        starts: AtomicUsize::new(0),
        started: starts,
        go_on,
        ended: ends,
        _dropped: drops,
    };
    (
        Arc::new(slow),
        Seen {
            started,
            ended,
            dropped,
        },
    )
}

/// A component that closes at once.
fn fast() -> (Arc<Slow>, Seen) {
    let (store, seen) = slow();
    store.go_on.add_permits(1);
    (store, seen)
}

impl Slow {
    async fn wait(&self) {
        self.starts.fetch_add(1, Ordering::SeqCst);
        self.started.send(()).ok();
        self.go_on.acquire().await.unwrap().forget();
        self.ended.send(()).ok();
    }
}

impl Seen {
    #[track_caller]
    fn is_freed(&self) {
        let end = self.dropped.recv_timeout(SOON);
        assert_eq!(
            end,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected),
            "the client is still in memory"
        );
    }
}

#[async_trait]
impl DataStore for Slow {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
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

    async fn close(&self) {
        self.wait().await;
    }
}

#[async_trait]
impl EventProcessor for Slow {
    fn record(&self, _: &Event<'_>) {}
    fn flush(&self) {}
    async fn flush_and_wait(&self) {}

    async fn close(&self) {
        self.wait().await;
    }
}

#[async_trait]
impl BigSegmentStore for Slow {
    async fn membership(&self, _: &str) -> Result<Option<Membership>, StoreError> {
        Ok(None)
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        Ok(Some(0))
    }

    async fn close(&self) {
        self.wait().await;
    }
}

fn data() -> serde_json::Value {
    json!({"flags": {"flag": serving(1, true)}})
}

fn builder() -> ClientBuilder {
    Client::builder("sdk-key").data_source(Fixed::new(&data()))
}

#[test]
fn closing_continues_after_its_timeout_and_a_second_close_waits_for_its_end() {
    let (store, seen) = slow();
    let client = builder().data_store(Arc::clone(&store)).start().unwrap();
    assert!(!block_on(client.close(SHORT)));
    seen.started.recv_timeout(SOON).unwrap();
    assert!(!client.blocking_close(SHORT), "the client is still closing");
    thread::scope(|scope| {
        let (first, second) = (
            scope.spawn(|| block_on(client.close(LONG))),
            scope.spawn(|| client.blocking_close(LONG)),
        );
        store.go_on.add_permits(1);
        assert!(first.join().unwrap() && second.join().unwrap());
    });
    seen.ended.try_recv().unwrap();
    assert!(client.blocking_close(SHORT));
    assert_eq!(store.starts.load(Ordering::SeqCst), 1);
}

#[test]
fn closing_continues_when_its_future_is_dropped() {
    let (store, seen) = slow();
    let client = builder().data_store(Arc::clone(&store)).start().unwrap();
    {
        let mut closing = std::pin::pin!(client.close(LONG));
        assert!(
            closing
                .as_mut()
                .poll(&mut Cx::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    seen.started.recv_timeout(SOON).unwrap();
    store.go_on.add_permits(1);
    seen.ended.recv_timeout(SOON).unwrap();
    assert!(client.blocking_close(SOON));
}

#[test]
fn closing_continues_when_the_client_is_dropped() {
    let (store, seen) = slow();
    let client = builder().data_store(Arc::clone(&store)).start().unwrap();
    assert!(!client.blocking_close(SHORT));
    drop(client);
    store.go_on.add_permits(1);
    seen.ended.recv_timeout(SOON).unwrap();
    drop(store);
    seen.is_freed();
}

#[test]
fn events_store_and_big_segments_are_closed_concurrently() {
    let ((events, events_seen), (store, store_seen), (members, members_seen)) =
        (slow(), slow(), slow());
    let big_segments = BigSegmentsConfig::new(Arc::clone(&members));
    let builder = builder()
        .events(Arc::clone(&events))
        .data_store(Arc::clone(&store))
        .big_segments(big_segments);
    let client = builder.start().unwrap();
    assert!(!client.blocking_close(SHORT));
    for seen in [&events_seen, &store_seen, &members_seen] {
        seen.started.recv_timeout(SOON).unwrap();
    }
    // The last event comes first.
    for (component, seen) in [
        (&members, &members_seen),
        (&store, &store_seen),
        (&events, &events_seen),
    ] {
        component.go_on.add_permits(1);
        seen.ended.recv_timeout(SOON).unwrap();
    }
    assert!(client.blocking_close(SOON));
}

#[test]
fn a_close_reports_that_a_component_panicked_and_closes_the_others() {
    let (events, seen) = fast();
    let store = Arc::new(Panicking(PanicsIn::Close, MemoryStore::new()));
    let client = builder().events(events).data_store(store).start().unwrap();
    assert!(!client.blocking_close(SOON));
    seen.ended.recv_timeout(SOON).unwrap();
}

#[test]
fn a_client_can_be_closed_inside_a_single_threaded_runtime_that_the_call_blocks() {
    let client = builder().start().unwrap();
    assert!(current_thread().block_on(async { client.blocking_close(SOON) }));
}

#[test]
fn a_client_whose_runtime_has_ended_closes_in_time_and_reports_it() {
    always_interested();
    let log = Log::default();
    let (store, seen) = fast();
    tracing::subscriber::with_default(log.subscriber(), || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = builder()
            .runtime(runtime.handle().clone())
            .data_store(Arc::clone(&store))
            .start()
            .unwrap();
        drop(runtime);
        assert!(!block_on(client.close(LONG)) && !client.blocking_close(LONG));
    });
    seen.ended.recv_timeout(SOON).unwrap();
    assert_eq!(
        log.lines()
            .iter()
            .filter(|line| line.contains("runtime had ended"))
            .count(),
        1,
        "{:?}",
        log.lines()
    );
}

#[test]
fn a_close_interrupted_by_the_end_of_the_runtime_closes_nothing_twice() {
    let (store, seen) = slow();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = builder()
        .runtime(runtime.handle().clone())
        .data_store(Arc::clone(&store))
        .start()
        .unwrap();
    assert!(!client.blocking_close(SHORT));
    seen.started.recv_timeout(SOON).unwrap();
    drop(runtime);
    assert!(!block_on(client.close(LONG)));
    assert_eq!(store.starts.load(Ordering::SeqCst), 1);
}

#[test]
fn the_calls_of_a_client_whose_runtime_is_not_driven_end_in_time() {
    let runtime = current_thread();
    let client = builder().runtime(runtime.handle().clone()).start().unwrap();
    assert!(!block_on(client.close(SHORT)) && !client.blocking_close(SHORT));
    assert!(!block_on(
        client
            .data_source_status()
            .wait_for(DataSourceState::Valid, SHORT)
    ));
}

/// A client of the service that delivers events only on a flush or when it is closed.
fn reporting(service: &FakeService) -> Client {
    let events = EventsConfig::new()
        .flush_interval(Duration::from_secs(3600))
        .diagnostic_opt_out(true);
    let builder = Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .events(events);
    let client = builder.start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    client
}

fn service() -> FakeService {
    let service = FakeService::start().unwrap();
    service.set("flag", true);
    service
}

#[test]
fn a_guard_closes_the_client_and_delivers_its_events() {
    let service = service();
    {
        let client = reporting(&service);
        let _closed_at_the_end = client.close_on_drop(SOON);
        let _ = client.bool_variation("flag", &ada(), false);
    }
    assert_eq!(
        service.summary_counts().total(),
        1,
        "the events are delivered when the guard is dropped"
    );
}

#[test]
fn a_guard_closes_the_client_when_its_owner_panics() {
    let service = service();
    let panic = thread::scope(|scope| {
        let owner = scope.spawn(|| {
            let client = reporting(&service);
            let _closed_at_the_end = client.close_on_drop(SOON);
            let _ = client.bool_variation("flag", &ada(), false);
            panic!("on purpose");
        });
        owner.join()
    });
    panic.unwrap_err();
    assert_eq!(service.summary_counts().total(), 1);
}

/// The log lines about events that may be lost.
fn logged(act: impl FnOnce()) -> Vec<String> {
    always_interested();
    let log = Log::default();
    tracing::subscriber::with_default(log.subscriber(), act);
    log.lines()
        .into_iter()
        .filter(|line| line.contains("undelivered"))
        .collect()
}

#[test]
fn dropping_the_last_client_logs_how_many_events_are_not_delivered_yet() {
    let service = service();
    let client = reporting(&service);
    let lines = logged(|| {
        for _ in 0..2 {
            let _ = client.bool_variation("flag", &ada(), false);
        }
        drop(client.clone());
        drop(client);
    });
    // The two evaluations, and the index event of the new context.
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains("undelivered=3"),
        "{lines:?}"
    );
    service
        .until("the events", || service.summary_counts().total() == 2)
        .wait()
        .unwrap();
}

#[test]
fn events_in_flight_when_the_last_client_is_dropped_count_as_undelivered() {
    let service = service();
    service.answer(Endpoint::Events, Answer::nothing());
    let client = reporting(&service);
    let _ = client.bool_variation("flag", &ada(), false);
    client.flush();
    service.next_request(Endpoint::Events).wait().unwrap();
    let lines = logged(|| drop(client));
    assert!(
        lines.len() == 1 && lines[0].contains("undelivered=2"),
        "{lines:?}"
    );
}

#[test]
fn dropping_a_client_without_undelivered_events_logs_nothing() {
    let service = service();
    let (unused, flushed, closed) = (
        reporting(&service),
        reporting(&service),
        reporting(&service),
    );
    for client in [&flushed, &closed] {
        let _ = client.bool_variation("flag", &ada(), false);
    }
    assert!(flushed.blocking_flush(SOON) && closed.blocking_close(SOON));
    assert_eq!(logged(|| drop((unused, flushed, closed))), [""; 0]);
}

#[test]
fn a_failed_close_logs_how_many_events_are_not_delivered_yet() {
    let service = service();
    service.answer(Endpoint::Events, Answer::nothing());
    let client = reporting(&service);
    let _ = client.bool_variation("flag", &ada(), false);
    let lines = logged(|| assert!(!client.blocking_close(SHORT)));
    assert!(
        lines.len() == 1 && lines[0].contains("undelivered=2"),
        "{lines:?}"
    );
}

/// Owns a client, like application code that reacts to flags.
#[derive(Debug, Default)]
struct Owner(Mutex<Option<Client>>);

impl Owner {
    fn new(client: &Client) -> Self {
        Self(Mutex::new(Some(client.clone())))
    }

    fn use_it(&self) {
        if let Some(client) = &*self.0.lock().unwrap() {
            let _ = client.all_flags_state(&ada(), FlagsStateOptions::default());
        }
    }
}

impl Hook for Owner {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("owner")
    }
}

impl Plugin for Owner {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("owner")
    }

    fn hooks(&self, _: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
        Ok(vec![Arc::new(Self::default())])
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        let (listener, value_listener, hook) =
            (Self::new(client), Self::new(client), Self::new(client));
        client
            .flag_tracker()
            .add_listener(move |_| listener.use_it());
        client
            .flag_tracker()
            .add_flag_value_change_listener("flag", &ada(), move |_| value_listener.use_it());
        client.add_hook(hook);
        *self.0.lock().unwrap() = Some(client.clone());
        Ok(())
    }
}

/// Whether a closed client is freed once its only owner is the object that `own` passed it to.
#[track_caller]
fn is_freed_after_close(
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    own: impl FnOnce(&Client),
) {
    let (store, seen) = fast();
    let (client, source) = controlled_with(configure(
        Client::builder("sdk-key").data_store(Arc::clone(&store)),
    ));
    drop(store);
    own(&client);
    source.init(&data());
    assert!(client.bool_variation("flag", &ada(), false));
    assert!(client.blocking_close(SOON));
    assert!(
        client.bool_variation("flag", &ada(), false),
        "the last data is kept"
    );
    drop((client, source));
    seen.is_freed();
}

#[test]
fn listeners_that_own_a_closed_client_do_not_keep_it_in_memory() {
    is_freed_after_close(
        |builder| builder,
        |client| {
            let (changed, value_changed) = (Owner::new(client), Owner::new(client));
            client
                .flag_tracker()
                .add_listener(move |_| changed.use_it());
            let listener = move |_: &_| value_changed.use_it();
            client
                .flag_tracker()
                .add_flag_value_change_listener("flag", &ada(), listener);
        },
    );
}

#[test]
fn hooks_that_own_a_closed_client_do_not_keep_it_in_memory() {
    is_freed_after_close(
        |builder| builder,
        |client| client.add_hook(Owner::new(client)),
    );
}

#[test]
fn plugins_that_own_a_closed_client_do_not_keep_it_in_memory() {
    is_freed_after_close(|builder| builder.plugin(Owner::default()), |_| {});
}

/// Panics when it is dropped.
#[derive(Debug)]
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn a_listener_that_panics_on_drop_does_not_prevent_a_close() {
    let (store, seen) = fast();
    let client = builder().data_store(store).start().unwrap();
    let bad = PanicsInDrop;
    client.flag_tracker().add_listener(move |_| {
        let _ = &bad;
    });
    client.add_hook(Panics);
    assert!(client.blocking_close(SOON));
    seen.ended.try_recv().unwrap();
    assert!(client.bool_variation("flag", &ada(), false));
}

#[test]
fn listeners_and_hooks_added_to_a_closed_client_are_dropped_at_once() {
    let (store, seen) = fast();
    let client = builder().data_store(Arc::clone(&store)).start().unwrap();
    drop(store);
    assert!(client.blocking_close(SOON));
    let owner = Owner::new(&client);
    client.flag_tracker().add_listener(move |_| owner.use_it());
    client.add_hook(Owner::new(&client));
    client.add_hook(Panics);
    assert!(client.bool_variation("flag", &ada(), false));
    drop(client);
    seen.is_freed();
}

/// Must not be called.
#[derive(Debug)]
struct Panics;

impl Hook for Panics {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("panics")
    }

    fn before_evaluation(
        &self,
        _: &vexil::hooks::EvaluationSeriesContext<'_>,
        _: vexil::hooks::SeriesData,
    ) -> Result<vexil::hooks::SeriesData, vexil::hooks::HookError> {
        panic!("a hook of a closed client was called");
    }
}

/// Never ends by itself; its channel is dropped with it.
#[derive(Debug)]
struct Holding(Sender<()>);

#[async_trait]
impl vexil::data_source::DataSource for Holding {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(
        &self,
        sink: Arc<dyn vexil::data_source::DataSink>,
    ) -> Result<(), vexil::data_source::DataSourceError> {
        let _held = (sink, self.0.clone());
        pending().await
    }
}

#[test]
fn the_data_source_of_a_closed_client_is_dropped_while_the_client_is_kept() {
    let (drops, dropped) = channel();
    let client = Client::builder("sdk-key")
        .data_source(Arc::new(Holding(drops)))
        .start()
        .unwrap();
    assert!(client.blocking_close(SOON));
    assert_eq!(
        dropped.recv_timeout(SOON),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}
