//! Stores that need a complete data set: FDV2-8.2.

use std::sync::Arc;

use tokio::sync::Notify;
use vexil::async_trait;
use vexil::model::{DataSet, Item};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError, Upserted};

use super::*;
use crate::events::{commit, full, intent, put};

/// A store that requests a complete data set when the test says so.
#[derive(Debug)]
struct Requesting {
    inner: MemoryStore,
    request: Arc<Notify>,
}

#[async_trait]
impl DataStore for Requesting {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.inner.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.inner.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.inner.upsert(item).await
    }

    async fn refresh_requested(&self) {
        self.request.notified().await;
    }

    async fn close(&self) {}
}

/// A client whose store requests a complete data set after ten seconds.
async fn requesting(system: DataSystem, answers: impl IntoIterator<Item = Answer>) -> Setup {
    let request = Arc::new(Notify::new());
    let store = Requesting {
        inner: MemoryStore::new(),
        request: Arc::clone(&request),
    };
    let setup = Setup::with(builder().data_store(store), system, answers);
    sleep(seconds(10)).await;
    request.notify_one();
    sleep(seconds(5)).await;
    setup
}

// FDV2-2.1: without a state, the service sends everything
#[tokio::test(start_paused = true)]
async fn a_stream_is_opened_again_without_a_state_if_the_store_needs_all_data() {
    let setup = requesting(streaming(), [stays(&full(1)), stays(&full(2))]).await;
    assert_eq!(setup.asked(), ["stream", "stream"]);
    assert_eq!(setup.flags(), "a2");
    assert_eq!(
        (setup.statuses().await, setup.script.open()),
        (vec!["Valid".to_owned()], 1)
    );
}

// FDV2-7.2: the delay counts, although the payload after it is not complete
#[tokio::test(start_paused = true)]
async fn the_base_delay_of_an_interrupted_payload_applies_to_the_next_connection() {
    let interrupted = format!("retry: 20000\n{}", sse(&[put("b", 1)]));
    let answers = [
        Answer::endless([sse(&full(1)), interrupted]),
        stays(&full(2)),
    ];
    let setup = requesting(streaming(), answers).await;
    assert_eq!(setup.asked(), ["stream"]);
    sleep(seconds(20)).await;
    assert_eq!(setup.asked(), ["stream", "stream"]);
    let wait = setup.script.waits()[0];
    assert!(wait >= seconds(20) && wait <= seconds(30), "{wait:?}");
    assert_eq!(setup.flags(), "a2");
}

// FDV2-3: the state and the tag are forgotten
#[tokio::test(start_paused = true)]
async fn a_poll_is_made_soon_and_without_a_state_if_the_store_needs_all_data() {
    let tagged = |version| polled(&full(version)).with("etag", "tag");
    let setup = requesting(polling(), [tagged(1), tagged(2)]).await;
    assert_eq!(setup.asked(), ["poll", "poll"]);
    assert_eq!(setup.script.requests()[1].header("if-none-match"), None);
    assert_eq!(setup.flags(), "a2");
    assert_eq!(setup.statuses().await, ["Valid"]);
}

// FDV2-5.4: the request reaches whichever source is active
#[tokio::test(start_paused = true)]
async fn a_request_reaches_the_source_that_has_taken_over() {
    let none = Answer::endless([sse(&[intent("none"), commit("s1")])]);
    let answers = [polled(&full(1)), none, stays(&full(2))];
    let system = streaming().initializer(poll());
    let setup = requesting(system, answers).await;
    assert_eq!(setup.asked(), ["poll", "stream?basis=s1", "stream"]);
    assert_eq!(setup.flags(), "a2");
}
