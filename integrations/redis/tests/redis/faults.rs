//! What the server may refuse, and what the SDK is told: STO-9.5 and STO-10.

use std::io::Write;
use std::net::TcpStream;

use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

use crate::support::{Log, chain, data, keys, number, store_on, until};

// STO-F11: a permanent error with its cause; the foreign key stays, and only `init` replaces it
#[tokio::test]
async fn a_key_of_another_type_is_an_error_of_configuration() {
    let server = RedisServer::start().unwrap();
    server
        .command(["SET", "launchdarkly:features", "mine"])
        .unwrap();
    let store = store_on(&server);
    let errors = [
        store.get(DataKind::Flag, "a").await.unwrap_err(),
        store.get_all(DataKind::Flag).await.unwrap_err(),
        store.snapshot().await.unwrap_err(),
        store
            .upsert(DataKind::Flag, "a", &crate::support::item("a", 1))
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
        assert!(!error.is_temporary());
        let chain = chain(&error);
        assert!(
            chain.contains("is the prefix right?") && chain.contains("WRONGTYPE"),
            "{chain}"
        );
    }
    assert!(store.get_all(DataKind::Segment).await.unwrap().is_empty());
    assert_eq!(
        crate::support::text(&server, &["GET", "launchdarkly:features"]).as_deref(),
        Some("mine")
    );
    store.init(&data(&["a"], &[])).await.unwrap();
    assert_eq!(keys(&store.get_all(DataKind::Flag).await.unwrap()), ["a"]);
}

// STO-F14. The server hangs up before it has read anything, so its words may be lost on the way
#[tokio::test]
async fn a_full_server_may_have_room_later() {
    let server = RedisServer::builder().max_clients(1).start().unwrap();
    let first = store_on(&server);
    first.snapshot().await.unwrap();
    let second = store_on(&server);
    let error = second.snapshot().await.unwrap_err();
    assert!(error.is_temporary(), "{}", chain(&error));
    first.close().await;
    until("there is room", async || second.probe().await.is_ok()).await;
}

// STO-F15: the whole transaction is refused and the old data stays
#[tokio::test]
async fn a_server_without_memory_refuses_and_keeps_what_it_has() {
    let server = RedisServer::builder()
        .max_memory(3_000_000)
        .config("maxmemory-policy noeviction")
        .start()
        .unwrap();
    let store = store_on(&server);
    store.init(&data(&["old"], &["s"])).await.unwrap();
    let items: Vec<(Text, StoredItem)> = (0..4_000)
        .map(|n| (n.to_string().into(), StoredItem::new("x".repeat(1_000))))
        .collect();
    let error = store
        .init(&[Collection::new(DataKind::Flag, items)])
        .await
        .unwrap_err();
    assert!(
        error.is_temporary() && chain(&error).contains("OOM"),
        "{}",
        chain(&error)
    );
    assert_eq!(keys(&store.get_all(DataKind::Flag).await.unwrap()), ["old"]);
}

// STO-F16
#[tokio::test]
async fn a_busy_server_may_have_time_later() {
    let server = RedisServer::builder()
        .config("busy-reply-threshold 1")
        .start()
        .unwrap();
    let store = store_on(&server);
    store.init(&data(&["a"], &[])).await.unwrap();
    let mut other = TcpStream::connect(server.address()).unwrap();
    other
        .write_all(b"EVAL \"while true do end\" 0\r\n")
        .unwrap();
    let mut error = None;
    until("the server is busy", async || {
        error = store.get(DataKind::Flag, "a").await.err();
        matches!(&error, Some(error) if chain(error).contains("BUSY"))
    })
    .await;
    assert!(error.unwrap().is_temporary());
    server.command(["SCRIPT", "KILL"]).unwrap();
    until("the server has time", async || {
        store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
}

// STO-F16
#[tokio::test]
async fn a_replica_without_its_primary_may_serve_later() {
    let primary = RedisServer::start().unwrap();
    let replica = RedisServer::builder()
        .replica_of(&primary)
        .config("replica-serve-stale-data no")
        .start()
        .unwrap();
    let store = store_on(&replica);
    until("the replica is in step", async || {
        store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
    primary.kill();
    let mut error = None;
    until("the replica serves nothing", async || {
        error = store.get(DataKind::Flag, "a").await.err();
        error.is_some()
    })
    .await;
    let error = error.unwrap();
    assert!(
        error.is_temporary() && chain(&error).contains("MASTERDOWN"),
        "{}",
        chain(&error)
    );
}

// STO-F20, for an address that leads to a replica
#[tokio::test]
async fn a_replica_takes_no_writes() {
    let primary = RedisServer::start().unwrap();
    let replica = RedisServer::builder().replica_of(&primary).start().unwrap();
    let store = store_on(&replica);
    let error = store.init(&data(&["a"], &[])).await.unwrap_err();
    assert!(
        error.is_temporary() && chain(&error).contains("READONLY"),
        "{}",
        chain(&error)
    );
    assert!(store.get(DataKind::Flag, "a").await.unwrap().is_none());
}

// STO-9.5: a database that the server does not have
#[tokio::test]
async fn a_database_that_is_not_there_is_an_error_of_configuration() {
    let server = RedisServer::start().unwrap();
    let store = RedisDataStore::builder()
        .url(format!("{}/99", server.url()))
        .build()
        .unwrap();
    let error = store.snapshot().await.unwrap_err();
    assert!(
        matches!(error, StoreError::Config { .. })
            && chain(&error).contains("no database of this number"),
        "{}",
        chain(&error)
    );
}

// STO-F19: CROSSSLOT on init: per-kind transactions, a warning, and the marker last
#[tokio::test]
async fn keys_in_different_slots_are_written_kind_by_kind_with_a_warning() {
    let server = RedisServer::builder()
        .config("cluster-enabled yes")
        .start()
        .unwrap();
    server
        .command(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])
        .unwrap();
    let store = store_on(&server);
    until("the server serves", async || store.probe().await.is_ok()).await;
    let (log, _guard) = Log::start();
    store.init(&data(&["a"], &["s"])).await.unwrap();
    store.init(&data(&["b"], &["s"])).await.unwrap();
    assert_eq!(
        log.count(&["WARN", "hash tag", "{launchdarkly}"]),
        1,
        "{:?}",
        log.lines()
    );
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.initialized);
    assert_eq!(
        snapshot
            .collections
            .iter()
            .map(|kind| keys(&kind.items))
            .collect::<Vec<_>>(),
        [["b"], ["s"]]
    );
    assert_eq!(number(&server, &["DBSIZE"]), 3);
}
