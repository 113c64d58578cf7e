//! [`FileWatcher`]: waits until files may have changed.
//!
//! The loader compares the bytes, so a false wake-up costs only a read. A missed change would go
//! unnoticed, so the watch wakes whenever it could have missed one.

mod file_metadata;
mod os_watcher;
mod watch_paths;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use file_metadata::FileMetadata;
use os_watcher::OsWatcher;
use tokio::time::{Instant, sleep_until};

use crate::blocking::blocking;
use crate::builder::FileData;

/// Delay before installing a watcher is tried again.
const INSTALL_RETRY: Duration = Duration::from_secs(1);

/// Waits until files may have changed, for programs that read them with [`FileText`]: see
/// [`FileData::watcher`].
///
/// [`FileText`]: crate::FileText
#[derive(Debug)]
pub struct FileWatcher {
    paths: Arc<[PathBuf]>,
    poll_interval: Duration,
    force_polling: bool,
    /// The metadata of the last poll.
    metadata: FileMetadata,
    /// The operating system's watcher, if installed. Dropping it ends its thread.
    watcher: Option<OsWatcher>,
    next_install: Instant,
    next_poll: Instant,
    has_warned: bool,
}

impl FileWatcher {
    pub(crate) fn new(data: &FileData) -> Self {
        let now = Instant::now();
        Self {
            paths: Arc::clone(&data.paths),
            poll_interval: data.poll_interval,
            force_polling: data.force_polling,
            metadata: FileMetadata::of(&data.paths),
            watcher: None,
            next_install: now,
            next_poll: now + data.poll_interval,
            has_warned: false,
        }
    }

    /// Begins to watch, so that [`changed`](Self::changed) completes only for later changes: files that
    /// are read after this are not read again without a change. Where the operating system cannot
    /// watch the files, they are polled.
    pub async fn begin(&mut self) {
        if !self.force_polling && self.watcher.is_none() {
            self.install().await;
        }
    }

    /// Completes when the files may have changed. Cancel-safe: no change is lost as long as the
    /// files are read after this completed or was dropped.
    ///
    /// Needs a Tokio runtime with timers. Without [`begin`](Self::begin) the first call completes soon,
    /// because changes before the watch began are unknown.
    pub async fn changed(&mut self) {
        loop {
            if let Some(watcher) = &self.watcher {
                watcher.changed().await;
                if !watcher.is_current(&self.paths).await {
                    self.watcher = None;
                    self.next_install = Instant::now();
                }
                return;
            }
            if !self.force_polling && self.next_install <= Instant::now() {
                self.install().await;
                if self.watcher.is_some() {
                    // A new watcher does not report changes from before it was installed.
                    return;
                }
            }
            if self.next_poll <= Instant::now() {
                self.next_poll = Instant::now() + self.poll_interval;
                let paths = Arc::clone(&self.paths);
                let now = blocking(move || FileMetadata::of(&paths)).await;
                if self.metadata.update(now) {
                    return;
                }
            }
            let wake = if self.force_polling {
                self.next_poll
            } else {
                self.next_poll.min(self.next_install)
            };
            sleep_until(wake).await;
        }
    }

    async fn install(&mut self) {
        match OsWatcher::new(&self.paths).await {
            // A folder that was created meanwhile is not watched, and what is created in it would be
            // missed.
            Ok(watcher) if !watcher.is_current(&self.paths).await => {
                self.next_install = Instant::now() + INSTALL_RETRY;
            }
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.has_warned = false;
            }
            Err(error) => {
                self.next_install = Instant::now() + INSTALL_RETRY;
                if !self.has_warned {
                    self.has_warned = true;
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "cannot watch flag files, polling them instead");
                }
            }
        }
    }
}
