//! [`DataSource`] supplies flag data; [`DataSink`] receives it.
//!
//! A source never sees the store. It passes data and its own status to the sink, which handles
//! ordering, change events and status listeners.
//!
//! **Contract.** `run` is called once for each client, possibly for several clients at the same
//! time, and delivers to that client's sink until there is nothing more to deliver. It is stopped
//! by being dropped. It is first polled inside
//! [`ClientBuilder::start`], on the calling thread: if a source has its data available, it delivers
//! it there, and the client is ready when `start` returns. **Errors.** Report a temporary error
//! with [`DataSink::update_status`] and continue. An error that `run` returns ends the source for
//! good. **Panics** also end the source and are contained.
//!
//! The macro `data_source_conformance!` of `vexil-testing` tests a source against this contract.
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
//! assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "hi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`ClientBuilder::start`]: crate::ClientBuilder::start

#[cfg(feature = "http")]
mod service;

use std::error::Error;
use std::fmt::Debug;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
#[cfg(feature = "http")]
pub(crate) use service::{Endpoint, PollingDataSource, StreamingDataSource};
use thiserror::Error;
use vexil_eval::Text;
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataSet, Item, Selector, Upserted};

pub use crate::status::{
    DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, DataSourceStatus,
};

/// A source of flag data. See the [module documentation](self) for the contract.
#[async_trait]
pub trait DataSource: Debug + Send + Sync + 'static {
    /// Delivers to `sink` until there is nothing more to deliver or the future is dropped.
    ///
    /// # Errors
    /// Returns an error if the source has failed for good.
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError>;

    /// Whether evaluations of these flags are reported to the service unless the application
    /// configures it. Default: `true`. A source of test data returns `false`.
    ///
    /// ```
    /// use vexil::data_source::DataSource;
    /// use vexil_testing::TestData;
    ///
    /// // A client with test data sends no events, unless its application configures them.
    /// assert!(!TestData::new().reports_events());
    /// ```
    fn reports_events(&self) -> bool {
        true
    }

    /// Whether a [data system](crate::config::DataSystem) writes the data to the database of its
    /// store. Default: `true`. A source of local data, such as files, returns `false`.
    ///
    /// ```
    /// use vexil::data_source::DataSource;
    /// use vexil_testing::TestData;
    ///
    /// // A database that other processes share does not receive the flags of a test.
    /// assert!(!TestData::new().is_persistent());
    /// ```
    fn is_persistent(&self) -> bool {
        true
    }
}

/// Receives flag data and status from a [`DataSource`]. Implemented by the client.
///
/// The sink itself reports a failure to store to the application. It also returns the error, so
/// that a source can deliver again.
#[async_trait]
pub trait DataSink: Debug + Send + Sync + 'static {
    /// Replaces all data. The source then becomes [valid](DataSourceState::Valid), and the client
    /// ready.
    ///
    /// # Errors
    /// Returns an error if the store failed.
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError>;

    /// Inserts, replaces or deletes one item if it is newer than the stored one.
    ///
    /// # Errors
    /// Returns an error if the store failed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::model::{DataKind, DataSet, Item, Upserted};
    /// use vexil::{Client, Context};
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    ///
    /// #[derive(Clone, Debug)]
    /// struct TwoVersions;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for TwoVersions {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         sink.init(DataSet::default()).await.map_err(DataSourceError::store)?;
    ///         let newer = r#"{"version": 2, "offVariation": 0, "variations": ["new"]}"#;
    ///         let older = r#"{"version": 1, "offVariation": 0, "variations": ["old"]}"#;
    ///         for (json, expected) in [(newer, Upserted::Written), (older, Upserted::Stale)] {
    ///             let item = Item::from_json(DataKind::Flag, "banner", json.as_bytes())
    ///                 .map_err(DataSourceError::invalid_data)?;
    ///             assert_eq!(sink.upsert(item).await.map_err(DataSourceError::store)?, expected);
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(TwoVersions).without_events().start()?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "new");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError>;

    /// Makes a change set visible to evaluations as a whole. Unless it is
    /// [provisional](ChangeSet::is_provisional), the source then becomes
    /// [valid](DataSourceState::Valid), and the client ready.
    ///
    /// The default implementation calls `init`, or `upsert` for each item, which is not atomic.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil::model::{ChangeSet, DataKind, DataSet, Item, Selector};
    /// use vexil::{Client, Context};
    ///
    /// #[derive(Clone, Debug)]
    /// struct TwoStates;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for TwoStates {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         let json = br#"{"flags": {"banner": {"version": 5, "offVariation": 0, "variations": ["old"]}}}"#;
    ///         let data = DataSet::from_json(json).map_err(DataSourceError::invalid_data)?;
    ///         let full = ChangeSet::full(data).with_selector(Selector::new("(p:env:1)"));
    ///         sink.apply(full).await.map_err(DataSourceError::store)?;
    ///
    ///         // A delta replaces items whatever their versions, unlike `upsert`.
    ///         let json = br#"{"version": 1, "offVariation": 0, "variations": ["new"]}"#;
    ///         let item = Item::from_json(DataKind::Flag, "banner", json)
    ///             .map_err(DataSourceError::invalid_data)?;
    ///         let delta = ChangeSet::delta(vec![item]).with_selector(Selector::new("(p:env:2)"));
    ///         sink.apply(delta).await.map_err(DataSourceError::store)?;
    ///         assert_eq!(sink.selector(), Selector::new("(p:env:2)"));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(TwoStates).without_events().start()?;
    /// assert_eq!(client.str_variation("banner", &Context::new("ada")?, ""), "new");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the store failed.
    async fn apply(&self, changes: ChangeSet) -> Result<(), NotStoredError> {
        match changes.kind {
            ChangeSetKind::Full(data) => self.init(data).await,
            ChangeSetKind::Delta(items) => {
                for item in items {
                    self.upsert(item).await?;
                }
                Ok(())
            }
        }
    }

    /// The state of the environment that the sink holds: the selector of the last change set.
    /// `None` if the last data came without one. A source that resumes from a state reads it before
    /// each request.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil::model::{ChangeSet, DataSet, Selector};
    ///
    /// /// A service that sends the difference to a state, if the client has one.
    /// #[derive(Clone, Debug)]
    /// struct Resuming;
    ///
    /// impl Resuming {
    ///     /// The query of the next request.
    ///     fn query(sink: &dyn DataSink) -> String {
    ///         sink.selector().map_or_else(String::new, |state| format!("?basis={}", state.as_str()))
    ///     }
    /// }
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Resuming {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         assert_eq!(Self::query(&*sink), "");
    ///         let full = ChangeSet::full(DataSet::default()).with_selector(Selector::new("state-7"));
    ///         sink.apply(full).await.map_err(DataSourceError::store)?;
    ///         assert_eq!(Self::query(&*sink), "?basis=state-7");
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(Resuming).without_events().start()?;
    /// assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    fn selector(&self) -> Option<Selector> {
        None
    }

    /// Reports that the service orders the client to use the classic protocol. Returns whether the
    /// sink follows the order, as a [data system](crate::config::DataSystem) does: the source then
    /// delivers the data or error that comes with the order, and returns. Otherwise it continues.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError, FallbackDirective};
    /// use vexil::model::DataSet;
    /// use vexil::Client;
    ///
    /// #[derive(Clone, Debug)]
    /// struct Ordered;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Ordered {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         // This client has one source, and thus none to fall back to.
    ///         assert!(!sink.fall_back(FallbackDirective::new(None)));
    ///         sink.init(DataSet::default()).await.map_err(DataSourceError::store)
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(Ordered).without_events().start()?;
    /// assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[expect(unused_variables, reason = "named for the documentation")]
    fn fall_back(&self, directive: FallbackDirective) -> bool {
        false
    }

    /// Reports that a data set or change set has begun to arrive, which may take a while. A [data
    /// system](crate::config::DataSystem) then waits longer for it. May be called repeatedly.
    fn receiving(&self) {}

    /// Reports that the source connects again although there was no error, because the service asked
    /// for it or the sink [needs all data](Self::refresh_requested). A [data system](crate::config::DataSystem) waits for a limited time until the source
    /// is valid again. The status does not change.
    fn reconnecting(&self) {}

    /// Completes when the client needs a complete data set, because its data store may have lost
    /// data. [`selector`](Self::selector) is then `None`, and the source delivers all data with
    /// [`init`](Self::init) or [`apply`](Self::apply) as soon as it can. A request is remembered
    /// until it is awaited, and completes one call. If the future is dropped, the request remains.
    ///
    /// A source may ignore this: the data then comes back with its next complete data set. The
    /// default implementation never completes.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil::model::DataSet;
    ///
    /// /// Flags that were compiled in.
    /// #[derive(Clone, Debug)]
    /// struct Constant(&'static str);
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Constant {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         loop {
    ///             let data = DataSet::from_json(self.0.as_bytes())
    ///                 .map_err(DataSourceError::invalid_data)?;
    ///             sink.init(data).await.map_err(DataSourceError::store)?;
    ///             sink.refresh_requested().await;
    ///         }
    ///     }
    /// }
    ///
    /// # let client = vexil::Client::builder("sdk-key").data_source(Constant("{}")).start()?;
    /// # assert!(client.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    async fn refresh_requested(&self) {
        pending().await
    }

    /// Whether items must carry the JSON they were read from. A source that reads items without it
    /// ([`DataSet::read`]) then adds it with
    /// [`Entry::with_json`](vexil_eval::model::Entry::with_json).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil::model::DataSet;
    ///
    /// #[derive(Clone, Debug)]
    /// struct Local;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Local {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         assert!(sink.keeps_json(), "the client of this example keeps it");
    ///         // `from_json` keeps the text of each item in any case.
    ///         let data = DataSet::from_json(b"{}").map_err(DataSourceError::invalid_data)?;
    ///         sink.init(data).await.map_err(DataSourceError::store)
    ///     }
    /// }
    ///
    /// let builder = Client::builder("sdk-key").data_source(Local).without_events();
    /// assert!(builder.keep_json(true).start()?.is_initialized());
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    fn keeps_json(&self) -> bool {
        false
    }

    /// Whether the data overrides that of another source: see
    /// [`ClientBuilder::flag_overrides`](crate::ClientBuilder::flag_overrides). The client then
    /// does not compare versions to find out what a data set changes, so that a source of files can
    /// keep the versions in the files.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    /// use vexil::model::DataSet;
    /// use vexil::{Client, Context};
    ///
    /// /// A file that is only meant for overrides.
    /// #[derive(Clone, Debug)]
    /// struct OverridesOnly;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for OverridesOnly {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         if !sink.is_for_overrides() {
    ///             return Err(DataSourceError::invalid_data("the file lists only a few flags"));
    ///         }
    ///         let json = br#"{"flags": {"beta": {"offVariation": 0, "variations": [true]}}}"#;
    ///         let data = DataSet::from_json(json).map_err(DataSourceError::invalid_data)?;
    ///         sink.init(data).await.map_err(DataSourceError::store)
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key")
    ///     .data_source(vexil_testing::TestData::new())
    ///     .flag_overrides(OverridesOnly)
    ///     .start()?;
    /// assert!(client.bool_variation("beta", &Context::new("ada")?, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn is_for_overrides(&self) -> bool {
        false
    }

    /// Reports an attempt to connect, for diagnostic events: when it began, how long it took until
    /// the first data or the failure, and whether it failed.
    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        let _ = (began, took, failed);
    }

    /// Reports the state of the source. [`DataSourceState::Interrupted`] is treated as initializing
    /// before the first data; after [`DataSourceState::Off`], updates are ignored.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::data_source::{
    ///     DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    ///     DataSourceState,
    /// };
    ///
    /// #[derive(Clone, Debug)]
    /// struct Offline;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Offline {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         let message = "the configuration server does not answer";
    ///         let error = DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, message);
    ///         sink.update_status(DataSourceState::Interrupted, Some(error));
    ///         // Retry here, after a delay.
    ///         std::future::pending().await
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(Offline).without_events().start()?;
    /// let status = client.data_source_status().status();
    /// assert_eq!(status.state, DataSourceState::Initializing);
    /// assert!(status.error.is_some_and(|error| error.message.ends_with("does not answer")));
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>);

    /// Sets the id of the data's environment, which hooks receive. Call it before delivering the
    /// data; a later id replaces an earlier one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::model::DataSet;
    /// use vexil::{Client, Context};
    /// use vexil_testing::{HookRecorder, RecordedStage};
    /// use vexil::data_source::{DataSink, DataSource, DataSourceError};
    ///
    /// #[derive(Clone, Debug)]
    /// struct Constant;
    ///
    /// #[vexil::async_trait]
    /// impl DataSource for Constant {
    ///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
    ///         sink.set_environment_id("production".into());
    ///         sink.init(DataSet::default()).await.map_err(DataSourceError::store)
    ///     }
    /// }
    ///
    /// let hook = HookRecorder::new("recorder");
    /// let builder = Client::builder("sdk-key").data_source(Constant).without_events();
    /// let client = builder.hook(hook.clone()).start()?;
    /// client.bool_variation("new-checkout", &Context::new("ada")?, false);
    /// let stages = hook.take();
    /// let RecordedStage::BeforeEvaluation(series) = &stages[0] else { panic!("{stages:?}") };
    /// assert_eq!(series.environment_id.as_deref(), Some("production"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(unused_variables, reason = "named for the documentation")]
    fn set_environment_id(&self, id: Text) {}
}

/// The service wants the client to use the classic protocol (FDV2-6).
///
/// ```
/// use std::time::Duration;
/// use vexil::data_source::FallbackDirective;
///
/// /// Reads the header of a response: seconds, or nothing for ever.
/// fn directive(header: &str) -> Option<FallbackDirective> {
///     let seconds = match header {
///         "" => None,
///         seconds => Some(Duration::from_secs(seconds.parse().ok()?)),
///     };
///     Some(FallbackDirective::new(seconds))
/// }
///
/// assert_eq!(directive("60").and_then(|order| order.duration), Some(Duration::from_secs(60)));
/// assert_eq!(directive("").map(|order| order.duration), Some(None));
/// assert_eq!(directive("soon"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackDirective {
    /// For how long; `None` means for the client's lifetime.
    pub duration: Option<Duration>,
}

impl FallbackDirective {
    /// A directive that holds for this long; `None` means for the client's lifetime.
    #[must_use]
    pub fn new(duration: Option<Duration>) -> Self {
        Self { duration }
    }
}

/// An update could not be stored. The application has already been notified.
///
/// ```
/// use std::error::Error;
/// use vexil::data_source::{DataSourceError, DataSourceErrorKind, NotStoredError};
///
/// let error = DataSourceError::store(NotStoredError::new("disk full"));
/// assert_eq!(error.kind, DataSourceErrorKind::StoreError);
/// let not_stored = error.source().ok_or("no source")?;
/// assert_eq!(not_stored.to_string(), "the update could not be stored");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[error("the update could not be stored")]
#[non_exhaustive]
pub struct NotStoredError {
    /// The store's error.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl NotStoredError {
    /// Wraps an error of the store.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

/// A failure that ended a data source for good.
///
/// ```
/// use std::sync::Arc;
/// use vexil::Client;
/// use vexil::data_source::{
///     DataSink, DataSource, DataSourceError, DataSourceErrorKind, DataSourceState,
/// };
///
/// #[derive(Clone, Debug)]
/// struct Expired;
///
/// #[vexil::async_trait]
/// impl DataSource for Expired {
///     async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
///         let reason = "the licence has expired";
///         Err(DataSourceError::new(DataSourceErrorKind::ErrorResponse, reason))
///     }
/// }
///
/// let client = Client::builder("sdk-key").data_source(Expired).without_events().start()?;
/// let status = client.data_source_status().status();
/// assert_eq!(status.state, DataSourceState::Off);
/// assert_eq!(
///     status.error.map(|error| error.message).as_deref(),
///     Some("the data source has ended: refused by the service: the licence has expired")
/// );
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Debug, Error)]
#[error("the data source has ended: {}", describe(*kind))]
#[non_exhaustive]
pub struct DataSourceError {
    /// The kind of error, as reported in the status.
    pub kind: DataSourceErrorKind,
    /// The underlying error.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl DataSourceError {
    /// An error of this kind.
    pub fn new(kind: DataSourceErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// An error for data that cannot be parsed.
    ///
    /// ```
    /// use vexil::data_source::{DataSourceError, DataSourceErrorKind};
    /// use vexil::model::DataSet;
    ///
    /// let unreadable = DataSet::from_json(b"{\"flags\": []}").unwrap_err();
    /// let error = DataSourceError::invalid_data(unreadable);
    /// assert_eq!(error.kind, DataSourceErrorKind::InvalidData);
    /// assert_eq!(error.to_string(), "the data source has ended: invalid data");
    /// ```
    pub fn invalid_data(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(DataSourceErrorKind::InvalidData, source)
    }

    /// An error for data that could not be stored.
    ///
    /// ```
    /// use vexil::data_source::{DataSink, DataSourceError, DataSourceErrorKind, NotStoredError};
    /// use vexil::model::DataSet;
    ///
    /// /// Ends if the data cannot be stored. A source that can deliver again retries instead.
    /// async fn deliver(sink: &dyn DataSink, data: DataSet) -> Result<(), DataSourceError> {
    ///     sink.init(data).await.map_err(DataSourceError::store)
    /// }
    ///
    /// let error = DataSourceError::store(NotStoredError::new("disk full"));
    /// assert_eq!(error.kind, DataSourceErrorKind::StoreError);
    /// assert_eq!(error.to_string(), "the data source has ended: the data store failed");
    /// ```
    #[must_use]
    pub fn store(source: NotStoredError) -> Self {
        Self::new(DataSourceErrorKind::StoreError, source)
    }
}

fn describe(kind: DataSourceErrorKind) -> &'static str {
    match kind {
        DataSourceErrorKind::Unknown => "unknown error",
        DataSourceErrorKind::NetworkError => "network error",
        DataSourceErrorKind::ErrorResponse => "refused by the service",
        DataSourceErrorKind::InvalidData => "invalid data",
        DataSourceErrorKind::StoreError => "the data store failed",
    }
}
