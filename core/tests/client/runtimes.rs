//! Where a client works: on any executor, in any runtime, and without a runtime.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use pollster::block_on;
use serde_json::json;
use vexil::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use vexil::model::DataSet;
use vexil::{Client, async_trait};

use crate::support::{self, SOON, ada, controlled, current_thread, serving};

fn data() -> serde_json::Value {
    json!({"flags": {"flag": serving(1, true)}})
}

/// Delivers after its first poll, and reports the thread it ran on.
#[derive(Clone, Debug)]
struct Elsewhere(DataSet, Sender<String>);

#[async_trait]
impl DataSource for Elsewhere {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        // The first poll runs on the thread that starts the client. On a busy machine the timer may
        // be due by then.
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        // Not every test keeps the receiver.
        self.1
            .send(thread::current().name().unwrap_or_default().to_owned())
            .ok();
        sink.init(self.0.clone())
            .await
            .map_err(DataSourceError::store)
    }
}

fn later() -> (Elsewhere, std::sync::mpsc::Receiver<String>) {
    let (threads, thread) = channel();
    (Elsewhere(support::data_set(&data()), threads), thread)
}

#[test]
fn a_client_works_from_plain_threads() {
    let (source, source_thread) = later();
    let client = Client::builder("sdk-key")
        .data_source(source)
        .start()
        .unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(
        source_thread.recv_timeout(SOON).unwrap(),
        "vexil",
        "all background work is on the SDK's own thread"
    );
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(client.bool_variation("flag", &ada(), false)));
        }
    });
    block_on(client.close(SOON));
}

#[test]
fn a_client_works_inside_a_single_threaded_runtime() {
    current_thread().block_on(async {
        let client = Client::builder("sdk-key")
            .data_source(later().0)
            .start()
            .unwrap();
        client.wait_until_ready(SOON).await.unwrap();
        assert!(client.bool_variation("flag", &ada(), false));
        assert!(client.variation_async("flag", &ada(), false).await);
        client.close(SOON).await;
    });
}

#[test]
fn a_client_can_block_inside_a_single_threaded_runtime() {
    current_thread().block_on(async {
        let client = Client::builder("sdk-key")
            .data_source(later().0)
            .start()
            .unwrap();
        client.blocking_wait_until_ready(SOON).unwrap();
        assert!(
            client
                .data_source_status()
                .blocking_wait_for(DataSourceState::Valid, SOON)
        );
    });
}

#[test]
fn a_client_works_in_the_tasks_and_blocking_threads_of_a_runtime() {
    current_thread().block_on(async {
        let client = Client::builder("sdk-key")
            .data_source(later().0)
            .start()
            .unwrap();
        let clone = client.clone();
        let task = tokio::spawn(async move {
            clone.wait_until_ready(SOON).await.unwrap();
            clone.variation_async("flag", &ada(), false).await
        });
        assert!(task.await.unwrap());
        let blocking = tokio::task::spawn_blocking(move || {
            let value = client.bool_variation("flag", &ada(), false);
            block_on(client.close(SOON));
            value
        });
        assert!(blocking.await.unwrap());
    });
}

#[test]
fn a_client_works_on_an_executor_that_is_not_tokio() {
    block_on(async {
        let client = Client::builder("sdk-key")
            .data_source(later().0)
            .start()
            .unwrap();
        client.wait_until_ready(SOON).await.unwrap();
        assert!(client.variation_async("flag", &ada(), false).await);
        assert!(
            client
                .data_source_status()
                .wait_for(DataSourceState::Valid, SOON)
                .await
        );
        client.close(SOON).await;
    });
}

#[test]
fn a_client_outlives_the_runtime_in_which_it_was_started() {
    let runtime = current_thread();
    let (client, source) = runtime.block_on(async { controlled() });
    drop(runtime);
    source.init(&data());
    client.blocking_wait_until_ready(SOON).unwrap();
    assert!(client.bool_variation("flag", &ada(), false));
    let mut statuses = client.data_source_status().subscribe();
    source.network_error(DataSourceState::Interrupted, "the cable is cut");
    assert_eq!(
        statuses.blocking_next(SOON).unwrap().state,
        DataSourceState::Interrupted
    );
}

#[test]
fn a_source_keeps_running_after_the_runtime_that_started_it_has_ended() {
    let (source, source_thread) = later();
    let runtime = current_thread();
    let client = runtime.block_on(async {
        Client::builder("sdk-key")
            .data_source(source)
            .start()
            .unwrap()
    });
    drop(runtime);
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(source_thread.recv_timeout(SOON).unwrap(), "vexil");
}

#[test]
fn a_client_can_be_dropped_and_closed_anywhere() {
    let start = || support::client(&data());
    drop(start());
    block_on(async { drop(start()) });
    current_thread().block_on(async {
        drop(start());
        start().close(SOON).await;
        tokio::task::spawn_blocking(move || drop(start()))
            .await
            .unwrap();
        tokio::spawn(async move { drop(start()) }).await.unwrap();
    });
}

#[test]
fn a_configured_runtime_runs_the_background_work() {
    let runtime = current_thread();
    let (source, source_thread) = later();
    let builder = Client::builder("sdk-key")
        .data_source(source)
        .runtime(runtime.handle().clone());
    let client = builder.start().unwrap();
    let own = thread::Builder::new().name("the caller's".to_owned());
    let waiting = client.clone();
    own.spawn(move || runtime.block_on(waiting.wait_until_ready(SOON)).unwrap())
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(source_thread.recv_timeout(SOON).unwrap(), "the caller's");
    assert!(client.bool_variation("flag", &ada(), false));
}

#[test]
fn a_configured_runtime_that_has_ended_does_not_panic() {
    let runtime = current_thread();
    let builder = Client::builder("sdk-key").data_source(support::Fixed::new(&data()));
    let client = builder.runtime(runtime.handle().clone()).start().unwrap();
    drop(runtime);
    assert!(client.bool_variation("flag", &ada(), false));
    client.flag_tracker().add_listener(|_| {});
    block_on(client.close(SOON));
    drop(client);
}
