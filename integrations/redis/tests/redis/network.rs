//! Network faults: STO-F1, STO-F3, STO-F6, STO-F7 and STO-F26.

use std::time::{Duration, Instant};

use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};
use vexil_redis::{RedisConnection, RedisConnectionBuilder, RedisDataStore};
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;
use vexil_testing::servers::RedisServer;

use crate::support::{
    TIMEOUT, chain, connection_builder, data, item, keys, number, store_on, until,
};

/// A server, and a store behind a proxy.
struct BehindProxy {
    server: RedisServer,
    proxy: FaultProxy,
    store: RedisDataStore,
}

impl BehindProxy {
    fn new(settings: impl FnOnce(RedisConnectionBuilder) -> RedisConnectionBuilder) -> Self {
        let server = RedisServer::start().unwrap();
        let proxy = FaultProxy::start(server.address()).unwrap();
        let builder = settings(connection_builder()).url(format!("redis://{}", proxy.address()));
        let store = RedisDataStore::builder()
            .connection(&builder.build().unwrap())
            .build()
            .unwrap();
        Self {
            server,
            proxy,
            store,
        }
    }
}

/// Flags of some kilobytes each.
fn many() -> Collection {
    let item = |n: u32| {
        (
            Text::from(n.to_string()),
            StoredItem::new(format!("{{\"x\":\"{}\"}}", "y".repeat(2_000))),
        )
    };
    Collection::new(DataKind::Flag, (0..200).map(item).collect())
}

// STO-9.5, reconnect: a truncated reply is never returned, and the caller does not see the loss
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_reply_is_requested_again() {
    let remote = BehindProxy::new(|settings| settings);
    remote.store.init(&[many()]).await.unwrap();
    for bytes in [0, 1, 100, 50_000, 300_000] {
        remote.proxy.cut_after(Direction::ToClient, bytes);
        let mut all = remote.store.get_all(DataKind::Flag).await.unwrap();
        all.sort_by_key(|(key, _)| key.parse::<u32>().unwrap());
        assert_eq!(all, many().items, "cut after {bytes}");
    }
    assert_eq!(remote.proxy.counts().cut, 5);
    remote.proxy.reset();
    assert_eq!(
        remote.store.get_all(DataKind::Flag).await.unwrap().len(),
        200
    );
}

// STO-F26: an `init` that is cut off has no effect; it is retried
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_data_set_is_not_written_in_part() {
    let remote = BehindProxy::new(|settings| settings);
    remote.store.init(&data(&["old"], &["s"])).await.unwrap();
    remote.proxy.cut_after(Direction::ToServer, 100_000);
    remote.store.init(&[many()]).await.unwrap();
    assert_eq!(remote.proxy.counts().cut, 1);
    assert_eq!(
        number(&remote.server, &["HLEN", "launchdarkly:features"]),
        200
    );

    // If the retry fails too, the old data stays complete.
    remote.proxy.cut_after(Direction::ToServer, 100_000);
    remote.proxy.refuse();
    assert!(
        remote.store.init(&data(&["new"], &[])).await.is_ok(),
        "it is short, and the connection still works"
    );
    let error = remote.store.init(&[many()]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(
        keys(
            &store_on(&remote.server)
                .get_all(DataKind::Flag)
                .await
                .unwrap()
        ),
        ["new"]
    );
}

// STO-9.5: a script may be sent again; the second run finds what the first one wrote
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upsert_whose_reply_is_lost_is_written_once() {
    let remote = BehindProxy::new(|settings| settings);
    remote
        .store
        .upsert(DataKind::Flag, "a", &item("a", 1))
        .await
        .unwrap();
    remote.proxy.cut_after(Direction::ToClient, 0);
    remote
        .store
        .upsert(DataKind::Flag, "a", &item("a", 2))
        .await
        .unwrap();
    assert_eq!(remote.proxy.counts().cut, 1);
    assert_eq!(
        remote
            .store
            .get(DataKind::Flag, "a")
            .await
            .unwrap()
            .unwrap()
            .body,
        item("a", 2).body
    );
}

/// A read of one item has its own timeout, a snapshot has 10 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_fails_reads_of_one_item_but_not_snapshots() {
    let remote = BehindProxy::new(|settings| settings.read_timeout(Duration::from_millis(500)));
    remote.store.init(&data(&["a"], &[])).await.unwrap();
    // Much longer than the timeout, so that a busy machine notices the timeout first.
    remote
        .proxy
        .delay(Direction::ToClient, Duration::from_secs(3));
    let start = Instant::now();
    assert!(matches!(
        remote.store.get(DataKind::Flag, "a").await,
        Err(StoreError::Timeout)
    ));
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!(
        keys(&remote.store.snapshot().await.unwrap().collections[0].items),
        ["a"]
    );
    remote.proxy.delay(Direction::ToClient, Duration::ZERO);
    for (key, exists) in [("a", true), ("b", false)] {
        until("the network is fast", async || {
            let item = remote.store.get(DataKind::Flag, key).await;
            item.is_ok_and(|item| item.is_some() == exists)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_read_timeout_is_longer_than_the_evaluation_timeout() {
    let remote = BehindProxy::new(|_| RedisConnection::builder());
    until("the server replies in time", async || {
        remote.store.init(&data(&["a"], &[])).await.is_ok()
    })
    .await;
    // Between the default timeout of a probe, 2 s, and that of a read, 5 s.
    remote
        .proxy
        .delay(Direction::ToClient, Duration::from_secs(3));
    assert!(
        remote
            .store
            .get(DataKind::Flag, "a")
            .await
            .unwrap()
            .is_some()
    );
    remote.store.probe().await.unwrap_err();
    remote.proxy.delay(Direction::ToClient, Duration::ZERO);
    until("the probe succeeds", async || {
        remote.store.probe().await.is_ok()
    })
    .await;
}

// STO-F7: a network that drops everything
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_drops_everything_is_replaced() {
    let limit = Duration::from_millis(500);
    let remote = BehindProxy::new(|settings| {
        settings
            .read_timeout(limit)
            .connect_timeout(limit)
            .probe_timeout(limit)
    });
    until("the server is reached in time", async || {
        remote.store.init(&data(&["a"], &[])).await.is_ok()
    })
    .await;
    let mut changes = remote.store.changes().unwrap();
    changes.mark_unchanged();
    remote.proxy.stall(Direction::ToServer);
    for _ in 0..3 {
        assert!(matches!(
            remote.store.get(DataKind::Flag, "a").await,
            Err(StoreError::Timeout)
        ));
    }
    until("the connection is replaced", async || {
        matches!(
            remote.store.get(DataKind::Flag, "a").await,
            Err(StoreError::Unavailable { .. })
        )
    })
    .await;
    remote.proxy.resume(Direction::ToServer);
    until("the network is back", async || {
        remote.store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
    tokio::time::timeout(TIMEOUT, changes.changed())
        .await
        .expect("the reconnection counts as a change");
}

// STO-F1 and STO-F3: a read of one item fails at once in an outage, and watchers are notified of
// its end
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_are_notified_of_an_outage_and_of_its_end() {
    let remote = BehindProxy::new(|settings| settings);
    remote.store.init(&data(&["a"], &[])).await.unwrap();
    let mut changes = remote.store.changes().unwrap();
    changes.mark_unchanged();
    remote.proxy.refuse();
    remote.proxy.cut();
    // A read that waited for its timeout would return another error.
    until("the outage is detected", async || {
        match remote.store.get(DataKind::Flag, "a").await {
            Ok(item) => {
                assert!(item.is_some(), "a failed read is not an absent item");
                false
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
                true
            }
        }
    })
    .await;
    // A watcher that does not read is notified too.
    tokio::time::timeout(TIMEOUT, changes.changed())
        .await
        .expect("notified of the outage");
    remote.proxy.accept().unwrap();
    // Without any request, the store reconnects by itself.
    tokio::time::timeout(TIMEOUT, changes.changed())
        .await
        .expect("notified of the reconnection");
    assert!(
        remote
            .store
            .get(DataKind::Flag, "a")
            .await
            .unwrap()
            .is_some()
    );
}

// Bad input never panics and is never returned as data
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_reply_is_an_error_and_closes_the_connection() {
    let remote = BehindProxy::new(|settings| settings.connect_timeout(Duration::from_secs(1)));
    until("the server is reached in time", async || {
        remote.store.init(&data(&["a"], &[])).await.is_ok()
    })
    .await;
    remote.proxy.corrupt(Direction::ToClient, |bytes| {
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55)
    });
    let error = remote.store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(error.is_temporary(), "{}", chain(&error));
    assert!(remote.store.snapshot().await.unwrap_err().is_temporary());
    remote.proxy.restore().unwrap();
    until("the server sends valid replies again", async || {
        remote.store.snapshot().await.is_ok()
    })
    .await;
}
