//! Reads of everything: pages, and the consistency of each read.

use serde_json::json;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoredItem};
use vexil_dynamodb::DynamoDbDataStore;

use crate::support::{Tap, TestTable, data, item, local, many, through};

// STO-2.2: a page holds at most 1 MB; 30 rows of 60 KB take two
#[tokio::test]
async fn all_pages_are_read() {
    let table = TestTable::new().await;
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let text = "x".repeat(60_000);
    let items = many(30, &text);
    let flags: Vec<_> = items
        .iter()
        .map(|(key, item)| (key.as_str(), item.clone()))
        .collect();
    store.init(&data(vec![], flags.clone())).await.unwrap();
    let before = tap.calls().len();
    let read = store.get_all(DataKind::Flag).await.unwrap();
    let expected = StoredItem::new(text).with_version(1);
    assert!(
        read.iter()
            .map(|(key, _)| key.as_str())
            .eq(flags.iter().map(|(key, _)| *key))
    );
    assert!(read.iter().all(|(_, item)| *item == expected));
    assert_eq!(tap.operations()[before..], ["Query", "Query"]);
    // The deletion of obsolete rows reads all pages too.
    store.init(&data(vec![], vec![])).await.unwrap();
    assert_eq!(store.get_all(DataKind::Flag).await.unwrap(), []);
}

#[tokio::test]
async fn the_largest_possible_item_is_read_back_unchanged() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    // Quotes and non-ASCII letters are longer on the wire than in the table.
    let text = r#"{"ü":"\""}"#.repeat(36_000);
    store
        .init(&data(vec![], vec![("a", item(1, &text))]))
        .await
        .unwrap();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap().unwrap().body,
        text
    );
    assert_eq!(
        store.snapshot().await.unwrap().collections[0].items[0]
            .1
            .body,
        text
    );
}

// STO-2.2 and STO-9.4: consistent reads; flags first, then segments, then the marker; eventually
// consistent reads, at half the price, for the periodic refresh
#[tokio::test]
async fn only_snapshots_use_eventually_consistent_reads() {
    let table = TestTable::new().await;
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name).prefix("p"))
        .build()
        .unwrap();
    store
        .init(&data(
            vec![("s", item(1, "{}"))],
            vec![("f", item(1, "{}"))],
        ))
        .await
        .unwrap();
    let before = tap.calls().len();
    store.get(DataKind::Flag, "f").await.unwrap();
    store.get_all(DataKind::Segment).await.unwrap();
    store.is_initialized().await.unwrap();
    store.probe().await.unwrap();
    let after = tap.calls().len();
    let snapshot = store.snapshot().await.unwrap();
    let calls = tap.calls();
    assert_eq!(
        tap.operations()[before..after],
        ["GetItem", "Query", "GetItem", "GetItem"]
    );
    assert!(
        calls[before..after]
            .iter()
            .all(|call| call.body["ConsistentRead"] == json!(true))
    );
    assert_eq!(tap.operations()[after..], ["Query", "Query", "GetItem"]);
    assert!(
        calls[after..]
            .iter()
            .all(|call| call.body["ConsistentRead"] == json!(false))
    );
    let namespaces = calls[after..after + 2]
        .iter()
        .map(|call| &call.body["ExpressionAttributeValues"][":namespace"]);
    assert!(namespaces.eq([&json!({"S": "p:features"}), &json!({"S": "p:segments"})]));
    assert!(snapshot.initialized);
    assert_eq!(snapshot.collections.len(), 2);
}

#[tokio::test]
async fn an_empty_table_is_empty_and_not_initialized() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    assert!(!store.is_initialized().await.unwrap());
    assert_eq!(store.get(DataKind::Flag, "a").await.unwrap(), None);
    assert_eq!(store.get_all(DataKind::Segment).await.unwrap(), []);
    assert!(!store.snapshot().await.unwrap().initialized);
    store.probe().await.unwrap();
    assert_eq!(store.describe(), "DynamoDB");
    assert_eq!(store.refresh_interval().as_secs(), 30);
}
