//! The connection: STO-9.5.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
use vexil_testing::servers::RedisServer;

use crate::support::{
    Log, SOON, chain, clients, data, info, item, keys, number, store_on, text, until,
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
    // A read of one item does not wait for the next attempt: it gets the error of the last one.
    let error = store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    server.restart().unwrap();
    // Whoever probes makes the store try again at once, whatever the pause would be.
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
    let connection = RedisConnection::builder()
        .url(server.url())
        .build()
        .unwrap();
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
        "nothing is connected before it is needed"
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
    // The connection itself can be used again.
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

// STO-9.5, reconnect: what can be repeated is repeated once, and nobody sees the drop
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_connection_is_not_seen_by_who_asks() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    store.init(&data(&["a"], &["s"])).await.unwrap();
    kill_connections(&server);
    assert!(store.get(DataKind::Flag, "a").await.unwrap().is_some());
    for version in 2..5 {
        // Long enough for the connection to be up again without a pause.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
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

/// A server that hangs up every time makes the backoff grow to seconds. A request that waits does
/// not wait for that, and yet there are not more than ten attempts in a second.
#[tokio::test]
async fn a_waiting_request_ends_the_backoff_but_not_the_pause_between_attempts() {
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
    assert!(time < SOON, "{LOSSES} connections took {time:?}");
    let most = time.as_millis() / 100 + 2;
    assert!(u128::from(made) <= most, "{made} connections in {time:?}");
}

// STO-F6 and STO-F7: limits hold; late answers are dropped and never taken for others
#[tokio::test]
async fn a_hung_server_costs_the_limit_and_late_answers_are_dropped() {
    let server = RedisServer::start().unwrap();
    let connection = RedisConnection::builder()
        .url(server.url())
        .read_timeout(Duration::from_millis(100))
        .probe_timeout(Duration::from_millis(200))
        .bulk_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let store = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    store.init(&data(&["a", "b"], &[])).await.unwrap();
    server.pause().unwrap();
    for limit in [100, 300] {
        let start = Instant::now();
        let late = match limit {
            100 => store.get(DataKind::Flag, "a").await.map(drop),
            _ => store.snapshot().await.map(drop),
        };
        assert!(matches!(late, Err(StoreError::Timeout)), "{late:?}");
        let limit = Duration::from_millis(limit);
        assert!(start.elapsed() >= limit && start.elapsed() < limit + Duration::from_secs(5));
    }
    server.resume().unwrap();
    until("the server answers again", async || {
        store.probe().await.is_ok()
    })
    .await;
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
        "the connection is the same one; the other is the test's"
    );
}

// STO-F7: reconnect after three answers in a row that did not come in time
#[tokio::test]
async fn after_three_late_answers_the_connection_is_another_one() {
    let server = RedisServer::start().unwrap();
    let connection = RedisConnection::builder()
        .url(server.url())
        .read_timeout(Duration::from_millis(50))
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
    until("the server answers again", async || {
        store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
    assert_ne!(info(&server, "total_connections_received"), before);
    assert_eq!(clients(&server), 1);
}

// STO-9.5, time-outs: connecting has a limit of its own, and a reader does not wait for it
#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_no_connection() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connection = RedisConnection::builder()
        .url(format!("redis://{}", silent.local_addr().unwrap()))
        .connect_timeout(Duration::from_millis(300))
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

// A store outlives a runtime, as a shared connection does when one of two clients goes
#[test]
fn a_connection_moves_to_another_runtime_when_its_own_is_gone() {
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

// One connection, whatever is asked at once
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
async fn the_log_says_where_flags_are_and_never_the_password() {
    let server = RedisServer::builder().password("s3cret").start().unwrap();
    let (log, _guard) = Log::start();
    let store = RedisDataStore::builder()
        .url(format!("{}/3", server.url()))
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

// STO-F35: a prefix typo is seen, with what it may have been
#[tokio::test]
async fn an_empty_prefix_in_a_full_server_is_warned_of_once() {
    let server = RedisServer::start().unwrap();
    server
        .command(["HSET", "ld:shop:features", "a", "{}"])
        .unwrap();
    let (log, _guard) = Log::start();
    let store = RedisDataStore::builder()
        .url(server.url())
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

// STO-1.7 and STO-F23: a policy that may evict all flags at once
#[tokio::test]
async fn a_server_that_may_evict_flags_is_warned_of() {
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

// STO-9.5: a server on this machine, by its socket
#[tokio::test]
async fn a_server_may_be_reached_by_a_socket() {
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
    let store = RedisDataStore::builder().url(url).build().unwrap();
    store.init(&data(&["a"], &[])).await.unwrap();
    assert!(
        text(&server, &["INFO", "keyspace"])
            .unwrap()
            .contains("db4:keys=2")
    );
}
