//! Errors of the server, and the store errors that they become: STO-9.5 and STO-10.

use std::io::Write;
use std::net::TcpStream;

use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};
use vexil_testing::servers::RedisServer;

use crate::support::{Log, chain, data, keys, number, store_builder, store_on, until};

// STO-F11: a permanent error with its cause; a foreign key stays, and only `init` replaces it
#[tokio::test]
async fn a_key_of_another_type_is_a_configuration_error() {
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

// STO-F14. The server hangs up before it reads anything, so its error reply may be lost
#[tokio::test]
async fn a_server_at_its_client_limit_is_a_temporary_error() {
    let server = RedisServer::builder().max_clients(1).start().unwrap();
    let first = store_on(&server);
    first.snapshot().await.unwrap();
    let second = store_on(&server);
    let error = second.snapshot().await.unwrap_err();
    assert!(error.is_temporary(), "{}", chain(&error));
    first.close().await;
    until("the server accepts the client", async || {
        second.probe().await.is_ok()
    })
    .await;
}

// STO-F15: the whole transaction is refused and the old data stays
#[tokio::test]
async fn a_server_out_of_memory_keeps_the_old_data() {
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
async fn a_busy_server_is_a_temporary_error() {
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
    until("the server is idle", async || {
        store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
}

// STO-F16
#[tokio::test]
async fn a_replica_without_its_primary_is_a_temporary_error() {
    let primary = RedisServer::start().unwrap();
    let replica = RedisServer::builder()
        .replica_of(&primary)
        .config("replica-serve-stale-data no")
        .start()
        .unwrap();
    let store = store_on(&replica);
    until("the replica is synchronized", async || {
        store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
    primary.kill();
    let mut error = None;
    until("the replica refuses reads", async || {
        error = store.get(DataKind::Flag, "a").await.err();
        matches!(&error, Some(error) if chain(error).contains("MASTERDOWN"))
    })
    .await;
    assert!(error.unwrap().is_temporary());
}

// STO-F20, for an address that leads to a replica
#[tokio::test]
async fn a_replica_rejects_writes() {
    let primary = RedisServer::start().unwrap();
    let replica = RedisServer::builder().replica_of(&primary).start().unwrap();
    let store = store_on(&replica);
    let mut error = None;
    // While a replica loads the data set of its primary, it refuses every request.
    until("the replica refuses the write", async || {
        error = store.init(&data(&["a"], &[])).await.err();
        matches!(&error, Some(error) if chain(error).contains("READONLY"))
    })
    .await;
    assert!(error.unwrap().is_temporary());
    until("the replica replies to reads", async || {
        matches!(store.get(DataKind::Flag, "a").await, Ok(None))
    })
    .await;
}

// STO-9.5: a database number that the server does not have
#[tokio::test]
async fn a_nonexistent_database_is_a_configuration_error() {
    let server = RedisServer::start().unwrap();
    let store = store_builder(format!("{}/99", server.url()))
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
    until("the cluster is ready", async || store.probe().await.is_ok()).await;
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
