//! Leases: one owner at a time, until it releases the lease or stops renewing it.

use std::time::{Duration, Instant};

use vexil_dynamodb::DynamoDbDataStore;

use crate::support::{TIMEOUT, TestTable, local};

const SHORT: Duration = Duration::from_millis(50);

fn store(table: &TestTable) -> DynamoDbDataStore {
    let builder = local(DynamoDbDataStore::builder(&table.name));
    builder.prefix("p").build().unwrap()
}

#[tokio::test]
async fn a_lease_has_one_owner_at_a_time() {
    let table = TestTable::new().await;
    let store = store(&table);
    let hold = async |owner: &str| store.hold_lease("copy", owner, TIMEOUT).await.unwrap();
    assert!(hold("a").await);
    assert!(!hold("b").await);
    assert!(hold("a").await, "an owner renews its lease");
    assert!(store.hold_lease("other", "b", TIMEOUT).await.unwrap());
    store.release_lease("copy", "b").await.unwrap();
    assert!(!hold("b").await, "only the owner releases it");
    store.release_lease("copy", "a").await.unwrap();
    assert_eq!(table.rows().await.len(), 1);
    assert!(hold("b").await);
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends() {
    let table = TestTable::new().await;
    let store = store(&table);
    assert!(store.hold_lease("copy", "a", SHORT).await.unwrap());
    let begun = Instant::now();
    while !store.hold_lease("copy", "b", TIMEOUT).await.unwrap() {
        assert!(begun.elapsed() < TIMEOUT, "the lease never ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!store.hold_lease("copy", "a", SHORT).await.unwrap());
}
