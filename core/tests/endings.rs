//! Background work that ends too early: by a panic in application code, or with the application's
//! runtime.

#![cfg(test)]
#![cfg(feature = "http")]

#[path = "support/interest.rs"]
mod interest;
#[path = "support/log.rs"]
mod log;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request, Response};
use log::Log;
use serde_json::json;
use support::{Fixed, SOON, ada, serving};
use tokio::runtime::Runtime;
use vexil::config::{
    BigSegmentsConfig, ConfigError, HttpConfig, PersistentStoreConfig, ServiceEndpoints,
};
use vexil::data_source::{DataSink, DataSource, DataSourceError, DataSourceState};
use vexil::events::{Event, EventProcessor};
use vexil::store::CacheMode;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};
use vexil::{Client, ClientBuilder, async_trait};
use vexil_testing::{FakeService, MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore};

/// A runtime that runs on this thread, when the test drives it.
fn application_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn errors(log: &Log) -> Vec<String> {
    log.lines()
        .into_iter()
        .filter(|line| line.contains(" ERROR "))
        .collect()
}

/// Starts a client on a runtime, waits until it has data, and shuts the runtime down.
fn after_shutdown(builder: ClientBuilder, log: &Log) -> Client {
    let runtime = application_runtime();
    let client = builder.runtime(runtime.handle().clone()).start().unwrap();
    runtime.block_on(async {
        client.wait_until_ready(SOON).await.unwrap();
        client.big_segment_store_status().status().await;
        let _ = client.variation_async("flag", &ada(), false).await;
    });
    assert_eq!(errors(log), [""; 0]);
    drop(runtime);
    client
}

#[test]
fn a_runtime_that_has_ended_is_one_error_and_no_flush_succeeds() {
    let log = Log::default();
    interest::always_interested();
    let _listening = tracing::subscriber::set_default(log.subscriber());
    let service = FakeService::start().unwrap();
    service.set("flag", true);
    let client = after_shutdown(
        Client::builder("sdk-key")
            .service_endpoints(ServiceEndpoints::relay(service.url()))
            .data_store(PersistentStoreConfig::new(MemoryPersistentStore::new()))
            .big_segments(BigSegmentsConfig::new(MemoryBigSegmentStore::new())),
        &log,
    );
    let [error] = &errors(&log)[..] else {
        panic!("not one line: {:?}", errors(&log))
    };
    assert!(
        error.contains("the runtime of the client is gone"),
        "{error}"
    );

    let status = client.data_source_status().status();
    assert_eq!(status.state, DataSourceState::Off);
    assert_eq!(
        status.error.unwrap().message,
        "the runtime of the client is gone"
    );
    assert!(!client.data_store_status().status().available);
    assert!(
        !client
            .big_segment_store_status()
            .blocking_status(SOON)
            .unwrap()
            .available
    );
    assert!(
        client.bool_variation("flag", &ada(), false),
        "the last data is used"
    );

    let lost = client.event_stats().dropped_events;
    assert!(lost > 0, "earlier events are lost");
    client.track("event", &ada());
    assert_eq!(
        client.event_stats().dropped_events,
        lost + 1,
        "new events are lost"
    );
    assert!(!client.blocking_flush(SOON));
    assert!(!pollster::block_on(client.flush_and_wait(SOON)));
    client.flush();
    assert!(
        !client
            .data_source_status()
            .blocking_wait_for(DataSourceState::Valid, SOON)
    );
    pollster::block_on(client.close(SOON));
    assert_eq!(errors(&log).len(), 1);
}

#[test]
fn in_read_through_mode_a_runtime_that_has_ended_is_one_error() {
    let log = Log::default();
    interest::always_interested();
    let _listening = tracing::subscriber::set_default(log.subscriber());
    let database = MemoryDatabase::new();
    let store = Arc::new(MemoryPersistentStore::attached(&database, "ld"));
    let config = PersistentStoreConfig::new(store).cache(CacheMode::Off);
    let client = after_shutdown(
        Client::builder("sdk-key")
            .daemon_mode(config)
            .without_events(),
        &log,
    );
    assert_eq!(errors(&log).len(), 1, "{:?}", errors(&log));
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Off
    );
    assert!(!client.data_store_status().status().available);
    assert!(!client.bool_variation("flag", &ada(), false));
}

#[test]
fn a_client_does_not_start_on_a_runtime_that_has_ended() {
    let gone = application_runtime().handle().clone();
    let started = Client::builder("sdk-key")
        .runtime(gone)
        .data_source(Fixed::new(&json!({})))
        .start();
    assert!(
        matches!(started, Err(ConfigError::Runtime { .. })),
        "{started:?}"
    );
}

/// Panics in every method.
#[derive(Debug)]
struct Panics;

#[async_trait]
impl EventProcessor for Panics {
    fn record(&self, _: &Event<'_>) {
        panic!("record")
    }

    fn flush(&self) {
        panic!("flush")
    }

    async fn flush_and_wait(&self) {
        panic!("flush_and_wait")
    }

    async fn close(&self) {
        panic!("close")
    }

    fn connection_attempt(&self, _: SystemTime, _: std::time::Duration, _: bool) {
        panic!("connection_attempt")
    }
}

/// Reports a connection, delivers a flag and keeps running.
#[derive(Clone, Debug)]
struct Connects;

#[async_trait]
impl DataSource for Connects {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        sink.connection_attempt(SystemTime::now(), SOON, false);
        let data = support::data_set(&json!({"flags": {"flag": serving(1, true)}}));
        sink.init(data).await.map_err(DataSourceError::store)?;
        std::future::pending().await
    }
}

#[test]
fn a_processor_that_panics_is_one_error_and_loses_only_its_events() {
    let log = Log::default();
    interest::always_interested();
    let _listening = tracing::subscriber::set_default(log.subscriber());
    let client = Client::builder("sdk-key")
        .data_source(Connects)
        .events(Panics)
        .start()
        .unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );
    for _ in 0..10 {
        assert!(client.bool_variation("flag", &ada(), false));
    }
    client.track("event", &ada());
    assert_eq!(client.event_stats().dropped_events, 11);
    client.flush();
    assert!(!client.blocking_flush(SOON));
    assert!(!pollster::block_on(client.flush_and_wait(SOON)));
    assert_eq!(errors(&log).len(), 1, "{:?}", errors(&log));
}

/// A custom transport that panics when it sends events, as long as the test wants.
#[derive(Clone, Debug)]
struct Fragile {
    inner: Arc<dyn HttpTransport>,
    panics: Arc<AtomicBool>,
}

#[async_trait]
impl HttpTransport for Fragile {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        let is_event = request.method() == Method::POST && request.uri().path().ends_with("/bulk");
        assert!(
            !is_event || !self.panics.load(Ordering::Relaxed),
            "on purpose"
        );
        self.inner.send(request, options).await
    }
}

#[test]
fn a_delivery_that_panics_fails_and_the_next_one_succeeds() {
    let log = Log::default();
    let service = FakeService::start().unwrap();
    service.set("flag", true);
    let panics = Arc::new(AtomicBool::new(true));
    let transport = Fragile {
        inner: HttpConfig::new().build().unwrap(),
        panics: Arc::clone(&panics),
    };
    let runtime = application_runtime();
    interest::always_interested();
    let _listening = tracing::subscriber::set_default(log.subscriber());
    runtime.block_on(async {
        let client = Client::builder("sdk-key")
            .runtime(runtime.handle().clone())
            .service_endpoints(ServiceEndpoints::relay(service.url()))
            .http(HttpConfig::new().transport(transport))
            .start()
            .unwrap();
        client.wait_until_ready(SOON).await.unwrap();
        client.track("event", &ada());
        assert!(!client.flush_and_wait(SOON).await);
        assert_eq!(client.event_stats().dropped_payloads, 1);
        assert_eq!(errors(&log).len(), 1, "{:?}", errors(&log));
        panics.store(false, Ordering::Relaxed);
        client.track("event", &ada());
        assert!(client.flush_and_wait(SOON).await);
        assert_eq!(client.event_stats().delivered_events, 1);
        client.close(SOON).await;
    });
}
