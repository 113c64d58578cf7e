//! [`Payload`]: what one delivery carries, before it is written as JSON.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vexil_eval::{Context, Reason, Text, Value};

use super::MigrationOp;

/// What one delivery carries. Times are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Payload {
    /// In the order in which they happened.
    pub(super) events: Vec<FullEvent>,
    pub(super) summary: Summary,
}

impl Payload {
    /// How many events it is. The summary is one of them, unless there is nothing to sum up.
    pub(super) fn len(&self) -> usize {
        self.events.len() + usize::from(!self.summary.flags.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An event that is reported by itself, and takes a place in the buffer.
#[derive(Debug)]
pub(super) enum FullEvent {
    /// A context was seen for the first time.
    Index {
        date: u64,
        context: Context,
    },
    Identify {
        date: u64,
        context: Context,
    },
    Feature(Box<EvaluatedFlag>),
    Debug(Box<EvaluatedFlag>),
    Custom {
        date: u64,
        key: Text,
        context: Context,
        data: Value,
        metric: Option<f64>,
    },
    MigrationOp {
        date: u64,
        op: Box<MigrationOp>,
    },
}

impl FullEvent {
    /// About how many bytes the event takes, kept as well as written.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Index { context, .. } | Self::Identify { context, .. } => context.weight(),
            Self::Feature(flag) | Self::Debug(flag) => {
                let default = flag.default.as_ref().map_or(0, Value::weight);
                flag.key.len() + flag.context.weight() + flag.value.weight() + default
            }
            Self::Custom {
                key, context, data, ..
            } => key.len() + context.weight() + data.weight(),
            Self::MigrationOp { op, .. } => op.key.len() + op.context.weight(),
        }
    }
}

/// One evaluation in full.
#[derive(Clone, Debug)]
pub(super) struct EvaluatedFlag {
    pub(super) date: u64,
    pub(super) key: Text,
    pub(super) context: Context,
    /// None if there is no such flag.
    pub(super) version: Option<u64>,
    /// None if the default was given.
    pub(super) variation: Option<usize>,
    pub(super) value: Value,
    /// None for a prerequisite.
    pub(super) default: Option<Value>,
    /// None if nobody asked.
    pub(super) reason: Option<Reason>,
    pub(super) prerequisite_of: Option<Text>,
    /// None stands for each.
    pub(super) sampling_ratio: Option<i64>,
}

/// How often each flag had each value.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The first evaluation that is counted.
    pub(super) start: u64,
    /// No evaluation that is counted is later.
    pub(super) end: u64,
    pub(super) flags: HashMap<Text, FlagSummary>,
}

/// How often one flag had each value.
#[derive(Debug, Default)]
pub(super) struct FlagSummary {
    /// The default of the first evaluation; none if that was one as a prerequisite.
    pub(super) default: Option<Value>,
    /// The kinds of the contexts that it was evaluated for.
    pub(super) kinds: BTreeSet<Text>,
    pub(super) counters: Vec<Counter>,
}

/// How often one flag had one value in one version.
#[derive(Debug)]
pub(super) struct Counter {
    /// None if there is no such flag.
    pub(super) version: Option<u64>,
    /// None if the default was given.
    pub(super) variation: Option<usize>,
    /// That of the first evaluation.
    pub(super) value: Value,
    pub(super) count: u64,
}

/// The present time, as events write it.
pub(super) fn now() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

/// A time as events write it.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
