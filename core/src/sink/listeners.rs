//! [`ChangeHub`]: notifies listeners of flag changes.
//!
//! Listeners are application code. They run one after the other on a thread where they may block,
//! in the order in which the updates were stored, and never on the path of an update or an
//! evaluation. The first panic of a listener is an error in the log; the other listeners still run.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::mpsc;
use vexil_eval::Text;

use crate::runtime::Runtime;

/// Maximum number of updates queued for delivery. Updates beyond it are dropped.
const BACKLOG: usize = 4096;

/// A flag whose configuration, or that of one of its dependencies, has changed. Its value may still
/// be the same.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil_testing::TestData;
///
/// let flags = TestData::new().with("premium", true);
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// # let checkout = r#"{"key": "checkout", "version": 1, "prerequisites": [{"key": "premium", "variation": 0}]}"#;
/// # flags.use_preconfigured_flag(checkout)?;
/// let mut changes = client.flag_tracker().subscribe();
/// // The flag "checkout" has "premium" as a prerequisite, so it changes with it.
/// flags.set("premium", false);
/// let mut keys: Vec<_> = (0..2)
///     .filter_map(|_| changes.blocking_next(Duration::from_secs(30)))
///     .map(|change| change.key)
///     .collect();
/// keys.sort();
/// assert_eq!(keys, ["checkout", "premium"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagChange {
    /// The flag's key.
    pub key: Text,
}

/// Identifies a listener, for removing it.
///
/// ```
/// use std::collections::HashMap;
/// use vexil::{Client, ListenerId};
/// use vexil_testing::TestData;
///
/// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
/// // One listener for each connection of a server.
/// let mut listeners: HashMap<u64, ListenerId> = HashMap::new();
/// for connection in [1, 2] {
///     let id = client.flag_tracker().add_listener(move |change| println!("{connection}: {}", change.key));
///     listeners.insert(connection, id);
/// }
/// if let Some(id) = listeners.remove(&1) {
///     client.flag_tracker().remove_listener(id);
/// }
/// assert_eq!(listeners.len(), 1);
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(u64);

struct Listener {
    notify: Box<dyn Fn(&FlagChange) + Send + Sync>,
    has_panicked: AtomicBool,
}

impl Listener {
    fn call(&self, change: &FlagChange) {
        if catch_unwind(AssertUnwindSafe(|| (self.notify)(change))).is_ok() {
            return;
        }
        if self.has_panicked.swap(true, Ordering::Relaxed) {
            tracing::debug!(flag.key = %change.key, "a flag-change listener panicked again");
        } else {
            tracing::error!(flag.key = %change.key, "a flag-change listener panicked");
        }
    }
}

/// The changes of one update.
struct Update {
    changes: Vec<FlagChange>,
    /// The listeners to notify: usually all that were added before the update took effect.
    to: Range<ListenerId>,
}

pub(crate) struct ChangeHub {
    runtime: Runtime,
    /// Held while the list is copied or changed, never while a listener is called or dropped,
    /// because that runs application code.
    listening: Mutex<Listening>,
    next_id: AtomicU64,
    /// Number of dropped updates.
    lost: AtomicU64,
}

#[derive(Default)]
struct Listening {
    /// In the order in which they were added.
    listeners: Vec<(ListenerId, Arc<Listener>)>,
    /// Channel to the task that calls the listeners; created with the first listener. The task ends
    /// when this sender is dropped.
    queue: Option<mpsc::Sender<Update>>,
    closed: bool,
}

impl ChangeHub {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            listening: Mutex::default(),
            next_id: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    pub(crate) fn add(
        self: &Arc<Self>,
        listener: impl Fn(&FlagChange) + Send + Sync + 'static,
    ) -> ListenerId {
        let listener = Arc::new(Listener {
            notify: Box::new(listener),
            has_panicked: AtomicBool::new(false),
        });
        let mut listening = self.lock();
        let id = ListenerId(self.next_id.fetch_add(1, Ordering::Relaxed));
        if listening.closed {
            drop(listening);
            // The listener is never called. Its `Drop` may use the tracker, so the lock is released
            // first.
            drop(listener);
            return id;
        }
        listening.listeners.push((id, listener));
        listening.queue.get_or_insert_with(|| {
            let (queue, updates) = mpsc::channel(BACKLOG);
            self.runtime.spawn_detached(deliver(
                Arc::downgrade(self),
                self.runtime.clone(),
                updates,
            ));
            queue
        });
        id
    }

    pub(crate) fn remove(&self, id: ListenerId) {
        let removed = {
            let listeners = &mut self.lock().listeners;
            listeners
                .iter()
                .position(|(known, _)| *known == id)
                .map(|index| listeners.remove(index))
        };
        drop(removed);
    }

    /// Drops all listeners and rejects later ones: a listener that owns the client would otherwise
    /// keep it in memory for ever.
    pub(crate) fn close(&self) {
        let before = std::mem::replace(
            &mut *self.lock(),
            Listening {
                closed: true,
                ..Listening::default()
            },
        );
        drop(before);
    }

    /// The listeners that have been added so far. `None` if there are none.
    pub(crate) fn listeners(&self) -> Option<Range<ListenerId>> {
        let listening = self.lock();
        let until = ListenerId(self.next_id.load(Ordering::Relaxed));
        (!listening.listeners.is_empty()).then_some(ListenerId(0)..until)
    }

    /// Queues one update for these listeners.
    pub(crate) fn announce(&self, keys: impl IntoIterator<Item = Text>, to: Range<ListenerId>) {
        let changes: Vec<_> = keys.into_iter().map(|key| FlagChange { key }).collect();
        let Some(queue) = self.lock().queue.clone().filter(|_| !changes.is_empty()) else {
            return;
        };
        self.send(&queue, Update { changes, to });
    }

    /// Queues a change for one listener, as if the flag had changed since the listener was added.
    pub(crate) fn announce_to(&self, ListenerId(id): ListenerId, key: Text) {
        let queue = self.lock().queue.clone();
        if let Some(queue) = queue {
            let to = ListenerId(id)..ListenerId(id.saturating_add(1));
            self.send(
                &queue,
                Update {
                    changes: vec![FlagChange { key }],
                    to,
                },
            );
        }
    }

    fn send(&self, queue: &mpsc::Sender<Update>, update: Update) {
        if queue.try_send(update).is_err() && self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("flag-change listener queue full, change events dropped");
        }
    }

    fn call_listeners(&self, change: &FlagChange, to: &Range<ListenerId>) {
        let listeners: Vec<Arc<Listener>> = {
            let listening = self.lock();
            let addressed = listening.listeners.iter().filter(|(id, _)| to.contains(id));
            addressed
                .map(|(_, listener)| Arc::clone(listener))
                .collect()
        };
        for listener in listeners {
            listener.call(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listening> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deliver(hub: Weak<ChangeHub>, runtime: Runtime, mut updates: mpsc::Receiver<Update>) {
    while let Some(Update { changes, to }) = updates.recv().await {
        let hub = hub.clone();
        let call = move || {
            for change in &changes {
                if let Some(hub) = hub.upgrade() {
                    hub.call_listeners(change, &to);
                }
            }
        };
        runtime.spawn_blocking(call).finish().await;
    }
}

impl fmt::Debug for ChangeHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeHub")
            .field("listeners", &self.lock().listeners.len())
            .finish_non_exhaustive()
    }
}
