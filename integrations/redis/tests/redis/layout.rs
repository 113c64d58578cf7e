//! The contents of the database, byte for byte: STO-1.1 to STO-1.5.

use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoredItem};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::{RedisReply, RedisServer};

use crate::support::{
    TIMEOUT, connection_builder, data, item, keys, number, shared_store, store_builder, store_on,
    text,
};

// STO-1.1 and STO-1.2: two hashes, an empty marker, the bytes as received, no expiry, nothing else
#[tokio::test]
async fn a_data_set_is_two_hashes_and_an_empty_marker() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    assert!(!store.is_initialized().await.unwrap());
    store.init(&data(&["a", "ключ"], &["s"])).await.unwrap();

    let RedisReply::List(all) = server.command(["KEYS", "*"]).unwrap() else {
        panic!()
    };
    let mut all: Vec<String> = all.iter().filter_map(RedisReply::text).collect();
    all.sort();
    assert_eq!(
        all,
        [
            "launchdarkly:$inited",
            "launchdarkly:features",
            "launchdarkly:segments"
        ]
    );
    assert_eq!(
        text(&server, &["GET", "launchdarkly:$inited"]).as_deref(),
        Some("")
    );
    assert_eq!(number(&server, &["HLEN", "launchdarkly:features"]), 2);
    assert_eq!(
        text(&server, &["HGET", "launchdarkly:features", "ключ"]).as_deref(),
        Some("{\"key\":\"ключ\", \"version\":1,\"unknown\":[\"é\"]}")
    );
    assert_eq!(number(&server, &["HLEN", "launchdarkly:segments"]), 1);
    for key in &all {
        assert_eq!(number(&server, &["TTL", key]), -1, "{key} expires");
    }
    assert!(store.is_initialized().await.unwrap());
}

// STO-1.1: an empty prefix means the default; one colon follows the prefix, which is free text
#[tokio::test]
async fn a_prefix_is_free_text_and_an_empty_one_means_the_default() {
    let server = RedisServer::start().unwrap();
    for (prefix, flags) in [
        ("", "launchdarkly:features"),
        ("app-:/{x}", "app-:/{x}:features"),
    ] {
        let store = store_builder(server.url()).prefix(prefix).build().unwrap();
        store.init(&data(&["a"], &[])).await.unwrap();
        assert_eq!(number(&server, &["HLEN", flags]), 1);
    }
}

// STO-1.1: the database from the path
#[tokio::test]
async fn the_database_number_comes_from_the_url_or_the_setting() {
    let server = RedisServer::start().unwrap();
    let by_url = store_builder(format!("{}/2", server.url()))
        .build()
        .unwrap();
    by_url.init(&data(&["a"], &[])).await.unwrap();
    let connection = connection_builder()
        .url(server.url())
        .database(2)
        .build()
        .unwrap();
    let by_setting = RedisDataStore::builder()
        .connection(&connection)
        .build()
        .unwrap();
    assert_eq!(
        by_setting
            .get(DataKind::Flag, "a")
            .await
            .unwrap()
            .unwrap()
            .body,
        item("a", 1).body
    );
    assert!(!store_on(&server).is_initialized().await.unwrap());
}

// STO-1.1: readers test whether the marker exists, never its value
#[tokio::test]
async fn any_value_of_the_marker_counts() {
    let server = RedisServer::start().unwrap();
    server
        .command(["SET", "launchdarkly:$inited", "launchdarkly:$inited"])
        .unwrap();
    assert!(store_on(&server).is_initialized().await.unwrap());
}

// STO-1.5: previous items are removed, newer or not; both kinds are replaced
#[tokio::test]
async fn a_data_set_replaces_all_previous_items() {
    let store = shared_store();
    store
        .upsert(DataKind::Flag, "old", &item("old", 99))
        .await
        .unwrap();
    store.init(&data(&["a"], &["s"])).await.unwrap();
    store.init(&data(&["b"], &[])).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.initialized);
    let [flags, segments] = &snapshot.collections[..] else {
        panic!("two kinds")
    };
    assert_eq!(
        (flags.kind, keys(&flags.items)),
        (DataKind::Flag, vec!["b"])
    );
    assert_eq!(
        (segments.kind, keys(&segments.items)),
        (DataKind::Segment, vec![])
    );
}

// STO-1.5: chunks of about 500 fields
#[tokio::test]
async fn thousands_of_items_are_written_and_read() {
    let store = shared_store();
    let items = |count: u32| {
        (0..count)
            .map(|n| (n.to_string().into(), item("k", n.into())))
            .collect()
    };
    let written = Collection::new(DataKind::Flag, items(2_501));
    store
        .init(&[
            Collection::new(DataKind::Segment, items(500)),
            written.clone(),
        ])
        .await
        .unwrap();
    let mut read = store.get_all(DataKind::Flag).await.unwrap();
    read.sort_by_key(|(key, _)| key.parse::<u32>().unwrap());
    assert!(
        read.iter()
            .map(|(key, item)| (key, &item.body))
            .eq(written.items.iter().map(|(key, item)| (key, &item.body)))
    );
    assert_eq!(store.get_all(DataKind::Segment).await.unwrap().len(), 500);
}

// STO-1.4: nil or an empty string is "not found"; an empty hash is an empty map
#[tokio::test]
async fn an_absent_item_is_not_an_error() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    assert_eq!(store.get(DataKind::Flag, "a").await.unwrap(), None);
    assert_eq!(store.get_all(DataKind::Segment).await.unwrap(), []);
    server
        .command(["HSET", "launchdarkly:features", "a", "", "b", "{}"])
        .unwrap();
    assert_eq!(store.get(DataKind::Flag, "a").await.unwrap(), None);
    assert_eq!(
        store.get_all(DataKind::Flag).await.unwrap(),
        [("b".into(), StoredItem::new("{}"))]
    );
}

// STO-1.3 and STO-1.4: tombstones are stored like other items, in any shape, and bytes are
// preserved
#[tokio::test]
async fn tombstones_and_invalid_items_are_returned_unchanged() {
    let server = RedisServer::start().unwrap();
    let store = store_on(&server);
    let shapes = [
        r#"{"version":7,"deleted":true}"#,
        r#"{"key":"$deleted","version":7,"deleted":true}"#,
        "null",
        "{\"tru",
    ];
    for (key, shape) in shapes.iter().enumerate() {
        server
            .command(["HSET", "launchdarkly:segments", &key.to_string(), shape])
            .unwrap();
    }
    let mut all = store.get_all(DataKind::Segment).await.unwrap();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(
        all.iter()
            .map(|(_, item)| &item.body[..])
            .eq(shapes.iter().map(|shape| shape.as_bytes()))
    );
}

// Bad input is skipped with a warning and affects no other item
#[tokio::test]
async fn a_key_that_is_not_utf_8_is_skipped() {
    let server = RedisServer::start().unwrap();
    server
        .command([
            &b"HSET"[..],
            b"launchdarkly:features",
            b"\xff",
            b"{}",
            b"a",
            b"{}",
        ])
        .unwrap();
    assert_eq!(
        keys(&store_on(&server).get_all(DataKind::Flag).await.unwrap()),
        ["a"]
    );
}

#[tokio::test]
async fn other_prefixes_are_found_unless_the_user_may_not_scan() {
    let server = RedisServer::builder()
        .acl_user("reader", "pw", "~* +@all -scan")
        .start()
        .unwrap();
    for key in [
        "launchdarkly:features",
        "b:c:features",
        "a:features",
        "a:segments",
        "features",
        "x:features:y",
    ] {
        server.command(["HSET", key, "flag", "{}"]).unwrap();
    }
    for number in 0..3_000 {
        let key = format!("other:{number}");
        server.command(["SET", &key, ""]).unwrap();
    }
    let store = store_on(&server);
    assert_eq!(store.other_prefixes(TIMEOUT).await, ["a", "b:c"]);
    let url = server.url_as("reader", "pw");
    let store = store_builder(url).build().unwrap();
    assert!(store.other_prefixes(TIMEOUT).await.is_empty());
}
