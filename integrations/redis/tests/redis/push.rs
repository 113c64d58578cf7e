//! The server tells of changes: STO-9.4, push.

use std::time::Instant;

use tokio::sync::watch;
use tokio::time::timeout;
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;
use vexil_redis::{RedisConnection, RedisDataStore};
use vexil_testing::servers::RedisServer;

use crate::support::{SOON, clients, data, item, number, store_on, until};

async fn changed(changes: &mut watch::Receiver<()>) {
    timeout(SOON, changes.changed())
        .await
        .expect("the server tells of it")
        .unwrap();
    changes.mark_unchanged();
}

/// Nothing is pending: whatever the server had to say was said before it answered this.
async fn nothing_changed(store: &RedisDataStore, changes: &watch::Receiver<()>) {
    store.probe().await.unwrap();
    assert!(!changes.has_changed().unwrap());
}

// STO-9.4: a push for every HSET and DEL, and for FLUSHALL
#[tokio::test]
async fn every_change_of_others_is_told_again_and_again() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let mut changes = store.changes().unwrap();
    store.snapshot().await.unwrap();
    nothing_changed(&store, &changes).await;

    let commands: [&[&str]; 7] = [
        &["HSET", "launchdarkly:features", "a", "{}"],
        &["HSET", "launchdarkly:features", "a", "{}"],
        &["HSET", "launchdarkly:segments", "s", "{}"],
        &["SET", "launchdarkly:$inited", ""],
        &["DEL", "launchdarkly:features"],
        &["FLUSHALL"],
        &["HSET", "launchdarkly:features", "a", "{}"],
    ];
    for command in commands {
        server.command(command).unwrap();
        changed(&mut changes).await;
    }
    // What is not ours is not told.
    for key in [
        "launchdarkly:features-old",
        "launchdarkly:other",
        "launchdarkly2:features",
    ] {
        server.command(["HSET", key, "a", "{}"]).unwrap();
    }
    nothing_changed(&store, &changes).await;
}

// What this process writes is no news to it; what a script writes is told all the same, as the
// server counts it as somebody else's
#[tokio::test]
async fn an_own_data_set_is_not_told() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let changes = store.changes().unwrap();
    store.init(&data(&["a"], &[])).await.unwrap();
    nothing_changed(&store, &changes).await;
}

// Two environments on one connection: each hears of its own
#[tokio::test]
async fn stores_that_share_a_connection_hear_of_their_own_keys() {
    let server = RedisServer::start().unwrap();
    let connection = RedisConnection::builder()
        .url(server.url())
        .build()
        .unwrap();
    let store = |prefix: &str| {
        RedisDataStore::builder()
            .connection(&connection)
            .prefix(prefix)
            .build()
            .unwrap()
    };
    let first = store("first");
    first.snapshot().await.unwrap();
    // Registered when the connection is up already.
    let second = store("second");
    second.snapshot().await.unwrap();
    let (mut of_first, mut of_second) = (first.changes().unwrap(), second.changes().unwrap());
    let told = |prefix: &str| {
        server
            .command(["HSET", &format!("{prefix}:features"), "a", "{}"])
            .unwrap()
    };
    until("the second store is told", async || {
        told("second");
        second.probe().await.unwrap();
        of_second.has_changed().unwrap()
    })
    .await;
    of_second.mark_unchanged();
    nothing_changed(&first, &of_first).await;
    told("first");
    changed(&mut of_first).await;
    nothing_changed(&second, &of_second).await;
    assert_eq!(clients(&server), 1);
    told("second");
    changed(&mut of_second).await;
}

// STO-9.4: after any reconnect do a full refresh; the new connection tells of changes too
#[tokio::test]
async fn a_new_connection_counts_as_a_change_and_is_told_of_more() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let mut changes = store.changes().unwrap();
    store.snapshot().await.unwrap();
    nothing_changed(&store, &changes).await;
    assert_eq!(
        number(
            &server,
            &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]
        ),
        1
    );
    changed(&mut changes).await;
    server
        .command(["HSET", "launchdarkly:features", "a", "{}"])
        .unwrap();
    changed(&mut changes).await;
}

// STO-F1 and STO-F22: the server comes up late, or comes back empty
#[tokio::test]
async fn a_server_that_comes_up_counts_as_a_change() {
    let server = RedisServer::start().unwrap();
    server.kill();
    let store = store_on(&server);
    let mut changes = store.changes().unwrap();
    assert!(store.snapshot().await.is_err());
    server.restart().unwrap();
    changed(&mut changes).await;
    assert!(
        store
            .snapshot()
            .await
            .unwrap()
            .collections
            .iter()
            .all(|collection| collection.items.is_empty())
    );
    server.restart().unwrap();
    changed(&mut changes).await;
}

// STO-9.4: Redis before 6, or a proxy like it: nothing is told, everything else works
#[tokio::test]
async fn a_server_without_resp3_tells_nothing_and_serves_all_the_same() {
    let server = RedisServer::builder()
        .config("rename-command HELLO \"\"")
        .start()
        .unwrap();
    let store = store_on(&server);
    let changes = store.changes().unwrap();
    store.init(&data(&["a"], &["s"])).await.unwrap();
    store
        .upsert(DataKind::Flag, "a", &item("a", 2))
        .await
        .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.initialized);
    assert_eq!(
        snapshot.collections[0].items,
        [("a".into(), vexil::store::StoredItem::new(item("a", 2).body))]
    );
    server
        .command(["HSET", "launchdarkly:features", "a", "{}"])
        .unwrap();
    nothing_changed(&store, &changes).await;
}

// STO-9.4: the same, where only the tracking is refused
#[tokio::test]
async fn a_server_that_does_not_track_serves_all_the_same() {
    let server = RedisServer::builder()
        .acl_user("u", "p", "~* +@all -client|tracking")
        .start()
        .unwrap();
    let store = RedisDataStore::builder()
        .url(server.url_as("u", "p"))
        .build()
        .unwrap();
    let changes = store.changes().unwrap();
    store.init(&data(&["a"], &["s"])).await.unwrap();
    server
        .command(["HSET", "launchdarkly:features", "b", "{}"])
        .unwrap();
    assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 2);
    nothing_changed(&store, &changes).await;
}

// Issue 5: visible in at most 50 ms at p99 by push; here the part of it that is the store's
#[tokio::test]
async fn a_change_is_told_within_milliseconds() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let mut changes = store.changes().unwrap();
    store.snapshot().await.unwrap();
    let mut times = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        server
            .command(["HSET", "launchdarkly:features", "a", "{}"])
            .unwrap();
        changed(&mut changes).await;
        times.push(start.elapsed());
    }
    times.sort();
    println!("told after: p50 {:?}, p99 {:?}", times[250], times[495]);
    assert!(times[250].as_millis() < 50, "{:?}", times[250]);
}
