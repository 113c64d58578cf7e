//! [`StartError`]: why there is no service.

use std::error::Error;
use std::{fmt, io};

use super::data::DataError;

/// Why the service cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// There is no port, thread or file to be had.
    Io {
        /// What the system says.
        source: io::Error,
    },
    /// The data cannot be served.
    Data {
        /// What is wrong with it.
        source: DataError,
    },
    /// The certificate cannot be made or used: a host may have a name that cannot be one, or there
    /// is no provider of cryptography.
    Certificate {
        /// What is wrong.
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

impl From<DataError> for StartError {
    fn from(source: DataError) -> Self {
        Self::Data { source }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io { .. } => "the system refuses what the fake service needs",
            Self::Data { .. } => "the data of the fake service cannot be served",
            Self::Certificate { .. } => "the certificate of the fake service cannot be made",
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
