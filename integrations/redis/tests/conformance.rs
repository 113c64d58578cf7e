//! The public conformance suites, on a single server, on a cluster with and without a hash tag, and
//! on the primary of a sentinel.
#![cfg(test)]

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use vexil::async_trait;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisConnectionBuilder, RedisDataStore};
use vexil_testing::conformance::{BigSegmentStoreHarness, Meanwhile, PersistentStoreHarness};
use vexil_testing::fault_proxy::Direction;
use vexil_testing::servers::{RedisCluster, RedisReply, RedisSentinel, RedisServer, ServerKind};
use vexil_testing::{FaultProxy, big_segment_store_conformance, persistent_store_conformance};

mod on_a_single_server {
    use super::*;

    persistent_store_conformance!(Harness::<SingleServer>::default(), reads, writes, pushes);

    mod big_segments {
        use super::*;

        big_segment_store_conformance!(Harness::<SingleServer>::default());
    }
}

mod without_scripts {
    use super::*;

    persistent_store_conformance!(Harness::<WithoutScripts>::default(), writes, racing);
}

mod in_a_cluster_with_a_hash_tag {
    use super::*;

    persistent_store_conformance!(Harness::<Cluster<true>>::default(), reads, writes, pushes);

    mod big_segments {
        use super::*;

        big_segment_store_conformance!(Harness::<Cluster<true>>::default());
    }
}

mod in_a_cluster_without_a_hash_tag {
    use super::*;

    persistent_store_conformance!(Harness::<Cluster<false>>::default(), reads, writes, pushes);

    mod big_segments {
        use super::*;

        big_segment_store_conformance!(Harness::<Cluster<false>>::default());
    }
}

mod under_a_sentinel {
    use super::*;

    persistent_store_conformance!(Harness::<Sentinel>::default(), reads, writes, pushes);

    mod big_segments {
        use super::*;

        big_segment_store_conformance!(Harness::<Sentinel>::default());
    }
}

/// A kind of deployment. All tests of the process share one of each kind.
trait Deployment: Default + Debug + Send + Sync + 'static {
    /// Returns a builder of a connection to it.
    fn connection() -> RedisConnectionBuilder;

    /// Returns the server that has a key.
    fn server_of(key: &str) -> &'static RedisServer;

    /// Returns all servers.
    fn servers() -> Vec<&'static RedisServer>;

    /// Converts a test's prefix to the one used here.
    fn prefix(prefix: &str) -> String {
        prefix.to_owned()
    }
}

#[derive(Debug, Default)]
struct SingleServer;

static SINGLE_SERVER: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start().unwrap());

impl Deployment for SingleServer {
    fn connection() -> RedisConnectionBuilder {
        RedisConnection::builder().url(SINGLE_SERVER.url())
    }

    fn server_of(_: &str) -> &'static RedisServer {
        &SINGLE_SERVER
    }

    fn servers() -> Vec<&'static RedisServer> {
        vec![&SINGLE_SERVER]
    }
}

#[derive(Debug, Default)]
struct WithoutScripts;

static WITHOUT_SCRIPTS: LazyLock<RedisServer> = LazyLock::new(|| {
    RedisServer::builder()
        .acl_user("writer", "secret", "~* +@all -@scripting")
        .start()
        .unwrap()
});

impl Deployment for WithoutScripts {
    fn connection() -> RedisConnectionBuilder {
        RedisConnection::builder().url(WITHOUT_SCRIPTS.url_as("writer", "secret"))
    }

    fn server_of(_: &str) -> &'static RedisServer {
        &WITHOUT_SCRIPTS
    }

    fn servers() -> Vec<&'static RedisServer> {
        vec![&WITHOUT_SCRIPTS]
    }
}

#[derive(Debug, Default)]
struct Cluster<const HASH_TAG: bool>;

static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(|| RedisCluster::start().unwrap());

impl<const HASH_TAG: bool> Deployment for Cluster<HASH_TAG> {
    fn connection() -> RedisConnectionBuilder {
        let urls = CLUSTER.urls();
        RedisConnection::builder().url(&urls[0]).cluster(&urls[1..])
    }

    fn server_of(key: &str) -> &'static RedisServer {
        CLUSTER.node_of(key).unwrap()
    }

    fn servers() -> Vec<&'static RedisServer> {
        CLUSTER.nodes().iter().collect()
    }

    fn prefix(prefix: &str) -> String {
        if HASH_TAG {
            format!("{{{prefix}}}")
        } else {
            prefix.to_owned()
        }
    }
}

#[derive(Debug, Default)]
struct Sentinel;

static SENTINEL: LazyLock<RedisSentinel> = LazyLock::new(|| RedisSentinel::start().unwrap());

impl Deployment for Sentinel {
    fn connection() -> RedisConnectionBuilder {
        RedisConnection::builder().sentinels(SENTINEL.name(), [SENTINEL.sentinel().url()])
    }

    fn server_of(_: &str) -> &'static RedisServer {
        SENTINEL.primary().unwrap()
    }

    fn servers() -> Vec<&'static RedisServer> {
        vec![SENTINEL.primary().unwrap()]
    }
}

/// So that a run for one kind of server tests no other.
#[test]
fn the_servers_are_of_the_required_kind() {
    let Some(kind) = ServerKind::required().unwrap() else {
        return;
    };
    let servers = [
        SingleServer::servers(),
        WithoutScripts::servers(),
        Cluster::<false>::servers(),
        Sentinel::servers(),
    ];
    for server in servers.concat() {
        assert_eq!(server.kind(), kind);
    }
}

/// Writes to a deployment directly, bypassing the stores.
#[derive(Default)]
struct Harness<P> {
    /// Proxies between stores and the server, kept alive for the whole test.
    proxies: Mutex<Vec<FaultProxy>>,
    deployment: PhantomData<P>,
}

/// A connection to a deployment, with timeouts long enough for a busy machine.
fn connection_to<P: Deployment>() -> RedisConnectionBuilder {
    let limit = Duration::from_secs(120);
    P::connection()
        .connect_timeout(limit)
        .read_timeout(limit)
        .bulk_timeout(limit)
        .probe_timeout(limit)
}

/// A connection to a closed port.
fn to_a_closed_port() -> RedisConnection {
    RedisConnection::builder()
        .url("redis://127.0.0.1:1")
        .build()
        .unwrap()
}

fn key<P: Deployment>(prefix: &str, name: &str) -> String {
    format!("{}:{name}", P::prefix(prefix))
}

fn command<P: Deployment>(key: &str, arguments: &[&[u8]]) {
    P::server_of(key).command(arguments).unwrap();
}

fn flag_store<P: Deployment>(connection: &RedisConnection, prefix: &str) -> Arc<RedisDataStore> {
    Arc::new(
        RedisDataStore::builder()
            .connection(connection)
            .prefix(P::prefix(prefix))
            .build()
            .unwrap(),
    )
}

#[async_trait]
impl<P: Deployment> PersistentStoreHarness for Harness<P> {
    async fn store(&self, prefix: &str) -> Arc<dyn PersistentDataStore> {
        flag_store::<P>(&connection_to::<P>().build().unwrap(), prefix)
    }

    async fn unreachable(&self) -> Arc<dyn PersistentDataStore> {
        flag_store::<P>(&to_a_closed_port(), "any")
    }

    async fn put(&self, prefix: &str, kind: DataKind, field: &str, row: &StoredItem) {
        let key = key::<P>(prefix, kind.namespace());
        command::<P>(
            &key,
            &[b"HSET", key.as_bytes(), field.as_bytes(), &row.body],
        );
    }

    async fn mark(&self, prefix: &str) {
        let key = key::<P>(prefix, "$inited");
        command::<P>(&key, &[b"SET", key.as_bytes(), b""]);
    }

    async fn clear(&self, prefix: &str) {
        for name in ["features", "segments", "$inited"] {
            let key = key::<P>(prefix, name);
            command::<P>(&key, &[b"DEL", key.as_bytes()]);
        }
    }

    /// The proxy pauses at the start of the transaction: by then the item has been read and the
    /// hash is watched.
    async fn racing(&self, prefix: &str, meanwhile: Meanwhile) -> Arc<dyn PersistentDataStore> {
        let server = P::server_of(prefix);
        let proxy = FaultProxy::start(server.address()).unwrap();
        let connection = connection_to::<P>().url(
            server
                .url_as("writer", "secret")
                .replace(&server.address().to_string(), &proxy.address().to_string()),
        );
        proxy.corrupt(Direction::ToServer, move |bytes| {
            if bytes.windows(5).any(|word| word == b"MULTI") {
                let wait = || {
                    tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap()
                        .block_on(meanwhile())
                };
                // This thread drives the proxy and must not block.
                std::thread::scope(|scope| scope.spawn(wait).join().unwrap());
            }
        });
        self.proxies.lock().unwrap().push(proxy);
        flag_store::<P>(&connection.build().unwrap(), prefix)
    }
}

#[async_trait]
impl<P: Deployment> BigSegmentStoreHarness for Harness<P> {
    async fn store(&self, prefix: &str) -> Arc<dyn BigSegmentStore> {
        let connection = connection_to::<P>().build().unwrap();
        let store = RedisBigSegmentStore::builder()
            .connection(&connection)
            .prefix(P::prefix(prefix));
        Arc::new(store.build().unwrap())
    }

    async fn unreachable(&self) -> Arc<dyn BigSegmentStore> {
        Arc::new(
            RedisBigSegmentStore::builder()
                .connection(&to_a_closed_port())
                .build()
                .unwrap(),
        )
    }

    async fn set_membership(
        &self,
        prefix: &str,
        context_hash: &str,
        included: &[&str],
        excluded: &[&str],
    ) {
        for (set, segments) in [("include", included), ("exclude", excluded)] {
            let key = key::<P>(prefix, &format!("big_segment_{set}:{context_hash}"));
            command::<P>(&key, &[b"DEL", key.as_bytes()]);
            for segment in segments {
                command::<P>(&key, &[b"SADD", key.as_bytes(), segment.as_bytes()]);
            }
        }
    }

    async fn set_synchronized(&self, prefix: &str, time: u64) {
        let key = key::<P>(prefix, "big_segments_synchronized_on");
        command::<P>(&key, &[b"SET", key.as_bytes(), time.to_string().as_bytes()]);
    }

    async fn clear(&self, prefix: &str) {
        let pattern = key::<P>(prefix, "big_segment*");
        for server in P::servers() {
            let found = server.command(["KEYS", &pattern]).unwrap();
            for key in found
                .list()
                .into_iter()
                .flatten()
                .filter_map(RedisReply::text)
            {
                server.command(["DEL", &key]).unwrap();
            }
        }
    }
}
