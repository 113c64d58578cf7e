//! [`StartError`]: an error of starting the service.

use std::error::Error;
use std::{fmt, io};

use vexil_service::ItemsError;

/// An error of starting the service.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// No port, thread or file is available.
    Io {
        /// The system's error.
        source: io::Error,
    },
    /// The data is invalid.
    Data {
        /// The error in the data.
        source: ItemsError,
    },
    /// The certificate cannot be created or used: a host name is invalid, or there is no crypto
    /// provider.
    Certificate {
        /// The underlying error.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StartError {
    pub(super) fn certificate(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Certificate {
            source: source.into(),
        }
    }
}

impl From<io::Error> for StartError {
    fn from(source: io::Error) -> Self {
        Self::Io { source }
    }
}

impl From<ItemsError> for StartError {
    fn from(source: ItemsError) -> Self {
        Self::Data { source }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io { .. } => "no port, thread or file is available for the fake service",
            Self::Data { .. } => "the data of the fake service is invalid",
            Self::Certificate { .. } => "cannot create the certificate of the fake service",
        })
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source } => Some(source),
            Self::Data { source } => Some(source),
            Self::Certificate { source } => Some(&**source),
        }
    }
}
