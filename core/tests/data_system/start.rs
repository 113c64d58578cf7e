//! Readiness, availability, and the order of a commit: FDV2-5.2 and FDV2-5.5.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use vexil::async_trait;
use vexil::client::{DataAvailability, NotReadyError};
use vexil::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use vexil::model::DataSet;
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};

use super::*;
use crate::events::{commit, full, intent, put, serving};

/// Delivers a flag without a state, at once.
#[derive(Clone, Debug)]
struct File;

#[async_trait]
impl DataSource for File {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let json = serde_json::json!({"flags": {"file": serving(1)}}).to_string();
        let data = DataSet::from_json(json.as_bytes()).map_err(DataSourceError::invalid_data)?;
        sink.init(data).await.map_err(DataSourceError::store)
    }

    fn is_persistent(&self) -> bool {
        false
    }
}

/// Whether a client is ready, its state, and its availability.
async fn condition(setup: &Setup) -> (bool, DataSourceState, DataAvailability) {
    let is_ready = setup.client.wait_until_ready(Duration::ZERO).await.is_ok();
    assert_eq!(setup.client.is_initialized(), is_ready);
    let state = setup.client.data_source_status().status().state;
    (is_ready, state, setup.client.data_availability())
}

use DataAvailability::{Cached, Defaults, Refreshed};
use DataSourceState::{Initializing, Off, Valid};

// FDV2-5.5, FDV2-V46
#[tokio::test(start_paused = true)]
async fn a_client_is_ready_with_the_first_data_that_has_a_state() {
    let setup = Setup::new(streaming(), [silent()]);
    assert_eq!(condition(&setup).await, (false, Initializing, Defaults));

    let setup = Setup::new(initializing(), [polled(&full(1))]);
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));

    let setup = Setup::new(streaming(), [stays(&full(1))]);
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));

    let only = DataSystem::custom().initializer(poll());
    let setup = Setup::run(only.clone(), [polled(&full(1))], seconds(500)).await;
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));
    assert_eq!(setup.asked(), ["poll"]);

    let order = stays(&[intent("none")]).with("x-ld-fd-fallback", "true");
    let answers = [order, Answer::poll([crate::events::classic(7)])];
    let setup = Setup::run(with_fallback(streaming()), answers, seconds(1)).await;
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));
}

// FDV2-V47, FDV2-5.2
#[tokio::test(start_paused = true)]
async fn without_data_and_synchronizers_readiness_is_a_failure() {
    let only = DataSystem::custom().initializer(poll());
    let setup = Setup::run(only, [Answer::status(500)], seconds(500)).await;
    let ready = setup.client.wait_until_ready(seconds(60)).await;
    assert!(
        matches!(ready, Err(NotReadyError::GivenUp { .. })),
        "{ready:?}"
    );
    assert_eq!(condition(&setup).await, (false, Off, Defaults));
    assert_eq!(setup.asked(), ["poll"]);
}

// FDV2-5.5: waiting continues while a source remains
#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_end_the_wait_while_a_source_remains() {
    let late = || Answer::poll([Piece::Wait(seconds(5)), body(&full(1)).into()]);
    for system in [initializing(), streaming().synchronizer(poll())] {
        let setup = Setup::new(system, [Answer::status(401), late()]);
        let begun = Instant::now();
        setup.client.wait_until_ready(seconds(60)).await.unwrap();
        assert_eq!(begun.elapsed(), seconds(5));
    }
    // All are refused.
    let refused = [
        Answer::status(401),
        Answer::status(403),
        Answer::status(401),
    ];
    let setup = Setup::new(initializing(), refused);
    let begun = Instant::now();
    let ready = setup.client.wait_until_ready(seconds(60)).await;
    assert!(
        matches!(ready, Err(NotReadyError::GivenUp { .. })),
        "{ready:?}"
    );
    assert!(begun.elapsed() < seconds(1));
}

// FDV2-5.2, FDV2-5.5, FDV2-9.1
#[tokio::test(start_paused = true)]
async fn data_without_a_state_is_provisional() {
    let late = Answer::poll([Piece::Wait(seconds(5)), body(&full(1)).into()]);
    let system = || DataSystem::custom().initializer(File).initializer(poll());
    let setup = Setup::run(system().synchronizer(stream()), [late], seconds(4)).await;
    assert_eq!(condition(&setup).await, (false, Initializing, Cached));
    assert_eq!(setup.flags(), "file1");
    sleep(seconds(2)).await;
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));
    assert_eq!(setup.flags(), "a1");

    // The list ends with such data.
    let answers = [Answer::status(500), silent()];
    let setup = Setup::run(system().synchronizer(stream()), answers, seconds(1)).await;
    assert_eq!(condition(&setup).await, (true, Valid, Cached));
    let setup = Setup::run(system(), [Answer::status(500)], seconds(1)).await;
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));
    assert_eq!(setup.flags(), "file1");

    // Data with an empty state.
    let empty = polled(&[intent("xfer-full"), put("b", 2), commit("")]);
    let answers = [empty, silent()];
    let setup = Setup::run(streaming().initializer(poll()), answers, seconds(1)).await;
    assert_eq!(condition(&setup).await, (true, Valid, Cached));
    assert_eq!(
        (setup.flags().as_str(), setup.asked()[1].as_str()),
        ("b2", "stream")
    );
}

// FDV2-5.1
#[tokio::test(start_paused = true)]
async fn without_sources_a_client_is_initialized_and_nothing_runs() {
    let setup = Setup::run(DataSystem::custom(), [], seconds(500)).await;
    let (is_ready, state, _) = condition(&setup).await;
    assert_eq!((is_ready, state), (true, Valid));
    assert!(setup.asked().is_empty());
}

// FDV2-10, FDV2-7.4
#[tokio::test(start_paused = true)]
async fn offline_nothing_runs() {
    let builder = builder().offline(true);
    let setup = Setup::with(builder, DataSystem::new(), []);
    assert_eq!(setup.client.data_source_status().status().state, Valid);
    sleep(seconds(500)).await;
    assert!(setup.asked().is_empty());
}

// FDV2-5.5: a task that is woken by readiness sees the status and the data
#[tokio::test(start_paused = true)]
async fn readiness_comes_after_the_status_and_the_data() {
    let late = Answer::stream([
        Piece::Wait(seconds(1)),
        sse(&full(1)).into(),
        Piece::Silence,
    ]);
    let setup = Setup::new(streaming(), [late]);
    setup.client.wait_until_ready(seconds(60)).await.unwrap();
    assert_eq!(condition(&setup).await, (true, Valid, Refreshed));
    assert_eq!(setup.flags(), "a1");
    // A change event comes last.
    assert_eq!(setup.changed().await, ["a"]);
}

/// Fails the next updates, and counts them.
#[derive(Clone, Debug)]
struct Failing {
    inner: MemoryStore,
    failures: Arc<AtomicU32>,
}

#[async_trait]
impl DataStore for Failing {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.inner.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        let fewer = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Relaxed, Relaxed, fewer).is_ok() {
            return Err(StoreError::unavailable("the disk is full"));
        }
        self.inner.init(data).await
    }

    async fn upsert(&self, item: vexil::model::Item) -> Result<Upserted, StoreError> {
        self.inner.upsert(item).await
    }

    async fn close(&self) {}
}

fn failing(failures: u32) -> (Arc<AtomicU32>, ClientBuilder) {
    let failures = Arc::new(AtomicU32::new(failures));
    let store = Failing {
        inner: MemoryStore::new(),
        failures: Arc::clone(&failures),
    };
    (failures, builder().data_store(store))
}

// FDV2-5.2, FDV2-6.2: data that cannot be stored is an error like any other
#[tokio::test(start_paused = true)]
async fn data_that_cannot_be_stored_is_an_error_of_the_source() {
    // The next initializer follows at once.
    let answers = [polled(&full(1)), polled(&full(2))];
    let setup = Setup::with(failing(1).1, initializing(), answers);
    sleep(seconds(1)).await;
    timeline_is(&setup, &[(0, "poll"), (0, "poll"), (0, "stream?basis=s2")]);
    assert_eq!(setup.statuses().await, ["Initializing StoreError", "Valid"]);
    assert_eq!(setup.flags(), "a2");

    // A synchronizer connects again, without a state that was not stored.
    let setup = Setup::with(
        failing(1).1,
        streaming(),
        [stays(&full(1)), stays(&full(2))],
    );
    sleep(seconds(2)).await;
    assert_eq!(setup.asked(), ["stream", "stream"]);
    assert_eq!((setup.flags().as_str(), setup.script.open()), ("a2", 1));

    // An order is followed although its data cannot be stored.
    let order = stays(&full(1)).with("x-ld-fd-fallback", "true");
    let answers = [order, Answer::poll([crate::events::classic(7)])];
    let setup = Setup::with(failing(1).1, with_fallback(streaming()), answers);
    sleep(seconds(1)).await;
    assert_eq!(setup.asked(), ["stream", "latest-all"]);
    assert_eq!(setup.flags(), "a7");
}

// FDV2-5.4
#[tokio::test(start_paused = true)]
async fn a_source_whose_data_cannot_be_stored_is_left_like_an_interrupted_one() {
    let system = || streaming().synchronizer(poll());
    let first_poll = |setup: &Setup| {
        let timeline = setup.timeline();
        let poll = timeline.iter().find(|(_, asked)| asked.starts_with("poll"));
        poll.unwrap_or_else(|| panic!("{timeline:?}")).0
    };
    let setup = Setup::with(failing(1000).1, system(), vec![stays(&full(1)); 99]);
    sleep(seconds(65)).await;
    // An intent was read.
    assert_eq!(first_poll(&setup), 60);

    let breaks = Answer::stream([
        sse(&full(1)).into(),
        Piece::Wait(seconds(5)),
        sse(&full(2)).into(),
    ]);
    let answers = std::iter::once(breaks).chain(vec![stays(&full(2)); 99]);
    let (failures, builder) = failing(0);
    let setup = Setup::with(builder, system(), answers);
    failures.store(1000, Relaxed);
    sleep(seconds(70)).await;
    assert_eq!(first_poll(&setup), 65);
    assert_eq!(setup.flags(), "a1");
}
