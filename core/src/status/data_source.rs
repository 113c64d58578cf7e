//! The status of a client's data source.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::named::{millis, named, optional_millis};
use super::watched::{Subscription, Watched};
use crate::runtime::Runtime;

/// The state of a data source.
///
/// ```
/// use vexil::Client;
/// use vexil::data_source::DataSourceState;
/// use vexil_testing::TestData;
///
/// let client = Client::builder("sdk-key").data_source(TestData::not_ready()).start()?;
/// let color = match client.data_source_status().status().state {
///     DataSourceState::Valid => "green",
///     DataSourceState::Initializing | DataSourceState::Interrupted => "yellow",
///     _ => "red",
/// };
/// assert_eq!(color, "yellow");
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataSourceState {
    /// No data has been delivered yet.
    Initializing,
    /// The delivered data is current, as far as the data source knows.
    Valid,
    /// The connection was lost or the payload was unusable. The data source keeps retrying, and the
    /// last good data stays in use.
    Interrupted,
    /// The data source was closed or has given up.
    Off,
}

/// The kind of a data source error.
///
/// ```
/// use vexil::data_source::DataSourceErrorKind;
///
/// // As a label of a metric, and as other SDKs show it.
/// assert_eq!(DataSourceErrorKind::ErrorResponse.as_str(), "ERROR_RESPONSE");
/// assert_eq!(DataSourceErrorKind::NetworkError.to_string(), "NETWORK_ERROR");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataSourceErrorKind {
    /// An error of any other kind.
    Unknown,
    /// The connection failed or broke.
    NetworkError,
    /// The service answered with an error.
    ErrorResponse,
    /// The payload could not be parsed.
    InvalidData,
    /// The payload could not be stored.
    StoreError,
}

named!(DataSourceState {
    Initializing => "INITIALIZING",
    Valid => "VALID",
    Interrupted => "INTERRUPTED",
    Off => "OFF",
});

named!(DataSourceErrorKind {
    Unknown => "UNKNOWN",
    NetworkError => "NETWORK_ERROR",
    ErrorResponse => "ERROR_RESPONSE",
    InvalidData => "INVALID_DATA",
    StoreError => "STORE_ERROR",
});

/// An error of a data source. In JSON, times are milliseconds since 1970.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::ServiceEndpoints;
/// use vexil::data_source::DataSourceErrorKind;
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::{Answer, Endpoint};
///
/// let service = FakeService::start()?;
/// service.always(Endpoint::Stream, Answer::status(401));
/// let client = Client::builder("revoked-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .without_events()
///     .start()?;
/// assert!(client.blocking_wait_until_ready(Duration::from_secs(30)).is_err());
/// let error = client.data_source_status().status().error.expect("the service has refused the key");
/// assert_eq!((error.kind, error.status_code), (DataSourceErrorKind::ErrorResponse, Some(401)));
/// assert!(error.ended.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataSourceErrorInfo {
    /// The kind of error.
    pub kind: DataSourceErrorKind,
    /// The HTTP status, for [`DataSourceErrorKind::ErrorResponse`].
    pub status_code: Option<u16>,
    /// When the error occurred.
    #[serde(serialize_with = "millis")]
    pub time: SystemTime,
    /// When the error ended: when the data source became [valid](DataSourceState::Valid). `None`
    /// while the error lasts.
    #[serde(serialize_with = "optional_millis")]
    pub ended: Option<SystemTime>,
    /// A human-readable message.
    pub message: String,
}

impl DataSourceErrorInfo {
    /// Creates an error that occurs now.
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

/// The status of a data source: its state and its last error.
///
/// Its text is the state, followed by the error if that lasts. In JSON, times are milliseconds since
/// 1970.
///
/// ```
/// use vexil::Client;
/// use vexil_testing::TestData;
///
/// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
/// let status = client.data_source_status().status();
/// assert_eq!(status.to_string(), "VALID");
/// let json = serde_json::to_value(&status)?;
/// assert_eq!((&json["state"], &json["error"]), (&"VALID".into(), &serde_json::Value::Null));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataSourceStatus {
    /// The state.
    pub state: DataSourceState,
    /// Since when the data source has been in this state.
    #[serde(serialize_with = "millis")]
    pub since: SystemTime,
    /// The last error. [`DataSourceErrorInfo::ended`] distinguishes a past error from a current
    /// one.
    pub error: Option<DataSourceErrorInfo>,
}

impl DataSourceStatus {
    /// Returns the error if the service rejected the SDK key and has not delivered data since.
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

impl fmt::Display for DataSourceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) if error.ended.is_none() => write!(f, "{}: {error}", self.state),
            _ => self.state.fmt(f),
        }
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

    /// Applies a new state, as far as the rules of the protocol allow. Subscribers are notified of
    /// each new state and of every error, since each error is a failed attempt.
    pub(crate) fn update(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        self.0.update(|current| {
            let state = match (current.state, state) {
                (DataSourceState::Off, _) => return false,
                // A source that has not started cannot be interrupted.
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

    pub(crate) fn state(&self) -> DataSourceState {
        self.0.get().state
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.state() == DataSourceState::Valid
    }

    /// Waits for a status that `is_it` accepts, the current one included.
    pub(crate) async fn first(
        &self,
        is_it: impl Fn(&DataSourceStatus) -> bool,
    ) -> DataSourceStatus {
        self.0.first(is_it).await
    }
}

/// Reports the status of a client's data source, and its changes. See
/// [`Client::data_source_status`](crate::Client::data_source_status).
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::data_source::DataSourceState;
/// use vexil_testing::TestData;
///
/// let client = Client::builder("sdk-key").data_source(TestData::not_ready()).start()?;
/// let provider = client.data_source_status();
/// assert_eq!(provider.status().to_string(), "INITIALIZING");
/// // A check, without waiting.
/// assert!(!provider.blocking_wait_for(DataSourceState::Valid, Duration::ZERO));
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct DataSourceStatusProvider<'a> {
    cell: &'a DataSourceStatusCell,
    runtime: &'a Runtime,
}

impl<'a> DataSourceStatusProvider<'a> {
    pub(crate) fn new(cell: &'a DataSourceStatusCell, runtime: &'a Runtime) -> Self {
        Self { cell, runtime }
    }

    /// Returns the current status.
    #[must_use]
    pub fn status(&self) -> DataSourceStatus {
        self.cell.0.get()
    }

    /// Subscribes to all later changes: every new state and every error, so that each failed
    /// attempt is a change.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::data_source::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let mut changes = client.data_source_status().subscribe();
    /// let error = DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "connection lost");
    /// flags.update_status(DataSourceState::Interrupted, error);
    /// let status = changes.blocking_next(Duration::from_secs(30)).ok_or("no change")?;
    /// assert_eq!(status.state, DataSourceState::Interrupted);
    /// assert!(status.error.is_some_and(|error| error.message == "connection lost"));
    ///
    /// assert!(changes.blocking_next(Duration::ZERO).is_none(), "there is no other change");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Subscription<DataSourceStatus> {
        self.cell.0.subscribe()
    }

    /// Waits for a state and returns whether it was reached within `timeout`. Returns `false` early
    /// if the data source is off. `Duration::ZERO` only checks the current state; `Duration::MAX`
    /// sets no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::data_source::DataSourceState;
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// let status = client.data_source_status();
    /// assert!(status.wait_for(DataSourceState::Valid, Duration::from_secs(30)).await);
    ///
    /// client.close(Duration::from_secs(30)).await;
    /// // Returns early: a source that is off does not become valid again.
    /// assert!(!status.wait_for(DataSourceState::Valid, Duration::MAX).await);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// # }).unwrap();
    /// ```
    pub async fn wait_for(&self, state: DataSourceState, timeout: Duration) -> bool {
        self.runtime
            .timeout(timeout, self.comes_to(state))
            .await
            .unwrap_or(false)
    }

    /// Blocking form of [`DataSourceStatusProvider::wait_for`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil::data_source::DataSourceState;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// let status = client.data_source_status();
    /// assert!(status.blocking_wait_for(DataSourceState::Valid, Duration::from_secs(30)));
    /// assert!(!status.blocking_wait_for(DataSourceState::Interrupted, Duration::ZERO));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
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

    fn failure() -> Option<DataSourceErrorInfo> {
        Some(DataSourceErrorInfo::new(
            DataSourceErrorKind::NetworkError,
            "connection lost",
        ))
    }

    #[test]
    fn an_error_has_ended_when_the_source_is_valid_and_not_before() {
        let cell = DataSourceStatusCell::new();
        let ended = || cell.0.get().error.map(|error| error.ended.is_some());
        for (state, error, expected) in [
            (DataSourceState::Interrupted, failure(), Some(false)),
            (DataSourceState::Valid, None, Some(true)),
            (DataSourceState::Interrupted, None, Some(true)),
            (DataSourceState::Interrupted, failure(), Some(false)),
            (DataSourceState::Valid, None, Some(true)),
            (DataSourceState::Off, None, Some(true)),
        ] {
            cell.update(state, error);
            assert_eq!(ended(), expected, "{state:?}");
        }
    }

    #[test]
    fn an_error_before_the_first_data_leaves_the_source_initializing_and_is_kept() {
        let cell = DataSourceStatusCell::new();
        let mut changes = cell.0.subscribe();
        cell.update(DataSourceState::Interrupted, failure());
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
                .is_some_and(|error| error.message == "connection lost")
        }));
    }

    #[test]
    fn waiting_for_a_state_ends_when_it_is_reached_or_the_source_is_off() {
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
            cell.update(DataSourceState::Initializing, failure());
        }
        cell.update(DataSourceState::Valid, None);
        let last = std::iter::from_fn(|| changes.blocking_next(Duration::from_millis(1))).last();
        assert_eq!(
            last.map(|status| status.state),
            Some(DataSourceState::Valid)
        );
    }
}
