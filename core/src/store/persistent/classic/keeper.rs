//! [`Keeper`]: what a classic store does in the background.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Shared;
use crate::model::DataKind;
use crate::store::StoreError;
use crate::store::persistent::health::Health;
use crate::text::Text;

/// How often it is asked whether the database holds a complete data set, until it does.
const MARKER_INTERVAL: Duration = Duration::from_millis(500);

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum Message {
    /// An item is in use and will expire soon.
    Refresh(DataKind, Text),
    /// The database is away.
    Failed(StoreError),
    /// An item is spoilt, or cannot be written.
    Flawed(StoreError),
}

/// Reads anew what is in use, and watches over outages.
pub(super) struct Keeper {
    /// Weak: who drops the store ends the keeper.
    pub(super) shared: Weak<Shared>,
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) health: Health,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        while let Some(shared) = self.shared.upgrade() {
            if !shared.initialized.load(Ordering::Acquire) {
                match shared.reader.is_initialized().await {
                    Ok(initialized) => {
                        shared.initialized.store(initialized, Ordering::Release);
                        self.health.reporter().update(|status| status.initialized = initialized);
                    }
                    // Whether there is a marker is no reason to call the database away (spec 04, section 5.3).
                    Err(error) => tracing::debug!(%error, "the data store cannot be asked for its marker"),
                }
            }
            let wait = if shared.initialized.load(Ordering::Acquire) { Duration::MAX } else { MARKER_INTERVAL };
            drop(shared);
            match timeout(wait, self.inbox.recv()).await {
                Ok(Some(message)) => self.act(message).await,
                Ok(None) => return,
                Err(_elapsed) => {}
            }
        }
    }

    async fn act(&mut self, message: Message) {
        let Some(shared) = self.shared.upgrade() else { return };
        match message {
            Message::Refresh(kind, key) => drop(shared.fetch(kind, key).await),
            Message::Flawed(error) => self.health.flawed(&error),
            Message::Failed(error) => {
                shared.away.store(true, Ordering::Release);
                self.health.failed(&error, true);
                self.health.recovered(&shared.reader, true).await;
                self.health.answered();
                self.health.reporter().update(|status| status.stale = false);
                shared.away.store(false, Ordering::Release);
                // What went wrong meanwhile is over too.
                while let Ok(message) = self.inbox.try_recv() {
                    if let Message::Flawed(error) = message {
                        self.health.flawed(&error);
                    }
                }
            }
        }
    }
}
