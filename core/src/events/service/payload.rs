//! [`Payload`]: the contents of one delivery, before serialization.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vexil_eval::{Context, Reason, Text, Value};

use crate::events::MigrationOpEvent;

/// The contents of one delivery. Times are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Payload {
    /// In the order of recording.
    pub(super) events: Vec<FullEvent>,
    pub(super) summary: Summary,
}

impl Payload {
    /// Returns the number of events. The summary is one of them, unless it is empty.
    pub(super) fn len(&self) -> usize {
        self.events.len() + usize::from(!self.summary.flags.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is serialized in a fraction of a millisecond.
    pub(super) fn is_small(&self) -> bool {
        const EVENTS: usize = 50;
        const BYTES: usize = 16 << 10;
        let counters = self.summary.flags.values().flat_map(|flag| &flag.counters);
        let values = counters.map(|counter| counter.value.weight());
        let events = self.events.iter().map(FullEvent::weight);
        self.events.len() + self.summary.flags.len() <= EVENTS
            && events.chain(values).sum::<usize>() <= BYTES
    }
}

/// An event that is reported individually and occupies a slot in the buffer.
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
        op: Box<MigrationOpEvent>,
    },
}

impl FullEvent {
    /// Returns the approximate size of the event in bytes, in memory as well as serialized.
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

/// The full record of one evaluation.
#[derive(Clone, Debug)]
pub(super) struct EvaluatedFlag {
    pub(super) date: u64,
    pub(super) key: Text,
    pub(super) context: Context,
    /// `None` if the flag does not exist.
    pub(super) version: Option<u64>,
    /// `None` if the default was returned.
    pub(super) variation: Option<usize>,
    pub(super) value: Value,
    /// `None` for a prerequisite.
    pub(super) default: Option<Value>,
    /// `None` if the reason was not requested.
    pub(super) reason: Option<Reason>,
    pub(super) prerequisite_of: Option<Text>,
    /// `None` means each.
    pub(super) sampling_ratio: Option<i64>,
}

/// Number of evaluations by flag, version and variation.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The time of the first counted evaluation.
    pub(super) start: u64,
    /// The end of the interval: no counted evaluation is later.
    pub(super) end: u64,
    pub(super) flags: HashMap<Text, FlagSummary>,
}

/// Number of evaluations of one flag by version and variation, with those of an override apart.
#[derive(Debug, Default)]
pub(super) struct FlagSummary {
    /// The default of the first evaluation; `None` if that was of a prerequisite.
    pub(super) default: Option<Value>,
    /// The context kinds that the flag was evaluated for.
    pub(super) kinds: BTreeSet<Text>,
    pub(super) counters: Vec<Counter>,
}

/// Number of evaluations of one flag with one version and variation.
#[derive(Debug)]
pub(super) struct Counter {
    /// `None` if the flag does not exist.
    pub(super) version: Option<u64>,
    /// `None` if the default was returned.
    pub(super) variation: Option<usize>,
    /// Whether the flag is an override.
    pub(super) is_override: bool,
    /// The value of the first evaluation.
    pub(super) value: Value,
    pub(super) count: u64,
}

/// Returns the current time in milliseconds since 1970.
pub(super) fn now() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

/// Returns a duration in milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
