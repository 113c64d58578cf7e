//! [`SingleFlight`]: deduplicates concurrent requests for the same key.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The requests in progress, by key.
#[derive(Debug)]
pub(crate) struct SingleFlight<K, V> {
    /// Held briefly, never across an await.
    under_way: Mutex<HashMap<K, watch::Receiver<Option<V>>>>,
}

/// The first caller for a key runs the request; the others await its result.
enum Role<V> {
    Leads(watch::Sender<Option<V>>),
    Follows(watch::Receiver<Option<V>>),
}

impl<K: Clone + Eq + Hash, V: Clone> SingleFlight<K, V> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            under_way: Mutex::default(),
        })
    }

    /// Returns the result of the request for `key`, joining one in progress if there is one. If the
    /// leader is dropped, one of the followers runs the request again.
    pub(crate) async fn join<F: Future<Output = V>>(&self, key: K, ask: impl Fn() -> F) -> V {
        loop {
            match self.role(&key) {
                Role::Leads(answer) => {
                    let _removed_on_drop = Registration {
                        requests: self,
                        key: &key,
                    };
                    let value = ask().await;
                    answer.send_replace(Some(value.clone()));
                    return value;
                }
                Role::Follows(mut answer) => {
                    if let Ok(value) = answer.wait_for(Option::is_some).await
                        && let Some(value) = value.clone()
                    {
                        return value;
                    }
                }
            }
        }
    }

    fn role(&self, key: &K) -> Role<V> {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = under_way.get(key) {
            return Role::Follows(answer.clone());
        }
        let (leads, follows) = watch::channel(None);
        under_way.insert(key.clone(), follows);
        Role::Leads(leads)
    }
}

/// Removes a request from the map when it ends, including by a panic or cancellation.
struct Registration<'a, K: Eq + Hash, V> {
    requests: &'a SingleFlight<K, V>,
    key: &'a K,
}

impl<K: Eq + Hash, V> Drop for Registration<'_, K, V> {
    fn drop(&mut self) {
        self.requests
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn concurrent_requests_share_one_result_and_a_later_request_runs_again() {
        let (requests, asked, go) = (
            SingleFlight::new(),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
        );
        let ask = || {
            let (requests, asked, go) =
                (Arc::clone(&requests), Arc::clone(&asked), Arc::clone(&go));
            async move {
                let request = || async {
                    asked.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    7
                };
                requests.join("k", request).await
            }
        };
        let all: Vec<_> = (0..100).map(|_| tokio::spawn(ask())).collect();
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        go.notify_one();
        for one in all {
            assert_eq!(one.await.unwrap(), 7);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        go.notify_one();
        assert_eq!(ask().await, 7);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_follower_runs_the_request_if_the_leader_is_dropped() {
        let requests: Arc<SingleFlight<&str, u8>> = SingleFlight::new();
        let leader = tokio::spawn({
            let requests = Arc::clone(&requests);
            async move { requests.join("k", std::future::pending).await }
        });
        while requests.under_way.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let follower = tokio::spawn({
            let requests = Arc::clone(&requests);
            async move { requests.join("k", || async { 3 }).await }
        });
        tokio::task::yield_now().await;
        leader.abort();
        assert_eq!(follower.await.unwrap(), 3);
    }
}
