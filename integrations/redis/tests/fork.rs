//! A connection and stores that were created before a fork, used by clients of the forked process.

#![cfg(test)]
#![cfg(unix)]

#[path = "../../../core/tests/fork/child.rs"]
mod child;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use vexil::config::PersistentStoreConfig;
use vexil::{Client, Context};
use vexil_redis::{RedisConnection, RedisDataStore};
use vexil_testing::servers::RedisServer;

use crate::child::Child;

/// Longer than any operation takes, even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

fn write(server: &RedisServer, version: u32, value: &str) {
    let flag = format!(
        r#"{{"key":"banner","version":{version},"on":false,"offVariation":0,"fallthrough":{{"variation":0}},"variations":["{value}"]}}"#
    );
    server
        .command(["HSET", "launchdarkly:features", "banner", &flag])
        .unwrap();
    server.command(["SET", "launchdarkly:$inited", ""]).unwrap();
}

fn banner(client: &Client) -> vexil::Text {
    client.str_variation("banner", &Context::new("ada").unwrap(), "default")
}

/// A client that has read the database and receives change notifications.
fn reading(store: impl Into<PersistentStoreConfig>) -> Client {
    let client = Client::builder("sdk-key")
        .daemon_mode(store)
        .without_events()
        .start()
        .unwrap();
    client.blocking_wait_until_ready(TIMEOUT).unwrap();
    client
}

#[track_caller]
fn hears_of(client: &Client, change: impl FnOnce(), wanted: &str) {
    let (changes, changed) = channel();
    client
        .flag_tracker()
        .add_listener(move |_| changes.send(()).unwrap_or_default());
    change();
    while banner(client) != wanted {
        changed.recv_timeout(TIMEOUT).unwrap();
    }
}

#[test]
fn shared_connections_and_stores_work_in_a_parent_and_a_forked_child() {
    let server = RedisServer::start().unwrap();
    write(&server, 1, "first");
    let connection = RedisConnection::builder()
        .url(server.url())
        .build()
        .unwrap();
    let on_connection = || RedisDataStore::builder().connection(&connection);
    let store = Arc::new(on_connection().build().unwrap());
    let on_store = || PersistentStoreConfig::new(Arc::clone(&store));
    let clients = [reading(on_connection()), reading(on_store())];
    Child::run(|| {
        for client in [reading(on_connection()), reading(on_store())] {
            assert_eq!(banner(&client), "first");
            assert_eq!(client.data_store_status().status().error, None);
            assert!(client.blocking_close(TIMEOUT));
        }
    })
    .succeeds();
    let [first, second] = &clients;
    hears_of(first, || write(&server, 2, "second"), "second");
    hears_of(second, || write(&server, 3, "third"), "third");
}
