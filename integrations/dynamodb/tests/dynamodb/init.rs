//! Writing everything: the order of writes, and rows that are not written.

use aws_sdk_dynamodb::types::AttributeValue;
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};
use vexil_dynamodb::{DynamoDbDataStore, aws_sdk_dynamodb};

use crate::support::{
    Call, Reply, Tap, TestTable, data, item, item_row, local, many, marker_row, n, s, through,
    written,
};

fn borrowed(items: &[(String, StoredItem)]) -> Vec<(&str, StoredItem)> {
    items
        .iter()
        .map(|(key, item)| (key.as_str(), item.clone()))
        .collect()
}

/// The batches of items, without those of the marker.
fn batches(tap: &Tap) -> Vec<Call> {
    tap.calls()
        .into_iter()
        .filter(|call| call.operation == "BatchWriteItem" && written(call, "put") != ["$inited"])
        .collect()
}

// STO-2.2, steps 2 to 4: segments before flags, at most 25 requests at once, deletes after all
// puts, those of flags first; the marker last, in its own batch
// STO-F28
#[tokio::test]
async fn puts_come_before_deletes_and_the_marker_comes_last() {
    let table = TestTable::new().await;
    let old = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    old.init(&data(
        vec![("old-s", item(9, "{}"))],
        vec![("old-f", item(9, "{}"))],
    ))
    .await
    .unwrap();
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let (segments, flags) = (many(27, "{}"), many(51, "{}"));
    store
        .init(&data(borrowed(&segments), borrowed(&flags)))
        .await
        .unwrap();

    let puts: Vec<_> = batches(&tap)
        .iter()
        .map(|call| written(call, "put"))
        .collect();
    let keys = |items: &[(String, StoredItem)]| {
        items.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        puts.iter().map(Vec::len).collect::<Vec<_>>(),
        [25, 2, 25, 25, 1, 0, 0]
    );
    assert_eq!(puts.concat(), [keys(&segments), keys(&flags)].concat());
    let deletes: Vec<_> = batches(&tap)
        .iter()
        .map(|call| written(call, "delete"))
        .collect();
    assert_eq!(deletes[..5].concat(), [""; 0]);
    assert_eq!(deletes[5..], [["old-f"], ["old-s"]]);
    assert_eq!(written(tap.calls().last().unwrap(), "put"), ["$inited"]);
    assert_eq!(table.rows().await.len(), 27 + 51 + 1);
}

// STO-1.5: versions are not compared; previous items are replaced even if they are newer
#[tokio::test]
async fn older_data_replaces_newer() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    store
        .init(&data(vec![], vec![("a", item(9, "new"))]))
        .await
        .unwrap();
    store
        .init(&data(vec![], vec![("a", item(2, "old"))]))
        .await
        .unwrap();
    assert_eq!(
        table.rows().await,
        [marker_row("$inited"), item_row("features", "a", 2, "old")]
    );
}

// A full write with unchanged data is the usual case: each reconnection of each process causes one
#[tokio::test]
async fn unchanged_rows_are_not_written_again() {
    let table = TestTable::new().await;
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let mut flags =
        ["as it was", "bare", "marked", "newer", "other text"].map(|key| (key, item(1, "{}")));
    store.init(&data(vec![], flags.to_vec())).await.unwrap();
    // Other processes have removed a part of a row, or added attributes to it.
    table
        .put([("namespace", s("features")), ("key", s("bare"))])
        .await;
    let marked = [
        ("namespace", s("features")),
        ("key", s("marked")),
        ("version", n(1)),
        ("item", s("{}")),
    ];
    let [namespace, key, version, text] = marked;
    table
        .put([
            namespace,
            key,
            version,
            text,
            ("deleted", AttributeValue::Bool(true)),
        ])
        .await;
    flags[3].1 = item(2, "{}");
    // The same version with another text: a payload filter may cause that.
    flags[4].1 = item(1, "{ }");
    let before = batches(&tap).len();
    store.init(&data(vec![], flags.to_vec())).await.unwrap();
    store.init(&data(vec![], flags.to_vec())).await.unwrap();
    let puts: Vec<_> = batches(&tap)[before..]
        .iter()
        .map(|call| written(call, "put"))
        .collect();
    assert_eq!(puts, [["bare", "marked", "newer", "other text"]]);
    let items = flags.map(|(key, item)| {
        item_row(
            "features",
            key,
            item.version.unwrap(),
            str::from_utf8(&item.body).unwrap(),
        )
    });
    assert_eq!(table.rows().await[1..], items);
}

// STO-2.2: DynamoDB rejects a batch that contains the same key twice. As everywhere, the last item
// wins
#[tokio::test]
async fn a_duplicate_item_is_written_once() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let flags = vec![
        ("a", item(1, "first")),
        ("b", item(1, "{}")),
        ("a", item(2, "last")),
    ];
    store.init(&data(vec![], flags)).await.unwrap();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap(),
        Some(StoredItem::new("last").with_version(2))
    );
    assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 2);
}

// STO-1.5: a kind that is not in the data is not changed
#[tokio::test]
async fn a_kind_that_is_not_in_the_data_stays() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    store
        .init(&data(
            vec![("s", item(1, "{}"))],
            vec![("f", item(1, "{}"))],
        ))
        .await
        .unwrap();
    store
        .init(&[Collection::new(DataKind::Flag, vec![])])
        .await
        .unwrap();
    assert_eq!(
        table.rows().await,
        [marker_row("$inited"), item_row("segments", "s", 1, "{}")]
    );
}

// STO-F29: the item is skipped, its old row stays, the rest is written, and the caller receives an
// error
#[tokio::test]
async fn an_oversized_item_keeps_its_old_row() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    store
        .init(&data(
            vec![],
            vec![("big", item(1, "small")), ("unused", item(1, "{}"))],
        ))
        .await
        .unwrap();
    let flags = vec![
        ("a", item(1, "{}")),
        ("big", item(2, &"x".repeat(400_000))),
        ("z", item(1, "{}")),
    ];
    let error = store
        .init(&data(vec![("s", item(1, "{}"))], flags))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::TooLarge { kind: DataKind::Flag, ref key, bytes: 400_135 } if key == "big"),
        "{error:?}"
    );
    assert_eq!(
        table.rows().await,
        [
            marker_row("$inited"),
            item_row("features", "a", 1, "{}"),
            item_row("features", "big", 1, "small"),
            item_row("features", "z", 1, "{}"),
            item_row("segments", "s", 1, "{}"),
        ]
    );
}

#[tokio::test]
async fn an_item_that_cannot_be_stored_does_not_affect_others() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let flags = vec![
        (Text::from(""), item(1, "{}")),
        (
            Text::from("bytes"),
            StoredItem::new(&b"\xff"[..]).with_version(1),
        ),
        (Text::from("good"), item(1, "{}")),
    ];
    store
        .init(&[Collection::new(DataKind::Flag, flags)])
        .await
        .unwrap();
    assert_eq!(
        table.rows().await,
        [marker_row("$inited"), item_row("features", "good", 1, "{}")]
    );
}

// STO-2.2: DynamoDB accepts 16 MB at once
#[tokio::test]
async fn large_items_are_sent_in_small_batches() {
    let table = TestTable::new().await;
    let tap = Tap::open();
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let items = many(25, &"\"".repeat(390_000));
    store.init(&data(vec![], borrowed(&items))).await.unwrap();
    let sizes: Vec<_> = batches(&tap)
        .iter()
        .map(|call| call.body.to_string().len())
        .collect();
    assert_eq!(sizes.len(), 3);
    assert!(sizes.iter().all(|size| *size < 16_000_000), "{sizes:?}");
    assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 25);
}

// STO-F26: a process that ends in the middle leaves old and new items, and the marker unchanged
#[tokio::test]
async fn a_failed_init_sets_no_marker_and_deletes_nothing() {
    let table = TestTable::new().await;
    let old = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    old.upsert(DataKind::Flag, "old", &item(1, "{}"))
        .await
        .unwrap();
    let tap = Tap::new(|_, call| match call.operation.as_str() {
        "BatchWriteItem" if written(call, "put").contains(&"item-00025".to_owned()) => {
            Reply::Broken
        }
        _ => Reply::Pass,
    });
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let error = store
        .init(&data(vec![], borrowed(&many(30, "{}"))))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(table.rows().await.len(), 26);
    assert!(old.get(DataKind::Flag, "old").await.unwrap().is_some());
    assert!(!old.is_initialized().await.unwrap());
}
