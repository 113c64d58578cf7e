//! Writes of one item: STO-1.6.

use std::sync::Arc;

use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError, StoredItem, WriteOutcome};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

use crate::support::{Log, chain, info, item, shared_store, store_builder, store_on, text};

/// A server whose user may not run scripts.
fn without_scripts() -> RedisServer {
    let rights = "~* +@all -@scripting";
    RedisServer::builder()
        .acl_user("writer", "secret", rights)
        .start()
        .unwrap()
}

async fn only_newer_is_written(store: &RedisDataStore) {
    assert_eq!(
        store
            .upsert(DataKind::Flag, "a", &item("a", 5))
            .await
            .unwrap(),
        WriteOutcome::Written
    );
    for version in [4, 5] {
        let WriteOutcome::Superseded(Some(stored)) = store
            .upsert(DataKind::Flag, "a", &item("a", version))
            .await
            .unwrap()
        else {
            panic!("version {version} is not newer")
        };
        assert_eq!(stored.body, item("a", 5).body);
    }
    assert_eq!(
        store
            .upsert(DataKind::Flag, "a", &item("a", 6))
            .await
            .unwrap(),
        WriteOutcome::Written
    );
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap().unwrap().body,
        item("a", 6).body
    );
    assert_eq!(store.get(DataKind::Segment, "a").await.unwrap(), None);
}

async fn items_without_a_version_are_replaced(server: &RedisServer, store: &RedisDataStore) {
    for stored in [
        "null",
        "{\"versi",
        "[1]",
        "7",
        r#"{"version":"9"}"#,
        r#"{"key":"a"}"#,
    ] {
        server
            .command(["HSET", "launchdarkly:segments", "a", stored])
            .unwrap();
        let (log, _guard) = Log::start();
        assert_eq!(
            store
                .upsert(DataKind::Segment, "a", &item("a", 1))
                .await
                .unwrap(),
            WriteOutcome::Written,
            "{stored}"
        );
        assert_eq!(
            log.count(&["WARN", "version cannot be read", "key=\"a\""]),
            1,
            "{stored}"
        );
    }
}

/// As the Go, Java and Node SDKs write it: they do not validate strings.
async fn items_with_lone_surrogates_are_not_replaced_by_older_ones(
    server: &RedisServer,
    store: &RedisDataStore,
) {
    for stored in [
        r#"{"key":"a","version":5,"salt":"\ud800"}"#,
        r#"{"key":"a","x\udc00":1,"version":5.5,"salt":"\\\ud83d \ud83d\ude00 \\ud800"}"#,
    ] {
        server
            .command(["HSET", "launchdarkly:features", "a", stored])
            .unwrap();
        let upsert = store
            .upsert(DataKind::Flag, "a", &item("a", 4))
            .await
            .unwrap();
        assert!(
            matches!(&upsert, WriteOutcome::Superseded(Some(item)) if item.body == stored),
            "{upsert:?}"
        );
        assert_eq!(
            store
                .upsert(DataKind::Flag, "a", &item("a", 6))
                .await
                .unwrap(),
            WriteOutcome::Written,
            "{stored}"
        );
    }
}

async fn the_newest_of_many_writers_wins(store: RedisDataStore) {
    let store = Arc::new(store);
    let writers: Vec<_> = (1..=20_u64)
        .map(|version| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                loop {
                    match store.upsert(DataKind::Flag, "a", &item("a", version)).await {
                        // More than ten other writers were faster.
                        Err(StoreError::Unavailable { .. }) => {}
                        outcome => return outcome.unwrap(),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap().unwrap().body,
        item("a", 20).body
    );
}

// STO-1.6: condition
#[tokio::test]
async fn only_a_newer_item_is_written() {
    only_newer_is_written(&shared_store()).await;
}

// STO-1.6: no scripting. STO-F13 would be the error if writes were refused too
#[tokio::test]
async fn only_a_newer_item_is_written_without_scripts() {
    let server = without_scripts();
    let store = store_builder(server.url_as("writer", "secret"))
        .build()
        .unwrap();
    only_newer_is_written(&store).await;
    items_without_a_version_are_replaced(&server, &store).await;
    items_with_lone_surrogates_are_not_replaced_by_older_ones(&server, &store).await;
    assert!(
        !text(&server, &["INFO", "commandstats"])
            .unwrap()
            .contains("cmdstat_eval:calls")
    );
    assert_ne!(info(&server, "cmdstat_watch"), "");
    // Scripts are not tried again after a refusal.
    assert!(info(&server, "cmdstat_evalsha").contains("rejected_calls=1,"));
}

// STO-1.6: an unparsable stored item is overwritten, with a warning
#[tokio::test]
async fn an_item_without_a_readable_version_is_replaced() {
    let server = RedisServer::start().unwrap();
    items_without_a_version_are_replaced(&server, &store_on(&server)).await;
    items_with_lone_surrogates_are_not_replaced_by_older_ones(&server, &store_on(&server)).await;
}

// STO-1.3: a tombstone is compared by its version, and is written byte for byte
#[tokio::test]
async fn a_tombstone_is_stored_unchanged_and_blocks_older_items() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let tombstone = r#"{"key":"$deleted","on":false,"version":7,"deleted":true}"#;
    let deleted = StoredItem::new(tombstone)
        .with_version(7)
        .with_deleted(true);
    assert_eq!(
        store
            .upsert(DataKind::Flag, "gone", &deleted)
            .await
            .unwrap(),
        WriteOutcome::Written
    );
    assert_eq!(
        text(&server, &["HGET", "launchdarkly:features", "gone"]).as_deref(),
        Some(tombstone)
    );
    assert!(matches!(
        store
            .upsert(DataKind::Flag, "gone", &item("gone", 7))
            .await
            .unwrap(),
        WriteOutcome::Superseded(_)
    ));
    assert_eq!(
        store
            .upsert(DataKind::Flag, "gone", &item("gone", 8))
            .await
            .unwrap(),
        WriteOutcome::Written
    );
}

// STO-1.6: EVALSHA, and EVAL where the server does not know the script
#[tokio::test]
async fn the_script_is_sent_again_after_a_script_flush() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    for version in 1..=3 {
        store
            .upsert(DataKind::Flag, "a", &item("a", version))
            .await
            .unwrap();
    }
    server.command(["SCRIPT", "FLUSH"]).unwrap();
    store
        .upsert(DataKind::Flag, "a", &item("a", 4))
        .await
        .unwrap();
    assert!(info(&server, "cmdstat_eval").starts_with("calls=2,"));
}

// STO-F31: the script is atomic; watching fails after ten attempts, with a temporary error
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_of_many_concurrent_writes_wins() {
    the_newest_of_many_writers_wins(shared_store()).await;
    let server = without_scripts();
    let store = store_builder(server.url_as("writer", "secret"))
        .build()
        .unwrap();
    the_newest_of_many_writers_wins(store).await;
}

// STO-F31
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn constant_concurrent_changes_are_a_temporary_error() {
    let server = Arc::new(without_scripts());
    let store = store_builder(server.url_as("writer", "secret"))
        .build()
        .unwrap();
    // Another client changes the hash just before each command of the store.
    let storm = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || {
            for n in 0..2_000_000 {
                let n = n.to_string();
                if server
                    .command(["HSET", "launchdarkly:features", "other", &n])
                    .is_err()
                {
                    return;
                }
            }
        }
    });
    let error = loop {
        match store
            .upsert(DataKind::Flag, "a", &item("a", u64::MAX))
            .await
        {
            Ok(_) => {
                server
                    .command(["HDEL", "launchdarkly:features", "a"])
                    .unwrap();
                assert!(
                    !storm.is_finished(),
                    "the concurrent writes were too slow to cause an error"
                );
            }
            Err(error) => break error,
        }
    };
    assert!(
        error.is_temporary() && chain(&error).contains("another writer kept changing the same key"),
        "{}",
        chain(&error)
    );
    server.kill();
    storm.await.unwrap();
}
