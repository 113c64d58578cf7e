//! [`Stage`]: the sink of one source of a data system.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;
use vexil_eval::Text;
use vexil_eval::model::{ChangeSet, ChangeSetKind, DataSet, Item, Selector, Upserted};

use crate::data_source::{
    DataSink, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind, DataSourceState,
    FallbackDirective, NotStoredError,
};
use crate::error_chain::error_chain;

/// What a source is to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// One attempt to get data.
    Initializer,
    /// Keep the data current.
    Synchronizer {
        /// When to switch to another synchronizer, if there is one.
        times: Option<Times>,
        /// When to return to the preferred synchronizer, if this is another one.
        recovery: Option<Duration>,
    },
    /// Keep the data current with the classic protocol.
    Fallback,
}

/// How long the data system waits before it switches to another synchronizer (FDV2-5.4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// For the first data of an activation.
    pub(crate) silent: Duration,
    /// The same, if the data has begun to arrive.
    pub(crate) receiving: Duration,
    /// For the end of an interruption.
    pub(crate) interrupted: Duration,
    /// For a return to the preferred synchronizer.
    pub(crate) recovery: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            silent: Duration::from_secs(10),
            receiving: Duration::from_secs(60),
            interrupted: Duration::from_secs(60),
            recovery: Duration::from_secs(300),
        }
    }
}

/// Forwards the deliveries of a source to the client's sink until it is closed, and records the
/// state that decides when to stop the source.
#[derive(Debug)]
pub(super) struct Stage {
    sink: Arc<dyn DataSink>,
    role: Role,
    /// Whether the source's data is written to a database.
    is_persistent: bool,
    activated: Instant,
    /// Held for a few instructions.
    state: Mutex<State>,
    /// Notified after each change of the state.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    /// Whether an initializer has delivered data, and whether that data has a selector.
    delivered: Option<bool>,
    was_valid: bool,
    /// Since when the source is valid; `None` while it is not.
    valid_since: Option<Instant>,
    /// Since when the source is interrupted; `None` while it is not.
    interrupted_since: Option<Instant>,
    is_receiving: bool,
    /// Whether the source has reported an error since it was last valid.
    has_failed: bool,
    /// Whether the source has ended, or has reported that it will.
    is_over: bool,
    error: Option<DataSourceErrorInfo>,
    directive: Option<FallbackDirective>,
    /// Whether the source has reported anything since the directive.
    is_answered: bool,
}

impl State {
    fn valid(&mut self) {
        self.was_valid = true;
        self.valid_since.get_or_insert_with(Instant::now);
        self.interrupted_since = None;
        self.has_failed = false;
        self.is_answered = true;
    }

    fn interrupted(&mut self) {
        self.valid_since = None;
        self.interrupted_since.get_or_insert_with(Instant::now);
    }

    fn failed(&mut self, error: Option<DataSourceErrorInfo>) {
        self.interrupted();
        self.has_failed = true;
        self.is_answered = true;
        if error.is_some() {
            self.error = error;
        }
    }
}

/// Why a source was stopped.
#[derive(Debug)]
pub(super) enum Stopped {
    /// An initializer has delivered data; whether with a state that requests can refer to.
    Delivered { has_selector: bool },
    /// An initializer has failed, or a synchronizer has failed for good.
    Failed,
    /// A synchronizer is silent or interrupted.
    Unhealthy,
    /// The preferred synchronizer is to be tried again.
    Recovery,
    /// The service ordered the classic protocol.
    Ordered(FallbackDirective),
    /// The time is over.
    TimeOver,
}

/// Whether a source continues to run.
#[derive(Debug)]
pub(super) enum Verdict {
    Continue {
        /// When to stop the source, and why, if nothing changes.
        until: Option<(Instant, Stopped)>,
    },
    Stop(Stopped),
}

impl Stage {
    pub(super) fn new(sink: Arc<dyn DataSink>, role: Role, is_persistent: bool) -> Self {
        Self {
            sink,
            role,
            is_persistent,
            activated: Instant::now(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Rejects everything that the source delivers from when the guard is dropped.
    pub(super) fn close_on_drop(self: &Arc<Self>) -> CloseOnDrop {
        CloseOnDrop(Arc::clone(self))
    }

    /// Completes after the state has changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn is_valid(&self) -> bool {
        self.state().valid_since.is_some()
    }

    pub(super) fn directive(&self) -> Option<FallbackDirective> {
        self.state().directive
    }

    pub(super) fn last_error(&self) -> Option<DataSourceErrorInfo> {
        self.state().error.clone()
    }

    /// Records that the source has ended. `None`: it panicked.
    pub(super) fn ended(&self, result: Option<Result<(), DataSourceError>>) {
        let error = match result {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(error_info(&error)),
            None => Some(DataSourceErrorInfo::new(
                DataSourceErrorKind::Unknown,
                "a data source panicked",
            )),
        };
        let (may_end, is_known) = {
            let mut state = self.state();
            state.is_over = true;
            state.is_answered = true;
            // A source also ends without data if the service orders another protocol.
            let may_end = state.was_valid || state.directive.is_some();
            (may_end, state.error.is_some() && state.has_failed)
        };
        let error = match error {
            None if may_end => None,
            // The source has reported the error that ended it, with more detail.
            _ if is_known => None,
            None => Some(DataSourceErrorInfo::new(
                DataSourceErrorKind::Unknown,
                "a data source ended without data",
            )),
            error => error,
        };
        if error.is_some() {
            self.update_status(DataSourceState::Interrupted, error);
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let state = self.state();
        if let Some(directive) = state.directive.filter(|_| state.is_answered) {
            return Verdict::Stop(Stopped::Ordered(directive));
        }
        match self.role {
            Role::Initializer => match state.delivered {
                Some(has_selector) => Verdict::Stop(Stopped::Delivered { has_selector }),
                None if state.has_failed || state.is_over || state.was_valid => {
                    Verdict::Stop(Stopped::Failed)
                }
                None => Verdict::Continue { until: None },
            },
            Role::Synchronizer { .. } | Role::Fallback
                if state.is_over && (state.has_failed || !state.was_valid) =>
            {
                Verdict::Stop(Stopped::Failed)
            }
            Role::Fallback => Verdict::Continue { until: None },
            Role::Synchronizer { times, recovery } => {
                let recovery = recovery.zip(state.valid_since);
                let recovery = recovery.map(|(after, since)| (since + after, Stopped::Recovery));
                let unhealthy = times
                    .and_then(|times| self.unhealthy_at(&state, &times))
                    .map(|at| (at, Stopped::Unhealthy));
                Verdict::Continue {
                    until: recovery.or(unhealthy),
                }
            }
        }
    }

    /// When a synchronizer is given up if it does not become valid.
    fn unhealthy_at(&self, state: &State, times: &Times) -> Option<Instant> {
        let silent = if state.is_receiving {
            times.receiving.max(times.silent)
        } else {
            times.silent
        };
        let silent = (!state.was_valid).then(|| self.activated + silent);
        let interrupted = state
            .interrupted_since
            .map(|since| since + times.interrupted);
        silent.into_iter().chain(interrupted).min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_one();
    }

    /// Records a failure to store, which the sink has reported.
    fn stored<T>(&self, result: Result<T, NotStoredError>) -> Result<T, NotStoredError> {
        if let Err(error) = &result {
            let error =
                DataSourceErrorInfo::new(DataSourceErrorKind::StoreError, error_chain(error));
            self.change(|state| state.failed(Some(error)));
        }
        result
    }

    /// Returns an error if the data system has stopped the source.
    fn is_open(&self) -> Result<(), NotStoredError> {
        if self.state().is_closed {
            Err(NotStoredError::new("another data source has taken over"))
        } else {
            Ok(())
        }
    }
}

/// Closes a [`Stage`] when it is dropped.
pub(super) struct CloseOnDrop(Arc<Stage>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DataSink for Stage {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        self.is_open()?;
        let upserted = self.stored(self.sink.upsert(item).await)?;
        self.change(|state| {
            if state.was_valid {
                state.valid();
            }
        });
        Ok(upserted)
    }

    async fn apply(&self, mut changes: ChangeSet) -> Result<(), NotStoredError> {
        self.is_open()?;
        changes.is_persistent &= self.is_persistent;
        let is_full = matches!(changes.kind, ChangeSetKind::Full(_));
        let has_selector = changes.selector.is_some();
        // A change that the source itself marks as provisional delivers nothing.
        let delivers = !changes.is_provisional;
        if matches!(self.role, Role::Initializer) && !has_selector {
            changes.is_provisional = true;
        }
        self.stored(self.sink.apply(changes).await)?;
        if delivers {
            self.change(|state| {
                if is_full {
                    state.delivered = Some(has_selector);
                }
                state.valid();
            });
        }
        Ok(())
    }

    fn selector(&self) -> Option<Selector> {
        self.sink.selector()
    }

    fn fall_back(&self, directive: FallbackDirective) -> bool {
        if matches!(self.role, Role::Fallback) {
            return false;
        }
        self.change(|state| {
            state.directive = Some(directive);
            state.is_answered = false;
        });
        true
    }

    fn reconnecting(&self) {
        self.change(State::interrupted);
    }

    async fn refresh_requested(&self) {
        self.sink.refresh_requested().await;
    }

    fn receiving(&self) {
        let is_first = !std::mem::replace(&mut self.state().is_receiving, true);
        if is_first {
            self.changed.notify_one();
        }
    }

    fn keeps_json(&self) -> bool {
        self.sink.keeps_json()
    }

    fn is_for_overrides(&self) -> bool {
        self.sink.is_for_overrides()
    }

    fn connection_attempt(&self, began: SystemTime, took: Duration, failed: bool) {
        self.sink.connection_attempt(began, took, failed);
        if failed {
            self.change(State::interrupted);
        }
    }

    fn update_status(&self, status: DataSourceState, error: Option<DataSourceErrorInfo>) {
        if self.is_open().is_err() {
            return;
        }
        match status {
            DataSourceState::Initializing => {}
            DataSourceState::Valid => {
                // An initializer that is valid without data has nothing to deliver.
                if !matches!(self.role, Role::Initializer) {
                    self.sink.update_status(DataSourceState::Valid, error);
                }
                self.change(State::valid);
            }
            // Another source may still take over, so the client is only interrupted.
            DataSourceState::Interrupted | DataSourceState::Off => {
                self.sink
                    .update_status(DataSourceState::Interrupted, error.clone());
                self.change(|state| {
                    state.failed(error);
                    state.is_over |= status == DataSourceState::Off;
                });
            }
        }
    }

    fn set_environment_id(&self, id: Text) {
        if self.is_open().is_ok() {
            self.sink.set_environment_id(id);
        }
    }
}

pub(super) fn error_info(error: &DataSourceError) -> DataSourceErrorInfo {
    DataSourceErrorInfo::new(error.kind, error_chain(error))
}
