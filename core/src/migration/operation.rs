//! One read or write of a migration: selects the origins, calls them and reports the results.

use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use thiserror::Error;
use vexil_eval::migration::{Operation, Origin, Stage};

use super::settings::Settings;
use super::tracker::MigrationOpTracker;
use crate::client::Client;
use crate::runtime::catch_panic;

/// The error of a read or write function.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Compares two results.
pub(super) type Compare<T> = dyn Fn(&T, &T) -> bool + Send + Sync;

/// The result of one origin.
#[derive(Debug)]
#[non_exhaustive]
pub struct OperationResult<T> {
    /// The origin.
    pub origin: Origin,
    /// Its result.
    pub result: Result<T, OriginError>,
}

/// The results of a write.
#[derive(Debug)]
#[non_exhaustive]
pub struct WriteResult<T> {
    /// The result of the authoritative origin.
    pub authoritative: OperationResult<T>,
    /// The result of the other origin; `None` if it was not called, because of the stage or because
    /// the authoritative write failed.
    pub nonauthoritative: Option<OperationResult<T>>,
}

/// An origin could not be read or written.
///
/// ```
/// use std::error::Error;
/// use vexil::migration::{Migrator, Stage};
/// use vexil::{Client, Context};
///
/// # let client = Client::builder("sdk-key").offline(true).start()?;
/// let migrator = Migrator::builder(&client)
///     .read(|_: &u32| Err::<(), _>("connection refused"), |_: &u32| Ok::<_, std::io::Error>(()))
///     .write(|()| Ok::<_, std::io::Error>(()), |()| Ok::<_, std::io::Error>(()))
///     .build()?;
/// let found = migrator.read("move-db", &Context::new("ada")?, Stage::Off, &7);
/// let error = found.result.unwrap_err();
/// assert_eq!(error.to_string(), "the old origin has failed");
/// assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("connection refused"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The function returned an error.
    #[error("the {origin} origin has failed")]
    Failed {
        /// The origin.
        origin: Origin,
        /// The function's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The function panicked.
    #[error("the function for the {origin} origin panicked")]
    Panicked {
        /// The origin.
        origin: Origin,
    },
}

/// The authoritative origin, and the other one if it takes part, in the order of the calls.
pub(super) type Origins = (Origin, Option<Origin>);

/// The origins that are read in a stage (EVT-7.1).
pub(super) fn readers(stage: Stage) -> Origins {
    match stage {
        Stage::Off | Stage::DualWrite => (Origin::Old, None),
        Stage::Shadow => (Origin::Old, Some(Origin::New)),
        Stage::Live => (Origin::New, Some(Origin::Old)),
        Stage::RampDown | Stage::Complete => (Origin::New, None),
    }
}

/// The origins that are written in a stage (EVT-7.1).
pub(super) fn writers(stage: Stage) -> Origins {
    match stage {
        Stage::Off => (Origin::Old, None),
        Stage::DualWrite | Stage::Shadow => (Origin::Old, Some(Origin::New)),
        Stage::Live | Stage::RampDown => (Origin::New, Some(Origin::Old)),
        Stage::Complete => (Origin::New, None),
    }
}

/// A read or write in progress. Reported when it ends, but not if it is dropped earlier.
#[derive(Debug)]
pub(super) struct Run<'a> {
    client: &'a Client,
    tracker: MigrationOpTracker,
    pub(super) settings: Settings,
}

impl<'a> Run<'a> {
    pub(super) fn begin(
        client: &'a Client,
        settings: Settings,
        operation: Operation,
        tracker: MigrationOpTracker,
    ) -> Self {
        tracker.operation(operation);
        Self {
            client,
            tracker,
            settings,
        }
    }

    /// Calls an origin.
    pub(super) fn call<T>(
        &self,
        origin: Origin,
        call: impl FnOnce() -> Result<T, BoxError>,
    ) -> OperationResult<T> {
        let start = Instant::now();
        let answer = catch_unwind(AssertUnwindSafe(call)).ok();
        self.answered(origin, start.elapsed(), answer)
    }

    /// Calls an origin and awaits its result.
    pub(super) async fn call_async<T>(
        &self,
        origin: Origin,
        call: impl Future<Output = Result<T, BoxError>>,
    ) -> OperationResult<T> {
        let start = Instant::now();
        let answer = catch_panic(call).await;
        self.answered(origin, start.elapsed(), answer)
    }

    /// Records the result of an origin; `None` means that the function panicked.
    fn answered<T>(
        &self,
        origin: Origin,
        latency: Duration,
        answer: Option<Result<T, BoxError>>,
    ) -> OperationResult<T> {
        self.tracker.invoked(origin);
        if self.settings.track_latency {
            self.tracker.latency(origin, latency);
        }
        let result = match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err(source)) => Err(OriginError::Failed { origin, source }),
            None => Err(OriginError::Panicked { origin }),
        };
        if self.settings.track_errors && result.is_err() {
            self.tracker.error(origin);
        }
        OperationResult { origin, result }
    }

    /// Compares the results if both origins succeeded, then ends the operation.
    pub(super) fn end_compared<T>(
        self,
        compare: Option<&Compare<T>>,
        authoritative: &OperationResult<T>,
        other: &OperationResult<T>,
    ) {
        if let (Some(compare), Ok(authoritative), Ok(other)) =
            (compare, &authoritative.result, &other.result)
        {
            self.tracker.consistent(|| compare(authoritative, other));
        }
        self.end();
    }

    /// Reports the operation.
    pub(super) fn end(self) {
        self.client.track_migration_op(&self.tracker);
    }
}
