//! States that can be watched: [`DataSourceStatus`] and [`Subscription`].
//!
//! Whoever changes a state publishes it once; everyone who subscribed sees all changes in their order. A subscriber
//! that falls behind loses the oldest changes, never the newest, and holds nobody up.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::runtime::{self, Runtime};
use crate::store_error::StoreError;

/// How many changes a subscriber may be behind. States change rarely; this is hours of trouble.
const BACKLOG: usize = 256;

/// What the data source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataSourceState {
    /// It has not delivered yet.
    Initializing,
    /// The data it delivered is current, as far as it knows.
    Valid,
    /// It lost its connection, or what it got was unusable; it goes on trying, and what was good stays.
    Interrupted,
    /// It was closed or has given up.
    Off,
}

/// What kind of trouble a data source met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataSourceErrorKind {
    /// None of the others.
    Unknown,
    /// The connection failed or broke.
    NetworkError,
    /// The service answered with an error.
    ErrorResponse,
    /// What was delivered could not be understood.
    InvalidData,
    /// What was delivered could not be stored.
    StoreError,
}

/// The trouble that a data source met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSourceErrorInfo {
    /// Its kind.
    pub kind: DataSourceErrorKind,
    /// The HTTP status, for [`DataSourceErrorKind::ErrorResponse`].
    pub status_code: Option<u16>,
    /// When it happened.
    pub time: SystemTime,
    /// What happened, for people.
    pub message: String,
}

impl DataSourceErrorInfo {
    /// Trouble that happens now.
    #[must_use]
    pub fn new(kind: DataSourceErrorKind, message: impl Into<String>) -> Self {
        Self { kind, status_code: None, time: SystemTime::now(), message: message.into() }
    }
}

impl fmt::Display for DataSourceErrorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The state of the data source, and what last went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSourceStatus {
    /// The state.
    pub state: DataSourceState,
    /// Since when it has been in this state.
    pub since: SystemTime,
    /// The last trouble, also if it is over.
    pub error: Option<DataSourceErrorInfo>,
}

/// Changes of a state, in order, from the time of subscribing.
#[derive(Debug)]
pub struct Subscription<T>(broadcast::Receiver<T>);

impl<T: Clone> Subscription<T> {
    /// The next change; none when there will be no more, because the client is gone.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            match self.0.recv().await {
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Waits on this thread for the next change; none if there is none within `timeout`.
    pub fn blocking_next(&mut self, timeout: Duration) -> Option<T> {
        runtime::park(timeout, self.next()).flatten()
    }
}

/// A state, and its changes.
#[derive(Debug)]
struct Watched<T> {
    /// Guards the state and the order of the broadcasts; held for a few instructions, never across an await.
    current: Mutex<T>,
    changes: broadcast::Sender<T>,
}

impl<T: Clone> Watched<T> {
    fn new(current: T) -> Self {
        Self { current: Mutex::new(current), changes: broadcast::Sender::new(BACKLOG) }
    }

    /// Changes the state; `change` tells whether it did.
    fn update(&self, change: impl FnOnce(&mut T) -> bool) {
        let mut current = self.lock();
        if change(&mut current) {
            // Without subscribers there is nobody to tell.
            drop(self.changes.send(current.clone()));
        }
    }

    fn get(&self) -> T {
        self.lock().clone()
    }

    fn subscribe(&self) -> Subscription<T> {
        Subscription(self.changes.subscribe())
    }

    /// The first state, from now on, that `is_it` accepts.
    async fn first(&self, is_it: impl Fn(&T) -> bool) -> T {
        // Subscribed before looking, so that no change falls between the two.
        let mut changes = self.subscribe();
        let mut state = self.get();
        while !is_it(&state) {
            state = changes.next().await.unwrap_or_else(|| self.get());
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The current status of a client's data source, and its changes.
#[derive(Debug)]
pub(crate) struct DataSourceStatusCell(Watched<DataSourceStatus>);

impl DataSourceStatusCell {
    pub(crate) fn new() -> Self {
        let current = DataSourceStatus { state: DataSourceState::Initializing, since: SystemTime::now(), error: None };
        Self(Watched::new(current))
    }

    /// Takes over a new state, as far as the rules of the protocol allow (spec 02, section 4.2).
    pub(crate) fn update(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        self.0.update(|current| {
            let state = match (current.state, state) {
                (DataSourceState::Off, _) => return false,
                // What has not started cannot be interrupted.
                (DataSourceState::Initializing, DataSourceState::Interrupted) => DataSourceState::Initializing,
                (_, state) => state,
            };
            if state == current.state && error.is_none() {
                return false;
            }
            if state != current.state {
                current.since = SystemTime::now();
                current.state = state;
            }
            if error.is_some() {
                current.error = error;
            }
            true
        });
    }

    /// The first status, from now on, that `is_it` accepts.
    pub(crate) async fn first(&self, is_it: impl Fn(&DataSourceStatus) -> bool) -> DataSourceStatus {
        self.0.first(is_it).await
    }
}

/// Tells what a client's data source is doing, now and from now on. See
/// [`Client::data_source_status`](crate::Client::data_source_status).
#[derive(Debug)]
pub struct DataSourceStatusProvider<'a> {
    cell: &'a DataSourceStatusCell,
    runtime: &'a Runtime,
}

impl<'a> DataSourceStatusProvider<'a> {
    pub(crate) fn new(cell: &'a DataSourceStatusCell, runtime: &'a Runtime) -> Self {
        Self { cell, runtime }
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> DataSourceStatus {
        self.cell.0.get()
    }

    /// All changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<DataSourceStatus> {
        self.cell.0.subscribe()
    }

    /// Waits for a state: whether it came within `timeout`. Ends early, with `false`, when the data source is off.
    pub async fn wait_for(&self, state: DataSourceState, timeout: Duration) -> bool {
        self.runtime.timeout(timeout, self.comes_to(state)).await.unwrap_or(false)
    }

    /// Does what [`DataSourceStatusProvider::wait_for`] does, on this thread.
    #[must_use]
    pub fn blocking_wait_for(&self, state: DataSourceState, timeout: Duration) -> bool {
        runtime::park(timeout, self.comes_to(state)).unwrap_or(false)
    }

    async fn comes_to(&self, state: DataSourceState) -> bool {
        let ended = |status: &DataSourceStatus| status.state == state || status.state == DataSourceState::Off;
        self.cell.first(ended).await.state == state
    }
}

/// How a client's data store is doing: one that has a database behind it. One in memory is always available.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataStoreStatus {
    /// Whether the database answered last time. At the start this is assumed.
    pub available: bool,
    /// Whether evaluations may use data that is older than what the database holds, or than it should be: the database
    /// is down, or it has lost what it had and the SDK goes on with what it knows.
    pub stale: bool,
    /// Whether the database holds a complete data set, as far as is known.
    pub initialized: bool,
    /// When everything was last read or written without an error.
    pub last_refresh: Option<SystemTime>,
    /// How many flags and segments were there then.
    pub items: usize,
    /// How many of them could not be read.
    pub corrupt: usize,
    /// The last trouble, also if it is over.
    pub error: Option<DataStoreErrorInfo>,
}

impl Default for DataStoreStatus {
    /// Available and current, and nothing is known yet.
    fn default() -> Self {
        Self {
            available: true,
            stale: false,
            initialized: false,
            last_refresh: None,
            items: 0,
            corrupt: 0,
            error: None,
        }
    }
}

/// What kind of trouble a data store met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataStoreErrorKind {
    /// It could not be reached, or answered with an error.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// It refuses access.
    Auth,
    /// It cannot be used as it is configured.
    Config,
    /// An item in it cannot be read.
    Corrupt,
    /// An item is too large for it.
    TooLarge,
    /// It only reads.
    ReadOnly,
}

/// The trouble that a data store met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataStoreErrorInfo {
    /// Its kind.
    pub kind: DataStoreErrorKind,
    /// When it happened.
    pub time: SystemTime,
    /// What happened, for people.
    pub message: String,
}

impl DataStoreErrorInfo {
    /// Trouble that happens now.
    #[must_use]
    pub fn new(error: &StoreError) -> Self {
        let kind = match error {
            StoreError::Unavailable { .. } => DataStoreErrorKind::Unavailable,
            StoreError::Timeout => DataStoreErrorKind::Timeout,
            StoreError::Auth { .. } => DataStoreErrorKind::Auth,
            StoreError::Config { .. } => DataStoreErrorKind::Config,
            StoreError::Corrupt { .. } => DataStoreErrorKind::Corrupt,
            StoreError::TooLarge { .. } => DataStoreErrorKind::TooLarge,
            StoreError::ReadOnly => DataStoreErrorKind::ReadOnly,
        };
        let message = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self { kind, time: SystemTime::now(), message }
    }
}

impl fmt::Display for DataStoreErrorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where a data store says how it is doing. A clone belongs to the same client.
#[derive(Clone, Debug)]
pub struct DataStoreReporter(Arc<Watched<DataStoreStatus>>);

impl DataStoreReporter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Watched::new(DataStoreStatus::default())))
    }

    /// Changes the status. Whoever watches it is told if anything but the time and the numbers has changed.
    pub fn update(&self, change: impl FnOnce(&mut DataStoreStatus)) {
        self.0.update(|current| {
            let before = current.clone();
            change(current);
            let seen = |status: &DataStoreStatus| (status.available, status.stale, status.initialized);
            seen(&before) != seen(current) || before.error != current.error
        });
    }

    pub(crate) fn get(&self) -> DataStoreStatus {
        self.0.get()
    }

    /// The first status, from now on, that `is_it` accepts.
    pub(crate) async fn first(&self, is_it: impl Fn(&DataStoreStatus) -> bool) -> DataStoreStatus {
        self.0.first(is_it).await
    }
}

/// Tells how a client's data store is doing, now and from now on. See
/// [`Client::data_store_status`](crate::Client::data_store_status).
#[derive(Debug)]
pub struct DataStoreStatusProvider<'a> {
    reporter: &'a DataStoreReporter,
    runtime: &'a Runtime,
}

impl<'a> DataStoreStatusProvider<'a> {
    pub(crate) fn new(reporter: &'a DataStoreReporter, runtime: &'a Runtime) -> Self {
        Self { reporter, runtime }
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> DataStoreStatus {
        self.reporter.get()
    }

    /// Changes from now on, of anything but the time of the last refresh and the numbers.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<DataStoreStatus> {
        self.reporter.0.subscribe()
    }

    /// Waits for a status that `is_it` accepts, the current one included: whether it came within `timeout`.
    pub async fn wait_for(&self, is_it: impl Fn(&DataStoreStatus) -> bool, timeout: Duration) -> bool {
        self.runtime.timeout(timeout, self.reporter.first(is_it)).await.is_some()
    }

    /// Does what [`DataStoreStatusProvider::wait_for`] does, on this thread.
    #[must_use]
    pub fn blocking_wait_for(&self, is_it: impl Fn(&DataStoreStatus) -> bool, timeout: Duration) -> bool {
        runtime::park(timeout, self.reporter.first(is_it)).is_some()
    }
}

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

/// The current status of a client's big-segment store, and its changes; none before it was asked for the first time.
#[derive(Debug)]
pub(crate) struct BigSegmentsStatusCell {
    status: Watched<Option<BigSegmentsStoreStatus>>,
    changes: broadcast::Sender<BigSegmentsStoreStatus>,
}

impl BigSegmentsStatusCell {
    pub(crate) fn new() -> Self {
        Self { status: Watched::new(None), changes: broadcast::Sender::new(BACKLOG) }
    }

    pub(crate) fn update(&self, status: BigSegmentsStoreStatus) {
        self.status.update(|current| {
            let is_change = *current != Some(status);
            if is_change && current.is_some() {
                tracing::info!(available = status.available, stale = status.stale, "big segments");
                drop(self.changes.send(status));
            }
            *current = Some(status);
            is_change
        });
    }

    pub(crate) fn known(&self) -> Option<BigSegmentsStoreStatus> {
        self.status.get()
    }

    /// The status, once it is known.
    pub(crate) async fn first_known(&self) -> BigSegmentsStoreStatus {
        self.status.first(Option::is_some).await.unwrap_or_default()
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

    /// The current status. Just after the start it is being asked for; this waits for the answer. Without a store there is
    /// none available.
    pub async fn status(&self) -> BigSegmentsStoreStatus {
        match self.cell {
            Some(cell) => cell.first_known().await,
            None => BigSegmentsStoreStatus::default(),
        }
    }

    /// Does what [`BigSegmentsStatusProvider::status`] does, on this thread; none if the store does not answer within
    /// `timeout`.
    #[must_use]
    pub fn blocking_status(&self, timeout: Duration) -> Option<BigSegmentsStoreStatus> {
        runtime::park(timeout, self.status())
    }

    /// All changes from now on; none without a store.
    #[must_use]
    pub fn subscribe(&self) -> Option<Subscription<BigSegmentsStoreStatus>> {
        self.cell.map(|cell| Subscription(cell.changes.subscribe()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn trouble() -> Option<DataSourceErrorInfo> {
        Some(DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "trouble"))
    }

    // Spec 02, section 4.2
    #[test]
    fn trouble_before_the_first_data_leaves_the_source_initializing_and_is_remembered() {
        let cell = DataSourceStatusCell::new();
        let mut changes = cell.0.subscribe();
        cell.update(DataSourceState::Interrupted, trouble());
        cell.update(DataSourceState::Valid, None);
        cell.update(DataSourceState::Valid, None);
        cell.update(DataSourceState::Off, None);
        cell.update(DataSourceState::Valid, None);
        let seen: Vec<_> = std::iter::from_fn(|| changes.blocking_next(Duration::from_millis(1))).collect();
        let states: Vec<_> = seen.iter().map(|status| status.state).collect();
        assert_eq!(states, [DataSourceState::Initializing, DataSourceState::Valid, DataSourceState::Off]);
        assert!(seen.iter().all(|status| { status.error.as_ref().is_some_and(|error| error.message == "trouble") }));
    }

    #[test]
    fn waiting_for_a_state_ends_with_it_or_when_the_source_is_off() {
        let runtime = Runtime::shared().unwrap();
        let cell = DataSourceStatusCell::new();
        let provider = DataSourceStatusProvider::new(&cell, &runtime);
        assert!(provider.blocking_wait_for(DataSourceState::Initializing, SOON));
        assert!(!provider.blocking_wait_for(DataSourceState::Valid, Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| provider.blocking_wait_for(DataSourceState::Valid, SOON));
            cell.update(DataSourceState::Valid, None);
            assert!(waiting.join().unwrap());
        });
        cell.update(DataSourceState::Off, None);
        assert!(!provider.blocking_wait_for(DataSourceState::Valid, SOON));
        assert!(provider.blocking_wait_for(DataSourceState::Off, SOON));
    }

    #[test]
    fn a_subscriber_that_falls_behind_keeps_the_newest_changes() {
        let cell = DataSourceStatusCell::new();
        let mut changes = cell.0.subscribe();
        for _ in 0..BACKLOG * 2 {
            cell.update(DataSourceState::Initializing, trouble());
        }
        cell.update(DataSourceState::Valid, None);
        let last = std::iter::from_fn(|| changes.blocking_next(Duration::from_millis(1))).last();
        assert_eq!(last.map(|status| status.state), Some(DataSourceState::Valid));
    }
}
