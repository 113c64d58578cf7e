//! Change notifications of the server: STO-9.4, push.

use std::time::Instant;

use tokio::time::timeout;
use vexil::model::DataKind;
use vexil::store::{Changes, PersistentDataStore};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

use crate::support::{
    TIMEOUT, clients, connection_builder, data, item, number, store_builder, store_on, until,
};

async fn changed(changes: &mut Changes) {
    timeout(TIMEOUT, changes.changed())
        .await
        .expect("the server notifies the store");
    changes.mark_unchanged();
}

/// No notification is pending: the server would have sent it before the reply to this probe.
async fn nothing_changed(store: &RedisDataStore, changes: &Changes) {
    store.probe().await.unwrap();
    assert!(!changes.has_changed());
}

// STO-9.4: a push for every HSET and DEL, and for FLUSHALL
#[tokio::test]
async fn every_external_change_causes_a_notification() {
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
    // Other keys cause no notification.
    for key in [
        "launchdarkly:features-old",
        "launchdarkly:other",
        "launchdarkly2:features",
    ] {
        server.command(["HSET", key, "a", "{}"]).unwrap();
    }
    nothing_changed(&store, &changes).await;
}

// The store is not notified of this process's own data sets. Writes by a script do cause a
// notification: the server attributes them to another client
#[tokio::test]
async fn an_own_data_set_causes_no_notification() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let changes = store.changes().unwrap();
    store.init(&data(&["a"], &[])).await.unwrap();
    nothing_changed(&store, &changes).await;
}

// Two environments on one connection: each store is notified only of changes to its keys
#[tokio::test]
async fn stores_on_one_connection_are_notified_of_their_own_keys() {
    let server = RedisServer::start().unwrap();
    let connection = connection_builder().url(server.url()).build().unwrap();
    let store = |prefix: &str| {
        RedisDataStore::builder()
            .connection(&connection)
            .prefix(prefix)
            .build()
            .unwrap()
    };
    let first = store("first");
    first.snapshot().await.unwrap();
    // Registered while the connection is already open.
    let second = store("second");
    second.snapshot().await.unwrap();
    let (mut of_first, mut of_second) = (first.changes().unwrap(), second.changes().unwrap());
    let write_to = |prefix: &str| {
        server
            .command(["HSET", &format!("{prefix}:features"), "a", "{}"])
            .unwrap()
    };
    until("the second store is notified", async || {
        write_to("second");
        second.probe().await.unwrap();
        of_second.has_changed()
    })
    .await;
    of_second.mark_unchanged();
    nothing_changed(&first, &of_first).await;
    write_to("first");
    changed(&mut of_first).await;
    nothing_changed(&second, &of_second).await;
    assert_eq!(clients(&server), 1);
    write_to("second");
    changed(&mut of_second).await;
}

// STO-9.4: a reconnect triggers a full refresh, and the new connection sends notifications too
#[tokio::test]
async fn a_new_connection_counts_as_a_change_and_receives_notifications() {
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

// STO-F1 and STO-F22: the server starts late, or restarts empty
#[tokio::test]
async fn a_started_server_counts_as_a_change() {
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

// STO-9.4: Redis before 6, or a similar proxy: no notifications, everything else works
#[tokio::test]
async fn a_server_without_resp3_works_without_notifications() {
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

// STO-9.4: the same if only tracking is refused
#[tokio::test]
async fn a_server_without_tracking_works_without_notifications() {
    let server = RedisServer::builder()
        .acl_user("u", "p", "~* +@all -client|tracking")
        .start()
        .unwrap();
    let store = store_builder(server.url_as("u", "p")).build().unwrap();
    let changes = store.changes().unwrap();
    store.init(&data(&["a"], &["s"])).await.unwrap();
    server
        .command(["HSET", "launchdarkly:features", "b", "{}"])
        .unwrap();
    assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 2);
    nothing_changed(&store, &changes).await;
}

// A change is visible by push within 50 ms at p99; the test prints the store's part of that time
#[tokio::test]
async fn each_of_many_changes_causes_a_notification() {
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
    println!("notified after: p50 {:?}, p99 {:?}", times[250], times[495]);
}
