//! [`Refresher`]: the background task of a classic store.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use vexil_eval::Text;
use vexil_eval::model::DataKind;

use super::Shared;
use crate::store::StoreError;
use crate::store::persistent::health::Health;

/// How often it is asked whether the database holds a complete data set, until it does.
const MARKER_INTERVAL: Duration = Duration::from_millis(500);

/// What the keeper has to handle.
#[derive(Debug)]
pub(super) enum Message {
    /// An item is in use and expires soon.
    Refresh(DataKind, Text),
    /// A call failed or was not answered in time.
    Failed(StoreError),
    /// An item is corrupt, or cannot be written.
    Flawed(StoreError),
}

/// Reads again what is in use, and watches over outages.
pub(super) struct Refresher {
    /// Weak, so that the keeper ends with the store.
    pub(super) shared: Weak<Shared>,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) health: Health,
}

impl Refresher {
    pub(super) async fn run(mut self) {
        let mut is_known = self.ask_for_the_marker().await;
        while let Some(shared) = self.shared.upgrade() {
            let is_initialized = shared.initialized.load(Ordering::Acquire);
            drop(shared);
            let wait = if is_known && is_initialized {
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

    /// Finds out whether the database holds a complete data set. Returns whether it has answered.
    async fn ask_for_the_marker(&mut self) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return false;
        };
        match shared.reader.is_initialized().await {
            Ok(is_initialized) => {
                // In daemon mode the database counts as initialized whatever it holds.
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
                // Slow or unavailable? An answer that is late is no reason to stop asking.
                if matches!(error, StoreError::Timeout) && shared.reader.probe().await.is_ok() {
                    return self.health.answered();
                }
                shared.away.store(true, Ordering::Release);
                self.health.failed(&error, true);
                self.health.recovered(&shared.reader, true).await;
                self.health.answered();
                self.health.reporter().update(|status| status.stale = false);
                // The errors of the outage are over with it. What fails from now on is another one,
                // which must not be dropped here: its reader has marked the database as
                // unavailable, and nothing else would end that.
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
