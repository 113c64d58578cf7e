//! The global client of the process.

#![cfg(test)]

mod support;

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};

use serde_json::json;
use support::{Fixed, Guarded, SOON, ada, serving};
use vexil::Client;
use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::data_source::{DataSource, DataSourceState};
use vexil::global::{self, GlobalError};

/// A configuration that fails.
#[derive(Debug)]
struct Impossible;

impl Configure<dyn DataSource> for Impossible {
    fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
        Err(ConfigError::component("data source", "the moon is full"))
    }
}

/// One test, because there is only one such client in a process.
#[test]
fn the_global_client_is_configured_started_once_and_replaced() {
    let not_configured = global::client().unwrap_err();
    assert!(
        matches!(not_configured, GlobalError::NotConfigured),
        "{not_configured}"
    );

    let impossible = || Client::builder("sdk-key").data_source(Impossible);
    global::configure(impossible()).unwrap();
    let not_started = global::client().unwrap_err();
    assert_eq!(
        not_started.to_string(),
        "the data source cannot be configured"
    );

    // A configuration that was never used is replaced without a client.
    let (source, dropped) = Guarded::new(&json!({"flags": {"flag": serving(1, "first")}}));
    global::configure(Client::builder("sdk-key").data_source(source)).unwrap();
    let first = global::client().unwrap();
    assert_eq!(first.str_variation("flag", &ada(), ""), "first");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(
                    global::client().unwrap().str_variation("flag", &ada(), ""),
                    "first"
                )
            });
        }
    });

    // A new configuration that fails leaves the old client.
    global::configure(impossible()).unwrap_err();
    assert_eq!(
        global::client().unwrap().str_variation("flag", &ada(), ""),
        "first"
    );
    assert!(dropped.try_recv().is_err());

    // A new configuration replaces the old one at once, and the old client still works.
    let second = Fixed::new(&json!({"flags": {"flag": serving(1, "second")}}));
    global::configure(Client::builder("another-key").data_source(second)).unwrap();
    let current = global::client().unwrap();
    assert_eq!(current.str_variation("flag", &ada(), ""), "second");
    assert_eq!(current.sdk_key().as_str(), "another-key");
    assert_eq!(
        current.data_source_status().status().state,
        DataSourceState::Valid
    );
    assert_eq!(first.str_variation("flag", &ada(), ""), "first");

    // The old client is closed, although the test still holds it.
    dropped.recv_timeout(SOON).unwrap();
    assert_eq!(
        first.data_source_status().status().state,
        DataSourceState::Off
    );

    pollster::block_on(current.close(SOON));
    assert_eq!(
        global::client().unwrap().str_variation("flag", &ada(), ""),
        "second"
    );

    asks_while_it_starts();
}

/// Requests the global client while it is registered, and configures another one.
#[derive(Debug)]
struct Asks(Sender<[Result<Client, GlobalError>; 2]>);

impl Plugin for Asks {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("asks")
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        let configured = global::configure(Client::builder("another-key").offline(true));
        self.0
            .send([global::client(), configured.map(|()| client.clone())])?;
        Ok(())
    }
}

/// Another thread waits for a client that is starting; code that runs during the start gets an
/// error.
fn asks_while_it_starts() {
    let (asks, answers) = channel();
    let (sources, source) = channel();
    let waits = Waits {
        starts: sources,
        go_on: Arc::new(Barrier::new(2)),
    };
    let go_on = Arc::clone(&waits.go_on);
    let builder = Client::builder("third-key")
        .plugin(Asks(asks))
        .data_source(waits);
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| global::configure(builder));
        source.recv_timeout(SOON).unwrap();
        let other = scope.spawn(|| global::client().unwrap());
        go_on.wait();
        starting.join().unwrap().unwrap();
        assert_eq!(other.join().unwrap().sdk_key().as_str(), "third-key");
    });
    for answer in answers.recv_timeout(SOON).unwrap() {
        assert!(matches!(answer, Err(GlobalError::Starting)), "{answer:?}");
    }
    assert_eq!(global::client().unwrap().sdk_key().as_str(), "third-key");
}

/// Starts at a signal of the test.
#[derive(Clone, Debug)]
struct Waits {
    starts: Sender<()>,
    go_on: Arc<Barrier>,
}

impl Configure<dyn DataSource> for Waits {
    fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
        self.starts.send(()).unwrap();
        self.go_on.wait();
        Ok(Arc::new(Fixed::new(&json!({}))))
    }
}
