//! [`FetchError`]: a failure of a data source, and its meaning for the status and the next attempt.

use http::StatusCode;
use thiserror::Error;

use crate::data_source::{
    DataSourceError, DataSourceErrorInfo, DataSourceErrorKind, NotStoredError,
};
use crate::error_chain::error_chain;
use crate::http::backoff::Failure;
use crate::http::sse::{DecodeError, StreamError};
use crate::http::transport::{TransportError, TransportErrorKind};
use crate::http::wire::WireError;

/// Why flag data could not be fetched.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("{}", describe(*.0))]
    Status(StatusCode),
    /// Temporary, because the service is asked for everything after a few attempts.
    #[error("the service does not accept the state of the client's data (status {})", .0.as_u16())]
    StateRefused(StatusCode),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("the service closed the stream")]
    Ended,
    #[error("the response did not end in time")]
    TooSlow,
    #[error("the response is not an event stream in UTF-8")]
    NoEventStream,
    #[error(transparent)]
    Decode(DecodeError),
    #[error(transparent)]
    Data(#[from] WireError),
    #[error(transparent)]
    NotStored(#[from] NotStoredError),
}

impl FetchError {
    /// The class of the failure, which decides when to retry.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Status(status) => Failure::of_status(*status),
            Self::Transport(error) => Failure::of_transport(error.kind),
            _ => Failure::Transient,
        }
    }

    pub(super) fn kind(&self) -> DataSourceErrorKind {
        match self {
            Self::Status(_) | Self::StateRefused(_) => DataSourceErrorKind::ErrorResponse,
            Self::Transport(error) => match error.kind {
                TransportErrorKind::TooLarge => DataSourceErrorKind::InvalidData,
                TransportErrorKind::Request => DataSourceErrorKind::Unknown,
                _ => DataSourceErrorKind::NetworkError,
            },
            Self::Ended | Self::TooSlow => DataSourceErrorKind::NetworkError,
            Self::NoEventStream | Self::Decode(_) | Self::Data(_) => {
                DataSourceErrorKind::InvalidData
            }
            Self::NotStored(_) => DataSourceErrorKind::StoreError,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) | Self::StateRefused(status) => Some(status.as_u16()),
            _ => None,
        }
    }

    /// The error to report in the status, causes included. `None` if the sink has already reported
    /// it.
    pub(super) fn info(&self) -> Option<DataSourceErrorInfo> {
        if matches!(self, Self::NotStored(_)) {
            return None;
        }
        let mut info = DataSourceErrorInfo::new(self.kind(), error_chain(self));
        info.status_code = self.status();
        Some(info)
    }
}

impl From<StreamError> for FetchError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Transport(error) => Self::Transport(error),
            StreamError::Decode(error) => Self::Decode(error),
        }
    }
}

impl From<FetchError> for DataSourceError {
    fn from(error: FetchError) -> Self {
        Self::new(error.kind(), error)
    }
}

fn describe(status: StatusCode) -> String {
    match status.as_u16() {
        401 | 403 => format!(
            "the service does not accept the SDK key (status {})",
            status.as_u16()
        ),
        status => format!("the service answered with status {status}"),
    }
}
