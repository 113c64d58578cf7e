//! Rows are compatible with those of the other LaunchDarkly SDKs, in both directions.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil_dynamodb::{DynamoDbDataStore, aws_sdk_dynamodb};

use crate::support::{TestTable, data, item, item_row, local, marker_row, n, s};

// STO-2.1: partition key, sort key, `version`, `item`; the marker's row has its name in both keys
// and no other attributes
#[tokio::test]
async fn rows_are_those_of_the_other_sdks() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let (flag, segment) = (r#"{"version": 2 , "extra":"ü"}"#, r#"{"key":"other"}"#);
    let tombstone = r#"{"key":"$deleted","version":9,"deleted":true}"#;
    let flags = vec![
        ("flag-a", item(2, flag)),
        ("gone", item(9, tombstone).with_deleted(true)),
    ];
    store
        .init(&data(vec![("staff", item(3, segment))], flags))
        .await
        .unwrap();
    assert_eq!(
        table.rows().await,
        [
            marker_row("$inited"),
            item_row("features", "flag-a", 2, flag),
            item_row("features", "gone", 9, tombstone),
            item_row("segments", "staff", 3, segment),
        ]
    );
}

// STO-2.1: the prefix is in both keys of the marker, and in the partition key of all other rows
#[tokio::test]
async fn a_prefix_comes_before_namespaces_and_the_marker() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .prefix("shop:prod")
        .build()
        .unwrap();
    store
        .init(&data(vec![], vec![("a", item(1, "{}"))]))
        .await
        .unwrap();
    store
        .upsert(DataKind::Segment, "b", &item(4, "{}"))
        .await
        .unwrap();
    assert_eq!(
        table.rows().await,
        [
            marker_row("shop:prod:$inited"),
            item_row("shop:prod:features", "a", 1, "{}"),
            item_row("shop:prod:segments", "b", 4, "{}"),
        ]
    );
}

#[tokio::test]
async fn stores_with_different_prefixes_are_isolated() {
    let table = TestTable::new().await;
    let [plain, one, two] = ["", "one", "two"].map(|prefix| {
        local(DynamoDbDataStore::builder(&table.name))
            .prefix(prefix)
            .build()
            .unwrap()
    });
    one.init(&data(vec![], vec![("a", item(1, r#"{"of":1}"#))]))
        .await
        .unwrap();
    two.init(&data(vec![], vec![("b", item(1, r#"{"of":2}"#))]))
        .await
        .unwrap();
    assert!(!plain.is_initialized().await.unwrap());
    assert_eq!(plain.get_all(DataKind::Flag).await.unwrap(), []);
    assert_eq!(one.get(DataKind::Flag, "b").await.unwrap(), None);
    two.init(&data(vec![], vec![])).await.unwrap();
    assert_eq!(one.get_all(DataKind::Flag).await.unwrap().len(), 1);
    assert_eq!(two.get_all(DataKind::Flag).await.unwrap(), []);
}

// STO-2.1 and STO-1.3, shape E: a row whose `item` is missing, empty or `null` is a tombstone with
// the row's version
#[tokio::test]
async fn a_row_without_text_is_a_tombstone() {
    let table = TestTable::new().await;
    let keys = |key: &'static str| {
        [
            ("namespace", s("features")),
            ("key", s(key)),
            ("version", n(7)),
        ]
    };
    let [namespace, key, version] = keys("missing");
    table.put([namespace, key, version]).await;
    for (key, text) in [
        ("empty", s("")),
        ("null", s("null")),
        ("typed", AttributeValue::Null(true)),
    ] {
        let [namespace, key, version] = keys(key);
        table.put([namespace, key, version, ("item", text)]).await;
    }
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let tombstone = StoredItem::new("").with_version(7).with_deleted(true);
    for key in ["missing", "empty", "null", "typed"] {
        assert_eq!(
            store.get(DataKind::Flag, key).await.unwrap(),
            Some(tombstone.clone()),
            "{key}"
        );
    }
    let all = store.get_all(DataKind::Flag).await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|(_, item)| *item == tombstone));
}

// STO-2.1: the version attribute applies unless it is zero; `deleted` applies if it is true; the
// sort key is the key
#[tokio::test]
async fn attributes_take_precedence_over_the_text() {
    let table = TestTable::new().await;
    let text = r#"{"key":"other","version":3}"#;
    let row = |key: &'static str| {
        [
            ("namespace", s("features")),
            ("key", s(key)),
            ("item", s(text)),
        ]
    };
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    for (key, attribute, expected) in [
        (
            "beside",
            ("version", n(5)),
            StoredItem::new(text).with_version(5),
        ),
        ("zero", ("version", n(0)), StoredItem::new(text)),
        (
            "negative",
            ("version", AttributeValue::N("-1".to_owned())),
            StoredItem::new(text),
        ),
        ("a text", ("version", s("5")), StoredItem::new(text)),
        (
            "deleted",
            ("deleted", AttributeValue::Bool(true)),
            StoredItem::new(text).with_deleted(true),
        ),
        (
            "alive",
            ("deleted", AttributeValue::Bool(false)),
            StoredItem::new(text),
        ),
    ] {
        let [namespace, sort, item] = row(key);
        table.put([namespace, sort, item, attribute]).await;
        assert_eq!(
            store.get(DataKind::Flag, key).await.unwrap(),
            Some(expected),
            "{key}"
        );
    }
    let keys: Vec<_> = store
        .get_all(DataKind::Flag)
        .await
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        ["a text", "alive", "beside", "deleted", "negative", "zero"]
    );
}

// STO-F8: a corrupt row affects one item only, and is neither an absence nor a tombstone
#[tokio::test]
async fn an_item_that_is_not_text_is_returned_as_corrupt() {
    let table = TestTable::new().await;
    let row = |key: &'static str| {
        [
            ("namespace", s("features")),
            ("key", s(key)),
            ("version", n(2)),
        ]
    };
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let [namespace, key, version] = row("bytes");
    table
        .put([
            namespace,
            key,
            version,
            ("item", AttributeValue::B(Blob::new("{}"))),
        ])
        .await;
    let [namespace, key, version] = row("flag");
    table
        .put([
            namespace,
            key,
            version,
            ("item", AttributeValue::Bool(true)),
        ])
        .await;
    let items = store.get_all(DataKind::Flag).await.unwrap();
    assert_eq!(items[0].1, StoredItem::new("{}").with_version(2));
    assert_eq!(items[1].1.deleted, None);
    assert!(serde_json::from_slice::<serde_json::Value>(&items[1].1.body).is_err());
}
