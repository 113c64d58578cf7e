//! What a client's data source is doing.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::watched::{Subscription, Watched};
use crate::runtime::Runtime;

/// What the data source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataSourceState {
    /// It has not delivered yet.
    Initializing,
    /// The data it delivered is current, as far as it knows.
    Valid,
    /// It lost its connection, or what it got was unusable; it goes on trying, and what was good
    /// stays.
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

/// An error of a data source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSourceErrorInfo {
    /// Its kind.
    pub kind: DataSourceErrorKind,
    /// The HTTP status, for [`DataSourceErrorKind::ErrorResponse`].
    pub status_code: Option<u16>,
    /// When it happened.
    pub time: SystemTime,
    /// When it was over: when the data source became [valid](DataSourceState::Valid). `None` while
    /// it lasts.
    pub ended: Option<SystemTime>,
    /// What happened, for people.
    pub message: String,
}

impl DataSourceErrorInfo {
    /// An error that happens now.
    #[must_use]
    pub fn new(kind: DataSourceErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            status_code: None,
            time: SystemTime::now(),
            ended: None,
            message: message.into(),
        }
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
    /// The last error. [`DataSourceErrorInfo::ended`] tells a past one from a present one.
    pub error: Option<DataSourceErrorInfo>,
}

impl DataSourceStatus {
    /// The error, if the service has refused the SDK key and has not delivered since.
    pub(crate) fn refusal(&self) -> Option<&DataSourceErrorInfo> {
        let is_refusal = |error: &&DataSourceErrorInfo| {
            error.kind == DataSourceErrorKind::ErrorResponse
                && matches!(error.status_code, Some(401 | 403))
        };
        self.error
            .as_ref()
            .filter(|_| self.state == DataSourceState::Initializing)
            .filter(is_refusal)
    }
}

/// The current status of a client's data source, and its changes.
#[derive(Debug)]
pub(crate) struct DataSourceStatusCell(Watched<DataSourceStatus>);

impl DataSourceStatusCell {
    pub(crate) fn new() -> Self {
        let current = DataSourceStatus {
            state: DataSourceState::Initializing,
            since: SystemTime::now(),
            error: None,
        };
        Self(Watched::new(current))
    }

    /// Takes over a new state, as far as the rules of the protocol allow. Subscribers are notified
    /// of a new state and of every error: each is an attempt that failed.
    pub(crate) fn update(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        self.0.update(|current| {
            let state = match (current.state, state) {
                (DataSourceState::Off, _) => return false,
                // What has not started cannot be interrupted.
                (DataSourceState::Initializing, DataSourceState::Interrupted) => {
                    DataSourceState::Initializing
                }
                (_, state) => state,
            };
            let is_new_state = state != current.state;
            if is_new_state {
                current.since = SystemTime::now();
                current.state = state;
            }
            let is_new_error = error.is_some();
            if is_new_error {
                current.error = error;
            } else if is_new_state
                && state == DataSourceState::Valid
                && let Some(past) = &mut current.error
            {
                past.ended.get_or_insert_with(SystemTime::now);
            }
            is_new_state || is_new_error
        });
    }

    /// The first status, from now on, that `is_it` accepts.
    pub(crate) async fn first(
        &self,
        is_it: impl Fn(&DataSourceStatus) -> bool,
    ) -> DataSourceStatus {
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

    /// All changes from now on: of the state, and every error, so that each failed attempt is one.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<DataSourceStatus> {
        self.cell.0.subscribe()
    }

    /// Waits for a state: whether it came within `timeout`. Ends early, with `false`, when the data
    /// source is off. `Duration::ZERO` only looks at the present state; `Duration::MAX` sets no
    /// limit.
    pub async fn wait_for(&self, state: DataSourceState, timeout: Duration) -> bool {
        self.runtime
            .timeout(timeout, self.comes_to(state))
            .await
            .unwrap_or(false)
    }

    /// Does what [`DataSourceStatusProvider::wait_for`] does, on this thread.
    #[must_use]
    pub fn blocking_wait_for(&self, state: DataSourceState, timeout: Duration) -> bool {
        self.runtime
            .park(timeout, self.comes_to(state))
            .unwrap_or(false)
    }

    async fn comes_to(&self, state: DataSourceState) -> bool {
        let ended = |status: &DataSourceStatus| {
            status.state == state || status.state == DataSourceState::Off
        };
        self.cell.first(ended).await.state == state
    }
}

#[cfg(test)]
mod tests {
    use super::super::watched::BACKLOG;
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn trouble() -> Option<DataSourceErrorInfo> {
        Some(DataSourceErrorInfo::new(
            DataSourceErrorKind::NetworkError,
            "trouble",
        ))
    }

    #[test]
    fn an_error_has_ended_when_the_source_is_valid_and_not_before() {
        let cell = DataSourceStatusCell::new();
        let ended = || cell.0.get().error.map(|error| error.ended.is_some());
        for (state, error, expected) in [
            (DataSourceState::Interrupted, trouble(), Some(false)),
            (DataSourceState::Valid, None, Some(true)),
            (DataSourceState::Interrupted, None, Some(true)),
            (DataSourceState::Interrupted, trouble(), Some(false)),
            (DataSourceState::Valid, None, Some(true)),
            (DataSourceState::Off, None, Some(true)),
        ] {
            cell.update(state, error);
            assert_eq!(ended(), expected, "{state:?}");
        }
    }

    #[test]
    fn trouble_before_the_first_data_leaves_the_source_initializing_and_is_remembered() {
        let cell = DataSourceStatusCell::new();
        let mut changes = cell.0.subscribe();
        cell.update(DataSourceState::Interrupted, trouble());
        cell.update(DataSourceState::Valid, None);
        cell.update(DataSourceState::Valid, None);
        cell.update(DataSourceState::Off, None);
        cell.update(DataSourceState::Valid, None);
        let seen: Vec<_> =
            std::iter::from_fn(|| changes.blocking_next(Duration::from_millis(1))).collect();
        let states: Vec<_> = seen.iter().map(|status| status.state).collect();
        assert_eq!(
            states,
            [
                DataSourceState::Initializing,
                DataSourceState::Valid,
                DataSourceState::Off
            ]
        );
        assert!(seen.iter().all(|status| {
            status
                .error
                .as_ref()
                .is_some_and(|error| error.message == "trouble")
        }));
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
        assert_eq!(
            last.map(|status| status.state),
            Some(DataSourceState::Valid)
        );
    }
}
