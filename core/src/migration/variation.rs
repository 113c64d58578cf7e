//! The stage of a migration for a context, and the report of what was done by it.

use vexil_eval::migration::Stage;
use vexil_eval::model::Flag;
use vexil_eval::{EvalErrorKind, Evaluation};

use super::tracker::{MigrationFlag, OpTracker, TrackerError};
use crate::client::hooked::end;
use crate::client::variation::{Read, ReadDetail, read_detail};
use crate::client::{Client, EvaluationContext};
use crate::events::Event;
use crate::hooks::{Asked, EvaluationMethod, Series};

/// What is read of a flag.
type Found = (ReadDetail<Stage>, MigrationFlag);

fn read(read: Read<Stage>, flag: &Flag, evaluation: &Evaluation<'_>) -> Found {
    (read_detail(read, flag, evaluation), MigrationFlag::of(flag))
}

impl Client {
    /// The stage of a migration, and what reports about one read or write in it. `default_stage` if
    /// the flag has none, or has a value that is no stage.
    ///
    /// A [`Migrator`](super::Migrator) does this and all the rest.
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
        context: &impl EvaluationContext,
        default_stage: Stage,
    ) -> (Stage, OpTracker) {
        let default_value = || default_stage.into();
        let method = EvaluationMethod::MigrationVariation;
        let series = self.series(Asked {
            key,
            context: context.context(),
            method,
            default: &default_value,
        });
        let found = self.evaluate(key, context, &default_stage, false, read);
        self.staged(key, context, default_stage, found, series)
    }

    /// Like [`Client::migration_variation`], awaiting what that one would wait for.
    pub async fn migration_variation_async(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default_stage: Stage,
    ) -> (Stage, OpTracker) {
        let default_value = || default_stage.into();
        let method = EvaluationMethod::MigrationVariation;
        let series = self.series(Asked {
            key,
            context: context.context(),
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
        context: &impl EvaluationContext,
        default_stage: Stage,
        found: Result<Found, EvalErrorKind>,
        series: Option<Series<'_>>,
    ) -> (Stage, OpTracker) {
        let (found, flag) = match found {
            Ok((found, flag)) => (Ok(found), flag),
            Err(error) => (Err(error), MigrationFlag::default()),
        };
        let detail = end(series, self.detail_of(key, found, default_stage));
        let stage = detail.value;
        (
            stage,
            OpTracker::new(
                key.into(),
                context.context().ok().cloned(),
                detail,
                default_stage,
                flag,
            ),
        )
    }

    /// Reports what was done in a migration, once it is done. What does not make sense is logged
    /// and not reported; that the context is invalid was logged when the flag was evaluated.
    pub fn track_migration_op(&self, tracker: &OpTracker) {
        match tracker.build() {
            Ok(op) => self.record(&Event::MigrationOp(&op)),
            Err(TrackerError::InvalidContext) => {}
            Err(error) => {
                tracing::error!(flag.key = %tracker.key(), %error, "a migration operation is not reported")
            }
        }
    }
}
