//! [`Run`]: a data source that runs in a task, as a client runs it.

use std::sync::Arc;

use tokio::task::JoinHandle;
use vexil::data_source::{DataSink, DataSource, DataSourceError};

use super::DataSourceHarness;
use super::environment::{FLAGS, SEGMENTS};
use super::recorder::{Recorder, Seen};
use crate::conformance::eventually::eventually;

pub(super) struct Run<'a> {
    harness: &'a dyn DataSourceHarness,
    sink: Arc<Recorder>,
    task: JoinHandle<Result<(), DataSourceError>>,
}

impl<'a> Run<'a> {
    /// Runs a new source.
    pub(super) async fn new(harness: &'a dyn DataSourceHarness) -> Self {
        Self::of(harness, harness.source().await)
    }

    /// Runs this source on a new sink.
    pub(super) fn of(harness: &'a dyn DataSourceHarness, source: Arc<dyn DataSource>) -> Self {
        Self::on(harness, source, Recorder::new())
    }

    /// Runs this source on this sink.
    pub(super) fn on(
        harness: &'a dyn DataSourceHarness,
        source: Arc<dyn DataSource>,
        sink: Recorder,
    ) -> Self {
        let sink = Arc::new(sink);
        let to: Arc<dyn DataSink> = Arc::clone(&sink) as Arc<dyn DataSink>;
        let task = tokio::spawn(async move { source.run(to).await });
        Self {
            harness,
            sink,
            task,
        }
    }

    pub(super) fn sink(&self) -> &Recorder {
        &self.sink
    }

    pub(super) fn seen(&self) -> Seen {
        self.sink.seen()
    }

    /// Whether the source has ended by itself.
    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for a condition on the sink.
    pub(super) async fn until(&self, what: &str, mut condition: impl FnMut(&Recorder) -> bool) {
        eventually(self.harness.timeout(), what, || condition(&self.sink)).await;
    }

    /// Waits until the sink has the usual items of this state and no others.
    pub(super) async fn until_usual(&self, state: u64) {
        self.until(&format!("state {state} of all items"), |sink| {
            sink.has(state, &FLAGS, &SEGMENTS)
        })
        .await;
    }

    /// Waits until the source ends by itself, and returns its result.
    pub(super) async fn ended(self) -> (Arc<Recorder>, Result<(), DataSourceError>) {
        let (harness, sink) = (self.harness, Arc::clone(&self.sink));
        eventually(harness.timeout(), "the end of the source", || {
            self.has_ended()
        })
        .await;
        (sink, finished(self.task).await)
    }

    /// Stops the source as a client does: by dropping the future. Fails if the source has ended
    /// with an error before.
    #[expect(clippy::panic, reason = "the end of a test that fails")]
    pub(super) async fn stop(self) -> Arc<Recorder> {
        if self.has_ended() {
            if let Err(error) = finished(self.task).await {
                panic!("the source has ended with an error: {error:?}");
            }
        } else {
            self.task.abort();
            // Completes when the future is dropped.
            let _ = self.task.await;
        }
        self.sink
    }

    /// Stops the source, and waits until it has released its sink.
    pub(super) async fn stop_and_release(self) -> Arc<Recorder> {
        let harness = self.harness;
        let sink = self.stop().await;
        eventually(
            harness.timeout(),
            "the release of the sink of a stopped source",
            || Arc::strong_count(&sink) == 1,
        )
        .await;
        sink
    }
}

/// Returns the result of a task that is finished.
#[expect(clippy::panic, reason = "the end of a test that fails")]
async fn finished(task: JoinHandle<Result<(), DataSourceError>>) -> Result<(), DataSourceError> {
    match task.await {
        Ok(result) => result,
        Err(error) => panic!("the source panicked: {error}"),
    }
}
