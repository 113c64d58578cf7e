//! [`Pen`]: records events with a processor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::time::timeout;
use vexil::events::{Event, EventProcessor};
use vexil::{Client, Context, Value, async_trait};

use super::{DeliveredEvents, EventProcessorHarness};
use crate::TestData;

/// A client whose events go to the processor under test. Flushes and closes are those of the
/// processor, so that nothing of the client is in between.
pub(super) struct Pen<'a> {
    harness: &'a dyn EventProcessorHarness,
    processor: Arc<dyn EventProcessor>,
    client: Client,
    relay: Arc<Relay>,
    flags: TestData,
    ada: Context,
}

impl<'a> Pen<'a> {
    /// Creates a processor, and the flags `a` and `b` in version 1.
    #[expect(clippy::expect_used, reason = "the settings and the context are valid")]
    pub(super) async fn new(harness: &'a dyn EventProcessorHarness) -> Self {
        let processor = harness.processor().await;
        let relay = Arc::new(Relay {
            to: Arc::clone(&processor),
            panics: AtomicUsize::new(0),
        });
        let flags = TestData::new().with("a", true).with("b", true);
        let client = Client::builder("sdk-key")
            .data_source(flags.clone())
            .events(Arc::clone(&relay))
            .start()
            .expect("a client of test data");
        Self {
            harness,
            processor,
            client,
            relay,
            flags,
            ada: Context::new("ada").expect("a valid context"),
        }
    }

    pub(super) fn processor(&self) -> &dyn EventProcessor {
        &*self.processor
    }

    /// Evaluates a flag this many times.
    pub(super) fn evaluate(&self, flag: &str, times: u64) {
        for _ in 0..times {
            self.client.variation(flag, &self.ada, false);
        }
    }

    /// Evaluates the flag `a` this many times on each of four threads, while `meanwhile` runs on
    /// this one. Returns the number of evaluations.
    pub(super) async fn evaluate_on_threads(
        &self,
        times: u64,
        meanwhile: impl AsyncFnOnce(&Self),
    ) -> u64 {
        const THREADS: u64 = 4;
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (client, ada) = (self.client.clone(), self.ada.clone());
                thread::spawn(move || {
                    for _ in 0..times {
                        client.variation("a", &ada, false);
                    }
                })
            })
            .collect();
        meanwhile(self).await;
        for thread in threads {
            let ended = tokio::task::block_in_place(|| thread.join());
            assert!(ended.is_ok(), "a thread that evaluates panicked");
        }
        THREADS * times
    }

    /// Increases the version of the flag `a`.
    pub(super) fn change_flag(&self) {
        self.flags.set("a", true);
    }

    pub(super) fn track(&self, key: &str, data: Value) {
        self.client.track_data(key, &self.ada, data);
    }

    pub(super) fn identify(&self) {
        self.client.identify(&self.ada);
    }

    pub(super) fn delivered(&self) -> DeliveredEvents {
        self.harness.delivered()
    }

    pub(super) async fn flush(&self) {
        self.completes("flush_and_wait", self.processor.flush_and_wait())
            .await;
    }

    pub(super) async fn close(&self) {
        self.completes("close", self.processor.close()).await;
    }

    /// Awaits a call; panics if it does not complete.
    pub(super) async fn completes<T>(&self, what: &str, call: impl Future<Output = T>) -> T {
        let completed = timeout(self.harness.timeout(), call).await.ok();
        #[expect(clippy::panic, reason = "the end of a test that fails")]
        completed.unwrap_or_else(|| panic!("{what} does not complete"))
    }

    /// Asserts that no call of `record` has panicked.
    pub(super) fn has_not_panicked(&self) {
        let panics = self.relay.panics.load(Ordering::SeqCst);
        assert_eq!(panics, 0, "the number of calls of `record` that panicked");
    }

    /// Drops the client, and all handles to the processor but the returned one.
    pub(super) fn into_processor(self) -> Arc<dyn EventProcessor> {
        self.processor
    }
}

/// Passes events to the processor under test. Counts its panics, which a client would contain.
#[derive(Debug)]
struct Relay {
    to: Arc<dyn EventProcessor>,
    panics: AtomicUsize,
}

#[async_trait]
impl EventProcessor for Relay {
    fn record(&self, event: &Event<'_>) {
        if catch_unwind(AssertUnwindSafe(|| self.to.record(event))).is_err() {
            self.panics.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn flush(&self) {}

    async fn flush_and_wait(&self) {}

    async fn close(&self) {}
}
