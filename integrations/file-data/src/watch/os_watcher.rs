//! [`OsWatcher`]: the operating system's file watcher and its notifications.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::watch_paths::WatchPaths;
use crate::blocking::blocking;

/// A burst of changes ends when nothing has changed for this time.
const QUIET_PERIOD: Duration = Duration::from_millis(100);
/// Maximum length of a burst of changes.
const MAX_BURST: Duration = Duration::from_secs(1);

/// A watcher of all relevant directories. It is replaced when the set of directories changes.
pub(super) struct OsWatcher {
    watched: WatchPaths,
    signal: Arc<Signal>,
    /// Taken on drop only.
    watcher: Option<RecommendedWatcher>,
}

/// Signals from the watcher's thread to the data source.
#[derive(Debug, Default)]
struct Signal {
    /// A watched entry has changed. Stores one wake-up if no task is waiting.
    changed: Notify,
    /// The watcher may have missed changes.
    missed_changes: AtomicBool,
}

impl OsWatcher {
    pub(super) async fn new(paths: &Arc<[PathBuf]>) -> notify::Result<Self> {
        let paths = Arc::clone(paths);
        blocking(move || {
            let watched = WatchPaths::of(&paths);
            let signal = Arc::new(Signal::default());
            let mut watcher = notify::recommended_watcher({
                let (watched, signal) = (watched.clone(), Arc::clone(&signal));
                move |event| signal.handle(event, &watched)
            })?;
            for directory in &watched.directories {
                watcher.watch(directory, RecursiveMode::NonRecursive)?;
            }
            Ok(Self {
                watched,
                signal,
                watcher: Some(watcher),
            })
        })
        .await
    }

    /// Completes when a burst of changes is over.
    pub(super) async fn changed(&self) {
        self.signal.changed.notified().await;
        let end = Instant::now() + MAX_BURST;
        loop {
            let quiet = end.min(Instant::now() + QUIET_PERIOD);
            if timeout_at(quiet, self.signal.changed.notified())
                .await
                .is_err()
                || end <= Instant::now()
            {
                return;
            }
        }
    }

    /// Whether the watcher still covers all relevant directories.
    pub(super) async fn is_current(&self, paths: &Arc<[PathBuf]>) -> bool {
        let paths = Arc::clone(paths);
        !self.signal.missed_changes.load(Ordering::Acquire)
            && blocking(move || WatchPaths::of(&paths)).await == self.watched
    }
}

impl Signal {
    fn handle(&self, event: notify::Result<Event>, watched: &WatchPaths) {
        let Ok(event) = event else {
            return self.raise(true);
        };
        let is_gone = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        if is_gone
            && event
                .paths
                .iter()
                .any(|path| watched.directories.contains(path))
        {
            return self.raise(true);
        }
        let is_read = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
            // Caused by our own reads, among others.
            EventKind::Access(_) => true,
            _ => false,
        };
        let matters = || {
            event.paths.is_empty()
                || event
                    .paths
                    .iter()
                    .any(|path| watched.entries.contains(path))
        };
        if event.need_rescan() || (!is_read && matters()) {
            self.raise(false);
        }
    }

    fn raise(&self, missed_changes: bool) {
        self.missed_changes
            .fetch_or(missed_changes, Ordering::AcqRel);
        self.changed.notify_one();
    }
}

impl Drop for OsWatcher {
    fn drop(&mut self) {
        // The watcher panics here if its thread has already ended, which is harmless.
        let watcher = self.watcher.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(watcher))));
    }
}

impl fmt::Debug for OsWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsWatcher")
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}
