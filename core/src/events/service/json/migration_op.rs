//! [`Operation`]: the JSON form of a migration's read or write (EVT-7.6).

use std::time::Duration;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use vexil_eval::migration::PerOrigin;
use vexil_eval::{Reason, Text};

use crate::events::MigrationOp;
use crate::events::redaction::RedactedContext;
use crate::events::service::payload::millis;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation<'a> {
    creation_date: u64,
    operation: &'static str,
    context: RedactedContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling_ratio: Option<i64>,
    evaluation: Evaluation<'a>,
    #[serde(serialize_with = "write_measurements")]
    measurements: &'a MigrationOp,
}

impl<'a> Operation<'a> {
    pub(super) fn new(date: u64, op: &'a MigrationOp, context: RedactedContext<'a>) -> Self {
        Self {
            creation_date: date,
            operation: op.operation.as_str(),
            context,
            sampling_ratio: unless_each(op.sampling_ratio),
            evaluation: Evaluation {
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
struct Evaluation<'a> {
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
enum Measurement {
    Invoked {
        values: Values<bool>,
    },
    Consistent {
        value: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        sampling_ratio: Option<i64>,
    },
    LatencyMs {
        values: Values<u64>,
    },
    Error {
        values: Values<bool>,
    },
}

/// A value for each origin that has one.
#[derive(Serialize)]
struct Values<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<T>,
}

impl<T> Values<T> {
    /// Returns `None` if neither origin has a value.
    fn of<U: Copy>(origins: PerOrigin<U>, value: impl Fn(U) -> Option<T>) -> Option<Self> {
        let values = Self {
            old: value(origins.old),
            new: value(origins.new),
        };
        (values.old.is_some() || values.new.is_some()).then_some(values)
    }
}

fn write_measurements<S: Serializer>(op: &MigrationOp, serializer: S) -> Result<S::Ok, S::Error> {
    let yes = |yes: bool| yes.then_some(true);
    let took = |latency: Option<Duration>| latency.map(millis);
    let consistent = |value| Measurement::Consistent {
        value,
        sampling_ratio: unless_each(op.check_ratio),
    };
    let measurements = [
        Values::of(op.invoked, yes).map(|values| Measurement::Invoked { values }),
        op.consistent.map(consistent),
        Values::of(op.latency, took).map(|values| Measurement::LatencyMs { values }),
        Values::of(op.failed, yes).map(|values| Measurement::Error { values }),
    ];
    let mut written = serializer.serialize_seq(None)?;
    for measurement in measurements.iter().flatten() {
        written.serialize_element(measurement)?;
    }
    written.end()
}

/// Returns the ratio to write: 1 is the default and left out.
fn unless_each(ratio: Option<i64>) -> Option<i64> {
    ratio.filter(|ratio| *ratio != 1)
}
