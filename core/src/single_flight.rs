//! [`SingleFlight`]: deduplicates concurrent requests for the same key.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use crate::sync::Mutex;

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

    /// Every order of a few threads, explored by `scripts/loom`.
    #[cfg(vexil_loom)]
    mod orders {
        use std::cell::Cell;
        use std::future::pending;
        use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
        use std::pin::pin;
        use std::task::{Context, Waker};

        use loom::sync::atomic::{AtomicUsize, Ordering};
        use loom::thread;

        use super::*;
        use crate::sync::{block_on, explore};

        /// A database that is asked by one request at a time. The n-th answer is n.
        struct Database {
            requests: Arc<SingleFlight<&'static str, usize>>,
            in_progress: AtomicUsize,
            asked: AtomicUsize,
            /// The last answer that was returned to the caller that asked for it.
            returned: AtomicUsize,
        }

        impl Database {
            fn new() -> Arc<Self> {
                Arc::new(Self {
                    requests: SingleFlight::new(),
                    in_progress: AtomicUsize::new(0),
                    asked: AtomicUsize::new(0),
                    returned: AtomicUsize::new(0),
                })
            }

            fn answer(&self) -> usize {
                assert_eq!(self.in_progress.fetch_add(1, Ordering::SeqCst), 0);
                let answer = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
                self.in_progress.fetch_sub(1, Ordering::SeqCst);
                answer
            }

            /// Requests an answer, which must not be that of a request that had ended before.
            fn request(&self) -> usize {
                let ended = self.returned.load(Ordering::SeqCst);
                let leads = Cell::new(false);
                let answer = block_on(self.requests.join("k", || async {
                    leads.set(true);
                    self.answer()
                }));
                assert!(answer > ended, "{answer} after {ended}");
                if leads.get() {
                    self.returned.fetch_max(answer, Ordering::SeqCst);
                }
                answer
            }

            fn is_idle(&self) -> bool {
                self.requests.under_way.lock().unwrap().is_empty()
            }
        }

        #[test]
        fn one_request_runs_at_a_time_and_every_caller_receives_an_answer_of_its_time() {
            explore("single flight", || {
                let database = Database::new();
                let others: Vec<_> = (0..2)
                    .map(|_| {
                        let database = Arc::clone(&database);
                        thread::spawn(move || database.request())
                    })
                    .collect();
                let mut answers = vec![database.request()];
                answers.extend(others.into_iter().map(|other| other.join().unwrap()));
                answers.sort_unstable();
                answers.dedup();
                let asked = database.asked.load(Ordering::SeqCst);
                assert_eq!(answers, (1..=asked).collect::<Vec<_>>());
                assert!(database.is_idle());
            });
        }

        #[test]
        fn callers_receive_an_answer_if_the_leader_panics() {
            explore("single flight, the leader panics", || {
                let database = Database::new();
                // Resumed instead of raised, so that it is not printed for each order.
                let panics = {
                    let database = Arc::clone(&database);
                    thread::spawn(move || {
                        let leads = Cell::new(false);
                        let request = database.requests.join("k", || async {
                            leads.set(true);
                            database.answer();
                            resume_unwind(Box::new(()))
                        });
                        let result = catch_unwind(AssertUnwindSafe(|| block_on(request)));
                        assert_eq!(result.is_err(), leads.get());
                    })
                };
                let other = {
                    let database = Arc::clone(&database);
                    thread::spawn(move || database.request())
                };
                database.request();
                panics.join().unwrap();
                other.join().unwrap();
                assert!(database.is_idle());
            });
        }

        #[test]
        fn callers_receive_an_answer_if_the_leader_is_cancelled() {
            explore("single flight, the leader is cancelled", || {
                let database = Database::new();
                let others: Vec<_> = (0..2)
                    .map(|_| {
                        let database = Arc::clone(&database);
                        thread::spawn(move || database.request())
                    })
                    .collect();
                {
                    let mut request = pin!(database.requests.join("k", pending));
                    let _ = request
                        .as_mut()
                        .poll(&mut Context::from_waker(Waker::noop()));
                }
                for other in others {
                    other.join().unwrap();
                }
                assert!(database.is_idle());
            });
        }
    }
}
