//! [`MigrationOpTracker`]: records one read or write of a migration.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use vexil_eval::migration::{Operation, Origin, PerOrigin, Stage};
use vexil_eval::model::Flag;
use vexil_eval::{Context, Detail, Text};

use crate::events::{MigrationOpEvent, is_sampled};

/// Records one read or write of a migration, from any thread. Returned by
/// [`Client::migration_variation`](crate::Client::migration_variation) with the stage, and reported
/// by [`Client::track_migration_op`](crate::Client::track_migration_op).
///
/// ```
/// use vexil::migration::{Operation, Origin, Stage};
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("move-db", "dualwrite");
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// // A migration whose reads and writes do not fit a `Migrator`.
/// let (stage, tracker) = client.migration_variation("move-db", &Context::new("ada")?, Stage::Off);
/// tracker.operation(Operation::Write);
/// if stage == Stage::DualWrite {
///     tracker.invoked(Origin::Old);
///     tracker.invoked(Origin::New);
///     tracker.error(Origin::New);
/// }
/// client.track_migration_op(&tracker);
///
/// let report = events.migration_ops().flag("move-db").assert_once();
/// assert!(report.failed.new && !report.failed.old);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MigrationOpTracker {
    key: Text,
    /// `None` if the context is invalid.
    context: Option<Context>,
    detail: Detail<Stage>,
    default_stage: Stage,
    flag: MigrationFlag,
    /// Whether [`Client::track_migration_op`](crate::Client::track_migration_op) reports it.
    pub(super) is_reported: bool,
    /// Held to record one value; the origins of a concurrent read record in parallel.
    noted: Mutex<Noted>,
}

/// The flag properties that a report needs; empty if there is no such flag.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MigrationFlag {
    version: Option<u64>,
    sampling_ratio: Option<i64>,
    check_ratio: Option<i64>,
}

impl MigrationFlag {
    pub(super) fn of(flag: &Flag) -> Self {
        let (sampling_ratio, check_ratio) = (flag.sampling_ratio(), flag.check_ratio());
        Self {
            version: Some(flag.version()),
            sampling_ratio,
            check_ratio,
        }
    }
}

#[derive(Debug, Default)]
struct Noted {
    operation: Option<Operation>,
    invoked: PerOrigin<bool>,
    failed: PerOrigin<bool>,
    latency: PerOrigin<Option<Duration>>,
    consistent: Option<bool>,
}

impl MigrationOpTracker {
    pub(super) fn new(
        key: Text,
        context: Option<Context>,
        detail: Detail<Stage>,
        default_stage: Stage,
        flag: MigrationFlag,
        is_reported: bool,
    ) -> Self {
        Self {
            key,
            context,
            detail,
            default_stage,
            flag,
            is_reported,
            noted: Mutex::default(),
        }
    }

    /// Records whether this is a read or a write.
    pub fn operation(&self, operation: Operation) {
        self.noted().operation = Some(operation);
    }

    /// Records that an origin was called.
    pub fn invoked(&self, origin: Origin) {
        *self.noted().invoked.of_mut(origin) = true;
    }

    /// Records that a called origin failed.
    pub fn error(&self, origin: Origin) {
        *self.noted().failed.of_mut(origin) = true;
    }

    /// Records the latency of a called origin, whether it failed or not.
    pub fn latency(&self, origin: Origin, latency: Duration) {
        *self.noted().latency.of_mut(origin) = Some(latency);
    }

    /// Records whether the results of both origins agree. `compare` is only called if the flag's
    /// check ratio selects this operation. If it panics, an error is logged and nothing is
    /// recorded.
    ///
    /// ```
    /// use vexil::migration::{Operation, Origin, Stage};
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let (_, tracker) = client.migration_variation("move-db", &Context::new("ada")?, Stage::Shadow);
    /// tracker.operation(Operation::Read);
    /// for origin in [Origin::Old, Origin::New] {
    ///     tracker.invoked(origin);
    /// }
    /// let (old, new) = ("12.50 EUR", "12.5 EUR");
    /// tracker.consistent(|| old.replace(".50", ".5") == new);
    /// assert_eq!(tracker.build()?.consistent, Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn consistent(&self, compare: impl FnOnce() -> bool) {
        if !is_sampled(self.flag.check_ratio) {
            return;
        }
        match catch_unwind(AssertUnwindSafe(compare)) {
            Ok(consistent) => self.noted().consistent = Some(consistent),
            Err(_panic) => {
                tracing::error!(flag.key = %self.key, "the comparison of a migration panicked")
            }
        }
    }

    /// Builds the report of the operation.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::migration::{Operation, Origin, Stage, TrackerError};
    /// use vexil::{Client, Context};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let (_, tracker) = client.migration_variation("move-db", &Context::new("ada")?, Stage::Off);
    /// tracker.operation(Operation::Read);
    /// tracker.latency(Origin::Old, Duration::from_millis(3));
    /// assert_eq!(tracker.build(), Err(TrackerError::NothingInvoked));
    ///
    /// tracker.invoked(Origin::Old);
    /// let report = tracker.build()?;
    /// assert_eq!(report.latency.old, Some(Duration::from_millis(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the recorded values are incomplete or contradictory.
    pub fn build(&self) -> Result<MigrationOpEvent, TrackerError> {
        let noted = self.noted();
        let operation = noted.operation.ok_or(TrackerError::OperationMissing)?;
        if self.key.is_empty() {
            return Err(TrackerError::EmptyKey);
        }
        let context = self.context.clone().ok_or(TrackerError::InvalidContext)?;
        if noted.invoked == PerOrigin::default() {
            return Err(TrackerError::NothingInvoked);
        }
        for origin in [Origin::Old, Origin::New] {
            let invoked = *noted.invoked.of(origin);
            if !invoked && (*noted.failed.of(origin) || noted.latency.of(origin).is_some()) {
                return Err(TrackerError::NotInvoked { origin });
            }
            if !invoked && noted.consistent.is_some() {
                return Err(TrackerError::NotBothInvoked);
            }
        }
        Ok(MigrationOpEvent {
            operation,
            context,
            key: self.key.clone(),
            detail: self.detail.clone(),
            default_stage: self.default_stage,
            version: self.flag.version,
            sampling_ratio: self.flag.sampling_ratio,
            invoked: noted.invoked,
            failed: noted.failed,
            latency: noted.latency,
            consistent: noted.consistent,
            check_ratio: self.flag.check_ratio,
        })
    }

    pub(super) fn key(&self) -> &Text {
        &self.key
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reason why a migration operation cannot be reported.
///
/// ```
/// use vexil::migration::{Operation, Origin, Stage, TrackerError};
/// use vexil::{Client, Context};
///
/// let client = Client::builder("sdk-key").offline(true).start()?;
/// let (_, tracker) = client.migration_variation("move-db", &Context::new("ada")?, Stage::Off);
/// assert_eq!(tracker.build(), Err(TrackerError::OperationMissing));
///
/// tracker.operation(Operation::Read);
/// tracker.invoked(Origin::Old);
/// tracker.error(Origin::New);
/// let error = tracker.build().unwrap_err();
/// assert_eq!(error, TrackerError::NotInvoked { origin: Origin::New });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackerError {
    /// The operation, read or write, was not recorded.
    #[error("the operation (read or write) was not recorded")]
    OperationMissing,
    /// The key of the flag is empty.
    #[error("the key of the flag is empty")]
    EmptyKey,
    /// The context is invalid.
    #[error("the context is invalid")]
    InvalidContext,
    /// No origin was called.
    #[error("no origin was called")]
    NothingInvoked,
    /// An origin has a latency or an error, but was not called.
    #[error("the {origin} origin has a latency or an error, but was not called")]
    NotInvoked {
        /// The origin.
        origin: Origin,
    },
    /// Results were compared, but only one origin was called.
    #[error("results were compared, but only one origin was called")]
    NotBothInvoked,
}
