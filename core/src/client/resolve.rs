//! [`Resolver`]: what the evaluations of a client read and fetch data from.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use vexil_eval::model::{DataKind, Item};
use vexil_eval::{BigSegmentsStatus, EvalErrorKind, Found, Lookup, MembershipAnswer, Need, Text};

use super::availability::DataAvailability;
use super::fetched::Fetch;
use super::log_once::LogOnce;
use super::pinned::Pinned;
use super::read_path::ReadPath;
use crate::big_segments::BigSegmentReader;
use crate::runtime::{self, Runtime};
use crate::sink::Updater;
use crate::store::{DataStore, Snapshot, StoreError};

pub(crate) struct Resolver {
    pub(super) offline: bool,
    /// In daemon mode the client is initialized whatever the database holds.
    pub(super) daemon_mode: bool,
    /// Whether there are several data sources, with failover between them.
    pub(super) has_data_system: bool,
    pub(super) store: Arc<dyn DataStore>,
    /// How evaluations read `store`.
    pub(super) reads: ReadPath,
    /// `None` if no big-segment store is configured.
    pub(super) big_segments: Option<Arc<BigSegmentReader>>,
    pub(super) runtime: Runtime,
    pub(super) updater: Arc<Updater>,
    /// The sink of flag overrides, if there are any.
    pub(super) overrides: Option<Arc<Updater>>,
    pub(super) log_once: LogOnce,
    /// How long a synchronous evaluation may wait for I/O.
    pub(super) evaluation_timeout: Duration,
    /// Whether the use of an earlier process's data has been logged.
    pub(super) warned_cached: AtomicBool,
}

impl Resolver {
    pub(super) fn availability(&self) -> DataAvailability {
        if self.updater.is_refreshed() {
            DataAvailability::Refreshed
        } else if catch_unwind(AssertUnwindSafe(|| self.store.is_initialized())).unwrap_or(false) {
            DataAvailability::Cached
        } else {
            DataAvailability::Defaults
        }
    }

    /// The data of this moment, for a scope.
    pub(super) fn pin(&self) -> Pinned {
        Pinned::new(self.availability(), &self.reads)
    }

    /// Parks this thread while data is fetched. Returns `None` if that fails or exceeds the
    /// evaluation timeout.
    pub(super) fn wait<R>(
        &self,
        deadline: &Deadline,
        fetching: impl Future<Output = Option<R>>,
    ) -> Option<R> {
        let mut fetching = pin!(fetching);
        let fetched = runtime::park(self.evaluation_timeout, fetching.as_mut());
        fetched.unwrap_or_else(|| {
            deadline.pass();
            // Polls once more: an evaluation with the last known items, and without a membership that
            // is late, is better than a default.
            runtime::park(Duration::ZERO, fetching).flatten()
        })
    }

    /// Fetches one item or membership. Reports a failure and returns `None`.
    pub(super) async fn fetch(
        &self,
        need: Need,
        deadline: &Deadline,
        report: impl Fn(DataKind, &str, &StoreError),
    ) -> Option<Fetch> {
        let (kind, key) = match need {
            Need::Flag(key) => (DataKind::Flag, key),
            Need::Segment(key) => (DataKind::Segment, key),
            Need::Membership(context_key) => {
                let answer = tokio::select! {
                    answer = self.membership(context_key.clone()) => answer,
                    () = deadline.passed() => {
                        MembershipAnswer::new(None, BigSegmentsStatus::StoreError)
                    }
                };
                return Some(Fetch::Membership(context_key, answer));
            }
        };
        let item = tokio::select! {
            item = self.fetch_item(kind, key.clone()) => item,
            () = deadline.passed() => self.last_known(kind, &key),
        };
        match item {
            Ok(item) => Some(Fetch::item(kind, key, item)),
            Err(error) => {
                report(kind, &key, &error);
                matches!(error, StoreError::NotInitialized).then_some(Fetch::NotReady)
            }
        }
    }

    /// The big-segment memberships of a context.
    async fn membership(&self, context_key: Text) -> MembershipAnswer {
        let Some(big_segments) = &self.big_segments else {
            return MembershipAnswer::new(None, BigSegmentsStatus::NotConfigured);
        };
        if let Found::Present(known) = big_segments.cached().membership(&context_key) {
            return known.clone();
        }
        let big_segments = Arc::clone(big_segments);
        let asked = self
            .ask(async move { Ok(big_segments.membership(context_key).await) })
            .await;
        asked.unwrap_or_else(|_| MembershipAnswer::new(None, BigSegmentsStatus::StoreError))
    }

    async fn fetch_item(&self, kind: DataKind, key: Text) -> Result<Option<Item>, StoreError> {
        let store = Arc::clone(&self.store);
        self.ask(async move { store.fetch(kind, &key).await }).await
    }

    /// The item that the store has read last, once an evaluation must not wait any longer.
    fn last_known(&self, kind: DataKind, key: &str) -> Result<Option<Item>, StoreError> {
        let known = catch_unwind(AssertUnwindSafe(|| self.store.last_known(kind, key)));
        match known {
            Ok(Found::Present(item)) => Ok(Some(item)),
            Ok(Found::Absent) => Ok(None),
            Ok(Found::Unknown) | Err(_) => Err(StoreError::Timeout),
        }
    }

    /// Fetches all data from a store that does not hold it in memory. Logs a failure and returns
    /// `None`.
    pub(super) async fn fetch_all(&self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        let store = Arc::clone(&self.store);
        match self.ask(async move { store.fetch_all().await }).await {
            Ok(everything) => Some(everything),
            Err(error) => {
                self.log_once.fetch_all_failed(&error);
                None
            }
        }
    }

    /// Queries the store on the client's runtime: the caller may have no runtime, or be blocking
    /// it.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let limit = self.evaluation_timeout;
        let asking = async move { tokio::time::timeout(limit, question).await };
        match self.runtime.spawn(asking).finish().await {
            Some(Ok(fetched)) => fetched,
            Some(Err(_elapsed)) => Err(StoreError::Timeout),
            None => Err(StoreError::unavailable(
                "the data store panicked, or the runtime of the client is gone",
            )),
        }
    }

    pub(super) fn failed<R>(&self, key: &str) -> Result<R, EvalErrorKind> {
        self.log_once.about_key(key, EvalErrorKind::Exception);
        Err(EvalErrorKind::Exception)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("offline", &self.offline)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// Whether a blocking evaluation has waited for its whole timeout. An async evaluation has none: each
/// of its requests has its own timeout.
#[derive(Debug, Default)]
pub(super) struct Deadline(AtomicBool);

impl Deadline {
    fn pass(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Completes when polled after the deadline has passed. Wakes no task: [`Resolver::wait`] polls.
    async fn passed(&self) {
        poll_fn(|_| match self.0.load(Ordering::Relaxed) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}
