//! Every call has a timeout.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbDataStore};

use crate::support::{Reply, Tap, data, item};

/// Replies to the first request only.
fn silent() -> Tap {
    Tap::new(|number, _| {
        if number == 0 {
            Reply::Answer(200, json!({}))
        } else {
            Reply::Silence
        }
    })
}

async fn limit<T>(call: impl Future<Output = Result<T, StoreError>>) -> Duration {
    let start = Instant::now();
    let error = call.await.err().expect("no reply");
    assert!(matches!(error, StoreError::Timeout), "{error:?}");
    start.elapsed()
}

/// 5 s for a single read, 2 s for a probe, 10 s for everything, and a minute for writing
/// everything.
#[tokio::test(start_paused = true)]
async fn each_call_has_its_timeout() {
    let store = DynamoDbDataStore::builder("flags")
        .client(silent().client())
        .build()
        .unwrap();
    store.probe().await.unwrap();
    assert_eq!(
        limit(store.get(DataKind::Flag, "a")).await.as_millis(),
        5_000
    );
    assert_eq!(limit(store.is_initialized()).await.as_millis(), 5_000);
    assert_eq!(limit(store.probe()).await.as_millis(), 2_000);
    assert_eq!(
        limit(store.upsert(DataKind::Flag, "a", &item(1, "{}")))
            .await
            .as_millis(),
        10_000
    );
    assert_eq!(
        limit(store.get_all(DataKind::Flag)).await.as_millis(),
        10_000
    );
    assert_eq!(limit(store.snapshot()).await.as_millis(), 10_000);
    assert_eq!(
        limit(store.init(&data(vec![], vec![]))).await.as_millis(),
        60_000
    );

    let limits = DynamoDbDataStore::builder("flags")
        .read_timeout(Duration::from_secs(1))
        .probe_timeout(Duration::from_secs(4))
        .bulk_timeout(Duration::from_secs(3));
    let store = limits.client(silent().client()).build().unwrap();
    store.probe().await.unwrap();
    assert_eq!(limit(store.get(DataKind::Flag, "a")).await.as_secs(), 1);
    assert_eq!(limit(store.probe()).await.as_secs(), 4);
    assert_eq!(limit(store.snapshot()).await.as_secs(), 3);

    let store = DynamoDbBigSegmentStore::builder("flags")
        .client(silent().client())
        .build()
        .unwrap();
    store.last_synchronized().await.unwrap();
    assert_eq!(limit(store.membership("hash")).await.as_millis(), 5_000);
    assert_eq!(limit(store.last_synchronized()).await.as_millis(), 5_000);
}

// Region and credentials are resolved and a connection is opened first. If that takes longer than
// the read timeout, no read would ever succeed
#[tokio::test(start_paused = true)]
async fn calls_have_a_longer_timeout_until_the_first_reply() {
    let tap = Tap::new(|number, _| {
        if number < 2 {
            Reply::Silence
        } else {
            Reply::Answer(200, json!({}))
        }
    });
    let store = DynamoDbDataStore::builder("flags")
        .client(tap.client())
        .build()
        .unwrap();
    assert_eq!(limit(store.get(DataKind::Flag, "a")).await.as_secs(), 10);
    assert_eq!(limit(store.probe()).await.as_secs(), 10);
    store.probe().await.unwrap();
}
