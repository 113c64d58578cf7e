//! Big segments: STO-4.1 and STO-4.2.

use vexil::big_segments::{BigSegmentStore, StoreError, StoredMembership};
use vexil_redis::RedisBigSegmentStore;
use vexil_testing::servers::RedisServer;

use crate::support::{chain, connection_builder};

const HASH: &str = "CEXjZY7cHJG/ydFy7q4+YEFwVrG3/pkJwA4FAjrbfx0=";

fn store_on(server: &RedisServer, prefix: &str) -> RedisBigSegmentStore {
    let connection = connection_builder().url(server.url()).build().unwrap();
    RedisBigSegmentStore::builder()
        .connection(&connection)
        .prefix(prefix)
        .build()
        .unwrap()
}

// STO-4.2: two sets; inclusion takes precedence over exclusion; absence is not an error
#[tokio::test]
async fn membership_comes_from_the_two_sets() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server, "");
    assert!(store.membership(HASH).await.unwrap().is_none());
    server
        .command([
            "SADD",
            &format!("launchdarkly:big_segment_include:{HASH}"),
            "vip.g12",
            "both.g1",
        ])
        .unwrap();
    server
        .command([
            "SADD",
            &format!("launchdarkly:big_segment_exclude:{HASH}"),
            "out.g2",
            "both.g1",
        ])
        .unwrap();
    let membership = store.membership(HASH).await.unwrap().unwrap();
    let found =
        ["vip.g12", "both.g1", "out.g2", "vip.g11"].map(|segment| membership.is_included(segment));
    assert_eq!(found, [Some(true), Some(true), Some(false), None]);
}

// STO-4.2: an exclusion alone is a membership too
#[tokio::test]
async fn an_exclusion_alone_is_a_membership() {
    let server = RedisServer::start().unwrap();
    server
        .command(["SADD", &format!("a:b:big_segment_exclude:{HASH}"), "out.g2"])
        .unwrap();
    let membership = store_on(&server, "a:b")
        .membership(HASH)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(membership.is_included("out.g2"), Some(false));
}

// STO-4.2 and STO-F34: milliseconds; missing or empty means never; anything else is an error
#[tokio::test]
async fn the_time_of_the_last_synchronization_is_validated() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server, "");
    let key = "launchdarkly:big_segments_synchronized_on";
    assert_eq!(store.last_synchronized().await.unwrap(), None);
    server.command(["SET", key, ""]).unwrap();
    assert_eq!(store.last_synchronized().await.unwrap(), None);
    server.command(["SET", key, "1735689600123"]).unwrap();
    assert_eq!(
        store.last_synchronized().await.unwrap(),
        Some(1_735_689_600_123)
    );
    server.command(["SET", key, "yesterday"]).unwrap();
    let error = store.last_synchronized().await.unwrap_err();
    assert!(chain(&error).contains(key), "{}", chain(&error));
}

// STO-F33: a failed query is an error, not the absence of a membership
#[tokio::test]
async fn a_failed_query_is_not_an_absent_membership() {
    let server = RedisServer::start().unwrap();
    server
        .command([
            "SET",
            &format!("launchdarkly:big_segment_include:{HASH}"),
            "no set",
        ])
        .unwrap();
    let store = store_on(&server, "");
    assert!(matches!(
        store.membership(HASH).await,
        Err(StoreError::Config { .. })
    ));
    server.kill();
    assert!(matches!(
        store.membership(HASH).await,
        Err(StoreError::Unavailable { .. })
    ));
    store.close().await;
}

fn membership(hash: &str, included: &[&str], excluded: &[&str]) -> StoredMembership {
    let owned = |references: &[&str]| references.iter().map(ToString::to_string).collect();
    let mut membership = StoredMembership::new(hash);
    membership.included = owned(included);
    membership.excluded = owned(excluded);
    membership
}

async fn all(store: &RedisBigSegmentStore) -> Vec<StoredMembership> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.memberships(cursor.as_deref()).await.unwrap();
        all.extend(page.memberships);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    all.sort_by(|one, other| one.context_hash.cmp(&other.context_hash));
    all.dedup();
    all
}

#[tokio::test]
async fn all_memberships_are_written_read_and_replaced() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server, "a*");
    assert_eq!(all(&store).await, []);
    let many: Vec<_> = (0..2_500)
        .map(|number| membership(&format!("h{number:04}"), &["vip.g12"], &[]))
        .collect();
    store.write_memberships(&many).await.unwrap();
    // A prefix that the other one matches as a pattern.
    let foreign = [membership("foreign", &["vip.g12"], &[])];
    store_on(&server, "ax")
        .write_memberships(&foreign)
        .await
        .unwrap();
    assert_eq!(all(&store).await, many);
    let changes = [
        membership("h0000", &[], &[]),
        membership("h0001", &[], &["out.g2"]),
    ];
    store.write_memberships(&changes).await.unwrap();
    let read = all(&store).await;
    assert_eq!((read.len(), &read[0]), (2_499, &changes[1]));
    assert_eq!(store.last_synchronized().await.unwrap(), None);
    store.write_last_synchronized(7).await.unwrap();
    assert_eq!(store.last_synchronized().await.unwrap(), Some(7));
    store.write_memberships(&[]).await.unwrap();
}
