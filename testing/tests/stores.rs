//! Features of the in-memory stores beyond the conformance suites: faults, counters and a record of
//! writes.

#![cfg(test)]

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use vexil::big_segments::BigSegmentStore;
use vexil::model::DataKind::{Flag, Segment};
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem, WriteOutcome};
use vexil_testing::{
    MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore, StoreFault, StoreMethod,
    StoreWrite,
};

fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

fn item(version: u64) -> StoredItem {
    StoredItem::new(format!(r#"{{"version":{version}}}"#))
}

#[test]
fn each_fault_has_its_documented_effect() {
    run(async {
        let store = MemoryPersistentStore::new();
        let get = || async { store.get(Flag, "a").await };
        let next = |fault| store.calls().fault_next(StoreMethod::Get, fault);
        for (fault, expected) in [
            (StoreFault::Fail, "the data store is unavailable"),
            (StoreFault::LoseAnswer, "the data store is unavailable"),
            (StoreFault::Refuse, "the data store refuses access"),
            (StoreFault::TimeOut, "the data store did not answer in time"),
        ] {
            next(fault);
            assert_eq!(get().await.unwrap_err().to_string(), expected);
        }
        let begin = Instant::now();
        next(StoreFault::Delay(Duration::from_secs(7)));
        assert_eq!(get().await.unwrap(), None);
        assert_eq!(begin.elapsed(), Duration::from_secs(7));
        next(StoreFault::Panic);
        let panicking = tokio::spawn({
            let store = store.clone();
            async move { store.get(Flag, "a").await.map(drop) }
        });
        assert!(panicking.await.unwrap_err().is_panic());
        // Each fault applied to one call only.
        assert_eq!(get().await.unwrap(), None);
        assert_eq!(store.calls().count(StoreMethod::Get), 7);
    });
}

#[test]
fn a_hanging_call_continues_when_the_store_heals() {
    run(async {
        let store = MemoryPersistentStore::new();
        store.calls().fault(StoreMethod::Get, StoreFault::Hang);
        let hanging: Vec<_> = (0..100)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.get(Flag, "a").await.unwrap() })
            })
            .collect();
        store.calls().reached(StoreMethod::Get, 100).await;
        assert!(hanging.iter().all(|call| !call.is_finished()));
        store.database().put("", Flag, "a", item(1));
        store.calls().heal();
        for call in hanging {
            assert_eq!(call.await.unwrap(), Some(item(1)));
        }
    });
}

#[test]
fn faults_apply_to_one_method_or_all_of_one_store() {
    run(async {
        let database = MemoryDatabase::new();
        let [store, other] = [(); 2].map(|()| MemoryPersistentStore::attached(&database, "p"));
        store
            .calls()
            .fault(StoreMethod::GetAll, StoreFault::TimeOut);
        assert!(store.get(Flag, "a").await.is_ok());
        assert!(matches!(
            store.get_all(Flag).await,
            Err(StoreError::Timeout)
        ));
        store.calls().fault_all(StoreFault::Refuse);
        assert!(matches!(
            store.get_all(Flag).await,
            Err(StoreError::Timeout)
        ));
        assert!(matches!(
            store.get(Flag, "a").await,
            Err(StoreError::Auth { .. })
        ));
        assert!(
            store.is_initialized().await.is_err()
                && store.probe().await.is_err()
                && store.snapshot().await.is_err()
        );
        assert!(store.init(&[]).await.is_err() && store.upsert(Flag, "a", &item(1)).await.is_err());
        assert!(other.get_all(Flag).await.is_ok() && other.probe().await.is_ok());
        store.calls().heal();
        assert!(store.get_all(Flag).await.is_ok());
    });
}

#[test]
fn a_call_whose_response_is_lost_is_performed() {
    run(async {
        let store = MemoryPersistentStore::new();
        store
            .calls()
            .fault(StoreMethod::Upsert, StoreFault::LoseAnswer);
        store.calls().fault(StoreMethod::Init, StoreFault::Fail);
        assert!(store.upsert(Flag, "a", &item(1)).await.is_err());
        assert!(store.init(&[Collection::new(Flag, vec![])]).await.is_err());
        assert_eq!(store.get(Flag, "a").await.unwrap(), Some(item(1)));
    });
}

#[test]
fn attempted_writes_are_recorded() {
    run(async {
        let store = MemoryPersistentStore::new().read_only();
        assert!(matches!(
            store.init(&[Collection::new(Segment, vec![])]).await,
            Err(StoreError::ReadOnly)
        ));
        assert!(matches!(
            store.upsert(Flag, "a", &item(1)).await,
            Err(StoreError::ReadOnly)
        ));
        assert_eq!(
            store.writes(),
            [
                StoreWrite::Init(vec![Collection::new(Segment, vec![])]),
                StoreWrite::Upsert {
                    kind: Flag,
                    key: "a".into(),
                    item: item(1)
                },
            ]
        );
        assert_eq!(store.get(Flag, "a").await.unwrap(), None);
        assert!(!store.is_initialized().await.unwrap());
    });
}

#[test]
fn a_store_with_push_notifies_of_changes_by_any_writer() {
    run(async {
        let store = MemoryPersistentStore::new().with_push();
        let mut changes = store.changes().unwrap();
        assert!(!changes.has_changed());
        store.upsert(Flag, "a", &item(1)).await.unwrap();
        changes.changed().await;
        store.database().remove("", Flag, "a");
        changes.changed().await;
        assert!(MemoryPersistentStore::new().changes().is_none());
    });
}

// The version beside the text takes precedence over the one in it.
#[test]
fn versions_are_read_beside_the_text_or_else_from_the_text() {
    run(async {
        let store = MemoryPersistentStore::new();
        store.database().put("", Flag, "a", item(1).with_version(5));
        assert_eq!(
            store.upsert(Flag, "a", &item(4)).await.unwrap(),
            WriteOutcome::Superseded(Some(item(1).with_version(5)))
        );
        assert_eq!(
            store.upsert(Flag, "a", &item(6)).await.unwrap(),
            WriteOutcome::Written
        );
    });
}

#[test]
fn settings_are_reported_to_the_sdk() {
    let store = MemoryPersistentStore::new();
    assert_eq!(store.refresh_interval(), Duration::from_secs(15));
    assert_eq!(
        store
            .with_refresh_interval(Duration::from_secs(1))
            .refresh_interval(),
        Duration::from_secs(1)
    );
}

#[test]
fn a_big_segment_store_has_the_injected_faults() {
    run(async {
        let store = MemoryBigSegmentStore::new();
        store.database().set_synchronized("", Some(7));
        store
            .calls()
            .fault(StoreMethod::Membership, StoreFault::Fail);
        assert!(store.membership("hash").await.is_err());
        assert_eq!(store.last_synchronized().await.unwrap(), Some(7));
        store.calls().fault_all(StoreFault::TimeOut);
        assert!(matches!(
            store.last_synchronized().await,
            Err(StoreError::Timeout)
        ));
        store.calls().heal();
        assert_eq!(store.membership("hash").await.unwrap(), None);
        assert_eq!(store.calls().count(StoreMethod::Membership), 2);
        store.close().await;
        assert_eq!(store.calls().count(StoreMethod::Close), 1);
    });
}

// STO-4.1: the standard Base64, with padding, of the SHA-256 of the context key.
#[test]
fn contexts_are_hashed_as_by_a_relay_proxy() {
    run(async {
        let store = MemoryBigSegmentStore::new();
        for (key, hash) in [
            ("user1", "CgQblGLKpKMbrDVn4Lbm/ZEAeH2yq0M9lvbReMq/zpA="),
            ("a/b", "wUzdwDP2S53qgOpnXPKAoBXmclFgkKViZ4EVPcaP6hE="),
            ("ключ", "HeNqMq95jaDBrJKXYDoyDtj+VnzyHJF3ESpM6RTruL4="),
        ] {
            store.database().set_membership("", key, [], ["vip.g1"]);
            let membership = store.membership(hash).await.unwrap().unwrap();
            assert_eq!(membership.is_included("vip.g1"), Some(false));
        }
    });
}
