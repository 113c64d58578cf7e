//! [`MigrationOp`]: what one read or write of a migration came to.

use std::time::Duration;

use vexil_eval::migration::{Operation, PerOrigin, Stage};
use vexil_eval::{Context, Detail, Text};

/// What one read or write of a migration came to, as the service wants to know it. A
/// [tracker](crate::migration::OpTracker) makes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MigrationOp {
    /// What was done.
    pub operation: Operation,
    /// For whom.
    pub context: Context,
    /// The key of the flag that decides on the stage.
    pub key: Text,
    /// The stage, and why it is this one.
    pub detail: Detail<Stage>,
    /// The caller's default.
    pub default_stage: Stage,
    /// The flag's version; none if there is no such flag.
    pub version: Option<u64>,
    /// One in how many operations the flag has reported; none means each, and 0 or less none.
    pub sampling_ratio: Option<i64>,
    /// Which origins were called.
    pub invoked: PerOrigin<bool>,
    /// Which of them failed.
    pub failed: PerOrigin<bool>,
    /// How long each of them took; none if that was not measured.
    pub latency: PerOrigin<Option<Duration>>,
    /// Whether both gave the same; none if they were not compared.
    pub consistent: Option<bool>,
    /// One in how many operations the flag has compared; none means each.
    pub check_ratio: Option<i64>,
}
