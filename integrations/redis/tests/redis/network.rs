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
struct Far {
    server: RedisServer,
    proxy: FaultProxy,
    store: RedisDataStore,
}

impl Far {
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
    let far = Far::new(|settings| settings);
    far.store.init(&[many()]).await.unwrap();
    for bytes in [0, 1, 100, 50_000, 300_000] {
        far.proxy.cut_after(Direction::ToClient, bytes);
        let mut all = far.store.get_all(DataKind::Flag).await.unwrap();
        all.sort_by_key(|(key, _)| key.parse::<u32>().unwrap());
        assert_eq!(all, many().items, "cut after {bytes}");
    }
    assert_eq!(far.proxy.counts().cut, 5);
    far.proxy.reset();
    assert_eq!(far.store.get_all(DataKind::Flag).await.unwrap().len(), 200);
}

// STO-F26: an `init` that is cut off has no effect; it is retried
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_data_set_is_not_written_in_part() {
    let far = Far::new(|settings| settings);
    far.store.init(&data(&["old"], &["s"])).await.unwrap();
    far.proxy.cut_after(Direction::ToServer, 100_000);
    far.store.init(&[many()]).await.unwrap();
    assert_eq!(far.proxy.counts().cut, 1);
    assert_eq!(number(&far.server, &["HLEN", "launchdarkly:features"]), 200);

    // If the retry fails too, the old data stays complete.
    far.proxy.cut_after(Direction::ToServer, 100_000);
    far.proxy.refuse();
    assert!(
        far.store.init(&data(&["new"], &[])).await.is_ok(),
        "it is short, and the connection still works"
    );
    let error = far.store.init(&[many()]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(
        keys(&store_on(&far.server).get_all(DataKind::Flag).await.unwrap()),
        ["new"]
    );
}

// STO-9.5: a script may be sent again; the second run finds what the first one wrote
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upsert_whose_reply_is_lost_is_written_once() {
    let far = Far::new(|settings| settings);
    far.store
        .upsert(DataKind::Flag, "a", &item("a", 1))
        .await
        .unwrap();
    far.proxy.cut_after(Direction::ToClient, 0);
    far.store
        .upsert(DataKind::Flag, "a", &item("a", 2))
        .await
        .unwrap();
    assert_eq!(far.proxy.counts().cut, 1);
    assert_eq!(
        far.store
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
    let far = Far::new(|settings| settings.read_timeout(Duration::from_millis(500)));
    far.store.init(&data(&["a"], &[])).await.unwrap();
    // Much longer than the timeout, so that a busy machine notices the timeout first.
    far.proxy.delay(Direction::ToClient, Duration::from_secs(3));
    let start = Instant::now();
    assert!(matches!(
        far.store.get(DataKind::Flag, "a").await,
        Err(StoreError::Timeout)
    ));
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!(
        keys(&far.store.snapshot().await.unwrap().collections[0].items),
        ["a"]
    );
    far.proxy.delay(Direction::ToClient, Duration::ZERO);
    for (key, exists) in [("a", true), ("b", false)] {
        until("the network is fast", async || {
            let item = far.store.get(DataKind::Flag, key).await;
            item.is_ok_and(|item| item.is_some() == exists)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_read_timeout_is_longer_than_the_evaluation_timeout() {
    let far = Far::new(|_| RedisConnection::builder());
    until("the server replies in time", async || {
        far.store.init(&data(&["a"], &[])).await.is_ok()
    })
    .await;
    // Between the default timeout of a probe, 2 s, and that of a read, 5 s.
    far.proxy.delay(Direction::ToClient, Duration::from_secs(3));
    assert!(far.store.get(DataKind::Flag, "a").await.unwrap().is_some());
    far.store.probe().await.unwrap_err();
    far.proxy.delay(Direction::ToClient, Duration::ZERO);
    until("the probe succeeds", async || {
        far.store.probe().await.is_ok()
    })
    .await;
}

// STO-F7: a network that drops everything
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_drops_everything_is_replaced() {
    let limit = Duration::from_millis(500);
    let far = Far::new(|settings| {
        settings
            .read_timeout(limit)
            .connect_timeout(limit)
            .probe_timeout(limit)
    });
    until("the server is reached in time", async || {
        far.store.init(&data(&["a"], &[])).await.is_ok()
    })
    .await;
    let mut changes = far.store.changes().unwrap();
    changes.mark_unchanged();
    far.proxy.stall(Direction::ToServer);
    for _ in 0..3 {
        assert!(matches!(
            far.store.get(DataKind::Flag, "a").await,
            Err(StoreError::Timeout)
        ));
    }
    until("the connection is replaced", async || {
        matches!(
            far.store.get(DataKind::Flag, "a").await,
            Err(StoreError::Unavailable { .. })
        )
    })
    .await;
    far.proxy.resume(Direction::ToServer);
    until("the network is back", async || {
        far.store.get(DataKind::Flag, "a").await.is_ok()
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
    let far = Far::new(|settings| settings);
    far.store.init(&data(&["a"], &[])).await.unwrap();
    let mut changes = far.store.changes().unwrap();
    changes.mark_unchanged();
    far.proxy.refuse();
    far.proxy.cut();
    // A read that waited for its timeout would return another error.
    until("the outage is detected", async || {
        match far.store.get(DataKind::Flag, "a").await {
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
    far.proxy.accept().unwrap();
    // Without any request, the store reconnects by itself.
    tokio::time::timeout(TIMEOUT, changes.changed())
        .await
        .expect("notified of the reconnection");
    assert!(far.store.get(DataKind::Flag, "a").await.unwrap().is_some());
}

// Bad input never panics and is never returned as data
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_reply_is_an_error_and_closes_the_connection() {
    let far = Far::new(|settings| settings.connect_timeout(Duration::from_secs(1)));
    until("the server is reached in time", async || {
        far.store.init(&data(&["a"], &[])).await.is_ok()
    })
    .await;
    far.proxy.corrupt(Direction::ToClient, |bytes| {
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55)
    });
    let error = far.store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(error.is_temporary(), "{}", chain(&error));
    assert!(far.store.snapshot().await.unwrap_err().is_temporary());
    far.proxy.restore().unwrap();
    until("the server sends valid replies again", async || {
        far.store.snapshot().await.is_ok()
    })
    .await;
}
