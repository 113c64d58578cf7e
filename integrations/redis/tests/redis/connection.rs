//! The connection: STO-9.5.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_redis::{RedisBigSegmentStore, RedisDataStore};
use vexil_testing::servers::RedisServer;

use crate::support::{
    Log, TIMEOUT, chain, clients, connection_builder, data, info, item, keys, number,
    store_builder, store_on, text, until,
};

fn kill_connections(server: &RedisServer) {
    server
        .command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
        .unwrap();
}

// STO-9.5, lazy start, and STO-F1 and STO-F2
#[tokio::test]
async fn a_store_is_built_without_a_server_and_works_once_there_is_one() {
    let server = RedisServer::start().unwrap();
    server.kill();
    let store = store_on(&server);
    let error = store.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }));
    assert!(
        chain(&error).contains(&format!("no connection to {}", server.address())),
        "{}",
        chain(&error)
    );
    // A read of one item does not wait for the next attempt: it fails with the error of the last
    // one.
    let error = store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    server.restart().unwrap();
    // A probe triggers another attempt at once, whatever the backoff.
    until("the store works", async || store.probe().await.is_ok()).await;
    store.init(&data(&["a"], &[])).await.unwrap();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap().unwrap().body,
        item("a", 1).body
    );
}

// STO-9.5, connection: shared by flag and big-segment store; closed with the last
#[tokio::test]
async fn stores_share_a_connection_and_the_last_one_closes_it() {
    let server = RedisServer::start().unwrap();
    let connection = connection_builder().url(server.url()).build().unwrap();
    let flags = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    let big_segments = RedisBigSegmentStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    assert_eq!(
        clients(&server),
        0,
        "no connection before the first request"
    );
    flags.snapshot().await.unwrap();
    big_segments.last_synchronized().await.unwrap();
    assert_eq!(clients(&server), 1);
    flags.close().await;
    flags.close().await;
    assert!(chain(&flags.probe().await.unwrap_err()).contains("closed"));
    big_segments.last_synchronized().await.unwrap();
    assert_eq!(clients(&server), 1);
    drop(big_segments);
    until("the connection is closed", async || clients(&server) == 0).await;
    // The connection handle can be used again.
    RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_dropped_store_closes_its_connection() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    store.snapshot().await.unwrap();
    assert_eq!(clients(&server), 1);
    drop(store);
    until("the connection is closed", async || clients(&server) == 0).await;
}

// STO-9.5, reconnect: repeatable requests are retried once, so that the caller does not see the
// loss
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_is_invisible_to_the_caller() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    store.init(&data(&["a"], &["s"])).await.unwrap();
    kill_connections(&server);
    assert!(store.get(DataKind::Flag, "a").await.unwrap().is_some());
    for version in 2..5 {
        kill_connections(&server);
        match version {
            2 => assert_eq!(keys(&store.get_all(DataKind::Flag).await.unwrap()), ["a"]),
            3 => store.init(&data(&["a", "b"], &[])).await.unwrap(),
            _ => drop(
                store
                    .upsert(DataKind::Flag, "a", &item("a", version))
                    .await
                    .unwrap(),
            ),
        }
    }
    assert_eq!(
        store.snapshot().await.unwrap().collections[0].items.len(),
        2
    );
}

/// A server that hangs up every time makes the backoff grow to seconds. A waiting request does not
/// wait for that, but there are at most ten attempts a second.
#[tokio::test]
async fn a_waiting_request_ends_the_backoff_but_attempts_stay_apart() {
    const LOSSES: u32 = 20;
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let connections = || {
        info(&server, "total_connections_received")
            .parse::<u32>()
            .unwrap()
    };
    let (before, start) = (connections(), Instant::now());
    for _ in 0..LOSSES {
        store.snapshot().await.unwrap();
        kill_connections(&server);
    }
    let (made, time) = (connections() - before, start.elapsed());
    assert!(made >= LOSSES, "{made} connections");
    assert!(time < TIMEOUT, "{LOSSES} connections took {time:?}");
    let most = time.as_millis() / 100 + 2;
    assert!(u128::from(made) <= most, "{made} connections in {time:?}");
}

// STO-F6 and STO-F7: timeouts apply; late replies are dropped and never returned for other requests
#[tokio::test]
async fn requests_to_a_hung_server_time_out_and_late_replies_are_dropped() {
    // Long enough for a busy machine: a third late reply would replace the connection.
    let [read, bulk] = [2, 3].map(Duration::from_secs);
    let server = RedisServer::start().unwrap();
    let connection = connection_builder()
        .url(server.url())
        .read_timeout(read)
        .bulk_timeout(bulk)
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    store.init(&data(&["a", "b"], &[])).await.unwrap();
    server.pause().unwrap();
    let start = Instant::now();
    let late = store.get(DataKind::Flag, "a").await;
    assert!(matches!(late, Err(StoreError::Timeout)), "{late:?}");
    assert!(start.elapsed() >= read);
    let start = Instant::now();
    let late = store.snapshot().await;
    assert!(matches!(late, Err(StoreError::Timeout)), "{late:?}");
    assert!(start.elapsed() >= bulk);
    server.resume().unwrap();
    store.probe().await.unwrap();
    for key in ["a", "b", "c", "b"] {
        let found = store
            .get(DataKind::Flag, key)
            .await
            .unwrap()
            .map(|item| item.body);
        assert_eq!(found, (key != "c").then(|| item(key, 1).body));
    }
    assert_eq!(
        info(&server, "total_connections_received"),
        "2",
        "the same connection, and the test's own"
    );
}

// STO-F7: reconnect after three late replies in a row
#[tokio::test]
async fn three_late_replies_replace_the_connection() {
    let server = RedisServer::start().unwrap();
    let connection = connection_builder()
        .url(server.url())
        .read_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    store.init(&data(&["a"], &[])).await.unwrap();
    let before = info(&server, "total_connections_received");
    server.pause().unwrap();
    for _ in 0..3 {
        assert!(matches!(
            store.get(DataKind::Flag, "a").await,
            Err(StoreError::Timeout)
        ));
    }
    server.resume().unwrap();
    until("the server replies again", async || {
        store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
    assert_ne!(info(&server, "total_connections_received"), before);
    until("the old connection is closed", async || {
        clients(&server) == 1
    })
    .await;
}

// STO-9.5, timeouts: connecting has its own timeout, and a reader does not wait for it
#[tokio::test]
async fn a_server_that_accepts_but_never_replies_is_no_connection() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connection = connection_builder()
        .url(format!("redis://{}", silent.local_addr().unwrap()))
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    assert!(matches!(
        store.get(DataKind::Flag, "a").await,
        Err(StoreError::Timeout)
    ));
    let error = store.snapshot().await.unwrap_err();
    assert!(
        chain(&error).contains("no connection to") && chain(&error).contains("timed out"),
        "{}",
        chain(&error)
    );
}

// A store outlives a runtime, for example if one of two clients that share a connection stops
#[test]
fn a_connection_moves_to_another_runtime_after_its_own_ends() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { store.snapshot().await.unwrap() });
    }
}

// One connection for all concurrent requests
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_share_the_connection() {
    let server = RedisServer::start().unwrap();
    let store = Arc::new(store_on(&server));
    store.init(&data(&["a"], &[])).await.unwrap();
    let readers: Vec<_> = (0..200)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                if n % 50 == 0 {
                    assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 1);
                }
                store.get(DataKind::Flag, "a").await.unwrap().unwrap()
            })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap().body, item("a", 1).body);
    }
    assert_eq!(clients(&server), 1);
}

// STO-9.5, logging: the URL without the password, prefix and database
#[tokio::test]
async fn the_log_names_the_server_but_never_the_password() {
    let server = RedisServer::builder().password("s3cret").start().unwrap();
    let (log, _guard) = Log::start();
    let store = store_builder(format!("{}/3", server.url()))
        .prefix("ld:shop")
        .build()
        .unwrap();
    let url = format!("redis://…@{}/3", server.address());
    assert_eq!(
        log.count(&["INFO", &url, "database=3", "prefix=\"ld:shop\""]),
        1,
        "{:?}",
        log.lines()
    );
    store.snapshot().await.unwrap();
    kill_connections(&server);
    until("a new connection", async || store.probe().await.is_ok()).await;
    server.kill();
    let error = store.probe().await.unwrap_err();
    let shown = format!("{store:?} {error:?} {} {:?}", chain(&error), log.lines());
    assert!(!shown.contains("s3cret"), "{shown}");
}

// STO-F35: a mistyped prefix is reported, with similar prefixes
#[tokio::test]
async fn a_prefix_without_keys_logs_one_warning() {
    let server = RedisServer::start().unwrap();
    server
        .command(["HSET", "ld:shop:features", "a", "{}"])
        .unwrap();
    let (log, _guard) = Log::start();
    let store = store_builder(server.url())
        .prefix("ld:shpo")
        .build()
        .unwrap();
    store.snapshot().await.unwrap();
    let words = [
        "WARN",
        "is it the right one?",
        "prefix=\"ld:shpo\"",
        "ld:shop:features",
        "database=0",
    ];
    until("the warning", async || log.count(&words) == 1).await;
    store.snapshot().await.unwrap();
    assert_eq!(log.count(&words), 1);
    assert_eq!(number(&server, &["DBSIZE"]), 1);
}

// STO-1.7 and STO-F23: a memory policy that may evict all flags at once
#[tokio::test]
async fn a_server_that_may_evict_flags_logs_a_warning() {
    let server = RedisServer::builder()
        .config("maxmemory-policy allkeys-lru")
        .start()
        .unwrap();
    let (log, _guard) = Log::start();
    let store = store_on(&server);
    store.snapshot().await.unwrap();
    until("the warning", async || {
        log.count(&["WARN", "may evict", "allkeys-lru"]) == 1
    })
    .await;
    assert_eq!(text(&server, &["PING"]).as_deref(), Some("PONG"));
}

// STO-9.5: a local server, by its Unix socket
#[tokio::test]
async fn a_server_can_be_reached_by_a_unix_socket() {
    let server = RedisServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let address = server.address();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = tokio::net::TcpStream::connect(address).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let url = format!("unix://{}?db=4", path.display()).replace(' ', "%20");
    let store = store_builder(url).build().unwrap();
    store.init(&data(&["a"], &[])).await.unwrap();
    assert!(
        text(&server, &["INFO", "keyspace"])
            .unwrap()
            .contains("db4:keys=2")
    );
}
