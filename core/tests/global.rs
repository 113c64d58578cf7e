//! The client of the whole process (spec 00: `set_config`, `get`).

#![cfg(test)]

mod support;

use serde_json::json;
use support::{Fixed, Guarded, SOON, ada, gives};
use vexil::Client;
use vexil::data_source::DataSourceState;
use vexil::global::{self, GlobalError};

/// One test, because there is one such client in a process.
#[test]
fn the_global_client_is_configured_started_once_and_replaced() {
    let not_configured = global::client().unwrap_err();
    assert!(matches!(not_configured, GlobalError::NotConfigured), "{not_configured}");

    global::configure(Client::builder("sdk-key")).unwrap();
    let without_source = global::client().unwrap_err();
    assert_eq!(without_source.to_string(), "a client needs a data source unless it is offline");

    // A configuration that was never used is replaced without a client.
    let (source, dropped) = Guarded::new(&json!({"flags": {"flag": gives(1, "first")}}));
    global::configure(Client::builder("sdk-key").data_source(source)).unwrap();
    let first = global::client().unwrap();
    assert_eq!(first.string_variation("flag", &ada(), ""), "first");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(global::client().unwrap().string_variation("flag", &ada(), ""), "first"));
        }
    });

    // A new configuration that cannot work leaves the old client.
    global::configure(Client::builder("sdk-key")).unwrap_err();
    assert_eq!(global::client().unwrap().string_variation("flag", &ada(), ""), "first");
    assert!(dropped.try_recv().is_err());

    // A new configuration takes the place of the old one at once, and the old client can still be asked.
    let second = Fixed::new(&json!({"flags": {"flag": gives(1, "second")}}));
    global::configure(Client::builder("another-key").data_source(second)).unwrap();
    let current = global::client().unwrap();
    assert_eq!(current.string_variation("flag", &ada(), ""), "second");
    assert_eq!(current.sdk_key().as_str(), "another-key");
    assert_eq!(current.data_source_status().status().state, DataSourceState::Valid);
    assert_eq!(first.string_variation("flag", &ada(), ""), "first");

    // The old client closes when nobody uses it any more.
    drop(first);
    dropped.recv_timeout(SOON).unwrap();

    pollster::block_on(current.close(SOON));
    assert_eq!(global::client().unwrap().string_variation("flag", &ada(), ""), "second");
}
