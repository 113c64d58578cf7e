//! [`ChangeNotifier`] and [`Changes`]: how a database notifies clients of changes.

use std::future::pending;

use tokio::sync::watch;

/// Notifies clients that the data in a database may have changed. Clones notify the same clients.
///
/// A [`PersistentDataStore`](super::PersistentDataStore) keeps a notifier, calls
/// [`notify`](Self::notify) when the database reports a change, and returns
/// [`subscribe`](Self::subscribe) from [`changes`](super::PersistentDataStore::changes).
///
/// ```
/// use vexil::store::ChangeNotifier;
///
/// # pollster::block_on(async {
/// let notifier = ChangeNotifier::new();
/// let mut changes = notifier.subscribe();
/// assert!(!changes.has_changed());
/// // Several notifications before the next wait count as one.
/// notifier.notify();
/// notifier.notify();
/// changes.changed().await;
/// assert!(!changes.has_changed());
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChangeNotifier(watch::Sender<()>);

impl ChangeNotifier {
    /// Creates a notifier without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notifies all subscribers. Never blocks.
    pub fn notify(&self) {
        self.0.send_replace(());
    }

    /// Subscribes to the notifications from now on.
    #[must_use]
    pub fn subscribe(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

/// Receives notifications of a [`ChangeNotifier`]. They are only a hint: the receiver reads the
/// database again.
///
/// ```
/// use vexil::store::{ChangeNotifier, Changes, PersistentDataStore};
/// use vexil_testing::MemoryPersistentStore;
///
/// // A store whose database does not report changes has none; it is read at intervals.
/// assert!(MemoryPersistentStore::new().changes().is_none());
/// let changes = MemoryPersistentStore::new().with_push().changes();
/// assert!(changes.is_some_and(|changes| !changes.has_changed()));
/// ```
#[derive(Clone, Debug)]
pub struct Changes(watch::Receiver<()>);

impl Changes {
    /// Waits for a notification since the last call of this method or of
    /// [`mark_unchanged`](Self::mark_unchanged). Waits forever once there is no notifier any more.
    /// Dropping the future loses no notification.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            pending().await
        }
    }

    /// Whether there is a notification that [`changed`](Self::changed) would return at once for.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.0.has_changed().unwrap_or(false)
    }

    /// Forgets the notifications so far.
    ///
    /// ```
    /// use vexil::store::ChangeNotifier;
    ///
    /// let notifier = ChangeNotifier::new();
    /// let mut changes = notifier.subscribe();
    /// notifier.notify();
    /// // All data is read for another reason, so the notification has no purpose any more.
    /// changes.mark_unchanged();
    /// assert!(!changes.has_changed());
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.0.mark_unchanged();
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    #[test]
    fn notifications_count_until_they_are_awaited_or_forgotten() {
        let notifier = ChangeNotifier::new();
        let mut changes = notifier.subscribe();
        assert!(!changes.has_changed());
        notifier.notify();
        notifier.notify();
        assert!(changes.has_changed());
        block_on(changes.changed());
        assert!(!changes.has_changed());
        notifier.notify();
        changes.mark_unchanged();
        assert!(!changes.has_changed());
    }
}
