//! Redis Cluster: STO-1.7 and STO-9.5, and STO-F17 to STO-F19.

use vexil::big_segments::{BigSegmentStore, StoredMembership};
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_redis::{RedisBigSegmentStore, RedisConfigError, RedisConnection, RedisDataStore};
use vexil_testing::servers::{RedisCluster, RedisServer};

use crate::support::{
    Log, TIMEOUT, chain, connection_builder, data, item, keys, number, store_builder, until,
};

fn connection(cluster: &RedisCluster) -> RedisConnection {
    let urls = cluster.urls();
    connection_builder()
        .url(&urls[0])
        .cluster(&urls[1..])
        .build()
        .unwrap()
}

fn store(cluster: &RedisCluster, prefix: &str) -> RedisDataStore {
    RedisDataStore::builder()
        .connection(&connection(cluster))
        .prefix(prefix)
        .build()
        .unwrap()
}

async fn works(store: &RedisDataStore) {
    store.init(&data(&["a", "b"], &["s"])).await.unwrap();
    store
        .upsert(DataKind::Flag, "a", &item("a", 2))
        .await
        .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.initialized);
    assert_eq!(keys(&snapshot.collections[0].items), ["a", "b"]);
    assert_eq!(keys(&snapshot.collections[1].items), ["s"]);
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap().unwrap().body,
        item("a", 2).body
    );
}

// STO-9.5, cluster: one transaction with a hash tag, a warning without one; push in either case
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_are_read_from_the_node_that_has_them() {
    let cluster = RedisCluster::start().unwrap();
    for (prefix, warnings) in [("{ld:prod}", 0), ("launchdarkly", 1)] {
        let (log, _guard) = Log::start();
        let store = store(&cluster, prefix);
        let mut changes = store.changes().unwrap();
        works(&store).await;
        assert_eq!(
            log.count(&["WARN", "hash tag"]),
            warnings,
            "{:?}",
            log.lines()
        );
        changes.mark_unchanged();
        for key in ["features", "segments"] {
            let key = format!("{prefix}:{key}");
            let node = cluster.node_of(&key).unwrap();
            assert!(number(node, &["HLEN", &key]) > 0);
            node.command(["HSET", &key, "new", "{}"]).unwrap();
            tokio::time::timeout(TIMEOUT, changes.changed())
                .await
                .expect("the node notifies the store");
        }
    }
}

// STO-4.2: in a cluster the two sets of a context are on different nodes
#[tokio::test]
async fn big_segments_are_read_from_the_node_that_has_them() {
    let cluster = RedisCluster::start().unwrap();
    let store = RedisBigSegmentStore::builder()
        .connection(&connection(&cluster))
        .build()
        .unwrap();
    for n in 0..20 {
        for (set, segment) in [("include", "in.g1"), ("exclude", "out.g1")] {
            let key = format!("launchdarkly:big_segment_{set}:{n}");
            cluster
                .node_of(&key)
                .unwrap()
                .command(["SADD", &key, segment])
                .unwrap();
        }
        let membership = store.membership(&n.to_string()).await.unwrap().unwrap();
        assert_eq!(membership.is_included("in.g1"), Some(true));
        assert_eq!(membership.is_included("out.g1"), Some(false));
    }
    assert_eq!(store.last_synchronized().await.unwrap(), None);
}

// STO-F17: the store follows moved slots, by MOVED and by ASK
#[tokio::test]
async fn moved_slots_are_followed() {
    let cluster = RedisCluster::start().unwrap();
    let store = store(&cluster, "{ld:prod}");
    works(&store).await;
    let from = cluster.node_of("{ld:prod}:features").unwrap();
    let to = cluster
        .nodes()
        .iter()
        .find(|node| node.port() != from.port())
        .unwrap();
    let id = |node: &RedisServer| node.command(["CLUSTER", "MYID"]).unwrap().text().unwrap();
    let slot = number(from, &["CLUSTER", "KEYSLOT", "{ld:prod}"]).to_string();
    to.command(["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)])
        .unwrap();
    from.command(["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)])
        .unwrap();
    let port = to.port().to_string();
    from.command([
        "MIGRATE",
        "127.0.0.1",
        &port,
        "{ld:prod}:features",
        "0",
        "5000",
    ])
    .unwrap();
    // Half of the slot has moved. Single keys are found on either node.
    assert!(store.get(DataKind::Flag, "a").await.unwrap().is_some());
    assert!(store.get(DataKind::Segment, "s").await.unwrap().is_some());
    // A transaction fails for now; the error is temporary.
    assert!(store.snapshot().await.unwrap_err().is_temporary());
    from.command([
        "MIGRATE",
        "127.0.0.1",
        &port,
        "{ld:prod}:segments",
        "0",
        "5000",
    ])
    .unwrap();
    from.command([
        "MIGRATE",
        "127.0.0.1",
        &port,
        "{ld:prod}:$inited",
        "0",
        "5000",
    ])
    .unwrap();
    for node in [to, from] {
        node.command(["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)])
            .unwrap();
    }
    assert_eq!(
        keys(&store.snapshot().await.unwrap().collections[0].items),
        ["a", "b"]
    );
    works(&store).await;
}

// STO-9.5, seeds: one reachable seed is enough, and a user who may not query the slot map is
// redirected
#[tokio::test]
async fn one_reachable_seed_is_enough() {
    let reader = "~* +@all -cluster|slots";
    let cluster = RedisServer::builder()
        .acl_user("reader", "secret", reader)
        .start_cluster()
        .unwrap();
    let [first, second, ..] = cluster.nodes() else {
        panic!("three nodes")
    };
    let closed = "redis://127.0.0.1:1".to_owned();
    let plain = connection_builder()
        .url(closed)
        .cluster([first.url()])
        .build()
        .unwrap();
    works(
        &RedisDataStore::builder()
            .connection(&plain)
            .prefix("launchdarkly")
            .build()
            .unwrap(),
    )
    .await;
    let redirected = connection_builder()
        .url(second.url_as("reader", "secret"))
        .cluster([first.url()])
        .build()
        .unwrap();
    works(
        &RedisDataStore::builder()
            .connection(&redirected)
            .prefix("other")
            .build()
            .unwrap(),
    )
    .await;
}

// STO-9.5: TLS and authentication apply to every node
#[tokio::test]
async fn a_cluster_may_require_a_password_and_tls() {
    let cluster = RedisServer::builder()
        .password("secret")
        .tls()
        .start_cluster()
        .unwrap();
    let connection = connection_builder()
        .url(&cluster.urls()[0])
        .cluster::<&str>([])
        .ca_certs(cluster.tls().unwrap().ca_path())
        .build()
        .unwrap();
    works(
        &RedisDataStore::builder()
            .connection(&connection)
            .build()
            .unwrap(),
    )
    .await;
}

// While a node is down its keys are unavailable; once it is back, everything works again
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_serves_again() {
    let cluster = RedisCluster::start().unwrap();
    let store = store(&cluster, "{ld:prod}");
    works(&store).await;
    let node = cluster.node_of("{ld:prod}:features").unwrap();
    node.kill();
    let error = store.snapshot().await.unwrap_err();
    assert!(error.is_temporary(), "{}", chain(&error));
    node.restart().unwrap();
    cluster.wait_until_ready().unwrap();
    until("the node serves", async || store.probe().await.is_ok()).await;
    works(&store).await;
}

// STO-F18: an error that names the remedy, not a timeout
#[tokio::test]
async fn an_unconfigured_cluster_is_a_configuration_error() {
    let cluster = RedisCluster::start().unwrap();
    let other = cluster
        .nodes()
        .iter()
        .find(|node| node.port() != cluster.node_of("launchdarkly:features").unwrap().port());
    let store = store_builder(other.unwrap().url()).build().unwrap();
    for error in [
        store.get(DataKind::Flag, "a").await.unwrap_err(),
        store.snapshot().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
        assert!(chain(&error).contains("`cluster`"), "{}", chain(&error));
    }
}

#[test]
fn invalid_cluster_settings_are_rejected() {
    let builder = || {
        RedisConnection::builder()
            .url("redis://h/1")
            .cluster(["redis://h:2"])
    };
    assert!(matches!(
        builder().build(),
        Err(RedisConfigError::Conflict { .. })
    ));
    assert!(builder().database(0).build().is_ok());
    let both = builder()
        .database(0)
        .sentinels("main", ["redis://h:3"])
        .build();
    assert!(matches!(both, Err(RedisConfigError::Conflict { .. })));
    assert!(matches!(
        RedisConnection::builder().cluster(["h"]).build(),
        Err(RedisConfigError::Url { .. })
    ));
}

#[tokio::test]
async fn all_memberships_are_on_one_node_if_the_prefix_has_a_hash_tag() {
    let cluster = RedisCluster::start().unwrap();
    let store = |prefix: &str| {
        let builder = RedisBigSegmentStore::builder().connection(&connection(&cluster));
        builder.prefix(prefix).build().unwrap()
    };
    let mut membership = StoredMembership::new("hash");
    membership.included = vec!["vip.g12".to_owned()];
    let tagged = store("{ld:shop}");
    tagged
        .write_memberships(&[membership.clone()])
        .await
        .unwrap();
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = tagged.memberships(cursor.as_deref()).await.unwrap();
        found.extend(page.memberships);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, [membership.clone()]);
    let split = store("ld:shop");
    for error in [
        split.memberships(None).await.unwrap_err(),
        split.write_memberships(&[membership]).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Config { .. }), "{error:?}");
        assert!(chain(&error).contains("hash tag"), "{error:?}");
    }
}
