//! [`Installed`]: the operating system's file watcher and its notifications.

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

use super::trail::Trail;
use crate::source::blocking;

/// A burst of changes ends when nothing has changed for this time.
const QUIET: Duration = Duration::from_millis(100);
/// Maximum length of a burst of changes.
const PATIENCE: Duration = Duration::from_secs(1);

/// A watcher of all relevant directories. It is replaced when the set of directories changes.
pub(super) struct Installed {
    trail: Trail,
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
    blind: AtomicBool,
}

impl Installed {
    pub(super) async fn new(paths: &Arc<[PathBuf]>) -> notify::Result<Self> {
        let paths = Arc::clone(paths);
        blocking(move || {
            let trail = Trail::of(&paths);
            let signal = Arc::new(Signal::default());
            let mut watcher = notify::recommended_watcher({
                let (trail, signal) = (trail.clone(), Arc::clone(&signal));
                move |event| signal.take(event, &trail)
            })?;
            for directory in &trail.directories {
                watcher.watch(directory, RecursiveMode::NonRecursive)?;
            }
            Ok(Self {
                trail,
                signal,
                watcher: Some(watcher),
            })
        })
        .await
    }

    /// Completes when a burst of changes is over.
    pub(super) async fn changed(&self) {
        self.signal.changed.notified().await;
        let end = Instant::now() + PATIENCE;
        loop {
            let quiet = end.min(Instant::now() + QUIET);
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
        !self.signal.blind.load(Ordering::Acquire)
            && blocking(move || Trail::of(&paths)).await == self.trail
    }
}

impl Signal {
    fn take(&self, event: notify::Result<Event>, trail: &Trail) {
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
                .any(|path| trail.directories.contains(path))
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
            event.paths.is_empty() || event.paths.iter().any(|path| trail.entries.contains(path))
        };
        if event.need_rescan() || (!is_read && matters()) {
            self.raise(false);
        }
    }

    fn raise(&self, blind: bool) {
        self.blind.fetch_or(blind, Ordering::AcqRel);
        self.changed.notify_one();
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // The watcher panics here if its thread has already ended, which is harmless.
        let watcher = self.watcher.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(watcher))));
    }
}

impl fmt::Debug for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installed")
            .field("trail", &self.trail)
            .finish_non_exhaustive()
    }
}
