//! The status of a client's big-segment store.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::watched::{Subscription, Watched};
use crate::runtime;

/// The status of a client's big-segment store: whether it can be queried and whether its data is
/// current.
///
/// ```
/// use vexil::status::BigSegmentStoreStatus;
///
/// /// The line of a status page.
/// fn line(status: BigSegmentStoreStatus) -> String {
///     match status {
///         status if !status.available => "memberships cannot be read".to_owned(),
///         status if status.stale => "memberships are out of date".to_owned(),
///         status => status.to_string(),
///     }
/// }
///
/// assert_eq!(line(BigSegmentStoreStatus::new(true, false)), "available");
/// assert_eq!(line(BigSegmentStoreStatus::new(true, true)), "memberships are out of date");
/// # let json = serde_json::to_string(&BigSegmentStoreStatus::default()).unwrap();
/// # assert_eq!(json, r#"{"available":false,"stale":false}"#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BigSegmentStoreStatus {
    /// Whether the last query succeeded; `false` without a store.
    pub available: bool,
    /// Whether the last synchronization with the service is too long ago.
    pub stale: bool,
}

impl BigSegmentStoreStatus {
    /// Creates a status.
    #[must_use]
    pub fn new(available: bool, stale: bool) -> Self {
        Self { available, stale }
    }
}

impl fmt::Display for BigSegmentStoreStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.available, self.stale) {
            (true, false) => "available",
            (true, true) => "available, stale",
            (false, false) => "unavailable",
            (false, true) => "unavailable, stale",
        })
    }
}

/// The current status of a client's big-segment store, and its changes.
#[derive(Debug)]
pub(crate) struct BigSegmentStoreStatusCell {
    status: Watched<BigSegmentStoreStatus>,
    /// The status once more, as [`pack`] writes it, for evaluations. Zero: not known yet.
    packed: AtomicU8,
    /// Whether the first query has completed. Its result is not reported as a change.
    is_known: watch::Sender<bool>,
}

impl BigSegmentStoreStatusCell {
    pub(crate) fn new() -> Self {
        Self {
            status: Watched::new(BigSegmentStoreStatus::default()),
            packed: AtomicU8::new(0),
            is_known: watch::Sender::new(false),
        }
    }

    pub(crate) fn update(&self, status: BigSegmentStoreStatus) {
        let mut is_change = false;
        self.status.update(|current| {
            let before = std::mem::replace(current, status);
            self.packed.store(pack(status), Ordering::Release);
            is_change = before != status && *self.is_known.borrow();
            is_change
        });
        if is_change {
            tracing::info!(
                available = status.available,
                stale = status.stale,
                "big-segment store status changed"
            );
        }
        self.is_known.send_replace(true);
    }

    /// Returns the status, unless the first query has not completed. Takes no lock.
    pub(crate) fn known(&self) -> Option<BigSegmentStoreStatus> {
        unpack(self.packed.load(Ordering::Acquire))
    }

    /// Returns the status as soon as the first query has completed.
    pub(crate) async fn first_known(&self) -> BigSegmentStoreStatus {
        // The sender is a field of `self`, so the channel cannot be closed.
        let _ = self
            .is_known
            .subscribe()
            .wait_for(|is_known| *is_known)
            .await;
        self.status.get()
    }
}

const KNOWN: u8 = 1;
const AVAILABLE: u8 = 2;
const STALE: u8 = 4;

fn pack(status: BigSegmentStoreStatus) -> u8 {
    let flag = |on, flag| if on { flag } else { 0 };
    KNOWN | flag(status.available, AVAILABLE) | flag(status.stale, STALE)
}

fn unpack(packed: u8) -> Option<BigSegmentStoreStatus> {
    (packed != 0).then_some(BigSegmentStoreStatus {
        available: packed & AVAILABLE != 0,
        stale: packed & STALE != 0,
    })
}

/// Reports the status of a client's big-segment store, and its changes. See
/// [`Client::big_segment_store_status`](crate::Client::big_segment_store_status).
#[derive(Debug)]
pub struct BigSegmentStoreStatusProvider<'a> {
    cell: Option<&'a BigSegmentStoreStatusCell>,
}

impl<'a> BigSegmentStoreStatusProvider<'a> {
    pub(crate) fn new(cell: Option<&'a BigSegmentStoreStatusCell>) -> Self {
        Self { cell }
    }

    /// Returns the current status. Right after the start, waits for the first query to complete.
    /// Without a store, `available` is `false`.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil_testing::{MemoryBigSegmentStore, StoreFault, TestData};
    ///
    /// # pollster::block_on(async {
    /// let store = MemoryBigSegmentStore::new();
    /// store.calls().fault_all(StoreFault::Fail);
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new())
    ///     .big_segments(store)
    ///     .start()?;
    /// assert!(!client.big_segment_store_status().status().await.available);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// # }).unwrap();
    /// ```
    pub async fn status(&self) -> BigSegmentStoreStatus {
        match self.cell {
            Some(cell) => cell.first_known().await,
            None => BigSegmentStoreStatus::default(),
        }
    }

    /// Blocking form of [`BigSegmentStoreStatusProvider::status`]. Returns `None` if the store does not
    /// answer within `timeout`.
    ///
    /// `Duration::MAX` sets no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::{MemoryBigSegmentStore, StoreFault, TestData};
    ///
    /// let store = MemoryBigSegmentStore::new();
    /// store.calls().fault_all(StoreFault::Hang);
    /// let builder = Client::builder("sdk-key").data_source(TestData::new());
    /// let client = builder.clone().big_segments(store).start()?;
    /// let status = client.big_segment_store_status().blocking_status(Duration::from_millis(20));
    /// assert_eq!(status, None, "the first query has no answer yet");
    ///
    /// let without = builder.start()?.big_segment_store_status().blocking_status(Duration::ZERO);
    /// assert_eq!(without.map(|status| status.available), Some(false));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn blocking_status(&self, timeout: Duration) -> Option<BigSegmentStoreStatus> {
        runtime::park(timeout, self.status())
    }

    /// Subscribes to all later changes. Returns `None` without a store.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::config::BigSegmentsConfig;
    /// use vexil_testing::{MemoryBigSegmentStore, StoreFault, TestData};
    ///
    /// let store = MemoryBigSegmentStore::new();
    /// let client = Client::builder("sdk-key")
    ///     .data_source(TestData::new())
    ///     .big_segments(
    ///         BigSegmentsConfig::new(store.clone()).status_poll_interval(Duration::from_millis(100)),
    ///     )
    ///     .start()?;
    /// let provider = client.big_segment_store_status();
    /// # provider.blocking_status(Duration::from_secs(30));
    /// let mut changes = provider.subscribe().ok_or("no store")?;
    /// store.calls().fault_all(StoreFault::Fail);
    /// let status = changes.blocking_next(Duration::from_secs(30)).ok_or("no change")?;
    /// assert!(!status.available);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Option<Subscription<BigSegmentStoreStatus>> {
        self.cell.map(|cell| cell.status.subscribe())
    }
}
