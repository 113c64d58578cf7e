//! [`Changes`]: dispatches the server's change notifications to the stores.

use std::sync::Mutex;

use redis::{Cmd, PushInfo, PushKind, Value};
use tokio::sync::watch;
use vexil::store::ChangeNotifier;

use crate::keys::Keys;

/// The stores that subscribe to changes. A RESP3 server sends a notification for each change to a
/// key with a registered prefix (`CLIENT TRACKING` in broadcasting mode); it need not remember
/// which keys were read.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The registered stores, by the keys of their prefix. Stores stay registered. The lock is held
    /// briefly and never across an await.
    watchers: Mutex<Vec<Watcher>>,
    /// The number of watchers, for the tasks that subscribe connections.
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Watcher {
    keys: [String; 3],
    changed: ChangeNotifier,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self {
            watchers: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    /// Returns a receiver that is marked whenever an entry under these keys may have changed.
    pub(crate) fn watch(&self, keys: &Keys) -> vexil::store::Changes {
        let keys = keys.all();
        let mut watchers = self.lock();
        if let Some(known) = watchers.iter().find(|watcher| watcher.keys == keys) {
            return known.changed.subscribe();
        }
        let changed = ChangeNotifier::new();
        let changes = changed.subscribe();
        watchers.push(Watcher { keys, changed });
        self.count.send_replace(watchers.len());
        changes
    }

    /// The number of registered stores, now and later.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// The commands that subscribe to changes, one for each store from index `from` on.
    pub(crate) fn subscriptions(&self, from: usize) -> Vec<Cmd> {
        let tracking = |watcher: &Watcher| {
            let mut command = redis::cmd("CLIENT");
            command.arg("TRACKING").arg("ON").arg("BCAST");
            for key in &watcher.keys {
                command.arg("PREFIX").arg(key);
            }
            // The store need not be notified of writes of this process. The server does not
            // recognize them if a script makes them.
            command.arg("NOLOOP");
            command
        };
        self.lock().iter().skip(from).map(tracking).collect()
    }

    /// Handles a push message of the server.
    pub(crate) fn handle(&self, push: &PushInfo) {
        if push.kind != PushKind::Invalidate {
            return;
        }
        match push.data.first() {
            Some(Value::Array(changed)) => self.mark(|watcher| {
                let concerns = |key: &Value| matches!(key, Value::BulkString(key) if watcher.keys.iter().any(|own| own.as_bytes() == *key));
                changed.iter().any(concerns)
            }),
            // The database was flushed.
            _ => self.mark_all(),
        }
    }

    /// Marks all stores as changed.
    pub(crate) fn mark_all(&self) {
        self.mark(|_| true);
    }

    fn mark(&self, concerns: impl Fn(&Watcher) -> bool) {
        let concerned: Vec<_> = self
            .lock()
            .iter()
            .filter(|watcher| concerns(watcher))
            .map(|watcher| watcher.changed.clone())
            .collect();
        // Sending wakes receivers, which may run any code, so the lock is already released.
        for changed in concerned {
            changed.notify();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watcher>> {
        // No code under this lock panics in the middle of a change.
        self.watchers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
