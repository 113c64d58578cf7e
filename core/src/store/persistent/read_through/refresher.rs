//! [`Refresher`]: the background task of a read-through store.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::shared::{Filled, Message, Shared};
use crate::bounds::NEVER;
use crate::store::StoreError;
use crate::store::persistent::health::Health;
use crate::store::persistent::written::CHECK_INTERVAL;

/// How often the marker of a complete data set is read until it is found.
const MARKER_INTERVAL: Duration = Duration::from_millis(500);

/// Refreshes items in use before they expire, handles outages and detects losses.
pub(super) struct Refresher {
    /// `Weak`, so that dropping the store stops this task.
    shared: Weak<Shared>,
    inbox: mpsc::UnboundedReceiver<Message>,
    health: Health,
    /// When the database is checked next.
    check_at: Instant,
    /// Whether there was an outage since the last check.
    had_outage: bool,
    /// Until when no further data set is requested, so that a database with many short outages does
    /// not cause a request for each.
    quiet_until: Instant,
}

impl Refresher {
    pub(super) fn new(
        shared: &Arc<Shared>,
        inbox: mpsc::UnboundedReceiver<Message>,
        health: Health,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared: Arc::downgrade(shared),
            inbox,
            health,
            check_at: now,
            had_outage: false,
            quiet_until: now,
        }
    }

    pub(super) async fn run(mut self) {
        self.check().await;
        loop {
            match timeout_at(self.check_at, self.inbox.recv()).await {
                Ok(Some(message)) => self.act(message).await,
                Ok(None) => return,
                Err(_elapsed) => self.check().await,
            }
        }
    }

    /// Checks whether the database holds a complete data set, until it does or, if this client
    /// writes, again and again. Requests one if it was lost or may have been.
    async fn check(&mut self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let written = shared.written().clone();
        let holds_all = match &written {
            Some(written) => written
                .is_lost(&shared.reader)
                .await
                .map(|is_lost| !is_lost),
            None => shared.reader.is_initialized().await,
        };
        self.check_at = Instant::now() + MARKER_INTERVAL;
        let holds_all = match holds_all {
            Ok(holds_all) => holds_all,
            Err(error) => return self.act(Message::Failed(error)).await,
        };
        self.health.answered();
        self.health
            .reporter()
            .update(|status| status.initialized = holds_all);
        // In daemon mode the database counts as initialized whether or not it has the marker.
        let was_initialized = shared.initialized.fetch_or(holds_all, Ordering::AcqRel);
        if shared.filled != Filled::ByThisClient {
            self.check_at += NEVER;
        } else if was_initialized || holds_all {
            self.check_at = Instant::now() + CHECK_INTERVAL;
        }
        let may_lack_data = std::mem::take(&mut self.had_outage) || !holds_all;
        if written.is_some() && may_lack_data {
            tracing::info!(
                "the data store may have lost data; requesting all of it from the data source"
            );
            shared.refresh.send_replace(true);
            self.quiet_until = self.check_at;
        }
    }

    async fn act(&mut self, message: Message) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        match message {
            Message::Refresh(kind, key) => drop(shared.fetch(kind, key).await),
            Message::Flawed(error) => self.health.flawed(&error),
            Message::Failed(error) => {
                // A probe distinguishes a slow database from an unavailable one. A late answer alone
                // does not start an outage.
                if matches!(error, StoreError::Timeout) && shared.reader.probe().await.is_ok() {
                    return self.health.answered();
                }
                shared.away.store(true, Ordering::Release);
                self.health.failed(&error, true);
                self.health.recovered(&shared.reader, true).await;
                self.health.answered();
                self.health.reporter().update(|status| status.stale = false);
                // Drop the errors of the outage while `away` is still set. A failure after that
                // starts a new outage, and its message must not be dropped: the reader has set
                // `away`, and only this task clears it.
                while let Ok(message) = self.inbox.try_recv() {
                    if let Message::Flawed(error) = message {
                        self.health.flawed(&error);
                    }
                }
                shared.away.store(false, Ordering::Release);
                if shared.writer.is_some() {
                    self.had_outage = true;
                    self.check_at = self.check_at.min(self.quiet_until);
                }
            }
        }
    }
}
