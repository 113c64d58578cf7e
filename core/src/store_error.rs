//! [`StoreError`]: the error of a data store or a big-segment store. [`bounded`] calls such a store.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;
use vexil_eval::Text;
use vexil_eval::model::DataKind;

use crate::runtime::catch_panic;

/// The error of a data store or a big-segment store. A missing item is not an error.
///
/// ```
/// use std::error::Error;
/// use vexil::model::DataKind;
/// use vexil::store::StoreError;
///
/// /// What an operator has to do.
/// fn advice(error: &StoreError) -> String {
///     match error {
///         error if error.is_temporary() => "wait: the client retries by itself".to_owned(),
///         StoreError::Auth { .. } => "check the credentials of the database".to_owned(),
///         StoreError::Corrupt { kind, key, .. } => format!("write the {kind} {key} again"),
///         other => format!("change the configuration: {other}"),
///     }
/// }
///
/// assert_eq!(advice(&StoreError::Timeout), "wait: the client retries by itself");
/// let corrupt = StoreError::corrupt(DataKind::Flag, "banner", "unexpected end of the text");
/// assert_eq!(advice(&corrupt), "write the flag banner again");
/// assert_eq!(corrupt.source().map(ToString::to_string).as_deref(), Some("unexpected end of the text"));
/// ```
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store could not be reached, or answered with an error.
    #[error("the data store is unavailable")]
    Unavailable {
        /// The error of the store's client library.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store did not answer in time.
    #[error("the data store did not answer in time")]
    Timeout,
    /// The store rejects the credentials, or their permissions are insufficient.
    #[error("the data store refuses access")]
    Auth {
        /// The error of the store's client library.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store answers, but cannot be used with this configuration: for instance, a table is
    /// missing, a key has another type, or the server belongs to a cluster.
    #[error("the data store cannot be used as it is configured")]
    Config {
        /// The problem, and how to fix it.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A stored item is malformed.
    #[error("the stored {kind} \"{key}\" cannot be read")]
    Corrupt {
        /// Whether it is a flag or a segment.
        kind: DataKind,
        /// Its key.
        key: Text,
        /// Why it cannot be read.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// An item is too large for the store. It was not written, and the store keeps its previous
    /// version; all other items were written.
    #[error("the {kind} \"{key}\" of {bytes} bytes is too large for the data store")]
    TooLarge {
        /// Whether it is a flag or a segment.
        kind: DataKind,
        /// Its key.
        key: Text,
        /// Its size as measured by the store.
        bytes: usize,
    },
    /// The store is read-only.
    #[error("the data store is read-only")]
    ReadOnly,
    /// The store holds no complete data set yet.
    #[error("the data store holds no complete data set")]
    NotInitialized,
}

impl StoreError {
    /// Creates an [`Unavailable`](Self::Unavailable) error.
    ///
    /// ```
    /// use vexil::store::StoreError;
    ///
    /// fn connect(port: u16) -> Result<std::net::TcpStream, StoreError> {
    ///     std::net::TcpStream::connect(("127.0.0.1", port)).map_err(StoreError::unavailable)
    /// }
    ///
    /// let error = connect(0).unwrap_err();
    /// assert_eq!(error.to_string(), "the data store is unavailable");
    /// ```
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: Arc::from(source.into()),
        }
    }

    /// Creates an [`Auth`](Self::Auth) error.
    pub fn auth(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Auth {
            source: Arc::from(source.into()),
        }
    }

    /// Creates a [`Config`](Self::Config) error.
    ///
    /// ```
    /// use vexil::store::StoreError;
    ///
    /// let error = StoreError::config("the table \"flags\" does not exist; create it with `namespace` as key");
    /// assert!(!error.is_temporary());
    /// ```
    pub fn config(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Config {
            source: Arc::from(source.into()),
        }
    }

    /// Creates a [`Corrupt`](Self::Corrupt) error.
    pub fn corrupt(
        kind: DataKind,
        key: impl Into<Text>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt {
            kind,
            key: key.into(),
            source: Arc::from(source.into()),
        }
    }

    /// Whether the same call may succeed later without any intervention.
    ///
    /// ```
    /// use vexil::store::StoreError;
    ///
    /// assert!(StoreError::unavailable("connection refused").is_temporary());
    /// assert!(!StoreError::auth("wrong password").is_temporary());
    /// ```
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Timeout | Self::NotInitialized => true,
            Self::Auth { .. }
            | Self::Config { .. }
            | Self::Corrupt { .. }
            | Self::TooLarge { .. }
            | Self::ReadOnly => false,
        }
    }
}

/// Runs a store call with a timeout; a panic becomes [`StoreError::Unavailable`].
pub(crate) async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match timeout(limit, catch_panic(call)).await {
        Ok(Some(result)) => result,
        Ok(None) => Err(StoreError::unavailable("the data store panicked")),
        Err(_elapsed) => Err(StoreError::Timeout),
    }
}
