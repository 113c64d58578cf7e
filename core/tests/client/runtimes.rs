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

/// Starts, uses and ends a client in this runtime, in each of its kinds of threads.
fn works_everywhere(runtime: &tokio::runtime::Runtime) {
    let whole_life = || {
        let client = support::client(&data());
        client.blocking_wait_until_ready(SOON).unwrap();
        assert!(client.bool_variation("flag", &ada(), false));
        client.blocking_flush(SOON);
        assert!(client.blocking_close(SOON));
        drop(client);
    };
    let awaited = async || {
        let client = support::client(&data());
        client.wait_until_ready(SOON).await.unwrap();
        assert!(client.variation_async("flag", &ada(), false).await);
        assert!(client.close(SOON).await);
    };
    runtime.block_on(async {
        whole_life();
        awaited().await;
        tokio::spawn(async move { whole_life() }).await.unwrap();
        tokio::spawn(async move { awaited().await }).await.unwrap();
        tokio::task::spawn_blocking(whole_life).await.unwrap();
    });
    runtime
        .block_on(runtime.spawn_blocking(whole_life))
        .unwrap();
}

#[test]
fn a_client_lives_and_ends_in_every_kind_of_thread_of_every_kind_of_runtime() {
    works_everywhere(&current_thread());
    let many = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    works_everywhere(&many.unwrap());
}

/// Starts, uses and closes a client when the runtime drops the task that holds this.
struct WhenShutDown(Sender<bool>, Option<Client>);

impl Drop for WhenShutDown {
    fn drop(&mut self) {
        let client = support::client(&data());
        let works = client.bool_variation("flag", &ada(), false);
        drop(self.1.take());
        self.0.send(works && client.blocking_close(SOON)).unwrap();
    }
}

#[test]
fn clients_start_and_end_in_a_runtime_that_is_being_shut_down() {
    let (closes, closed) = channel();
    for runtime in [current_thread(), tokio::runtime::Runtime::new().unwrap()] {
        // One client on the SDK's runtime, and one on the runtime that ends.
        let source = support::Fixed::new(&data());
        let theirs = Client::builder("sdk-key")
            .data_source(source)
            .runtime(runtime.handle().clone());
        for client in [support::client(&data()), theirs.start().unwrap()] {
            let held = WhenShutDown(closes.clone(), Some(client));
            runtime.spawn(async move {
                let _held = held;
                std::future::pending::<()>().await;
            });
        }
        drop(runtime);
        for _ in 0..2 {
            assert!(closed.recv_timeout(SOON).unwrap());
        }
    }
}
