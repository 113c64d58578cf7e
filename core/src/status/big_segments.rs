//! How a client's store of big segments is doing.

use std::time::Duration;

use tokio::sync::watch;

use super::watched::{Subscription, Watched};
use crate::runtime;

/// Whether a client's big-segment store can be asked, and whether its answers are current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BigSegmentsStoreStatus {
    /// Whether the store answered last time. Not without a store.
    pub available: bool,
    /// Whether it was last in step with the service too long ago.
    pub stale: bool,
}

impl BigSegmentsStoreStatus {
    /// A status of these parts.
    #[must_use]
    pub fn new(available: bool, stale: bool) -> Self {
        Self { available, stale }
    }
}

/// The current status of a client's big-segment store, and its changes.
#[derive(Debug)]
pub(crate) struct BigSegmentsStatusCell {
    status: Watched<BigSegmentsStoreStatus>,
    /// Whether the store was asked. What is known before that is nobody's business.
    is_known: watch::Sender<bool>,
}

impl BigSegmentsStatusCell {
    pub(crate) fn new() -> Self {
        Self {
            status: Watched::new(BigSegmentsStoreStatus::default()),
            is_known: watch::Sender::new(false),
        }
    }

    pub(crate) fn update(&self, status: BigSegmentsStoreStatus) {
        let mut is_change = false;
        self.status.update(|current| {
            let before = std::mem::replace(current, status);
            is_change = before != status && *self.is_known.borrow();
            is_change
        });
        if is_change {
            tracing::info!(
                available = status.available,
                stale = status.stale,
                "the status of big segments changes"
            );
        }
        self.is_known.send_replace(true);
    }

    pub(crate) fn known(&self) -> Option<BigSegmentsStoreStatus> {
        self.is_known.borrow().then(|| self.status.get())
    }

    /// The status, once it is known.
    pub(crate) async fn first_known(&self) -> BigSegmentsStoreStatus {
        // The sender is in the same place, so it cannot be gone.
        let _ = self
            .is_known
            .subscribe()
            .wait_for(|is_known| *is_known)
            .await;
        self.status.get()
    }
}

/// Tells how a client's big-segment store is doing, now and from now on. See
/// [`Client::big_segments_status`](crate::Client::big_segments_status).
#[derive(Debug)]
pub struct BigSegmentsStatusProvider<'a> {
    cell: Option<&'a BigSegmentsStatusCell>,
}

impl<'a> BigSegmentsStatusProvider<'a> {
    pub(crate) fn new(cell: Option<&'a BigSegmentsStatusCell>) -> Self {
        Self { cell }
    }

    /// The current status. Just after the start it is being asked for; this waits for the answer.
    /// Without a store there is none available.
    pub async fn status(&self) -> BigSegmentsStoreStatus {
        match self.cell {
            Some(cell) => cell.first_known().await,
            None => BigSegmentsStoreStatus::default(),
        }
    }

    /// Does what [`BigSegmentsStatusProvider::status`] does, on this thread; none if the store does
    /// not answer within `timeout`.
    #[must_use]
    pub fn blocking_status(&self, timeout: Duration) -> Option<BigSegmentsStoreStatus> {
        runtime::park(timeout, self.status())
    }

    /// All changes from now on; none without a store.
    #[must_use]
    pub fn subscribe(&self) -> Option<Subscription<BigSegmentsStoreStatus>> {
        self.cell.map(|cell| cell.status.subscribe())
    }
}
