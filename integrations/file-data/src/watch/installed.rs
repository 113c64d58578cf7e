//! [`Installed`]: the system's watcher, and what it tells.

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

/// A burst of changes is over when nothing has happened for so long,
const QUIET: Duration = Duration::from_millis(100);
/// or when it has lasted so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// A watcher of all directories that matter. It does not outlive a change of which ones those are.
pub(super) struct Installed {
    trail: Trail,
    signal: Arc<Signal>,
    /// Taken only when dropped.
    watcher: Option<RecommendedWatcher>,
}

/// From the watcher's thread to ours.
#[derive(Debug, Default)]
struct Signal {
    /// Something that matters has happened. Keeps one wake-up for whoever does not wait yet.
    changed: Notify,
    /// The watcher may have lost sight of something.
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

    /// Ends when a burst of changes is over.
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

    /// Whether it still watches what has to be watched.
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
            // Our own reading, among others.
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
        // The watcher panics here if its thread has ended, and then there is nothing left to end.
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
