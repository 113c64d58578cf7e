//! [`Changes`]: which keys the server tells us about, and whom that concerns.

use std::sync::Mutex;

use redis::{Cmd, PushInfo, PushKind, Value};
use tokio::sync::watch;

use crate::keys::Keys;

/// The stores that want to know of changes. A server that speaks RESP3 tells of each change to a
/// key with one of the registered prefixes (`CLIENT TRACKING` in broadcasting mode), without having
/// to remember what was read.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Short, and never held across an await: who registered, by the keys of their prefix. Stores
    /// stay registered.
    watchers: Mutex<Vec<Watcher>>,
    /// How many there are, for those who arm connections.
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Watcher {
    keys: [String; 3],
    changed: watch::Sender<()>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self {
            watchers: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    /// Is marked whenever something under these keys may have changed.
    pub(crate) fn watch(&self, keys: &Keys) -> watch::Receiver<()> {
        let keys = keys.all();
        let mut watchers = self.lock();
        if let Some(known) = watchers.iter().find(|watcher| watcher.keys == keys) {
            return known.changed.subscribe();
        }
        let (changed, receiver) = watch::channel(());
        watchers.push(Watcher { keys, changed });
        self.count.send_replace(watchers.len());
        receiver
    }

    /// How many stores are registered, now and later.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// What makes the server tell, a command for each store from this one on.
    pub(crate) fn arming(&self, from: usize) -> Vec<Cmd> {
        let tracking = |watcher: &Watcher| {
            let mut command = redis::cmd("CLIENT");
            command.arg("TRACKING").arg("ON").arg("BCAST");
            for key in &watcher.keys {
                command.arg("PREFIX").arg(key);
            }
            // What this process writes is no news to it, unless by a script: the server counts that
            // as somebody else's.
            command.arg("NOLOOP");
            command
        };
        self.lock().iter().skip(from).map(tracking).collect()
    }

    /// Takes in what the server tells.
    pub(crate) fn take(&self, news: &PushInfo) {
        if news.kind != PushKind::Invalidate {
            return;
        }
        match news.data.first() {
            Some(Value::Array(changed)) => self.mark(|watcher| {
                let concerns = |key: &Value| matches!(key, Value::BulkString(key) if watcher.keys.iter().any(|own| own.as_bytes() == *key));
                changed.iter().any(concerns)
            }),
            // Everything was deleted.
            _ => self.mark_all(),
        }
    }

    /// Everything may have changed.
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
        // Wakes those who wait, which may run any code, so the lock is free by now.
        for changed in concerned {
            changed.send_replace(());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watcher>> {
        // Nothing that runs under the lock panics halfway through a change.
        self.watchers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
