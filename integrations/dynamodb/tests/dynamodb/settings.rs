//! Any duration is a valid timeout.

use std::time::{Duration, Instant};

use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_dynamodb::{DynamoDbBuilder, DynamoDbDataStore};

use crate::support::{TIMEOUT, TestTable, data, item, local};

type Builder = DynamoDbBuilder<DynamoDbDataStore>;

type Sets = fn(Builder, Duration) -> Builder;

const LIMITS: &[(&str, Sets)] = &[
    ("DynamoDbBuilder::read_timeout", Builder::read_timeout),
    ("DynamoDbBuilder::bulk_timeout", Builder::bulk_timeout),
    ("DynamoDbBuilder::probe_timeout", Builder::probe_timeout),
];

async fn is_used(store: &DynamoDbDataStore) -> Result<(), StoreError> {
    store
        .init(&data(vec![], vec![("a", item(1, "{}"))]))
        .await?;
    // Superseded if an earlier attempt wrote the item after its timeout.
    store.upsert(DataKind::Flag, "a", &item(2, "{}")).await?;
    assert!(store.get(DataKind::Flag, "a").await?.is_some());
    assert!(store.snapshot().await?.initialized);
    store.probe().await
}

#[tokio::test]
async fn a_store_works_with_any_timeout() {
    let table = TestTable::new().await;
    for (setting, set) in LIMITS {
        for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let store = set(local(DynamoDbDataStore::builder(&table.name)), limit)
                .build()
                .unwrap();
            // A busy machine may exceed the shortest timeout, so the operation is retried.
            let start = Instant::now();
            while let Err(error) = is_used(&store).await {
                assert!(start.elapsed() < TIMEOUT, "{setting}({limit:?}): {error:?}");
            }
        }
    }
}

/// `"DynamoDbDataStore::hold_lease"`.
#[tokio::test]
async fn a_lease_accepts_any_lifetime() {
    let table = TestTable::new().await;
    let store = local(DynamoDbDataStore::builder(&table.name))
        .build()
        .unwrap();
    for lifetime in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let held = store.hold_lease("copy", "a", lifetime).await;
        assert!(held.unwrap(), "{lifetime:?}");
    }
    let refused = store.hold_lease("copy", "b", Duration::MAX).await;
    assert!(!refused.unwrap(), "the longest lease has not ended");
}
