//! Conditional writes of one item.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError, StoredItem, WriteOutcome};
use vexil_dynamodb::{DynamoDbDataStore, aws_sdk_dynamodb};

use crate::support::{Reply, Tap, TestTable, item, item_row, local, n, s, through};

// STO-2.2 and STO-1.6: written if there is no item or an older one; the same version is not written
// again
#[tokio::test]
async fn only_a_newer_item_is_written() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let upsert = async |version, text| {
        store
            .upsert(DataKind::Flag, "a", &item(version, text))
            .await
            .unwrap()
    };
    let stored = |version, text: &'static str| {
        WriteOutcome::Superseded(Some(StoredItem::new(text).with_version(version)))
    };
    assert_eq!(upsert(9, "first").await, WriteOutcome::Written);
    assert_eq!(upsert(8, "older").await, stored(9, "first"));
    assert_eq!(upsert(9, "same").await, stored(9, "first"));
    // Versions are compared as numbers, not as text.
    assert_eq!(upsert(10, "newer").await, WriteOutcome::Written);
    assert_eq!(table.rows().await, [item_row("features", "a", 10, "newer")]);
}

// STO-2.2: a row without a version would otherwise refuse every update forever; so would one whose
// version is a text
#[tokio::test]
async fn a_row_without_a_readable_version_is_replaced() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let row = || {
        [
            ("namespace", s("features")),
            ("key", s("a")),
            ("item", s(r#"{"version":9}"#)),
        ]
    };
    let [namespace, key, text] = row();
    table.put([namespace, key, text]).await;
    assert_eq!(
        store
            .upsert(DataKind::Flag, "a", &item(1, "{}"))
            .await
            .unwrap(),
        WriteOutcome::Written
    );
    for version in [
        s("9"),
        AttributeValue::Null(true),
        AttributeValue::L(vec![n(9)]),
    ] {
        let [namespace, key, text] = row();
        table
            .put([namespace, key, text, ("version", version.clone())])
            .await;
        let upsert = store
            .upsert(DataKind::Flag, "a", &item(1, "{}"))
            .await
            .unwrap();
        assert_eq!(upsert, WriteOutcome::Written, "{version:?}");
    }
    assert_eq!(table.rows().await, [item_row("features", "a", 1, "{}")]);
}

// STO-2.2: the refusal contains the newer row, which is read only if it does not
#[tokio::test]
async fn the_newer_item_is_returned_without_a_second_request() {
    let table = TestTable::new().await;
    let newer = item(2, "newer");
    let winner = WriteOutcome::Superseded(Some(StoredItem::new("newer").with_version(2)));
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    store.upsert(DataKind::Flag, "a", &newer).await.unwrap();
    assert_eq!(
        store
            .upsert(DataKind::Flag, "a", &item(1, "older"))
            .await
            .unwrap(),
        winner
    );
    assert_eq!(tap.operations(), ["PutItem", "PutItem"]);

    let tap = Tap::new(|_, call| match call.operation.as_str() {
        "PutItem" => Reply::Answer(400, json!({"__type": "x#ConditionalCheckFailedException"})),
        _ => Reply::Pass,
    });
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    assert_eq!(
        store
            .upsert(DataKind::Flag, "a", &item(1, "older"))
            .await
            .unwrap(),
        winner
    );
    assert_eq!(tap.operations(), ["PutItem", "GetItem"]);
}

// STO-F29: an item of more than 400,000 bytes, by the estimate of all SDKs, is not sent
#[tokio::test]
async fn an_oversized_item_is_rejected_before_it_is_sent() {
    let table = TestTable::new().await;
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    // 100, the names of four attributes, "features", "a" and "1".
    let largest = 400_000 - 100 - "namespacekeyversionitem".len() - "featuresa1".len();
    let upsert = async |bytes| {
        store
            .upsert(DataKind::Flag, "a", &item(1, &"x".repeat(bytes)))
            .await
    };
    let error = upsert(largest + 1).await.unwrap_err();
    assert!(
        matches!(error, StoreError::TooLarge { kind: DataKind::Flag, ref key, bytes: 400_001 } if key == "a")
    );
    assert_eq!(tap.operations(), [""; 0]);
    assert_eq!(upsert(largest).await.unwrap(), WriteOutcome::Written);
    let long = "k".repeat(1025);
    assert!(matches!(
        store.upsert(DataKind::Flag, &long, &item(1, "{}")).await,
        Err(StoreError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn an_item_that_dynamodb_cannot_store_is_rejected_with_the_reason() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let error = store
        .upsert(DataKind::Flag, "", &item(1, "{}"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let bytes = StoredItem::new(&b"\xff"[..]).with_version(1);
    let error = store.upsert(DataKind::Flag, "a", &bytes).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(table.rows().await, []);
    assert_eq!(store.get(DataKind::Flag, "").await.unwrap(), None);
}

// STO-F31: with concurrent writers, the highest version stays
#[tokio::test]
async fn the_newest_of_many_writers_wins() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let upsert = async |version: u64| {
        let item = item(version, &format!("text {version}"));
        store.upsert(DataKind::Segment, "a", &item).await.unwrap();
    };
    tokio::join!(
        upsert(3),
        upsert(7),
        upsert(1),
        upsert(5),
        upsert(8),
        upsert(2),
        upsert(6),
        upsert(4)
    );
    assert_eq!(table.rows().await, [item_row("segments", "a", 8, "text 8")]);
}
