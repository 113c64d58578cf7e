//! [`Refresher`]: the background task of a read-through store.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::shared::{Filled, Message, Shared};
use crate::store::StoreError;
use crate::store::persistent::health::Health;

/// How often the marker of a complete data set is read until it is found.
const MARKER_INTERVAL: Duration = Duration::from_millis(500);

/// Refreshes items in use before they expire, and handles outages.
pub(super) struct Refresher {
    /// `Weak`, so that dropping the store stops this task.
    pub(super) shared: Weak<Shared>,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) health: Health,
}

impl Refresher {
    pub(super) async fn run(mut self) {
        let mut is_known = self.ask_for_the_marker().await;
        while let Some(shared) = self.shared.upgrade() {
            let is_awaited = shared.filled == Filled::ByThisClient
                && !shared.initialized.load(Ordering::Acquire);
            drop(shared);
            let wait = if is_known && !is_awaited {
                Duration::MAX
            } else {
                MARKER_INTERVAL
            };
            match timeout(wait, self.inbox.recv()).await {
                Ok(Some(message)) => self.act(message).await,
                Ok(None) => return,
                Err(_elapsed) => is_known = self.ask_for_the_marker().await,
            }
        }
    }

    /// Reads the marker of a complete data set. Returns whether the database answered.
    async fn ask_for_the_marker(&mut self) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return false;
        };
        match shared.reader.is_initialized().await {
            Ok(is_initialized) => {
                // In daemon mode the database counts as initialized whether or not it has the
                // marker.
                shared
                    .initialized
                    .fetch_or(is_initialized, Ordering::AcqRel);
                self.health.answered();
                self.health
                    .reporter()
                    .update(|status| status.initialized = is_initialized);
                true
            }
            Err(error) => {
                self.act(Message::Failed(error)).await;
                false
            }
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
            }
        }
    }
}
