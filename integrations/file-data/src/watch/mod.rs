//! [`Watch`]: waits until files may have changed.
//!
//! The loader compares the bytes, so a false wake-up costs only a read. A missed change would go
//! unnoticed, so the watch wakes whenever it could have missed one.

mod installed;
mod stamp;
mod trail;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use installed::Installed;
use stamp::Stamps;
use tokio::time::{Instant, sleep_until};

use crate::builder::FileData;
use crate::source::blocking;

/// Delay before installing a watcher is tried again.
const INSTALL_RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Watch {
    paths: Arc<[PathBuf]>,
    poll_interval: Duration,
    force_polling: bool,
    /// The stamps of the last poll.
    stamps: Stamps,
    /// The operating system's watcher, if installed. Dropping it ends its thread.
    installed: Option<Installed>,
    next_install: Instant,
    next_poll: Instant,
    complained: bool,
}

impl Watch {
    pub(crate) fn new(data: &FileData) -> Self {
        let now = Instant::now();
        Self {
            paths: Arc::clone(&data.paths),
            poll_interval: data.poll_interval,
            force_polling: data.force_polling,
            stamps: Stamps::of(&data.paths),
            installed: None,
            next_install: now,
            next_poll: now + data.poll_interval,
            complained: false,
        }
    }

    /// Completes when the files may have changed. Cancel-safe: no change is lost as long as the
    /// files are read after this completed or was dropped.
    pub(crate) async fn changed(&mut self) {
        loop {
            if let Some(installed) = &self.installed {
                installed.changed().await;
                if !installed.is_current(&self.paths).await {
                    self.installed = None;
                    self.next_install = Instant::now();
                }
                return;
            }
            if !self.force_polling && self.next_install <= Instant::now() {
                self.install().await;
                if self.installed.is_some() {
                    // A new watcher does not report changes from before it was installed.
                    return;
                }
            }
            if self.next_poll <= Instant::now() {
                self.next_poll = Instant::now() + self.poll_interval;
                let paths = Arc::clone(&self.paths);
                let now = blocking(move || Stamps::of(&paths)).await;
                if self.stamps.update(now) {
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
        match Installed::new(&self.paths).await {
            Ok(installed) => {
                self.installed = Some(installed);
                self.complained = false;
            }
            Err(error) => {
                self.next_install = Instant::now() + INSTALL_RETRY;
                if !self.complained {
                    self.complained = true;
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "cannot watch flag files, polling them instead");
                }
            }
        }
    }
}
