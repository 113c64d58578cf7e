//! Leases: one owner at a time, until it releases the lease or stops renewing it.

use std::time::Duration;

use crate::support::{TIMEOUT, shared_store, until};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_lease_has_one_owner_at_a_time() {
    let store = shared_store();
    let hold = async |owner: &str| store.hold_lease("copy", owner, TIMEOUT).await.unwrap();
    assert!(hold("a").await);
    assert!(!hold("b").await);
    assert!(hold("a").await, "an owner renews its lease");
    assert!(!store.hold_lease("copy", "b", SHORT).await.unwrap());
    assert!(store.hold_lease("other", "b", TIMEOUT).await.unwrap());
    store.release_lease("copy", "b").await.unwrap();
    assert!(!hold("b").await, "only the owner releases it");
    store.release_lease("copy", "a").await.unwrap();
    assert!(hold("b").await);
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends() {
    let store = shared_store();
    assert!(store.hold_lease("copy", "a", SHORT).await.unwrap());
    until("the end of the lease", async || {
        store.hold_lease("copy", "b", TIMEOUT).await.unwrap()
    })
    .await;
    assert!(!store.hold_lease("copy", "a", SHORT).await.unwrap());
}
