//! [`EventWriter`]: serializes payloads to the service's JSON.
//!
//! The service rejects unknown properties, so each kind of event has its own type here, with
//! exactly the fields of the protocol. The types borrow from the payload, so only the text is
//! allocated.

mod migration_op;

use std::collections::{BTreeSet, HashMap};

use migration_op::MigrationOpJson;
use serde::{Serialize, Serializer};
use vexil_eval::{Context, Number, Reason, Text, Value};

use super::filter::Filter;
use super::payload::{Counter, EvaluatedFlag, FlagSummary, FullEvent, Payload, Summary};
use crate::events::redaction::{Anonymous, RedactedContext, Redaction};

/// Serializes payloads without private attributes.
#[derive(Debug)]
pub(crate) struct EventWriter {
    redaction: Redaction,
    format: Format,
    filter: Option<Filter>,
}

/// How the events of a payload are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON array, the format of the service.
    Array,
    /// One event per line.
    Lines,
}

/// A serialized payload.
#[derive(Debug, Default)]
pub(super) struct SerializedPayload {
    pub(super) body: Vec<u8>,
    /// Number of events in it.
    pub(super) count: usize,
    /// Number of events that the application's filter dropped.
    pub(super) filtered: u64,
}

impl EventWriter {
    pub(crate) fn new(redaction: Redaction, format: Format, filter: Option<Filter>) -> Self {
        Self {
            redaction,
            format,
            filter,
        }
    }

    /// Whether the application filters the events, which may take any time.
    pub(super) fn filters(&self) -> bool {
        self.filter.is_some()
    }

    /// Serializes all events, followed by the summary unless it is empty.
    pub(super) fn write(&self, payload: &Payload) -> serde_json::Result<SerializedPayload> {
        /// Enough for most events.
        const BYTES: usize = 256;
        let capacity = BYTES * (payload.events.len() + payload.summary.flags.len());
        let mut serialized = SerializedPayload {
            body: Vec::with_capacity(capacity),
            ..SerializedPayload::default()
        };
        let summary =
            (!payload.summary.flags.is_empty()).then(|| EventJson::from(&payload.summary));
        for event in payload
            .events
            .iter()
            .map(|event| self.event_json(event))
            .chain(summary)
        {
            self.add(&mut serialized, &event)?;
        }
        if self.format == Format::Array {
            serialized
                .body
                .extend_from_slice(if serialized.count == 0 { b"[]" } else { b"]" });
        }
        Ok(serialized)
    }

    /// Adds an event, unless the filter drops it.
    fn add(
        &self,
        serialized: &mut SerializedPayload,
        event: &EventJson<'_>,
    ) -> serde_json::Result<()> {
        let filtered = match &self.filter {
            Some(filter) => match filter.apply(event)? {
                Some(event) => Some(event),
                None => {
                    serialized.filtered += 1;
                    return Ok(());
                }
            },
            None => None,
        };
        let body = &mut serialized.body;
        if self.format == Format::Array {
            body.push(if serialized.count == 0 { b'[' } else { b',' });
        }
        match filtered {
            Some(event) => serde_json::to_writer(&mut *body, &event)?,
            None => serde_json::to_writer(&mut *body, event)?,
        }
        if self.format == Format::Lines {
            body.push(b'\n');
        }
        serialized.count += 1;
        Ok(())
    }

    fn event_json<'a>(&'a self, event: &'a FullEvent) -> EventJson<'a> {
        match event {
            FullEvent::Index { date, context } => {
                EventJson::Index(self.context_json(*date, context))
            }
            FullEvent::Identify { date, context } => {
                EventJson::Identify(self.context_json(*date, context))
            }
            FullEvent::Feature(flag) => {
                EventJson::Feature(self.evaluation_json(flag, Anonymous::Redacted))
            }
            FullEvent::Debug(flag) => {
                EventJson::Debug(self.evaluation_json(flag, Anonymous::Shown))
            }
            FullEvent::Custom {
                date,
                key,
                context,
                data,
                metric,
            } => EventJson::Custom(CustomJson {
                creation_date: *date,
                key,
                data: (!data.is_null()).then_some(data),
                metric_value: metric.and_then(Number::new),
                context: self.redaction.apply(context, Anonymous::Redacted),
            }),
            FullEvent::MigrationOp { date, op } => {
                let context = self.redaction.apply(&op.context, Anonymous::Redacted);
                EventJson::MigrationOp(MigrationOpJson::new(*date, op, context))
            }
        }
    }

    fn context_json<'a>(&'a self, date: u64, context: &'a Context) -> ContextJson<'a> {
        ContextJson {
            creation_date: date,
            context: self.redaction.apply(context, Anonymous::Shown),
        }
    }

    fn evaluation_json<'a>(
        &'a self,
        flag: &'a EvaluatedFlag,
        anonymous: Anonymous,
    ) -> EvaluationJson<'a> {
        EvaluationJson {
            creation_date: flag.date,
            key: &flag.key,
            version: flag.version,
            variation: flag.variation,
            value: &flag.value,
            default: flag.default.as_ref(),
            reason: flag.reason.as_ref(),
            prereq_of: flag.prerequisite_of.as_ref(),
            context: self.redaction.apply(&flag.context, anonymous),
            sampling_ratio: flag.sampling_ratio.filter(|ratio| *ratio != 1),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum EventJson<'a> {
    Index(ContextJson<'a>),
    Identify(ContextJson<'a>),
    Feature(EvaluationJson<'a>),
    Debug(EvaluationJson<'a>),
    Custom(CustomJson<'a>),
    #[serde(rename = "migration_op")]
    MigrationOp(MigrationOpJson<'a>),
    #[serde(rename_all = "camelCase")]
    Summary {
        start_date: u64,
        end_date: u64,
        #[serde(serialize_with = "write_features")]
        features: &'a HashMap<Text, FlagSummary>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextJson<'a> {
    creation_date: u64,
    context: RedactedContext<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EvaluationJson<'a> {
    creation_date: u64,
    key: &'a Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<usize>,
    value: &'a Value,
    /// Null is a valid default; `None` is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prereq_of: Option<&'a Text>,
    context: RedactedContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling_ratio: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomJson<'a> {
    creation_date: u64,
    key: &'a Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_value: Option<Number>,
    context: RedactedContext<'a>,
}

impl<'a> From<&'a Summary> for EventJson<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self::Summary {
            start_date: summary.start,
            end_date: summary.end,
            features: &summary.flags,
        }
    }
}

fn write_features<S: Serializer>(
    flags: &HashMap<Text, FlagSummary>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        flags
            .iter()
            .map(|(key, flag)| (key, FlagSummaryJson::from(flag))),
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlagSummaryJson<'a> {
    /// Null if the first evaluation had no default, because it was of a prerequisite.
    default: Option<&'a Value>,
    context_kinds: &'a BTreeSet<Text>,
    #[serde(serialize_with = "write_counters")]
    counters: &'a [Counter],
}

impl<'a> From<&'a FlagSummary> for FlagSummaryJson<'a> {
    fn from(flag: &'a FlagSummary) -> Self {
        Self {
            default: flag.default.as_ref(),
            context_kinds: &flag.kinds,
            counters: &flag.counters,
        }
    }
}

fn write_counters<S: Serializer>(counters: &[Counter], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(counters.iter().map(CounterJson::from))
}

#[derive(Serialize)]
struct CounterJson<'a> {
    value: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// `true` if the flag does not exist, otherwise left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<bool>,
    /// `true` if the flag is an override, otherwise left out.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    is_override: Option<bool>,
    count: u64,
}

impl<'a> From<&'a Counter> for CounterJson<'a> {
    fn from(counter: &'a Counter) -> Self {
        Self {
            value: &counter.value,
            variation: counter.variation,
            version: counter.version,
            unknown: counter.version.is_none().then_some(true),
            is_override: counter.is_override.then_some(true),
            count: counter.count,
        }
    }
}

#[cfg(test)]
mod tests;
