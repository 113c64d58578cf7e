//! Groups of Redis servers.

use std::collections::HashSet;

use vexil_testing::servers::{
    RedisCluster, RedisReply, RedisSentinel, RedisServer, redis_cluster_urls,
};

#[test]
fn a_replica_follows_its_primary() {
    let primary = RedisServer::builder()
        .password("secret")
        .tls()
        .start()
        .unwrap();
    let replica = RedisServer::builder().replica_of(&primary).start().unwrap();
    primary.command(["SET", "a", "b"]).unwrap();
    let followers = RedisReply::Integer(1);
    // `WAIT` returns the number of replicas that confirmed the write: none before they are
    // connected.
    while primary.command(["WAIT", "1", "1000"]).unwrap() != followers {}
    assert_eq!(
        replica.command(["GET", "a"]).unwrap().text().as_deref(),
        Some("b")
    );
    assert!(
        replica
            .command(["SET", "a", "c"])
            .unwrap_err()
            .to_string()
            .contains("READONLY")
    );
}

#[test]
fn the_nodes_of_a_cluster_share_the_keys() {
    let cluster = RedisCluster::start().unwrap();
    let ports: HashSet<_> = [
        "launchdarkly:features",
        "launchdarkly:segments",
        "launchdarkly:$inited",
        "a",
        "b",
        "c",
    ]
    .map(|key| cluster.node_of(key).unwrap().port())
    .into();
    assert_eq!(ports.len(), 3);
    let [one, two] = ["{x}:a", "{x}:b"].map(|key| cluster.node_of(key).unwrap().port());
    assert_eq!(one, two);
}

#[test]
fn a_cluster_accepts_commands_after_a_killed_node_is_restarted() {
    let cluster = RedisServer::builder()
        .password("secret")
        .tls()
        .start_cluster()
        .unwrap();
    let node = cluster.node_of("a").unwrap();
    node.kill();
    assert!(node.command(["EXISTS", "a"]).is_err());
    node.restart().unwrap();
    cluster.wait_until_ready().unwrap();
    assert_eq!(cluster.node_of("a").unwrap().port(), node.port());
}

#[test]
fn tests_of_a_process_share_a_cluster() {
    assert_eq!(redis_cluster_urls().unwrap(), redis_cluster_urls().unwrap());
    assert_eq!(redis_cluster_urls().unwrap().len(), 3);
}

#[test]
fn a_sentinel_promotes_the_replica_when_the_primary_is_killed() {
    let redis = RedisServer::builder()
        .password("secret")
        .tls()
        .start_sentinel()
        .unwrap();
    let [first, second] = redis.servers();
    first.command(["SET", "a", "b"]).unwrap();
    first.command(["WAIT", "1", "0"]).unwrap();
    assert_eq!(redis.primary().unwrap().port(), first.port());
    first.kill();
    redis.wait_for_other_primary(first.port()).unwrap();
    assert_eq!(redis.primary().unwrap().port(), second.port());
    assert_eq!(
        second.command(["GET", "a"]).unwrap().text().as_deref(),
        Some("b")
    );
    second.command(["SET", "a", "c"]).unwrap();
}

#[test]
fn a_replica_becomes_the_primary_on_command() {
    let redis = RedisSentinel::start().unwrap();
    assert_eq!(redis.name(), "vexil");
    let [first, second] = redis.servers();
    assert_eq!(redis.primary().unwrap().port(), first.port());
    redis.fail_over().unwrap();
    assert_eq!(redis.primary().unwrap().port(), second.port());
    second.command(["SET", "a", "b"]).unwrap();
}

/// A busy machine may not schedule a primary for a second; it must not be replaced then.
#[test]
fn a_sentinel_fails_over_only_while_a_test_waits_for_it() {
    let redis = RedisSentinel::start().unwrap();
    let [first, _] = redis.servers();
    let down_after = || {
        let state = redis
            .sentinel()
            .command(["SENTINEL", "MASTER", redis.name()])
            .unwrap();
        let fields: Vec<_> = state
            .list()
            .unwrap()
            .iter()
            .filter_map(RedisReply::text)
            .collect();
        let field = fields
            .windows(2)
            .find(|pair| pair[0] == "down-after-milliseconds")
            .unwrap();
        field[1].parse::<u32>().unwrap()
    };
    assert!(down_after() >= 30_000, "{} ms", down_after());
    first.kill();
    redis.wait_for_other_primary(first.port()).unwrap();
    assert!(down_after() >= 30_000, "{} ms", down_after());
}
