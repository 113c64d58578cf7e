//! What a network does to connections: STO-F1, STO-F3, STO-F6, STO-F7 and STO-F26.

use std::time::{Duration, Instant};

use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};
use vexil_redis::{RedisConnection, RedisConnectionBuilder, RedisDataStore};
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;
use vexil_testing::servers::RedisServer;

use crate::support::{chain, data, item, keys, number, store_on, until};

/// A server, and a store on the other side of a network.
struct Far {
    server: RedisServer,
    proxy: FaultProxy,
    store: RedisDataStore,
}

impl Far {
    fn new(settings: impl FnOnce(RedisConnectionBuilder) -> RedisConnectionBuilder) -> Self {
        let server = RedisServer::start().unwrap();
        let proxy = FaultProxy::start(server.address()).unwrap();
        let builder =
            settings(RedisConnection::builder()).url(format!("redis://{}", proxy.address()));
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

// STO-9.5, reconnect: a cut in the middle of an answer is never an answer, and is not seen by who
// asks
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_is_asked_for_again() {
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

// STO-F26: what is cut in the middle of `init` has not happened; it is repeated
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_set_that_is_cut_is_not_written_in_part() {
    let far = Far::new(|settings| settings);
    far.store.init(&data(&["old"], &["s"])).await.unwrap();
    far.proxy.cut_after(Direction::ToServer, 100_000);
    far.store.init(&[many()]).await.unwrap();
    assert_eq!(far.proxy.counts().cut, 1);
    assert_eq!(number(&far.server, &["HLEN", "launchdarkly:features"]), 200);

    // And where it cannot be repeated, the old data stays whole.
    far.proxy.cut_after(Direction::ToServer, 100_000);
    far.proxy.refuse();
    assert!(
        far.store.init(&data(&["new"], &[])).await.is_ok(),
        "it is short, and the connection is there"
    );
    let error = far.store.init(&[many()]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(
        keys(&store_on(&far.server).get_all(DataKind::Flag).await.unwrap()),
        ["new"]
    );
}

// STO-9.5: a script may be repeated. What it wrote the first time it finds the second time
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_whose_acknowledgement_is_lost_is_there() {
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

/// One item has its limit, everything has 10 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_costs_a_reader_its_limit_and_a_snapshot_its_time() {
    let far = Far::new(|settings| settings.read_timeout(Duration::from_millis(500)));
    far.store.init(&data(&["a"], &[])).await.unwrap();
    far.proxy
        .delay(Direction::ToClient, Duration::from_millis(1_200));
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
    until("the network is fast", async || {
        far.store.get(DataKind::Flag, "a").await.is_ok()
    })
    .await;
    assert_eq!(far.store.get(DataKind::Flag, "b").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_a_read_waits_longer_than_an_evaluation_does() {
    let far = Far::new(|settings| settings);
    far.store.init(&data(&["a"], &[])).await.unwrap();
    far.proxy
        .delay(Direction::ToClient, Duration::from_millis(2_100));
    assert!(far.store.get(DataKind::Flag, "a").await.unwrap().is_some());
    far.store.probe().await.unwrap_err();
    far.proxy
        .delay(Direction::ToClient, Duration::from_millis(1_100));
    until("the database is slow", async || {
        far.store.probe().await.is_ok()
    })
    .await;
}

// STO-F7: a network that swallows everything
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_swallows_everything_is_replaced() {
    let limit = Duration::from_millis(100);
    let far = Far::new(|settings| {
        settings
            .read_timeout(limit)
            .connect_timeout(limit)
            .probe_timeout(limit)
    });
    far.store.init(&data(&["a"], &[])).await.unwrap();
    let mut changes = far.store.changes().unwrap();
    changes.mark_unchanged();
    far.proxy.stall(Direction::ToServer);
    for _ in 0..3 {
        assert!(matches!(
            far.store.get(DataKind::Flag, "a").await,
            Err(StoreError::Timeout)
        ));
    }
    until("the connection is given up", async || {
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
    assert!(changes.has_changed().unwrap());
}

// STO-F1 and STO-F3: an outage is told at once to who reads one item, and its end to who watches
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_and_so_is_its_end() {
    let far = Far::new(|settings| settings);
    far.store.init(&data(&["a"], &[])).await.unwrap();
    let mut changes = far.store.changes().unwrap();
    changes.mark_unchanged();
    far.proxy.refuse();
    far.proxy.cut();
    until("the outage is known", async || {
        let start = Instant::now();
        let told = far.store.get(DataKind::Flag, "a").await;
        assert!(!matches!(told, Ok(None)), "trouble is not absence");
        told.is_err() && start.elapsed() < Duration::from_millis(100)
    })
    .await;
    // Who watches and does not read is told that there is something to learn.
    tokio::time::timeout(crate::support::SOON, changes.changed())
        .await
        .expect("the outage is told")
        .unwrap();
    far.proxy.accept().unwrap();
    // Nobody asks; the store comes back by itself.
    tokio::time::timeout(crate::support::SOON, changes.changed())
        .await
        .expect("the store comes back")
        .unwrap();
    assert!(far.store.get(DataKind::Flag, "a").await.unwrap().is_some());
}

// Bad input never panics and is never taken for data
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_from_the_server_is_an_error_and_ends_the_connection() {
    let far = Far::new(|settings| settings.connect_timeout(Duration::from_millis(300)));
    far.store.init(&data(&["a"], &[])).await.unwrap();
    far.proxy.corrupt(Direction::ToClient, |bytes| {
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55)
    });
    let error = far.store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(error.is_temporary(), "{}", chain(&error));
    assert!(far.store.snapshot().await.unwrap_err().is_temporary());
    far.proxy.restore().unwrap();
    until("sense is back", async || far.store.snapshot().await.is_ok()).await;
}
