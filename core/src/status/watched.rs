//! [`Watched`]: a state that publishes its changes, and [`Subscription`], which receives them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::runtime;
use crate::sync::{Mutex, MutexGuard};

/// How many changes a subscriber may fall behind. States change rarely, so this covers hours of
/// outage.
pub(super) const BACKLOG: usize = 256;

/// A subscription to the changes of a state, in order, from the time of subscribing.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::data_source::DataSourceState;
/// use vexil_testing::TestData;
///
/// # pollster::block_on(async {
/// let flags = TestData::new();
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let mut statuses = client.data_source_status().subscribe();
/// flags.update_status(DataSourceState::Interrupted, None);
/// flags.update_status(DataSourceState::Valid, None);
/// client.close(Duration::from_secs(30)).await;
///
/// // Each change is received, although nothing was awaited until now.
/// let mut states = Vec::new();
/// while let Some(status) = statuses.next().await {
///     states.push(status.state.as_str());
///     if status.state == DataSourceState::Off {
///         break;
///     }
/// }
/// assert_eq!(states, ["INTERRUPTED", "VALID", "OFF"]);
/// # Ok::<(), vexil::config::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Subscription<T>(broadcast::Receiver<T>);

impl<T: Clone> Subscription<T> {
    /// Waits for the next change. Returns `None` if there will be no more, because the client was
    /// dropped.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            match self.0.recv().await {
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Blocks the current thread until the next change. Returns `None` if there is none within
    /// `timeout`. `Duration::MAX` sets no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// let mut statuses = client.data_store_status().subscribe();
    /// // A store in memory has no outages, so its status does not change.
    /// assert!(statuses.blocking_next(Duration::from_millis(1)).is_none());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn blocking_next(&mut self, timeout: Duration) -> Option<T> {
        runtime::park(timeout, self.next()).flatten()
    }
}

/// A state, and its changes.
#[derive(Debug)]
pub(super) struct Watched<T> {
    /// Held for a few instructions, never across an await and never while subscribers are woken,
    /// because wakers may run arbitrary code.
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    current: T,
    /// Changes not broadcast yet, in order.
    unsent: VecDeque<T>,
    /// Whether a thread is broadcasting; it also sends the changes added meanwhile.
    sending: bool,
    /// `None` while there are no subscribers, as of most states: the backlog is allocated as a
    /// whole.
    changes: Option<broadcast::Sender<T>>,
}

impl<T: Clone> Watched<T> {
    pub(super) fn new(current: T) -> Self {
        let inner = Inner {
            current,
            unsent: VecDeque::new(),
            sending: false,
            changes: None,
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    /// Changes the state; `change` returns whether it did. It runs under the lock, so it must never
    /// be application code.
    pub(super) fn update(&self, change: impl FnOnce(&mut T) -> bool) {
        let mut inner = self.lock();
        if !change(&mut inner.current) {
            return;
        }
        let changed = inner.current.clone();
        inner.unsent.push_back(changed);
        if std::mem::replace(&mut inner.sending, true) {
            return;
        }
        while let Some(next) = inner.unsent.pop_front() {
            let changes = inner.changes.clone();
            drop(inner);
            // Fails if there are no subscribers. A waker that panics must not end the broadcasts.
            if let Some(changes) = changes {
                let _ = catch_unwind(AssertUnwindSafe(|| changes.send(next)));
            }
            inner = self.lock();
        }
        inner.sending = false;
    }

    pub(super) fn get(&self) -> T {
        self.lock().current.clone()
    }

    pub(super) fn subscribe(&self) -> Subscription<T> {
        let mut inner = self.lock();
        let changes = inner
            .changes
            .get_or_insert_with(|| broadcast::Sender::new(BACKLOG));
        Subscription(changes.subscribe())
    }

    /// Waits for a state that `is_it` accepts, the current one included.
    pub(super) async fn first(&self, is_it: impl Fn(&T) -> bool) -> T {
        let mut state = self.get();
        if is_it(&state) {
            return state;
        }
        // Declared first, so that it is dropped after the subscription.
        let _release = Release(self);
        // Subscribes before reading the state, so that no change is missed in between.
        let mut changes = self.subscribe();
        state = self.get();
        while !is_it(&state) {
            state = changes.next().await.unwrap_or_else(|| self.get());
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frees the backlog when a wait ends, unless there are other subscribers.
struct Release<'w, T: Clone>(&'w Watched<T>);

impl<T: Clone> Drop for Release<'_, T> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        let unused = inner
            .changes
            .take_if(|changes| changes.receiver_count() == 0);
        drop(inner);
        drop(unused);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};
    use std::task::{Context, Wake, Waker};
    use std::thread;

    use super::*;

    /// A waker that reads and changes the state at once, like an executor that runs tasks inside
    /// `wake`.
    struct Eager(Arc<Watched<u8>>, Sender<u8>);

    impl Wake for Eager {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0.get()).unwrap();
            self.0.update(|state| {
                *state += 1;
                true
            });
        }
    }

    #[test]
    fn a_woken_subscriber_may_change_the_state_and_changes_stay_in_order() {
        let (seen, sees) = channel();
        thread::spawn(move || {
            let watched = Arc::new(Watched::new(0));
            let (mut first, mut second) = (watched.subscribe(), watched.subscribe());
            let waker = Waker::from(Arc::new(Eager(Arc::clone(&watched), seen.clone())));
            {
                let mut next = pin!(first.next());
                assert!(
                    next.as_mut()
                        .poll(&mut Context::from_waker(&waker))
                        .is_pending()
                );
                watched.update(|state| {
                    *state = 1;
                    true
                });
            }
            for _ in 0..2 {
                seen.send(second.blocking_next(Duration::from_secs(60)).unwrap())
                    .unwrap();
            }
        });
        let seen: Vec<_> = (0..3)
            .map_while(|_| sees.recv_timeout(Duration::from_secs(60)).ok())
            .collect();
        assert_eq!(seen, [1, 1, 2]);
    }

    #[test]
    fn the_backlog_is_freed_after_the_last_wait_but_kept_for_subscribers() {
        let watched = Watched::new(0);
        let has_backlog = || watched.lock().changes.is_some();
        let change = || {
            watched.update(|state| {
                *state += 1;
                true
            });
        };
        let cx = &mut Context::from_waker(Waker::noop());

        assert!(pin!(watched.first(|state| *state == 0)).poll(cx).is_ready());
        assert!(!has_backlog(), "nothing to wait for");
        {
            let mut reached = pin!(watched.first(|state| *state == 1));
            let mut abandoned = Box::pin(watched.first(|state| *state == 9));
            assert!(reached.as_mut().poll(cx).is_pending());
            assert!(abandoned.as_mut().poll(cx).is_pending());
            drop(abandoned);
            assert!(has_backlog(), "one still waits");
            change();
            assert!(reached.as_mut().poll(cx).is_ready());
            assert!(!has_backlog());
        }

        let mut subscription = watched.subscribe();
        {
            let mut abandoned = pin!(watched.first(|state| *state == 9));
            assert!(abandoned.as_mut().poll(cx).is_pending());
        }
        change();
        assert_eq!(subscription.blocking_next(Duration::ZERO), Some(2));
    }

    /// Every order of a few threads, explored by `scripts/loom`.
    #[cfg(vexil_loom)]
    mod orders {
        use std::sync::Arc;

        use loom::thread;

        use super::super::*;
        use crate::sync::{block_on, explore};

        #[test]
        fn subscribers_receive_every_change_of_every_thread_in_order() {
            explore("status", || {
                let watched = Arc::new(Watched::new(0_u8));
                let increment = |watched: &Watched<u8>| {
                    watched.update(|state| {
                        *state += 1;
                        true
                    });
                };
                let mut changes = watched.subscribe();
                let others: Vec<_> = (0..2)
                    .map(|_| {
                        let watched = Arc::clone(&watched);
                        thread::spawn(move || increment(&watched))
                    })
                    .collect();
                for expected in 1..=2 {
                    assert_eq!(block_on(changes.next()), Some(expected));
                    assert!(watched.get() >= expected);
                }
                for other in others {
                    other.join().unwrap();
                }
            });
        }

        #[test]
        fn a_task_that_waits_for_a_state_is_woken() {
            explore("status, waiting", || {
                let watched = Arc::new(Watched::new(0_u8));
                let other = {
                    let watched = Arc::clone(&watched);
                    thread::spawn(move || {
                        for state in 1..=2 {
                            watched.update(|current| {
                                *current = state;
                                true
                            });
                        }
                    })
                };
                assert_eq!(block_on(watched.first(|state| *state == 2)), 2);
                other.join().unwrap();
            });
        }
    }
}
