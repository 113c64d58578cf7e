//! [`Resolver`]: evaluates a flag, fetching missing data until the evaluation is complete.
//!
//! In every default configuration no data is missing and the first attempt succeeds: it reads the
//! store's snapshot, evaluates the flag and passes on the result, without a lock, an allocation or
//! a wait.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use vexil_eval::model::{DataKind, Entry, Flag, Item, Segment};
use vexil_eval::{
    BigSegmentsStatus, Context, ContextError, EvalErrorKind, Evaluation, Found, Lookup,
    MembershipAnswer, Need, Text,
};

use super::log_once::LogOnce;
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

/// The freshness of the data that evaluations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DataAvailability {
    /// No data; evaluations return their defaults.
    Defaults,
    /// Data that an earlier process left in the store.
    Cached,
    /// Data that the data source of this client delivered.
    Refreshed,
}

/// Converts an evaluation to a result while the snapshot is borrowed. Not called if there is no
/// such flag.
pub(super) trait Finish<R>: Fn(&Flag, &Evaluation<'_>) -> R {}
impl<R, F: Fn(&Flag, &Evaluation<'_>) -> R> Finish<R> for F {}

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

    /// Checks that the client and the context permit an evaluation of this flag; `None` means of
    /// all flags.
    #[inline]
    pub(super) fn admit<'c>(
        &self,
        key: Option<&str>,
        context: Result<&'c Context, &ContextError>,
    ) -> Result<&'c Context, EvalErrorKind> {
        if self.offline {
            return Err(EvalErrorKind::ClientNotReady);
        }
        if !self.updater.is_refreshed() {
            self.admit_unrefreshed(key)?;
        }
        context.map_err(|error| {
            self.log_once.invalid_context(error);
            EvalErrorKind::UserNotSpecified
        })
    }

    /// Slow path of `admit`, before the data source has delivered.
    #[cold]
    fn admit_unrefreshed(&self, key: Option<&str>) -> Result<(), EvalErrorKind> {
        let used = self.check_unrefreshed(key);
        match used {
            Ok(DataAvailability::Cached)
                if !self.daemon_mode && !self.warned_cached.swap(true, Ordering::Relaxed) =>
            {
                tracing::warn!(
                    "evaluating with data that an earlier process left in the store; it may be out of date"
                );
            }
            Ok(_) => {}
            Err(EvalErrorKind::Exception) => self.log_once.not_read(),
            Err(_) => self.log_once.not_ready(),
        }
        used.map(drop)
    }

    /// Checks that the client permits an evaluation of this flag, without logging.
    pub(super) fn check(&self, key: &str) -> Result<(), EvalErrorKind> {
        if self.offline {
            Err(EvalErrorKind::ClientNotReady)
        } else if self.updater.is_refreshed() {
            Ok(())
        } else {
            self.check_unrefreshed(Some(key)).map(drop)
        }
    }

    /// Returns the data that an evaluation may use before the data source has delivered.
    fn check_unrefreshed(&self, key: Option<&str>) -> Result<DataAvailability, EvalErrorKind> {
        // An override needs no other data (FDV2-9.4).
        if key.is_some_and(|key| self.reads.is_overridden(key)) {
            return Ok(DataAvailability::Refreshed);
        }
        match self.availability() {
            DataAvailability::Defaults if self.reads.asks_the_database() => {
                Ok(DataAvailability::Defaults)
            }
            DataAvailability::Defaults if self.daemon_mode => Err(EvalErrorKind::Exception),
            DataAvailability::Defaults => Err(EvalErrorKind::ClientNotReady),
            available => Ok(available),
        }
    }

    /// Evaluates on this thread. If data has to be fetched, waits at most
    /// [`Self::evaluation_timeout`].
    #[inline]
    pub(super) fn resolve<R>(
        &self,
        key: &str,
        context: &Context,
        finish: impl Finish<R>,
    ) -> Result<R, EvalErrorKind> {
        let need = match self.attempt(key, context, &finish) {
            Attempt::Done(result) => return result,
            Attempt::Needs(need) => need,
        };
        let again = |fetched: &Fetched| self.attempt_with(fetched, key, context, &finish);
        let deadline = Deadline::default();
        self.wait(&deadline, self.fetch_until_done(need, again, &deadline))
            .unwrap_or_else(|| self.failed(key))
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

    /// Async form of [`Resolver::resolve`].
    pub(super) async fn resolve_async<R>(
        &self,
        key: &str,
        context: &Context,
        finish: impl Finish<R> + Send + Sync,
    ) -> Result<R, EvalErrorKind>
    where
        R: Send,
    {
        let need = match self.attempt(key, context, &finish) {
            Attempt::Done(result) => return result,
            Attempt::Needs(need) => need,
        };
        let again = |fetched: &Fetched| self.attempt_with(fetched, key, context, &finish);
        self.fetch_until_done(need, again, &Deadline::default())
            .await
            .unwrap_or_else(|| self.failed(key))
    }

    /// Fetches the missing data and retries, until the attempt is complete. Logs a failure and
    /// returns `None`.
    pub(super) async fn fetch_until_done<R>(
        &self,
        need: Need,
        attempt: impl Fn(&Fetched) -> Attempt<R>,
        deadline: &Deadline,
    ) -> Option<R> {
        let log = |kind, key: &str, error: &StoreError| match error {
            StoreError::NotInitialized => self.log_once.not_ready(),
            error => self.log_once.fetch_failed(kind, key, error),
        };
        self.fetch_while_needed(need, attempt, deadline, log).await
    }

    /// Like [`Resolver::fetch_until_done`], without logging.
    pub(super) async fn fetch_silently<R>(
        &self,
        need: Need,
        attempt: impl Fn(&Fetched) -> Attempt<R>,
        deadline: &Deadline,
    ) -> Option<R> {
        self.fetch_while_needed(need, attempt, deadline, |_, _, _| {})
            .await
    }

    async fn fetch_while_needed<R>(
        &self,
        mut need: Need,
        attempt: impl Fn(&Fetched) -> Attempt<R>,
        deadline: &Deadline,
        report: impl Fn(DataKind, &str, &StoreError),
    ) -> Option<R> {
        let mut fetched = Fetched::default();
        loop {
            self.fetch(need, &mut fetched, deadline, &report).await?;
            need = match attempt(&fetched) {
                Attempt::Done(result) => return Some(result),
                Attempt::Needs(need) => need,
            };
        }
    }

    /// Evaluates with the current snapshot alone.
    #[inline]
    fn attempt<R>(
        &self,
        key: &str,
        context: &Context,
        finish: &impl Finish<R>,
    ) -> Attempt<Result<R, EvalErrorKind>> {
        if let ReadPath::Memory(memory) = &self.reads {
            let snapshot = memory.load();
            return evaluate(snapshot.flag(key), key, context, &**snapshot, finish);
        }
        let read =
            |snapshot: &dyn Snapshot| evaluate(snapshot.flag(key), key, context, snapshot, finish);
        self.reads
            .read(read)
            .unwrap_or(Attempt::Done(Err(EvalErrorKind::Exception)))
    }

    /// Evaluates with the current snapshot and the fetched data.
    fn attempt_with<R>(
        &self,
        fetched: &Fetched,
        key: &str,
        context: &Context,
        finish: &impl Finish<R>,
    ) -> Attempt<Result<R, EvalErrorKind>> {
        if fetched.is_not_ready {
            return Attempt::Done(Err(EvalErrorKind::ClientNotReady));
        }
        let read = |snapshot: &dyn Snapshot| {
            let data = Overlay { fetched, snapshot };
            evaluate(data.flag(key), key, context, &data, finish)
        };
        self.reads
            .read(read)
            .unwrap_or(Attempt::Done(Err(EvalErrorKind::Exception)))
    }

    /// Fetches one item or membership into `fetched`. Reports a failure and returns `None`.
    async fn fetch(
        &self,
        need: Need,
        fetched: &mut Fetched,
        deadline: &Deadline,
        report: impl Fn(DataKind, &str, &StoreError),
    ) -> Option<()> {
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
                fetched.memberships.insert(context_key, answer);
                return Some(());
            }
        };
        let item = tokio::select! {
            item = self.fetch_item(kind, key.clone()) => item,
            () = deadline.passed() => self.last_known(kind, &key),
        };
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                report(kind, &key, &error);
                fetched.is_not_ready = matches!(error, StoreError::NotInitialized);
                return fetched.is_not_ready.then_some(());
            }
        };
        match (kind, item) {
            (DataKind::Flag, Some(Item::Flag(entry))) => {
                fetched.flags.insert(key, Some(entry)).map(drop)
            }
            (DataKind::Segment, Some(Item::Segment(entry))) => {
                fetched.segments.insert(key, Some(entry)).map(drop)
            }
            (DataKind::Flag, _) => fetched.flags.insert(key, None).map(drop),
            (DataKind::Segment, _) => fetched.segments.insert(key, None).map(drop),
        };
        Some(())
    }

    /// The big-segment memberships of a context.
    async fn membership(&self, context_key: Text) -> MembershipAnswer {
        let Some(big_segments) = &self.big_segments else {
            return MembershipAnswer::new(None, BigSegmentsStatus::NotConfigured);
        };
        if let Some(known) = big_segments.known(&context_key) {
            return known;
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

    fn failed<R>(&self, key: &str) -> Result<R, EvalErrorKind> {
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

pub(super) enum Attempt<R> {
    Done(R),
    Needs(Need),
}

#[inline]
fn evaluate<R>(
    found: Found<&Flag>,
    key: &str,
    context: &Context,
    data: &dyn Lookup,
    finish: &impl Finish<R>,
) -> Attempt<Result<R, EvalErrorKind>> {
    match found {
        Found::Present(flag) => {
            let mut evaluation = Evaluation::new();
            match vexil_eval::evaluate_into(&mut evaluation, flag, context, data) {
                None => Attempt::Done(Ok(finish(flag, &evaluation))),
                Some(need) => Attempt::Needs(need),
            }
        }
        Found::Absent => Attempt::Done(Err(EvalErrorKind::FlagNotFound)),
        Found::Unknown => Attempt::Needs(Need::Flag(key.into())),
    }
}

/// The data fetched for one evaluation. `None` means that there is no such item.
#[derive(Default)]
pub(super) struct Fetched {
    flags: HashMap<Text, Option<Entry<Flag>>>,
    segments: HashMap<Text, Option<Entry<Segment>>>,
    memberships: HashMap<Text, MembershipAnswer>,
    /// Whether the store holds no complete data set.
    is_not_ready: bool,
}

impl Fetched {
    /// Whether the store holds no complete data set.
    pub(super) fn is_not_ready(&self) -> bool {
        self.is_not_ready
    }
}

/// A snapshot, overlaid with the fetched data that the snapshot lacks.
pub(super) struct Overlay<'a> {
    pub(super) fetched: &'a Fetched,
    pub(super) snapshot: &'a dyn Snapshot,
}

impl Lookup for Overlay<'_> {
    fn flag(&self, key: &str) -> Found<&Flag> {
        match self.fetched.flags.get(key) {
            Some(entry) => entry
                .as_ref()
                .and_then(Entry::present)
                .map(AsRef::as_ref)
                .into(),
            None => self.snapshot.flag(key),
        }
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        match self.fetched.segments.get(key) {
            Some(entry) => entry
                .as_ref()
                .and_then(Entry::present)
                .map(AsRef::as_ref)
                .into(),
            None => self.snapshot.segment(key),
        }
    }

    fn membership(&self, context_key: &str) -> Found<&MembershipAnswer> {
        match self.fetched.memberships.get(context_key) {
            Some(answer) => Found::Present(answer),
            None => self.snapshot.membership(context_key),
        }
    }
}
