//! How a client's data store is doing, if it has a database behind it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::watched::{Subscription, Watched};
use crate::runtime::Runtime;
use crate::store_error::StoreError;

/// How a client's data store is doing: one that has a database behind it. One in memory is always
/// available.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataStoreStatus {
    /// Whether the database answered last time. Before the first answer or error this is `true`:
    /// see
    /// [`answered`](Self::answered).
    pub available: bool,
    /// Whether the database has answered at least once.
    pub answered: bool,
    /// Whether evaluations may use data that is older than what the database holds, or than it
    /// should be: the database is down, or it has lost what it had and the SDK goes on with what it
    /// knows.
    pub stale: bool,
    /// Whether the database holds a complete data set, as far as is known.
    pub initialized: bool,
    /// When everything was last read or written without an error.
    pub last_refresh: Option<SystemTime>,
    /// How many flags and segments were there then.
    pub items: usize,
    /// How many of them could not be read.
    pub corrupt: usize,
    /// The last error. [`DataStoreErrorInfo::ended`] tells a past one from a present one.
    pub error: Option<DataStoreErrorInfo>,
}

impl Default for DataStoreStatus {
    /// Available and current, and nothing is known yet.
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
    /// Takes over the fields that differ between two statuses. Returns whether subscribers are to
    /// be notified.
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

/// What kind of trouble a data store met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataStoreErrorKind {
    /// It could not be reached, or answered with an error.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// It refuses access.
    Auth,
    /// It cannot be used as it is configured.
    Config,
    /// An item in it cannot be read.
    Corrupt,
    /// An item is too large for it.
    TooLarge,
    /// It only reads.
    ReadOnly,
}

/// An error of a data store.
///
/// ```
/// # fn report(status: &vexil::status::DataStoreStatus) {
/// if let Some(error) = &status.error {
///     match error.ended {
///         Some(_) => println!("the last error, which is over: {error}"),
///         None => println!("the present error: {error}"),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataStoreErrorInfo {
    /// Its kind.
    pub kind: DataStoreErrorKind,
    /// When it last happened.
    pub time: SystemTime,
    /// When it was over: the database answered again, or everything was read or written without an
    /// error. `None` while it lasts.
    pub ended: Option<SystemTime>,
    /// What happened, for people.
    pub message: String,
}

impl DataStoreErrorInfo {
    /// An error that happens now.
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
        };
        let message = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self {
            kind,
            time: SystemTime::now(),
            ended: None,
            message,
        }
    }

    /// Whether it concerns one item, as opposed to the whole database.
    fn is_of_item(&self) -> bool {
        matches!(
            self.kind,
            DataStoreErrorKind::Corrupt | DataStoreErrorKind::TooLarge
        )
    }

    /// All but when it happened, which alone is no reason to notify.
    fn essence(&self) -> (DataStoreErrorKind, &str, bool) {
        (self.kind, &self.message, self.ended.is_some())
    }
}

impl fmt::Display for DataStoreErrorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where a data store says how it is doing. A clone belongs to the same client.
#[derive(Clone, Debug)]
pub struct DataStoreReporter(Arc<Watched<DataStoreStatus>>);

impl DataStoreReporter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Watched::new(DataStoreStatus::default())))
    }

    /// Changes the status. Subscribers are notified if anything but times and numbers has changed.
    ///
    /// `change` is called with a copy, outside of any lock: it may use the client. Of two changes
    /// at the same time, the later one wins in the fields that both have changed.
    pub fn update(&self, change: impl FnOnce(&mut DataStoreStatus)) {
        let before = self.get();
        let mut changed = before.clone();
        change(&mut changed);
        self.0.update(|current| current.merge(&before, changed));
    }

    pub(crate) fn get(&self) -> DataStoreStatus {
        self.0.get()
    }

    /// The first status, from now on, that `is_it` accepts.
    pub(crate) async fn first(&self, is_it: impl Fn(&DataStoreStatus) -> bool) -> DataStoreStatus {
        self.0.first(is_it).await
    }
}

/// What subscribers are notified of.
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
    /// Takes note that the database answers, and that an error of the whole database is over.
    pub(crate) fn answer(&mut self) {
        (self.available, self.answered) = (true, true);
        self.end_error(|error| !error.is_of_item());
    }

    /// Takes note that no item is corrupt or left out.
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

/// Tells how a client's data store is doing, now and from now on. See
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

    /// The current status.
    #[must_use]
    pub fn status(&self) -> DataStoreStatus {
        self.reporter.get()
    }

    /// Changes from now on, of anything but times and numbers.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<DataStoreStatus> {
        self.reporter.0.subscribe()
    }

    /// Waits for a status that `is_it` accepts, the current one included: whether it came within
    /// `timeout`.
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

    /// Does what [`DataStoreStatusProvider::wait_for`] does, on this thread.
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
