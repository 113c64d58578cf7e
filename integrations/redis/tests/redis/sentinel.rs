//! Redis Sentinel: STO-9.5, and STO-F20 and STO-F21.

use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_redis::{RedisConfigError, RedisConnection, RedisDataStore};
use vexil_testing::servers::{RedisSentinel, RedisServer};

use crate::support::{Log, TIMEOUT, chain, connection_builder, data, item, keys, number, until};

fn connection(redis: &RedisSentinel) -> RedisConnection {
    // The first sentinel is unreachable.
    let sentinels = ["redis://127.0.0.1:1".to_owned(), redis.sentinel().url()];
    connection_builder()
        .sentinels(redis.name(), sentinels)
        .build()
        .unwrap()
}

fn store(redis: &RedisSentinel) -> RedisDataStore {
    RedisDataStore::builder()
        .connection(&connection(redis))
        .build()
        .unwrap()
}

// STO-F20: after READONLY from the old primary, query the sentinels, reconnect and retry once
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_to_the_current_primary() {
    let redis = RedisSentinel::start().unwrap();
    let store = store(&redis);
    store.init(&data(&["a"], &["s"])).await.unwrap();
    let [first, second] = redis.servers();
    assert_eq!(number(first, &["HLEN", "launchdarkly:features"]), 1);
    until("the replica has it", async || {
        number(second, &["HLEN", "launchdarkly:features"]) == 1
    })
    .await;

    redis.fail_over().unwrap();
    until("the old primary is a replica", async || {
        let role = first.command(["ROLE"]).unwrap();
        role.list().unwrap()[0].text().as_deref() == Some("slave")
    })
    .await;
    // The write succeeds, whatever the state of the connection.
    store.init(&data(&["a", "b"], &[])).await.unwrap();
    store
        .upsert(DataKind::Flag, "b", &item("b", 2))
        .await
        .unwrap();
    assert_eq!(number(second, &["HLEN", "launchdarkly:features"]), 2);
    assert_eq!(
        keys(&store.get_all(DataKind::Flag).await.unwrap()),
        ["a", "b"]
    );
}

// STO-9.5, sentinel: queried again after a disconnect; STO-F21
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_primary_serves_after_the_old_one_dies() {
    let redis = RedisSentinel::start().unwrap();
    let store = store(&redis);
    store.init(&data(&["a"], &[])).await.unwrap();
    let mut changes = store.changes().unwrap();
    let [first, second] = redis.servers();
    until("the replica has it", async || {
        number(second, &["HLEN", "launchdarkly:features"]) == 1
    })
    .await;
    first.kill();
    redis.wait_for_other_primary(first.port()).unwrap();
    until("the new primary serves", async || {
        store
            .upsert(DataKind::Flag, "a", &item("a", 2))
            .await
            .is_ok()
    })
    .await;
    tokio::time::timeout(TIMEOUT, changes.changed())
        .await
        .expect("the reconnection counts as a change");
    second
        .command(["HSET", "launchdarkly:features", "b", "{}"])
        .unwrap();
    tokio::time::timeout(TIMEOUT, changes.changed())
        .await
        .expect("the new primary notifies the store");
}

// STO-9.5: TLS and authentication apply to the primary, and the log names the sentinels and the
// primary
#[tokio::test]
async fn the_primary_may_require_a_password_and_tls() {
    let redis = RedisServer::builder()
        .password("s3cret")
        .tls()
        .start_sentinel()
        .unwrap();
    let builder = connection_builder()
        .sentinels(redis.name(), [redis.sentinel().url()])
        .ca_certs(redis.tls().unwrap().ca_path());
    let connection = builder.clone().url("rediss://:s3cret@any").build().unwrap();
    let (log, _guard) = Log::start();
    RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap();
    let shown = format!("{} of {}", redis.name(), redis.sentinel().url());
    assert_eq!(log.count(&["INFO", &shown]), 1, "{:?}", log.lines());
    assert_eq!(log.count(&["s3cret"]), 0);
    let connection = builder.url("rediss://any").build().unwrap();
    let refused = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    assert!(matches!(
        refused.snapshot().await,
        Err(StoreError::Auth { .. })
    ));
}

#[tokio::test]
async fn an_unknown_primary_is_named_in_the_error() {
    let redis = RedisSentinel::start().unwrap();
    let connection = connection_builder()
        .sentinels("other", [redis.sentinel().url()])
        .build()
        .unwrap();
    let error = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap()
        .snapshot()
        .await
        .unwrap_err();
    assert!(
        error.is_temporary() && chain(&error).contains("no sentinel knows a primary \"other\""),
        "{}",
        chain(&error)
    );
}

#[test]
fn at_least_one_sentinel_is_required() {
    let none = RedisConnection::builder()
        .sentinels("main", Vec::<String>::new())
        .build();
    assert!(matches!(none, Err(RedisConfigError::Conflict { .. })));
}
