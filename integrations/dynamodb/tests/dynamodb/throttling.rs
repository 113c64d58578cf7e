//! A table that processes a part of a batch, or nothing for a while. DynamoDB Local never does
//! that.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use serde_json::json;
use tokio::time::Instant;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError, StoredItem, WriteOutcome};
use vexil_dynamodb::{DynamoDbDataStore, aws_sdk_dynamodb};
use vexil_testing::FaultProxy;
use vexil_testing::fault_proxy::Direction;

use crate::support::{
    Call, Reply, Tap, TestTable, behind, data, item, many, refusal, through, unprocessed, written,
};

/// Passes two thirds of a batch to the server.
fn a_part(call: &Call) -> Reply {
    let tables = call.body["RequestItems"].as_object().unwrap();
    let (table, requests) = tables.iter().next().unwrap();
    let requests = requests.as_array().unwrap();
    let (taken, left) = requests.split_at((requests.len() * 2).div_ceil(3));
    let answer = if left.is_empty() {
        json!({})
    } else {
        json!({ table: left })
    };
    Reply::Instead(
        json!({"RequestItems": {table: taken}}),
        json!({"UnprocessedItems": answer}),
    )
}

// STO-2.2, UnprocessedItems, and STO-F28: unprocessed items are sent again until none are left; the
// marker is written after them
#[tokio::test]
async fn unprocessed_items_are_sent_again() {
    let table = TestTable::new().await;
    let tap = Tap::new(|_, call| {
        if call.operation == "BatchWriteItem" {
            a_part(call)
        } else {
            Reply::Pass
        }
    });
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    let flags = many(30, "{}");
    let flags: Vec<_> = flags
        .iter()
        .map(|(key, item)| (key.as_str(), item.clone()))
        .collect();
    store
        .init(&data(vec![("s", item(1, "{}"))], flags))
        .await
        .unwrap();
    assert_eq!(table.rows().await.len(), 1 + 30 + 1);
    assert_eq!(written(tap.calls().last().unwrap(), "put"), ["$inited"]);
    store.init(&data(vec![], vec![])).await.unwrap();
    assert_eq!(table.rows().await.len(), 1);
    // A batch is completed before the next begins: 25, 8 and 2 flags, and then the others. Each data
    // set ends with the marker.
    let puts: Vec<_> = tap
        .calls()
        .iter()
        .map(|call| written(call, "put").len())
        .filter(|count| *count > 0)
        .collect();
    assert_eq!(puts, [1, 25, 8, 2, 5, 1, 1, 1]);
}

// A table without any capacity left refuses whole batches
#[tokio::test]
async fn a_throttled_batch_is_sent_again() {
    for code in [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
    ] {
        let table = TestTable::new().await;
        // The two queries precede the batches.
        let tap = Tap::new(move |number, _| {
            if (1..4).contains(&number) {
                refusal(code)
            } else {
                Reply::Pass
            }
        });
        let store = through(&tap, DynamoDbDataStore::builder(&table.name))
            .build()
            .unwrap();
        store
            .init(&data(vec![], vec![("a", item(1, "{}"))])[1..])
            .await
            .unwrap();
        assert_eq!(
            tap.operations(),
            [
                "Query",
                "BatchWriteItem",
                "BatchWriteItem",
                "BatchWriteItem",
                "BatchWriteItem",
                "BatchWriteItem"
            ]
        );
        assert_eq!(table.rows().await.len(), 2);
    }
}

// STO-2.2: for a minute, with a backoff of up to 5 s; then a temporary error, and no marker
#[tokio::test(start_paused = true)]
async fn a_table_that_processes_nothing_for_a_minute_is_unavailable() {
    let tap = Tap::new(|_, call| {
        Reply::Answer(
            200,
            if call.operation == "BatchWriteItem" {
                unprocessed(call)
            } else {
                json!({})
            },
        )
    });
    let store = DynamoDbDataStore::builder("flags")
        .client(tap.client())
        .build()
        .unwrap();
    let start = Instant::now();
    let error = store
        .init(&data(
            vec![],
            vec![("a", item(1, "{}")), ("b", item(1, "{}"))],
        ))
        .await
        .unwrap_err();
    let waited = start.elapsed();
    assert!(error.is_temporary(), "{error:?}");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "the table throttles: 2 rows of a batch were not written in time; it needs more write capacity"
    );
    assert!(
        (Duration::from_secs(55)..=Duration::from_secs(60)).contains(&waited),
        "{waited:?}"
    );
    let calls = tap.calls();
    let is_marker = |call| written(call, "put") == ["$inited"];
    assert!(!calls.iter().any(is_marker));
    // 50 ms, doubling up to 5 s, each reduced by half on average as jitter: about 30 requests in a
    // minute.
    assert!((15..100).contains(&calls.len()), "{}", calls.len());
}

// The AWS client retries throttled requests; only if that fails is the store unavailable
#[tokio::test(start_paused = true)]
async fn briefly_throttled_reads_succeed() {
    let item = json!({"Item": {"key": {"S": "a"}, "version": {"N": "2"}, "item": {"S": "{}"}}});
    let throttle_first = move |number, _: &Call| match number {
        0 | 1 => refusal("ProvisionedThroughputExceededException"),
        _ => Reply::Answer(200, item.clone()),
    };
    let tap = Tap::new(throttle_first);
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(50));
    let client = tap.client_with(|settings| settings.retry_config(retries).build());
    let store = DynamoDbDataStore::builder("flags")
        .client(client)
        .build()
        .unwrap();
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap(),
        Some(StoredItem::new("{}").with_version(2))
    );

    let tap = Tap::new(|_, _| refusal("ThrottlingException"));
    let store = DynamoDbDataStore::builder("flags")
        .client(tap.client())
        .build()
        .unwrap();
    let error = store.get(DataKind::Flag, "a").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

// STO-F28, for the default client, which retries a request twice by itself. The AWS client's
// adaptive mode would block these requests for half a minute
#[tokio::test]
async fn throttling_blocks_no_later_request() {
    let table = TestTable::new().await;
    let (proxy, builder) = behind(DynamoDbDataStore::builder(&table.name));
    let store = builder.build().unwrap();
    store
        .init(&data(vec![], vec![("a", item(1, "{}"))]))
        .await
        .unwrap();
    let start = std::time::Instant::now();
    throttle(&proxy, 2);
    assert_eq!(
        store.get(DataKind::Flag, "a").await.unwrap(),
        Some(StoredItem::new("{}").with_version(1))
    );
    throttle(&proxy, 7);
    assert_eq!(
        store.snapshot().await.unwrap().collections[0].items.len(),
        1
    );
    // The backoff is a second at most; a busy machine may need much longer than that.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

// STO-F28: writes are retried for longer than the AWS client retries them
#[tokio::test]
async fn a_write_outlasts_throttling() {
    let table = TestTable::new().await;
    let tap = Tap::new(|number, _| {
        if number < 5 {
            refusal("ThrottlingException")
        } else {
            Reply::Pass
        }
    });
    let store = through(&tap, DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    assert_eq!(
        store
            .upsert(DataKind::Flag, "a", &item(2, "{}"))
            .await
            .unwrap(),
        WriteOutcome::Written
    );
    assert_eq!(tap.operations(), ["PutItem"; 6]);
}

// Persistent throttling is reported as such
#[tokio::test(start_paused = true)]
async fn a_persistently_throttling_table_is_unavailable() {
    let tap = Tap::new(|number, _| {
        if number == 0 {
            Reply::Answer(200, json!({}))
        } else {
            refusal("ThrottlingException")
        }
    });
    let store = DynamoDbDataStore::builder("flags")
        .client(tap.client())
        .build()
        .unwrap();
    store.probe().await.unwrap();
    let throttled = |error: StoreError, waited: Duration, limit: u64| {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(
            std::error::Error::source(&error)
                .unwrap()
                .to_string()
                .contains("ThrottlingException"),
            "{error:?}"
        );
        assert!(waited.as_secs() < limit, "{waited:?}");
    };
    let start = Instant::now();
    throttled(
        store.get_all(DataKind::Flag).await.unwrap_err(),
        start.elapsed(),
        10,
    );
    let start = Instant::now();
    throttled(
        store
            .upsert(DataKind::Flag, "a", &item(1, "{}"))
            .await
            .unwrap_err(),
        start.elapsed(),
        10,
    );
}

/// Replaces the server's next replies by throttling errors.
fn throttle(proxy: &FaultProxy, answers: usize) {
    let mut left = answers;
    let body =
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    proxy.corrupt(Direction::ToClient, move |bytes| {
        if left > 0 {
            left -= 1;
            *bytes = answer.clone().into();
        }
    });
}
