//! The status of a client's data store, if it is backed by a database.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::named::{millis, named, optional_millis};
use super::watched::{Subscription, Watched};
use crate::error_chain::error_chain;
use crate::runtime::Runtime;
use crate::store_error::StoreError;

/// The status of a data store that is backed by a database. An in-memory store is always available.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil_testing::{MemoryPersistentStore, StoreFault};
///
/// let database = MemoryPersistentStore::new();
/// database.calls().fault_all(StoreFault::TimeOut);
/// let client = Client::builder("sdk-key").daemon_mode(database).without_events().start()?;
/// let provider = client.data_store_status();
/// assert!(provider.blocking_wait_for(|status| !status.available, Duration::from_secs(30)));
/// let status = provider.status();
/// assert!(!status.answered, "the database has never answered");
/// assert!(status.to_string().starts_with("unavailable"), "{status}");
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataStoreStatus {
    /// Whether the last call to the database succeeded. `true` before the first answer or error;
    /// see [`answered`](Self::answered).
    pub available: bool,
    /// Whether the database has answered at least once.
    pub answered: bool,
    /// Whether evaluations may use data that is older than the database's contents, or older than
    /// it should be: the database is down, or it has lost its data and the SDK continues with the
    /// last known data.
    pub stale: bool,
    /// Whether the database holds a complete data set, as far as the SDK knows.
    pub initialized: bool,
    /// When the whole data set was last read or written without an error.
    #[serde(serialize_with = "optional_millis")]
    pub last_refresh: Option<SystemTime>,
    /// Number of flags and segments at that time.
    pub items: usize,
    /// Number of those items that could not be read.
    pub corrupt: usize,
    /// The last error. [`DataStoreErrorInfo::ended`] distinguishes a past error from a current one.
    pub error: Option<DataStoreErrorInfo>,
}

impl fmt::Display for DataStoreStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.available {
            "available"
        } else {
            "unavailable"
        })?;
        if self.stale {
            f.write_str(", stale")?;
        }
        match &self.error {
            Some(error) if error.ended.is_none() => write!(f, ": {error}"),
            _ => Ok(()),
        }
    }
}

impl Default for DataStoreStatus {
    /// Available and current; the database has not answered yet.
    fn default() -> Self {
        Self {
            available: true,
            answered: false,
            stale: false,
            initialized: false,
            last_refresh: None,
            items: 0,
            corrupt: 0,
            error: None,
        }
    }
}

impl DataStoreStatus {
    /// Applies the fields that differ between `before` and `after`. Returns whether subscribers
    /// must be notified.
    fn merge(&mut self, before: &Self, after: Self) -> bool {
        fn take<T: PartialEq>(field: &mut T, before: &T, after: T) {
            if *before != after {
                *field = after;
            }
        }
        let current = self.clone();
        let Self {
            available,
            answered,
            stale,
            initialized,
            last_refresh,
            items,
            corrupt,
            error,
        } = after;
        take(&mut self.available, &before.available, available);
        take(&mut self.answered, &before.answered, answered);
        take(&mut self.stale, &before.stale, stale);
        take(&mut self.initialized, &before.initialized, initialized);
        take(&mut self.last_refresh, &before.last_refresh, last_refresh);
        take(&mut self.items, &before.items, items);
        take(&mut self.corrupt, &before.corrupt, corrupt);
        take(&mut self.error, &before.error, error);
        essence(&current) != essence(self)
    }
}

/// The kind of a data store error.
///
/// ```
/// use vexil::status::{DataStoreErrorInfo, DataStoreErrorKind};
/// use vexil::store::StoreError;
///
/// let error = DataStoreErrorInfo::new(&StoreError::auth("wrong password"));
/// assert_eq!(error.kind, DataStoreErrorKind::Auth);
/// assert_eq!(error.kind.as_str(), "AUTH");
/// assert_eq!(error.message, "the data store refuses access: wrong password");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataStoreErrorKind {
    /// The database could not be reached, or answered with an error.
    Unavailable,
    /// The database did not answer in time.
    Timeout,
    /// The database denies access.
    Auth,
    /// The database cannot be used as configured.
    Config,
    /// A stored item cannot be read.
    Corrupt,
    /// An item is too large for the database.
    TooLarge,
    /// The store is read-only.
    ReadOnly,
    /// The database holds no complete data set.
    NotInitialized,
}

named!(DataStoreErrorKind {
    Unavailable => "UNAVAILABLE",
    Timeout => "TIMEOUT",
    Auth => "AUTH",
    Config => "CONFIG",
    Corrupt => "CORRUPT",
    TooLarge => "TOO_LARGE",
    ReadOnly => "READ_ONLY",
    NotInitialized => "NOT_INITIALIZED",
});

/// An error of a data store.
///
/// ```
/// # fn report(status: &vexil::status::DataStoreStatus) {
/// if let Some(error) = &status.error {
///     match error.ended {
///         Some(_) => println!("last error, resolved: {error}"),
///         None => println!("current error: {error}"),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataStoreErrorInfo {
    /// The kind of error.
    pub kind: DataStoreErrorKind,
    /// When the error last occurred.
    #[serde(serialize_with = "millis")]
    pub time: SystemTime,
    /// When the error ended: the database answered again, or the whole data set was read or written
    /// without an error. `None` while the error lasts.
    #[serde(serialize_with = "optional_millis")]
    pub ended: Option<SystemTime>,
    /// A human-readable message.
    pub message: String,
}

impl DataStoreErrorInfo {
    /// Creates an error that occurs now.
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
            StoreError::NotInitialized => DataStoreErrorKind::NotInitialized,
        };
        Self {
            kind,
            time: SystemTime::now(),
            ended: None,
            message: error_chain(error),
        }
    }

    /// Whether the error concerns a single item, as opposed to the whole database.
    fn is_of_item(&self) -> bool {
        matches!(
            self.kind,
            DataStoreErrorKind::Corrupt | DataStoreErrorKind::TooLarge
        )
    }

    /// All fields except the time, whose change alone is no reason to notify.
    fn essence(&self) -> (DataStoreErrorKind, &str, bool) {
        (self.kind, &self.message, self.ended.is_some())
    }
}

impl fmt::Display for DataStoreErrorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where a data store reports its status. A clone belongs to the same client.
///
/// ```
/// use std::sync::Arc;
/// use vexil::Client;
/// use vexil::config::{ClientContext, ConfigError, Configure};
/// use vexil::status::DataStoreReporter;
/// use vexil::store::{DataStore, MemoryStore};
/// use vexil_testing::TestData;
///
/// /// A store that keeps the reporter, for its later calls of the database.
/// #[derive(Debug)]
/// struct Counting;
///
/// /// Called after each full read.
/// fn read_all(reporter: &DataStoreReporter, items: usize) {
///     reporter.update(|status| (status.answered, status.items) = (true, items));
/// }
///
/// impl Configure<dyn DataStore> for Counting {
///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
///         let reporter = context.data_store_status().clone();
///         read_all(&reporter, 3);
///         Ok(Arc::new(MemoryStore::new()))
///     }
/// }
///
/// let client = Client::builder("sdk-key").data_source(TestData::new()).data_store(Counting).start()?;
/// assert_eq!(client.data_store_status().status().items, 3);
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataStoreReporter(Arc<Watched<DataStoreStatus>>);

impl DataStoreReporter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Watched::new(DataStoreStatus::default())))
    }

    /// Changes the status. Subscribers are notified if anything but times and numbers has changed.
    ///
    /// `change` is called with a copy, outside any lock, so it may use the client. Of two
    /// concurrent updates, the later one wins in the fields that both have changed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::config::{ClientContext, ConfigError, Configure};
    /// use vexil::status::DataStoreErrorInfo;
    /// use vexil::store::{DataStore, MemoryStore, StoreError};
    ///
    /// /// A store that cannot reach its server at the start.
    /// #[derive(Debug)]
    /// struct Remote;
    ///
    /// impl Configure<dyn DataStore> for Remote {
    ///     fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
    ///         context.data_store_status().update(|status| {
    ///             status.available = false;
    ///             status.error = Some(DataStoreErrorInfo::new(&StoreError::Timeout));
    ///         });
    ///         Ok(Arc::new(MemoryStore::new()))
    ///     }
    /// }
    ///
    /// let flags = vexil_testing::TestData::new();
    /// let client = Client::builder("sdk-key").data_source(flags).data_store(Remote).start()?;
    /// let status = client.data_store_status().status();
    /// assert!(!status.available);
    /// assert!(status.error.is_some_and(|error| error.message.contains("in time")));
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn update(&self, change: impl FnOnce(&mut DataStoreStatus)) {
        let before = self.get();
        let mut changed = before.clone();
        change(&mut changed);
        self.0.update(|current| current.merge(&before, changed));
    }

    pub(crate) fn get(&self) -> DataStoreStatus {
        self.0.get()
    }

    /// Waits for a status that `is_it` accepts, the current one included.
    pub(crate) async fn first(&self, is_it: impl Fn(&DataStoreStatus) -> bool) -> DataStoreStatus {
        self.0.first(is_it).await
    }
}

/// The fields whose changes subscribers are notified of.
fn essence(status: &DataStoreStatus) -> impl PartialEq + '_ {
    let DataStoreStatus {
        available,
        answered,
        stale,
        initialized,
        error,
        ..
    } = status;
    (
        available,
        answered,
        stale,
        initialized,
        error.as_ref().map(DataStoreErrorInfo::essence),
    )
}

impl DataStoreStatus {
    /// Records that the database has answered, which ends an error of the whole database.
    pub(crate) fn answer(&mut self) {
        (self.available, self.answered) = (true, true);
        self.end_error(|error| !error.is_of_item());
    }

    /// Records that no item is corrupt or left out.
    pub(crate) fn end_item_error(&mut self) {
        self.end_error(DataStoreErrorInfo::is_of_item);
    }

    fn end_error(&mut self, is_over: impl FnOnce(&DataStoreErrorInfo) -> bool) {
        if let Some(error) = self
            .error
            .as_mut()
            .filter(|error| error.ended.is_none())
            .filter(|error| is_over(error))
        {
            error.ended = Some(SystemTime::now());
        }
    }
}

/// Reports the status of a client's data store, and its changes. See
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

    /// Returns the current status.
    #[must_use]
    pub fn status(&self) -> DataStoreStatus {
        self.reporter.get()
    }

    /// Subscribes to later changes of anything but times and numbers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::{MemoryPersistentStore, StoreFault};
    ///
    /// let database = MemoryPersistentStore::new();
    /// database.calls().fault_all(StoreFault::Refuse);
    /// let builder = Client::builder("sdk-key").daemon_mode(database.clone());
    /// let client = builder.without_events().start()?;
    /// # assert!(client.data_store_status().blocking_wait_for(|status| !status.available, Duration::from_secs(30)));
    /// let mut changes = client.data_store_status().subscribe();
    /// // The outage ends.
    /// database.calls().heal();
    /// let status = changes.blocking_next(Duration::from_secs(60)).ok_or("no change")?;
    /// assert!(status.error.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Subscription<DataStoreStatus> {
        self.reporter.0.subscribe()
    }

    /// Waits for a status that `is_it` accepts, the current one included. Returns whether it was
    /// reached within `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::{MemoryPersistentStore, StoreFault};
    ///
    /// # pollster::block_on(async {
    /// let database = MemoryPersistentStore::new();
    /// database.calls().fault_all(StoreFault::Fail);
    /// let client = Client::builder("sdk-key").daemon_mode(database).without_events().start()?;
    /// let status = client.data_store_status();
    /// assert!(status.wait_for(|status| !status.available, Duration::from_secs(30)).await);
    /// assert!(!status.wait_for(|status| status.answered, Duration::ZERO).await);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// # }).unwrap();
    /// ```
    pub async fn wait_for(
        &self,
        is_it: impl Fn(&DataStoreStatus) -> bool,
        timeout: Duration,
    ) -> bool {
        self.runtime
            .timeout(timeout, self.reporter.first(is_it))
            .await
            .is_some()
    }

    /// Blocking form of [`DataStoreStatusProvider::wait_for`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::MemoryPersistentStore;
    ///
    /// let database = MemoryPersistentStore::new();
    /// let client = Client::builder("sdk-key").daemon_mode(database).without_events().start()?;
    /// let answered = client
    ///     .data_store_status()
    ///     .blocking_wait_for(|status| status.answered, Duration::from_secs(30));
    /// assert!(answered);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn blocking_wait_for(
        &self,
        is_it: impl Fn(&DataStoreStatus) -> bool,
        timeout: Duration,
    ) -> bool {
        self.runtime
            .park(timeout, self.reporter.first(is_it))
            .is_some()
    }
}
