//! A connection and stores that were created before a fork, used by clients of the forked process;
//! and a process that is killed.

#![cfg(test)]
#![cfg(unix)]

#[path = "../../../core/tests/fork/child.rs"]
mod child;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use vexil::config::PersistentStoreConfig;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoredItem};
use vexil::{Client, Context, Text};
use vexil_redis::{RedisConnection, RedisDataStore};
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;
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

/// Flags of 2 KB each, in this version.
fn data_set(version: u64) -> [Collection; 2] {
    let flag = |n: u32| {
        let padding = "x".repeat(2_000);
        let json = format!(r#"{{"key":"flag-{n}","version":{version},"padding":"{padding}"}}"#);
        let item = StoredItem::new(json).with_version(version);
        (Text::from(format!("flag-{n}")), item)
    };
    [
        Collection::new(DataKind::Segment, vec![]),
        Collection::new(DataKind::Flag, (0..FLAGS).map(flag).collect()),
    ]
}

const FLAGS: u32 = 300;

/// The bytes of a data set and a half.
const MIDDLE: usize = 900_000;

/// Whether the server holds the first data set, complete.
fn holds_first_data_set(server: &RedisServer) -> bool {
    let flags = server.command(["HVALS", "launchdarkly:features"]).unwrap();
    let flags = flags.list().unwrap();
    let is_first = |flag: &str| flag.contains(r#""version":1,"#);
    flags.len() == usize::try_from(FLAGS).unwrap()
        && flags
            .iter()
            .all(|flag| flag.text().as_deref().is_some_and(is_first))
}

// STO-F26
#[test]
fn a_process_that_is_killed_while_it_writes_leaves_the_old_data_complete() {
    let server = RedisServer::start().unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    // Holds the connection in the middle of the second data set.
    let ((arrived, arrives), (release, released)) = (channel(), channel::<()>());
    let mut bytes = 0;
    proxy.corrupt(Direction::ToServer, move |piece| {
        bytes += piece.len();
        if bytes >= MIDDLE {
            let _ = arrived.send(());
            let _ = released.recv();
            // The rest is lost with the process, as if none of it had left the machine.
            piece.clear();
        }
    });
    let url = format!("redis://{}", proxy.address());
    let child = Child::run(|| {
        let connection = RedisConnection::builder()
            .url(url)
            .bulk_timeout(TIMEOUT)
            .build()
            .unwrap();
        let store = RedisDataStore::builder().connection(&connection);
        let store = store.build().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            for version in 1.. {
                store.init(&data_set(version)).await.unwrap();
            }
        });
    });
    arrives.recv_timeout(TIMEOUT).unwrap();
    assert!(holds_first_data_set(&server));
    child.kill();
    drop(release);
    proxy
        .until("the end of the connection", |counts| counts.open == 0)
        .wait()
        .unwrap();
    assert!(holds_first_data_set(&server));
    let client = reading(RedisDataStore::builder().url(server.url()));
    let status = client.data_store_status().status();
    assert_eq!((status.items, status.initialized), (300, true));
}
