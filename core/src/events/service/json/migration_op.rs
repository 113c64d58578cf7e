//! [`MigrationOpJson`]: the JSON form of a migration's read or write (EVT-7.6).

use std::time::Duration;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use vexil_eval::migration::PerOrigin;
use vexil_eval::{Reason, Text};

use crate::events::MigrationOpEvent;
use crate::events::redaction::RedactedContext;
use crate::events::service::payload::millis;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MigrationOpJson<'a> {
    creation_date: u64,
    operation: &'static str,
    context: RedactedContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling_ratio: Option<i64>,
    evaluation: EvaluationJson<'a>,
    #[serde(serialize_with = "write_measurements")]
    measurements: &'a MigrationOpEvent,
}

impl<'a> MigrationOpJson<'a> {
    pub(super) fn new(date: u64, op: &'a MigrationOpEvent, context: RedactedContext<'a>) -> Self {
        Self {
            creation_date: date,
            operation: op.operation.as_str(),
            context,
            sampling_ratio: unless_each(op.sampling_ratio),
            evaluation: EvaluationJson {
                key: &op.key,
                value: op.detail.value.as_str(),
                default: op.default_stage.as_str(),
                variation: op.detail.variation_index,
                version: op.version,
                reason: &op.detail.reason,
            },
            measurements: op,
        }
    }
}

#[derive(Serialize)]
struct EvaluationJson<'a> {
    key: &'a Text,
    value: &'static str,
    default: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<usize>,
    /// Zero is a valid version; `None` is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    reason: &'a Reason,
}

#[derive(Serialize)]
#[serde(
    tag = "key",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
enum MeasurementJson {
    Invoked {
        values: OriginsJson<bool>,
    },
    Consistent {
        value: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        sampling_ratio: Option<i64>,
    },
    LatencyMs {
        values: OriginsJson<u64>,
    },
    Error {
        values: OriginsJson<bool>,
    },
}

/// A value for each origin that has one.
#[derive(Serialize)]
struct OriginsJson<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<T>,
}

impl<T> OriginsJson<T> {
    /// Returns `None` if neither origin has a value.
    fn of<U: Copy>(origins: PerOrigin<U>, value: impl Fn(U) -> Option<T>) -> Option<Self> {
        let values = Self {
            old: value(origins.old),
            new: value(origins.new),
        };
        (values.old.is_some() || values.new.is_some()).then_some(values)
    }
}

fn write_measurements<S: Serializer>(
    op: &MigrationOpEvent,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let yes = |yes: bool| yes.then_some(true);
    let took = |latency: Option<Duration>| latency.map(millis);
    let consistent = |value| MeasurementJson::Consistent {
        value,
        sampling_ratio: unless_each(op.check_ratio),
    };
    let measurements = [
        OriginsJson::of(op.invoked, yes).map(|values| MeasurementJson::Invoked { values }),
        op.consistent.map(consistent),
        OriginsJson::of(op.latency, took).map(|values| MeasurementJson::LatencyMs { values }),
        OriginsJson::of(op.failed, yes).map(|values| MeasurementJson::Error { values }),
    ];
    let mut list = serializer.serialize_seq(None)?;
    for measurement in measurements.iter().flatten() {
        list.serialize_element(measurement)?;
    }
    list.end()
}

/// Returns the ratio to write: 1 is the default and left out.
fn unless_each(ratio: Option<i64>) -> Option<i64> {
    ratio.filter(|ratio| *ratio != 1)
}
