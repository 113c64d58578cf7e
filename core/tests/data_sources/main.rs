//! Streaming and polling against a scripted transport and a clock that jumps: the rules of SRC-1 to
//! SRC-4, and the fault table of SRC-10.

#![cfg(test)]
#![cfg(feature = "http")]

#[path = "../support/log.rs"]
mod capture;
#[path = "../support/interest.rs"]
mod interest;
mod log;
mod polling;
mod polling_faults;
mod recorder;
mod script;
mod streaming;
mod streaming_faults;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use recorder::Recorder;
use script::Script;
use tokio::time::timeout;
use vexil::config::{ClientContext, ConfigError, Configure, HttpConfig, ServiceEndpoints};
use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::{Client, async_trait};

/// A `put` with the flag `f` at `version`.
fn put(version: u64) -> String {
    event(
        "put",
        &format!(r#"{{"path": "/", "data": {}}}"#, data(version)),
    )
}

/// A `patch` of the flag.
fn patch(version: u64) -> String {
    event(
        "patch",
        &format!(r#"{{"path": "/flags/f", "data": {{"version": {version}}}}}"#),
    )
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// A poll body with the flag.
fn data(version: u64) -> String {
    format!(r#"{{"flags": {{"f": {{"version": {version}}}}}, "segments": {{}}}}"#)
}

/// A data source built from its configuration, with the scripted transport.
fn built(
    config: impl Configure<dyn DataSource>,
    script: &Script,
    base: &str,
) -> Arc<dyn DataSource> {
    let built = Arc::default();
    Client::builder("sdk-key")
        .http(HttpConfig::new().transport(script.clone()))
        .service_endpoints(ServiceEndpoints::relay(base))
        .data_source(Captured {
            config: Arc::new(config),
            built: Arc::clone(&built),
        })
        .start()
        .unwrap();
    built.lock().unwrap().take().unwrap()
}

/// Runs a data source for a time. Returns its result if it ended before.
async fn run(
    config: impl Configure<dyn DataSource>,
    script: &Script,
    time: Duration,
) -> (Arc<Recorder>, Option<Result<(), DataSourceError>>) {
    run_with(config, script, time, Recorder::new()).await
}

/// Like `run`, with a sink that fails.
async fn run_with(
    config: impl Configure<dyn DataSource>,
    script: &Script,
    time: Duration,
    sink: Arc<Recorder>,
) -> (Arc<Recorder>, Option<Result<(), DataSourceError>>) {
    interest::always_interested();
    let source = built(config, script, "http://service/ld");
    let ended = timeout(time, source.run(Arc::clone(&sink) as Arc<dyn DataSink>))
        .await
        .ok();
    (sink, ended)
}

/// Drops a data source that has run for a second, and checks that its connection is closed.
async fn closes_when_dropped(config: impl Configure<dyn DataSource>, script: &Script) {
    let source = built(config, script, "http://service");
    let mut running = source.run(Recorder::new());
    assert!(timeout(seconds(1), &mut running).await.is_err());
    assert_eq!(script.open(), 1);
    drop(running);
    assert_eq!(script.open(), 0);
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Keeps the data source built for the test, and passes an idle source to the client instead.
#[derive(Debug)]
struct Captured<R> {
    config: Arc<R>,
    built: Arc<Mutex<Option<Arc<dyn DataSource>>>>,
}

impl<R: Configure<dyn DataSource>> Configure<dyn DataSource> for Captured<R> {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        *self.built.lock().unwrap() = Some(Arc::clone(&self.config).configure(context)?);
        Ok(Arc::new(Idle))
    }
}

#[derive(Debug)]
struct Idle;

#[async_trait]
impl DataSource for Idle {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        std::future::pending().await
    }
}
