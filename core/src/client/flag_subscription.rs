//! [`FlagSubscription`]: changes of flags that are awaited, instead of passed to a listener.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use vexil_eval::Text;

use crate::runtime;
use crate::sink::{ChangeHub, ListenerId};

/// A subscription to changes of flags, or of the value of one flag, from the time of subscribing.
///
/// It never falls behind by more than one change of each flag: changes of the same flag that were not
/// taken yet become one, so no flag is missed and memory is bounded. Dropping the subscription ends
/// it; it does not keep the client open.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil_testing::TestData;
///
/// let flags = TestData::new().with("limit", 10).with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let mut changes = client.flag_tracker().subscribe();
/// // The subscriber is busy while one flag changes three times, and then another one.
/// flags.set("limit", 20).set("limit", 30).set("limit", 40).set("banner", "bye");
/// # let mut later = client.flag_tracker().subscribe();
/// # flags.set("marker", true);
/// # while later.blocking_next(Duration::from_secs(30)).expect("a change").key != "marker" {}
/// let mut keys = Vec::new();
/// for _ in 0..2 {
///     let change = changes.blocking_next(Duration::from_secs(30)).expect("the flag has changed");
///     keys.push(change.key);
/// }
/// assert_eq!(keys, ["limit", "banner"]);
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
pub struct FlagSubscription<T> {
    waiting: Arc<Waiting<T>>,
    hub: Weak<ChangeHub>,
    listener: ListenerId,
}

impl<T> FlagSubscription<T> {
    /// `listener` receives changes until it is dropped.
    pub(super) fn new(hub: &Arc<ChangeHub>, listen: impl FnOnce(Sender<T>) -> ListenerId) -> Self {
        let waiting = Arc::new(Waiting::default());
        let listener = listen(Sender(Arc::clone(&waiting)));
        Self {
            waiting,
            hub: Arc::downgrade(hub),
            listener,
        }
    }

    /// Waits for the next change. Returns `None` if there will be no more, because the client was
    /// closed or dropped.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("pool-size", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let mut changes = client.flag_tracker().subscribe_to_value("pool-size", &Context::new("worker")?);
    /// flags.set("pool-size", 25);
    /// # let mut sizes = Vec::new();
    /// // The loop of a task that lives as long as the client.
    /// while let Some(change) = changes.next().await {
    ///     println!("resizing the pool from {} to {}", change.old_value, change.new_value);
    /// #   sizes.push(change.new_value);
    /// #   client.close(Duration::from_secs(5)).await;
    /// }
    /// # assert_eq!(sizes, [vexil::Value::from(25)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn next(&mut self) -> Option<T> {
        loop {
            {
                let mut queue = self.waiting.lock();
                if let Some(change) = queue.take() {
                    return Some(change);
                }
                if queue.has_ended {
                    return None;
                }
            }
            self.waiting.arrived.notified().await;
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
    /// let flags = TestData::new().with("limit", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let mut changes = client.flag_tracker().subscribe();
    /// assert!(changes.blocking_next(Duration::ZERO).is_none(), "nothing has changed");
    ///
    /// flags.set("limit", 20);
    /// let change = changes.blocking_next(Duration::MAX).expect("the client is open");
    /// assert_eq!(change.key, "limit");
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn blocking_next(&mut self, timeout: Duration) -> Option<T> {
        runtime::park(timeout, self.next()).flatten()
    }
}

impl<T> Drop for FlagSubscription<T> {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.remove(self.listener);
        }
    }
}

impl<T> fmt::Debug for FlagSubscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.waiting.lock();
        f.debug_struct("FlagSubscription")
            .field("waiting", &queue.order.len())
            .field("has_ended", &queue.has_ended)
            .finish()
    }
}

/// A change of one flag.
pub(super) trait Change {
    fn key(&self) -> &Text;

    /// Adds a later change of the same flag. Returns whether there is still a change.
    fn merge(&mut self, later: Self) -> bool;
}

/// Adds changes to a subscription. Dropping it ends the subscription.
pub(super) struct Sender<T>(Arc<Waiting<T>>);

impl<T: Change> Sender<T> {
    pub(super) fn send(&self, change: T) {
        self.0.lock().add(change);
        self.0.arrived.notify_one();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.lock().has_ended = true;
        self.0.arrived.notify_one();
    }
}

struct Waiting<T> {
    /// Held for a few instructions, never while the subscriber is woken.
    queue: Mutex<Queue<T>>,
    arrived: Notify,
}

/// The changes that were not taken yet.
struct Queue<T> {
    /// The keys of the flags, in the order of their first change.
    order: VecDeque<Text>,
    changes: HashMap<Text, T>,
    has_ended: bool,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Queue {
                order: VecDeque::new(),
                changes: HashMap::new(),
                has_ended: false,
            }),
            arrived: Notify::new(),
        }
    }
}

impl<T> Waiting<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Queue<T> {
    fn take(&mut self) -> Option<T> {
        let key = self.order.pop_front()?;
        self.changes.remove(&key)
    }
}

impl<T: Change> Queue<T> {
    fn add(&mut self, change: T) {
        let key = change.key().clone();
        match self.changes.get_mut(&key) {
            None => {
                self.order.push_back(key.clone());
                self.changes.insert(key, change);
            }
            Some(earlier) => {
                if !earlier.merge(change) {
                    self.changes.remove(&key);
                    self.order.retain(|known| *known != key);
                }
            }
        }
    }
}
