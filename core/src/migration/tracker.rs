//! [`OpTracker`]: notes what happens in one read or write of a migration.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use vexil_eval::migration::{Operation, Origin, PerOrigin, Stage};
use vexil_eval::model::Flag;
use vexil_eval::{Context, Detail, Text};

use crate::events::{MigrationOp, is_sampled};

/// Notes what happens in one read or write of a migration, from any thread. Comes with the stage
/// from
/// [`Client::migration_variation`](crate::Client::migration_variation), and goes to
/// [`Client::track_migration_op`](crate::Client::track_migration_op).
#[derive(Debug)]
pub struct OpTracker {
    key: Text,
    /// None if it is invalid.
    context: Option<Context>,
    detail: Detail<Stage>,
    default_stage: Stage,
    flag: MigrationFlag,
    /// Locked to note one thing; the two origins of a concurrent read report at once.
    noted: Mutex<Noted>,
}

/// What the flag says of reports; nothing if there is no such flag.
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

impl OpTracker {
    pub(super) fn new(
        key: Text,
        context: Option<Context>,
        detail: Detail<Stage>,
        default_stage: Stage,
        flag: MigrationFlag,
    ) -> Self {
        Self {
            key,
            context,
            detail,
            default_stage,
            flag,
            noted: Mutex::default(),
        }
    }

    /// What is done.
    pub fn operation(&self, operation: Operation) {
        self.noted().operation = Some(operation);
    }

    /// An origin was called.
    pub fn invoked(&self, origin: Origin) {
        *self.noted().invoked.of_mut(origin) = true;
    }

    /// An origin that was called has failed.
    pub fn error(&self, origin: Origin) {
        *self.noted().failed.of_mut(origin) = true;
    }

    /// How long an origin that was called took, failed or not.
    pub fn latency(&self, origin: Origin, latency: Duration) {
        *self.noted().latency.of_mut(origin) = Some(latency);
    }

    /// Whether both origins have given the same. Only asked if the flag wants this operation
    /// compared; if `compare` panics, that is logged and nothing noted.
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

    /// What was noted so far, as it is reported.
    ///
    /// # Errors
    /// If it does not make sense.
    pub fn build(&self) -> Result<MigrationOp, TrackerError> {
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
        Ok(MigrationOp {
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

/// Why what was noted of a migration cannot be reported.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackerError {
    /// It was not noted whether something was read or written.
    #[error("it was not noted whether something was read or written")]
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
        /// Which origin.
        origin: Origin,
    },
    /// Results were compared, but only one origin was called.
    #[error("results were compared, but only one origin was called")]
    NotBothInvoked,
}
