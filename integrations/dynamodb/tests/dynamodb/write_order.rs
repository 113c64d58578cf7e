//! The order of writes whose requests are in flight when their calls are dropped.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{advance, timeout};
use vexil::model::DataKind;
use vexil::store::{PersistentDataStore, StoreError};
use vexil_dynamodb::DynamoDbDataStore;

use crate::support::{Reply, TIMEOUT, Tap, data, item, through};

/// More than any call needs to be complete if all its requests are answered at once.
const TURNS: usize = 1000;

#[derive(Clone, Copy, Debug)]
enum Write {
    Init,
    Upsert,
}
use Write::{Init, Upsert};

/// Answers every request at once, except for the first one that writes.
fn tap(first: impl Fn() -> Reply + Send + Sync + 'static) -> Tap {
    let is_first = AtomicBool::new(true);
    Tap::new(move |_, call| {
        let writes = call.operation != "Query";
        if writes && is_first.swap(false, Ordering::Relaxed) {
            return first();
        }
        Reply::Answer(200, json!({}))
    })
}

fn store(tap: &Tap) -> DynamoDbDataStore {
    through(tap, DynamoDbDataStore::builder("flags"))
        .build()
        .unwrap()
}

async fn write(store: &DynamoDbDataStore, write: Write) -> Result<(), StoreError> {
    match write {
        Init => store.init(&data(vec![], vec![("a", item(1, "{}"))])).await,
        Upsert => store
            .upsert(DataKind::Flag, "a", &item(1, "{}"))
            .await
            .map(drop),
    }
}

/// Whether a call ends without anything else happening.
async fn ends<T>(mut call: Pin<&mut impl Future<Output = T>>) -> bool {
    for _ in 0..TURNS {
        let polled = poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
        if polled.await.is_ready() {
            return true;
        }
        yield_now().await;
    }
    false
}

// A request that was sent cannot be cancelled, and requests use several connections
#[tokio::test]
async fn a_write_waits_for_the_requests_of_dropped_ones() {
    for (dropped, later) in [(Init, Init), (Upsert, Init), (Init, Upsert)] {
        let release = Arc::new(Notify::new());
        let held = Arc::clone(&release);
        let tap = tap(move || Reply::Held(Arc::clone(&held), json!({})));
        let store = store(&tap);
        let mut first = Box::pin(write(&store, dropped));
        assert!(!ends(first.as_mut()).await, "{dropped:?} has no response");
        drop(first);
        let sent = tap.operations();
        assert_ne!(sent.last().unwrap(), "Query", "{dropped:?} is in flight");

        let mut second = Box::pin(write(&store, later));
        assert!(!ends(second.as_mut()).await, "{later:?} after {dropped:?}");
        assert_eq!(tap.operations(), sent, "{later:?} after {dropped:?}");
        release.notify_one();
        timeout(TIMEOUT, second).await.unwrap().unwrap();
        assert!(tap.operations().len() > sent.len());
    }
}

// Versions decide between them
#[tokio::test]
async fn upserts_do_not_wait_for_each_other() {
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let store = store(&tap(move || Reply::Held(Arc::clone(&held), json!({}))));
    let mut first = Box::pin(write(&store, Upsert));
    assert!(!ends(first.as_mut()).await);
    timeout(TIMEOUT, write(&store, Upsert))
        .await
        .unwrap()
        .unwrap();
    release.notify_one();
    timeout(TIMEOUT, first).await.unwrap().unwrap();
}

// A server that does not respond stops later writes for a limited time
#[tokio::test(start_paused = true)]
async fn a_write_waits_at_most_for_the_timeout_of_a_dropped_one() {
    let store = store(&tap(|| Reply::Silence));
    let mut first = Box::pin(write(&store, Init));
    assert!(!ends(first.as_mut()).await);
    drop(first);
    advance(Duration::from_secs(30)).await;
    write(&store, Init).await.unwrap();
}
