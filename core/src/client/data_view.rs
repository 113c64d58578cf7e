//! [`DataView`]: evaluates a flag with the data that a client has now, or that a scope has pinned.
//!
//! In every default configuration no data is missing and the first attempt succeeds: it reads a
//! snapshot, evaluates the flag and passes on the result, without a lock, an allocation or a wait.
//! Otherwise missing data is fetched until an attempt is complete.
//!
//! A context and a scope are different types, so an evaluation knows at compile time which of the
//! two kinds of data it sees.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vexil_eval::model::{DataKind, Flag};
use vexil_eval::{Context, ContextError, EvalErrorKind, Evaluation, Found, Lookup, Need};

use super::availability::DataAvailability;
use super::fetched::Fetched;
use super::layered::Layered;
use super::pinned::Pinned;
use super::read_path::ReadPath;
use super::resolve::{Deadline, Resolver};
use crate::store::{Snapshot, StoreError};

/// The data that an evaluation sees.
#[derive(Clone, Copy)]
pub(super) struct DataView<'a> {
    resolver: &'a Resolver,
    /// The data of a scope; `None` stands for the current data.
    pinned: Option<&'a Pinned>,
}

/// Converts an evaluation to a result while the snapshot is borrowed. Not called if there is no
/// such flag.
pub(super) trait Finish<R>: Fn(&Flag, &Evaluation<'_>) -> R {}
impl<R, F: Fn(&Flag, &Evaluation<'_>) -> R> Finish<R> for F {}

impl<'a> DataView<'a> {
    #[inline]
    pub(super) fn new(resolver: &'a Resolver, pinned: Option<&'a Pinned>) -> Self {
        Self { resolver, pinned }
    }

    /// Checks that the client and the context permit an evaluation of this flag; `None` means of
    /// all flags.
    #[inline]
    pub(super) fn admit<'c>(
        self,
        key: Option<&str>,
        context: Result<&'c Context, &ContextError>,
    ) -> Result<&'c Context, EvalErrorKind> {
        if self.resolver.offline {
            return Err(EvalErrorKind::ClientNotReady);
        }
        if !self.is_refreshed() {
            self.admit_unrefreshed(key)?;
        }
        context.map_err(|error| {
            self.resolver.log_once.invalid_context(error);
            EvalErrorKind::UserNotSpecified
        })
    }

    /// Slow path of `admit`, before the data source has delivered.
    #[cold]
    fn admit_unrefreshed(self, key: Option<&str>) -> Result<(), EvalErrorKind> {
        let resolver = self.resolver;
        let used = self.check_unrefreshed(key);
        match used {
            Ok(DataAvailability::Cached)
                if !resolver.daemon_mode
                    && !resolver.warned_cached.swap(true, Ordering::Relaxed) =>
            {
                tracing::warn!(
                    "evaluating with data that an earlier process left in the store; it may be out of date"
                );
            }
            Ok(_) => {}
            Err(EvalErrorKind::Exception) => resolver.log_once.not_read(),
            Err(_) => resolver.log_once.not_ready(),
        }
        used.map(drop)
    }

    /// Checks that the client permits an evaluation of this flag, without logging.
    pub(super) fn check(self, key: &str) -> Result<(), EvalErrorKind> {
        if self.resolver.offline {
            Err(EvalErrorKind::ClientNotReady)
        } else if self.is_refreshed() {
            Ok(())
        } else {
            self.check_unrefreshed(Some(key)).map(drop)
        }
    }

    #[inline]
    fn is_refreshed(self) -> bool {
        match self.pinned {
            None => self.resolver.updater.is_refreshed(),
            Some(pinned) => pinned.availability == DataAvailability::Refreshed,
        }
    }

    /// Returns the data that an evaluation may use before the data source has delivered.
    fn check_unrefreshed(self, key: Option<&str>) -> Result<DataAvailability, EvalErrorKind> {
        let reads = &self.resolver.reads;
        let is_overridden = |key: &str| match self.pinned {
            None => reads.is_overridden(key),
            Some(pinned) => pinned.is_overridden(key),
        };
        // An override needs no other data (FDV2-9.4).
        if key.is_some_and(is_overridden) {
            return Ok(DataAvailability::Refreshed);
        }
        let availability = match self.pinned {
            None => self.resolver.availability(),
            Some(pinned) => pinned.availability,
        };
        match availability {
            DataAvailability::Defaults if reads.asks_the_database() => {
                Ok(DataAvailability::Defaults)
            }
            DataAvailability::Defaults if self.resolver.daemon_mode => {
                Err(EvalErrorKind::Exception)
            }
            DataAvailability::Defaults => Err(EvalErrorKind::ClientNotReady),
            available => Ok(available),
        }
    }

    /// Evaluates on this thread. If data has to be fetched, waits at most for the evaluation timeout
    /// of the client.
    #[inline]
    pub(super) fn resolve<R>(
        self,
        key: &str,
        context: &Context,
        finish: impl Finish<R>,
    ) -> Result<R, EvalErrorKind> {
        match self.in_memory(key, context, &finish) {
            Some(result) => result,
            None => self
                .resolve_elsewhere(key, context, &finish)
                .unwrap_or_else(|| self.resolver.failed(key)),
        }
    }

    /// Evaluates with data that is not in memory, or not yet. Not inlined, so that evaluations with
    /// data in memory stay small. Returns `None` if data could not be fetched.
    #[inline(never)]
    fn resolve_elsewhere<R>(
        self,
        key: &str,
        context: &Context,
        finish: &impl Finish<R>,
    ) -> Option<Result<R, EvalErrorKind>> {
        let need = Cell::new(None);
        if let Some(result) = self.attempt(key, context, finish, &need) {
            return Some(result);
        }
        let need = need.into_inner()?;
        let again = |fetched: &Fetched| self.attempt_with(fetched, key, context, finish);
        let deadline = Deadline::default();
        self.resolver
            .wait(&deadline, self.fetch_until_done(need, again, &deadline))
    }

    /// Async form of [`DataView::resolve`].
    pub(super) async fn resolve_async<R>(
        self,
        key: &str,
        context: &Context,
        finish: impl Finish<R> + Send + Sync,
    ) -> Result<R, EvalErrorKind>
    where
        R: Send,
    {
        if let Some(result) = self.in_memory(key, context, &finish) {
            return result;
        }
        let need = Cell::new(None);
        if let Some(result) = self.attempt(key, context, &finish, &need) {
            return result;
        }
        let Some(need) = need.into_inner() else {
            return self.resolver.failed(key);
        };
        let again = |fetched: &Fetched| self.attempt_with(fetched, key, context, &finish);
        self.fetch_until_done(need, again, &Deadline::default())
            .await
            .unwrap_or_else(|| self.resolver.failed(key))
    }

    /// Evaluates with the data in memory. Returns `None` if it is elsewhere, or if some is missing.
    #[inline]
    fn in_memory<R>(
        self,
        key: &str,
        context: &Context,
        finish: &impl Finish<R>,
    ) -> Option<Result<R, EvalErrorKind>> {
        // One call of `evaluate`, so that it is inlined.
        let loaded;
        let memory = match (self.pinned, &self.resolver.reads) {
            (Some(pinned), _) => pinned.memory()?,
            (None, ReadPath::Memory(store)) if self.resolver.big_segments.is_none() => {
                loaded = store.load();
                &**loaded
            }
            (None, _) => return None,
        };
        match evaluate(memory.flag(key), key, context, memory, finish) {
            Attempt::Done(result) => Some(result),
            Attempt::Needs(_) => None,
        }
    }

    /// Evaluates with the snapshot and the cached memberships, or in a scope with the data that it has
    /// pinned and fetched earlier. Sets `need` and returns `None` if data is missing.
    fn attempt<R>(
        self,
        key: &str,
        context: &Context,
        finish: &impl Finish<R>,
        need: &Cell<Option<Need>>,
    ) -> Option<Result<R, EvalErrorKind>> {
        if self.pinned.is_some() {
            let attempt = self.attempt_with(&self.fetched(), key, context, finish);
            return attempt.done_or(need);
        }
        let read = |snapshot: &dyn Snapshot| {
            let found = snapshot.flag(key);
            let attempt = match &self.resolver.big_segments {
                None => evaluate(found, key, context, snapshot, finish),
                Some(big_segments) => {
                    let data = Layered {
                        upper: &big_segments.cached(),
                        lower: snapshot,
                    };
                    evaluate(found, key, context, &data, finish)
                }
            };
            attempt.done_or(need)
        };
        let read = self.resolver.reads.read(read);
        read.unwrap_or(Some(Err(EvalErrorKind::Exception)))
    }

    /// Evaluates with the snapshot and the fetched data.
    fn attempt_with<R>(
        self,
        fetched: &Fetched,
        key: &str,
        context: &Context,
        finish: &impl Finish<R>,
    ) -> Attempt<Result<R, EvalErrorKind>> {
        let read = |snapshot: &dyn Snapshot| {
            let data = Layered {
                upper: fetched,
                lower: snapshot,
            };
            evaluate(data.flag(key), key, context, &data, finish)
        };
        self.read(read)
            .unwrap_or(Attempt::Done(Err(EvalErrorKind::Exception)))
            .unless_not_ready(fetched, || Err(EvalErrorKind::ClientNotReady))
    }

    /// Runs `reader` on the snapshot. Returns `None` if the store panics or provides no snapshot.
    pub(super) fn read<R>(self, reader: impl Fn(&dyn Snapshot) -> R) -> Option<R> {
        let resolver = self.resolver;
        match self.pinned {
            None => resolver.reads.read(reader),
            Some(pinned) => pinned.read(&*resolver.store, reader),
        }
    }

    /// What was fetched before this evaluation.
    pub(super) fn fetched(self) -> Arc<Fetched> {
        let fetched = self.pinned.and_then(Pinned::fetched);
        fetched.unwrap_or_default()
    }

    /// Fetches all data from a store that does not hold it in memory, once for each scope. Logs a
    /// failure and returns `None`.
    pub(super) async fn fetch_all(self) -> Option<Arc<dyn Snapshot + Send + Sync>> {
        let Some(pinned) = self.pinned else {
            return self.resolver.fetch_all().await;
        };
        if let Some(everything) = pinned.everything() {
            return Some(everything);
        }
        let everything = self.resolver.fetch_all().await?;
        Some(pinned.remember_everything(everything))
    }

    /// Runs `reader` on all data, which was fetched. Returns `None` if the store panics.
    pub(super) fn read_all<R>(
        self,
        everything: &dyn Snapshot,
        reader: impl Fn(&dyn Snapshot) -> R,
    ) -> Option<R> {
        match self.pinned {
            None => Some(self.resolver.reads.read_from(everything, reader)),
            // A scope has remembered it.
            Some(_) => self.read(reader),
        }
    }

    /// Fetches the missing data and retries, until the attempt is complete. Logs a failure and
    /// returns `None`.
    pub(super) async fn fetch_until_done<R>(
        self,
        need: Need,
        attempt: impl Fn(&Fetched) -> Attempt<R>,
        deadline: &Deadline,
    ) -> Option<R> {
        let log_once = &self.resolver.log_once;
        let log = |kind, key: &str, error: &StoreError| match error {
            StoreError::NotInitialized => log_once.not_ready(),
            error => log_once.fetch_failed(kind, key, error),
        };
        self.fetch_while_needed(need, attempt, deadline, log).await
    }

    /// Like [`DataView::fetch_until_done`], without logging.
    pub(super) async fn fetch_silently<R>(
        self,
        need: Need,
        attempt: impl Fn(&Fetched) -> Attempt<R>,
        deadline: &Deadline,
    ) -> Option<R> {
        self.fetch_while_needed(need, attempt, deadline, |_, _, _| {})
            .await
    }

    async fn fetch_while_needed<R>(
        self,
        mut need: Need,
        attempt: impl Fn(&Fetched) -> Attempt<R>,
        deadline: &Deadline,
        report: impl Fn(DataKind, &str, &StoreError),
    ) -> Option<R> {
        let mut own = Arc::<Fetched>::default();
        loop {
            let fetch = self.resolver.fetch(need, deadline, &report).await?;
            let fetched = match self.pinned {
                None => {
                    Arc::make_mut(&mut own).add(fetch);
                    Arc::clone(&own)
                }
                Some(pinned) => pinned.remember(fetch),
            };
            need = match attempt(&fetched) {
                Attempt::Done(result) => return Some(result),
                Attempt::Needs(need) => need,
            };
        }
    }
}

pub(super) enum Attempt<R> {
    Done(R),
    Needs(Need),
}

impl<R> Attempt<R> {
    /// Returns the result, or sets `need`. A store's reader copies what it returns, and a result without
    /// what it might need is often small enough for a register.
    #[inline]
    fn done_or(self, need: &Cell<Option<Need>>) -> Option<R> {
        match self {
            Self::Done(result) => Some(result),
            Self::Needs(missing) => {
                need.set(Some(missing));
                None
            }
        }
    }

    /// Ends with `not_ready` if data is missing and the store holds no complete data set.
    pub(super) fn unless_not_ready(self, fetched: &Fetched, not_ready: impl FnOnce() -> R) -> Self {
        match self {
            Self::Needs(_) if fetched.is_not_ready() => Self::Done(not_ready()),
            attempt => attempt,
        }
    }
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
