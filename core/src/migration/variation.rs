//! Evaluates the stage of a migration, and reports migration operations.

use vexil_eval::migration::Stage;
use vexil_eval::model::Flag;
use vexil_eval::{EvalErrorKind, Evaluation};

use super::tracker::{MigrationFlag, MigrationOpTracker, TrackerError};
use crate::client::hooked::end;
use crate::client::variation::{Read, ReadDetail, read_detail};
use crate::client::{AsContext, Client, Scope};
use crate::events::Event;
use crate::hooks::{Asked, EvaluationMethod, Series};

/// A flag's stage, and the properties that a report needs.
type Found = (ReadDetail<Stage>, MigrationFlag);

fn read(read: Read<Stage>, flag: &Flag, evaluation: &Evaluation<'_>) -> Found {
    (read_detail(read, flag, evaluation), MigrationFlag::of(flag))
}

impl Client {
    /// Returns the stage of a migration for a context, and a tracker that reports one read or
    /// write. The stage is `default_stage` if the flag has no value, or one that is not a stage.
    ///
    /// A [`Migrator`](super::Migrator) calls this method, reads or writes, and reports.
    ///
    /// ```
    /// use vexil::migration::{Operation, Origin, Stage};
    /// use vexil::{Client, Context};
    ///
    /// # let client = Client::builder("sdk-key").offline(true).start()?;
    /// let (stage, tracker) = client.migration_variation("move-db", &Context::new("ada")?, Stage::Off);
    /// assert_eq!(stage, Stage::Off);
    /// tracker.operation(Operation::Read);
    /// tracker.invoked(Origin::Old);
    /// client.track_migration_op(&tracker);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn migration_variation(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
    ) -> (Stage, MigrationOpTracker) {
        let default_value = || default_stage.into();
        let method = EvaluationMethod::MigrationVariation;
        let series = self.series(Asked {
            key,
            context: context.as_context(),
            method,
            default: &default_value,
        });
        let found = self.evaluate(key, context, &default_stage, false, read);
        self.staged(key, context, default_stage, found, series)
    }

    /// Async form of [`Client::migration_variation`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::migration::Stage;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("move-db", "shadow").with("move-files", "moving");
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let ada = Context::new("ada")?;
    /// let (stage, _) = client.migration_variation_async("move-db", &ada, Stage::Off).await;
    /// assert_eq!(stage, Stage::Shadow);
    ///
    /// // The value of this flag is not a stage.
    /// let (stage, _) = client.migration_variation_async("move-files", &ada, Stage::Off).await;
    /// assert_eq!(stage, Stage::Off);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn migration_variation_async(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
    ) -> (Stage, MigrationOpTracker) {
        let default_value = || default_stage.into();
        let method = EvaluationMethod::MigrationVariation;
        let series = self.series(Asked {
            key,
            context: context.as_context(),
            method,
            default: &default_value,
        });
        let found = self
            .evaluate_async(key, context, &default_stage, false, read)
            .await;
        self.staged(key, context, default_stage, found, series)
    }

    fn staged(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default_stage: Stage,
        found: Result<Found, EvalErrorKind>,
        series: Option<Series<'_>>,
    ) -> (Stage, MigrationOpTracker) {
        let (found, flag) = match found {
            Ok((found, flag)) => (Ok(found), flag),
            Err(error) => (Err(error), MigrationFlag::default()),
        };
        let detail = end(series, self.detail_of(key, found, default_stage));
        let stage = detail.value;
        (
            stage,
            MigrationOpTracker::new(
                key.into(),
                context.as_context().ok().cloned(),
                detail,
                default_stage,
                flag,
                context.reports_events(),
            ),
        )
    }

    /// Reports a finished migration operation. An incomplete or contradictory one is logged and not
    /// reported. With an invalid context nothing is logged, because the evaluation has already
    /// logged it.
    ///
    /// ```
    /// use vexil::migration::{Operation, Origin, Stage};
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let flags = TestData::new().with("move-db", "live");
    /// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// let (_, tracker) = client.migration_variation("move-db", &ada, Stage::Off);
    /// # events.take();
    /// tracker.operation(Operation::Write);
    /// // Not reported, but logged: no origin was called.
    /// client.track_migration_op(&tracker);
    /// assert_eq!(events.take(), []);
    ///
    /// tracker.invoked(Origin::New);
    /// client.track_migration_op(&tracker);
    /// assert!(matches!(events.take()[..], [RecordedEvent::MigrationOp(_)]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn track_migration_op(&self, tracker: &MigrationOpTracker) {
        match tracker.build() {
            _ if !tracker.is_reported => {}
            Ok(op) => self.record(&Event::MigrationOp(&op)),
            Err(TrackerError::InvalidContext) => {}
            Err(error) => {
                tracing::error!(flag.key = %tracker.key(), %error, "a migration operation cannot be reported")
            }
        }
    }
}

impl Scope {
    /// Returns the stage of a migration in the scope, and a tracker that reports one read or write.
    /// See [`Client::migration_variation`].
    ///
    /// ```
    /// use vexil::migration::{Operation, Origin, Stage};
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("move-db", "shadow");
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// flags.set("move-db", "live");
    /// let (stage, tracker) = scope.migration_variation("move-db", Stage::Off);
    /// assert_eq!(stage, Stage::Shadow);
    /// tracker.operation(Operation::Read);
    /// tracker.invoked(Origin::Old);
    /// tracker.invoked(Origin::New);
    /// client.track_migration_op(&tracker);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn migration_variation(
        &self,
        key: &str,
        default_stage: Stage,
    ) -> (Stage, MigrationOpTracker) {
        self.client().migration_variation(key, self, default_stage)
    }

    /// Async form of [`Scope::migration_variation`]: awaits I/O instead of blocking.
    pub async fn migration_variation_async(
        &self,
        key: &str,
        default_stage: Stage,
    ) -> (Stage, MigrationOpTracker) {
        let client = self.client();
        client
            .migration_variation_async(key, self, default_stage)
            .await
    }
}
