//! [`MigrationOpEvent`]: the outcome of one read or write of a migration.

use std::time::Duration;

use vexil_eval::migration::{Operation, PerOrigin, Stage};
use vexil_eval::{Context, Detail, Text};

/// The outcome of one read or write of a migration, as reported to the service. Created by a
/// [tracker](crate::migration::MigrationOpTracker).
///
/// ```
/// use vexil::migration::{Operation, Stage};
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, RecordedEvent, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("move-users", "shadow");
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// let ada = Context::new("ada")?;
/// let (stage, tracker) = client.migration_variation("move-users", &ada, Stage::Off);
/// tracker.operation(Operation::Read);
/// tracker.invoked(vexil::migration::Origin::Old);
/// client.track_migration_op(&tracker);
///
/// let recorded = events.take();
/// let Some(RecordedEvent::MigrationOp(op)) = recorded.last() else { panic!("{recorded:?}") };
/// assert_eq!((op.operation, op.detail.value), (Operation::Read, Stage::Shadow));
/// assert!(op.invoked.old && !op.invoked.new);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MigrationOpEvent {
    /// The operation.
    pub operation: Operation,
    /// The context of the operation.
    pub context: Context,
    /// The key of the flag that selects the stage.
    pub key: Text,
    /// The stage and its reason.
    pub detail: Detail<Stage>,
    /// The caller's default.
    pub default_stage: Stage,
    /// The flag's version; `None` if the flag does not exist.
    pub version: Option<u64>,
    /// Operations are reported with a probability of 1 in this ratio. `None` reports each, 0 or
    /// less none.
    pub sampling_ratio: Option<i64>,
    /// Which origins were called.
    pub invoked: PerOrigin<bool>,
    /// Which of them failed.
    pub failed: PerOrigin<bool>,
    /// How long each call took; `None` if that was not measured.
    pub latency: PerOrigin<Option<Duration>>,
    /// Whether both results were equal; `None` if they were not compared.
    pub consistent: Option<bool>,
    /// Results are compared with a probability of 1 in this ratio. `None` compares each.
    pub check_ratio: Option<i64>,
}
