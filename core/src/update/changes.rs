//! [`ChangeHub`]: tells listeners which flags have changed.
//!
//! Listeners are code of others. They run one after the other on a thread where they may block, in the order in which
//! the updates were stored, and never on the path of an update or an evaluation. One that panics is logged and the
//! others still run.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::mpsc;

use crate::runtime::Runtime;
use crate::text::Text;

/// How many updates may wait for listeners to be done with earlier ones. A listener that holds up more loses some.
const BACKLOG: usize = 4096;

/// A flag whose configuration has changed, or that of something it depends on. Its value need not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagChange {
    /// The flag's key.
    pub key: Text,
}

/// Names a listener, to remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(u64);

type Listener = Arc<dyn Fn(&FlagChange) + Send + Sync>;

/// The changes of one update.
struct Update {
    changes: Vec<FlagChange>,
    /// Listeners from this one on were added later, and do not hear of it.
    until: ListenerId,
}

pub(crate) struct ChangeHub {
    runtime: Runtime,
    /// In the order in which they were added. Held while the list is copied or changed, never while one is called.
    listeners: Mutex<Vec<(ListenerId, Listener)>>,
    next_id: AtomicU64,
    /// To the task that calls the listeners; made with the first of them. The task ends when the hub is gone.
    queue: OnceLock<mpsc::Sender<Update>>,
    /// Updates of which listeners were not told.
    lost: AtomicU64,
}

impl ChangeHub {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            listeners: Mutex::default(),
            next_id: AtomicU64::new(0),
            queue: OnceLock::new(),
            lost: AtomicU64::new(0),
        }
    }

    pub(crate) fn add(self: &Arc<Self>, listener: impl Fn(&FlagChange) + Send + Sync + 'static) -> ListenerId {
        let mut listeners = self.lock();
        let id = ListenerId(self.next_id.fetch_add(1, Ordering::Relaxed));
        listeners.push((id, Arc::new(listener)));
        self.queue.get_or_init(|| {
            let (queue, updates) = mpsc::channel(BACKLOG);
            self.runtime.spawn_detached(deliver(Arc::downgrade(self), self.runtime.clone(), updates));
            queue
        });
        id
    }

    pub(crate) fn remove(&self, id: ListenerId) {
        self.lock().retain(|(known, _)| *known != id);
    }

    pub(crate) fn has_listeners(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Queues the changes of one update.
    pub(crate) fn announce(&self, keys: impl IntoIterator<Item = Text>) {
        let changes: Vec<_> = keys.into_iter().map(|key| FlagChange { key }).collect();
        let Some(queue) = self.queue.get().filter(|_| !changes.is_empty()) else {
            return;
        };
        let until = ListenerId(self.next_id.load(Ordering::Relaxed));
        if queue.try_send(Update { changes, until }).is_err() && self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("flag-change listeners do not keep up; some will not hear of some changes");
        }
    }

    fn call_listeners(&self, change: &FlagChange, until: ListenerId) {
        let listeners: Vec<Listener> = {
            let listeners = self.lock();
            let earlier = listeners.iter().filter(|(id, _)| *id < until);
            earlier.map(|(_, listener)| Arc::clone(listener)).collect()
        };
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(change))).is_err() {
                tracing::error!(flag.key = %change.key, "a flag-change listener panicked");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ListenerId, Listener)>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deliver(hub: Weak<ChangeHub>, runtime: Runtime, mut updates: mpsc::Receiver<Update>) {
    while let Some(Update { changes, until }) = updates.recv().await {
        let hub = hub.clone();
        let call = move || {
            for change in &changes {
                if let Some(hub) = hub.upgrade() {
                    hub.call_listeners(change, until);
                }
            }
        };
        runtime.spawn_blocking(call).finish().await;
    }
}

impl fmt::Debug for ChangeHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeHub").field("listeners", &self.lock().len()).finish_non_exhaustive()
    }
}
