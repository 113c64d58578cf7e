//! [`SingleFlight`]: who asks for what somebody else is asking for already waits for the same answer.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The questions that are under way, by what is asked.
#[derive(Debug)]
pub(crate) struct SingleFlight<K, V> {
    /// Held for a few instructions, never across an await.
    under_way: Mutex<HashMap<K, watch::Receiver<Option<V>>>>,
}

/// Whoever asks first gets the answer for all.
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

    /// The answer to a question: that of the one under way, if there is one. If whoever leads it
    /// gives up, one of the others asks anew.
    pub(crate) async fn join<F: Future<Output = V>>(&self, key: K, ask: impl Fn() -> F) -> V {
        loop {
            match self.role(&key) {
                Role::Leads(answer) => {
                    let _landed_in_any_case = Landing {
                        flights: self,
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

/// Removes a flight when it is over, however it ends.
struct Landing<'a, K: Eq + Hash, V> {
    flights: &'a SingleFlight<K, V>,
    key: &'a K,
}

impl<K: Eq + Hash, V> Drop for Landing<'_, K, V> {
    fn drop(&mut self) {
        self.flights
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
    async fn many_who_ask_at_once_share_one_answer_and_the_next_asks_anew() {
        let (flights, asked, go) = (
            SingleFlight::new(),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
        );
        let ask = || {
            let (flights, asked, go) = (Arc::clone(&flights), Arc::clone(&asked), Arc::clone(&go));
            async move {
                let question = || async {
                    asked.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    7
                };
                flights.join("k", question).await
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
    async fn if_whoever_leads_gives_up_another_asks() {
        let flights: Arc<SingleFlight<&str, u8>> = SingleFlight::new();
        let leader = tokio::spawn({
            let flights = Arc::clone(&flights);
            async move { flights.join("k", std::future::pending).await }
        });
        while flights.under_way.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let follower = tokio::spawn({
            let flights = Arc::clone(&flights);
            async move { flights.join("k", || async { 3 }).await }
        });
        tokio::task::yield_now().await;
        leader.abort();
        assert_eq!(follower.await.unwrap(), 3);
    }
}
