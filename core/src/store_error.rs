//! [`StoreError`]: why a store, of flags or of big segments, could not do what it was asked.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;
use vexil_eval::Text;
use vexil_eval::model::DataKind;

/// Why a store could not do what it was asked. That something is not there is no error.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store could not be reached or answered with an error.
    #[error("the data store is unavailable")]
    Unavailable {
        /// What happened, in the words of the store's client.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store did not answer in time.
    #[error("the data store did not answer in time")]
    Timeout,
    /// The store refuses these credentials, or what they may do does not suffice.
    #[error("the data store refuses access")]
    Auth {
        /// The refusal, in the words of the store's client.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store answers, but cannot be used as it is configured: a table is missing, a key holds
    /// something else, the server belongs to a cluster.
    #[error("the data store cannot be used as it is configured")]
    Config {
        /// What is wrong, and what would help.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// What is stored cannot be understood.
    #[error("the stored {kind} \"{key}\" cannot be read")]
    Corrupt {
        /// Whether it is a flag or a segment.
        kind: DataKind,
        /// Its key.
        key: Text,
        /// What is wrong with it.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// An item is larger than the store can keep. It was left out, and what the store had of it
    /// stays; everything else was written.
    #[error("the {kind} \"{key}\" of {bytes} bytes is too large for the data store")]
    TooLarge {
        /// Whether it is a flag or a segment.
        kind: DataKind,
        /// Its key.
        key: Text,
        /// Its size, as the store counts it.
        bytes: usize,
    },
    /// The store only reads.
    #[error("the data store only reads")]
    ReadOnly,
}

impl StoreError {
    /// An error of the store's client.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: Arc::from(source.into()),
        }
    }

    /// A refusal.
    pub fn auth(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Auth {
            source: Arc::from(source.into()),
        }
    }

    /// A store that cannot be used as it is configured.
    pub fn config(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Config {
            source: Arc::from(source.into()),
        }
    }

    /// A stored item that cannot be understood.
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

    /// Whether the same call may succeed later, with nothing changed but time.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Timeout => true,
            Self::Auth { .. }
            | Self::Config { .. }
            | Self::Corrupt { .. }
            | Self::TooLarge { .. }
            | Self::ReadOnly => false,
        }
    }
}
