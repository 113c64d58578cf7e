//! A connection that breaks, stalls or is corrupted, to a real database.

use std::time::{Duration, Instant};

use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError, StoredItem};
use vexil_dynamodb::{DynamoDbBuilder, DynamoDbDataStore};
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;

use crate::support::{TIMEOUT, TestTable, behind, data, item, many};

const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// A store behind a proxy, with two flags, that has received a reply before.
async fn store() -> (FaultProxy, DynamoDbDataStore) {
    store_with(|builder| builder).await
}

/// The same with a short timeout for reads of one item.
async fn store_with_read_timeout() -> (FaultProxy, DynamoDbDataStore) {
    store_with(|builder| builder.read_timeout(READ_TIMEOUT)).await
}

async fn store_with(
    settings: impl FnOnce(DynamoDbBuilder<DynamoDbDataStore>) -> DynamoDbBuilder<DynamoDbDataStore>,
) -> (FaultProxy, DynamoDbDataStore) {
    let table = TestTable::new().await;
    let (proxy, builder) = behind(DynamoDbDataStore::builder(&table.name));
    let store = settings(builder).build().unwrap();
    store
        .init(&data(
            vec![],
            vec![
                ("a", item(1, r#"{"of":"a"}"#)),
                ("b", item(1, r#"{"of":"b"}"#)),
            ],
        ))
        .await
        .unwrap();
    (proxy, store)
}

/// Reads an item, again after each timeout: a busy machine may exceed a short one.
async fn get_in_time(store: &DynamoDbDataStore, key: &str) -> Option<StoredItem> {
    let start = Instant::now();
    loop {
        match store.get(DataKind::Flag, key).await {
            Err(StoreError::Timeout) if start.elapsed() < TIMEOUT => {}
            result => return result.unwrap(),
        }
    }
}

fn stored(text: &'static str) -> Option<StoredItem> {
    Some(StoredItem::new(text).with_version(1))
}

// A connection that was closed while idle fails no call: it is opened again
#[tokio::test]
async fn a_closed_connection_fails_no_call() {
    let (proxy, store) = store().await;
    proxy.cut();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap(),
        stored(r#"{"of":"a"}"#)
    );
    proxy.reset();
    assert_eq!(
        store.get(DataKind::Flag, "b").await.unwrap(),
        stored(r#"{"of":"b"}"#)
    );
}

// STO-F3: a connection error is not an absent item; the same store works when the database is back
#[tokio::test]
async fn a_database_that_is_down_is_unavailable_until_it_is_back() {
    let (proxy, store) = store().await;
    proxy.refuse();
    proxy.cut();
    let temporary = |error: StoreError| assert!(error.is_temporary(), "{error:?}");
    temporary(store.get(DataKind::Flag, "a").await.unwrap_err());
    temporary(store.get(DataKind::Flag, "unknown").await.unwrap_err());
    temporary(store.snapshot().await.unwrap_err());
    temporary(store.probe().await.unwrap_err());
    temporary(
        store
            .upsert(DataKind::Flag, "a", &item(2, "{}"))
            .await
            .unwrap_err(),
    );
    temporary(store.init(&data(vec![], vec![])).await.unwrap_err());
    proxy.restore().unwrap();
    store.probe().await.unwrap();
    assert_eq!(
        store.snapshot().await.unwrap().collections[0].items.len(),
        2
    );
}

// STO-F6 and STO-F7: a read from a silent database fails after its timeout of 500 ms; a late reply
// is never returned for another request
#[tokio::test]
async fn a_late_reply_is_not_returned_for_another_request() {
    let (proxy, store) = store_with_read_timeout().await;
    proxy.stall(Direction::ToClient);
    let start = Instant::now();
    let error = store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(matches!(error, StoreError::Timeout), "{error:?}");
    // It was the read timeout, and not that of a bulk request.
    assert!(
        (READ_TIMEOUT..TIMEOUT).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
    proxy.resume(Direction::ToClient);
    for (key, body) in [("b", r#"{"of":"b"}"#), ("a", r#"{"of":"a"}"#)] {
        assert_eq!(get_in_time(&store, key).await, stored(body));
    }
}

#[tokio::test]
async fn a_slow_database_fails_reads_of_one_item_but_not_snapshots() {
    let (proxy, store) = store_with_read_timeout().await;
    // Much longer than the timeout, so that a busy machine notices the timeout first.
    proxy.delay(Direction::ToClient, Duration::from_secs(3));
    let error = store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(matches!(error, StoreError::Timeout), "{error:?}");
    assert_eq!(
        store.snapshot().await.unwrap().collections[0].items.len(),
        2
    );
}

// Partial data is never returned as complete
#[tokio::test]
async fn a_truncated_reply_is_retried_or_an_error() {
    let (proxy, store) = store().await;
    let items = many(30, &"x".repeat(60_000));
    let flags: Vec<_> = items
        .iter()
        .map(|(key, item)| (key.as_str(), item.clone()))
        .collect();
    store.init(&data(vec![], flags)).await.unwrap();
    for bytes in [100, 500_000, 1_500_000] {
        proxy.cut_after(Direction::ToClient, bytes);
        match store.get_all(DataKind::Flag).await {
            Ok(all) => assert_eq!(all.len(), 30),
            Err(error) => assert!(error.is_temporary(), "{error:?}"),
        }
        assert_eq!(store.get_all(DataKind::Flag).await.unwrap().len(), 30);
    }
}

#[tokio::test]
async fn a_corrupt_reply_is_an_error_and_not_an_absence() {
    let (proxy, store) = store().await;
    proxy.corrupt(Direction::ToClient, |bytes| {
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55)
    });
    for error in [
        store.get(DataKind::Flag, "a").await.unwrap_err(),
        store.snapshot().await.unwrap_err(),
    ] {
        assert!(error.is_temporary(), "{error:?}");
    }
    proxy.restore().unwrap();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap(),
        stored(r#"{"of":"a"}"#)
    );
}
