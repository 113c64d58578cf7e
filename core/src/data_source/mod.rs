//! [`DataSource`]: where flag data comes from; [`DataSink`]: where it goes.
//!
//! A source never sees the store. It hands what it received to the sink and says how it is doing;
//! order, change events and status live behind the sink.
//!
//! **Contract.** `run` is called once for each client and delivers to that client's sink until there is nothing more
//! to deliver. It is told to stop by being dropped. It is first polled inside [`ClientBuilder::start`], on the thread
//! that calls it: a source with data at hand delivers it there, and the client is ready when `start` returns.
//! **Errors.** Trouble that may pass is a status: report it with [`DataSink::update_status`] and go on. An error ends
//! the source for good. **Panics** end it too and are contained.
//!
//! ```
//! use std::sync::Arc;
//! use vexil::data_source::{DataSink, DataSource, DataSourceError};
//! use vexil::model::DataSet;
//! use vexil::{Client, Context};
//!
//! /// Flags that were compiled in.
//! #[derive(Clone, Debug)]
//! struct Constant(&'static str);
//!
//! #[vexil::async_trait]
//! impl DataSource for Constant {
//!     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
//!         let data = DataSet::from_json(self.0.as_bytes()).map_err(DataSourceError::invalid_data)?;
//!         sink.init(data).await.map_err(DataSourceError::store)
//!     }
//! }
//!
//! let flags = r#"{"flags": {"banner": {"on": true, "variations": ["hi"], "fallthrough": {"variation": 0}}}}"#;
//! let client = Client::builder("sdk-key").data_source(Constant(flags)).without_events().start()?;
//! assert_eq!(client.string_variation("banner", &Context::new("ada")?, ""), "hi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`ClientBuilder::start`]: crate::ClientBuilder::start

#[cfg(feature = "http")]
mod endpoint;
#[cfg(feature = "http")]
mod fault;
#[cfg(feature = "http")]
mod outage;
#[cfg(feature = "http")]
mod polling;
#[cfg(feature = "http")]
mod streaming;

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
#[cfg(feature = "http")]
pub(crate) use endpoint::Endpoint;
#[cfg(feature = "http")]
pub(crate) use polling::PollingDataSource;
#[cfg(feature = "http")]
pub(crate) use streaming::StreamingDataSource;
use thiserror::Error;
use vexil_eval::Text;
use vexil_eval::model::{DataSet, Item, Upserted};

pub use crate::status::{
    DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, DataSourceStatus,
};

/// Where flag data comes from. See the [module documentation](self) for the contract.
#[async_trait]
pub trait DataSource: Debug + Send + Sync + 'static {
    /// Delivers to `sink` until there is nothing more to deliver, or until dropped.
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError>;

    /// Whether evaluations of these flags are worth reporting to the service, where the application
    /// does not say. Not if the flags are made up for a test.
    fn reports_events(&self) -> bool {
        true
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: DataSource + ?Sized> DataSource for Arc<T> {
    fn reports_events(&self) -> bool {
        (**self).reports_events()
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        (**self).run(sink).await
    }
}

/// What a client gives to its data source.
///
/// A failure to store is reported to the application by the sink itself; the error is there for a
/// source that wants to deliver again.
#[async_trait]
pub trait DataSink: Debug + Send + Sync + 'static {
    /// Replaces everything. The source is [valid](DataSourceState::Valid) then, and the client
    /// ready.
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError>;

    /// Inserts, replaces or deletes one item, if it is newer than the one there.
    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError>;

    /// Whether the JSON that items were read from is wanted. A source that reads items in a way that does not keep it
    /// ([`DataSet::read`]) adds it then, with [`Entry::with_json`](vexil_eval::model::Entry::with_json).
    fn keeps_json(&self) -> bool {
        false
    }

    /// Says what an attempt to connect has come to, for the SDK's report about itself: when it
    /// began, how long it took to the first data or to its failure, and which of the two it was.
    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        let _ = (began, took, failed);
    }

    /// Says how the source is doing. [`DataSourceState::Interrupted`] counts as initializing before
    /// the first data, and after [`DataSourceState::Off`] nothing counts.
    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>);

    /// Says which environment the data is from, before it is delivered; a later id replaces an
    /// earlier one. For hooks.
    #[expect(unused_variables, reason = "named for the documentation")]
    fn set_environment_id(&self, id: Text) {}
}

/// What a data source delivered could not be stored. The application was told already.
#[derive(Debug, Error)]
#[error("the update could not be stored")]
#[non_exhaustive]
pub struct NotStoredError {
    /// Why, in the words of the store.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl NotStoredError {
    /// An error of the store.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

/// Why a data source has ended for good.
#[derive(Debug, Error)]
#[error("the data source has ended: {}", describe(*kind))]
#[non_exhaustive]
pub struct DataSourceError {
    /// The kind of trouble, as it appears in the status.
    pub kind: DataSourceErrorKind,
    /// What happened.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl DataSourceError {
    /// An error of some kind.
    pub fn new(kind: DataSourceErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// What should be delivered cannot be understood.
    pub fn invalid_data(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(DataSourceErrorKind::InvalidData, source)
    }

    /// What was delivered could not be stored.
    #[must_use]
    pub fn store(source: NotStoredError) -> Self {
        Self::new(DataSourceErrorKind::StoreError, source)
    }
}

fn describe(kind: DataSourceErrorKind) -> &'static str {
    match kind {
        DataSourceErrorKind::Unknown => "unknown trouble",
        DataSourceErrorKind::NetworkError => "network trouble",
        DataSourceErrorKind::ErrorResponse => "refused by the service",
        DataSourceErrorKind::InvalidData => "invalid data",
        DataSourceErrorKind::StoreError => "the data store failed",
    }
}
